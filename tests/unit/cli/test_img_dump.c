#include "unit/cm.h"

#include <time.h>

#include "cli/img_dump.h"

static void fill(struct img_dump *d)
{
	img_dump_object(d, NULL);
	img_dump_text(d, "compat", "1.1");
	img_dump_list(d, "some-bitmaps");
	img_dump_object(d, NULL);
	img_dump_list(d, "flags");
	img_dump_text(d, NULL, "auto");
	img_dump_end(d);
	img_dump_u64(d, "granularity", UINT64_MAX);
	img_dump_end(d);
	img_dump_object(d, NULL);
	img_dump_list(d, "flags");
	img_dump_end(d);
	img_dump_end(d);
	img_dump_end(d);
	img_dump_bool(d, "corrupt", false);
	img_dump_end(d);
}

static void test_json(void **state)
{
	(void)state;
	struct img_dump d;
	img_dump_init(&d, true, 0);
	fill(&d);
	assert_string_equal(d.text.data, "{\n"
	                                 "    \"compat\": \"1.1\",\n"
	                                 "    \"some-bitmaps\": [\n"
	                                 "        {\n"
	                                 "            \"flags\": [\n"
	                                 "                \"auto\"\n"
	                                 "            ],\n"
	                                 "            \"granularity\": 18446744073709551615\n"
	                                 "        },\n"
	                                 "        {\n"
	                                 "            \"flags\": [\n"
	                                 "            ]\n"
	                                 "        }\n"
	                                 "    ],\n"
	                                 "    \"corrupt\": false\n"
	                                 "}\n");
	img_dump_fini(&d);
}

static void test_lines(void **state)
{
	(void)state;
	struct img_dump d;
	img_dump_init(&d, false, 1);
	fill(&d);
	assert_string_equal(d.text.data, "    compat: 1.1\n"
	                                 "    some bitmaps:\n"
	                                 "        [0]:\n"
	                                 "            flags:\n"
	                                 "                [0]: auto\n"
	                                 "            granularity: 18446744073709551615\n"
	                                 "        [1]:\n"
	                                 "            flags:\n"
	                                 "    corrupt: false\n");
	img_dump_fini(&d);
}

static void test_quote(void **state)
{
	(void)state;
	static const char *const texts[][2] = {
	    {"plain", "\"plain\""},
	    {"a\"\\/\t\n\b", "\"a\\\"\\\\/\\t\\n\\b\""},
	    {"\033[2J\177", "\"\\u001B[2J\\u007F\""},
	    {"é€😀", "\"\\u00E9\\u20AC\\uD83D\\uDE00\""},
	    {"\xff\xc3", "\"\\uFFFD\\uFFFD\""},
	    {"\xe2\x82", "\"\\uFFFD\\uFFFD\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP_BUF struct buf out = BUF_INIT;
		img_dump_quote(&out, texts[i][0]);
		assert_string_equal(out.data, texts[i][1]);
	}
}

static void test_size(void **state)
{
	(void)state;
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {{0, "0 B"}, {512, "512 B"}, {999, "999 B"}, {1000, "0.977 KiB"},
	    {1024, "1 KiB"}, {2560, "2.5 KiB"}, {3436544, "3.28 MiB"}, {1023 << 20, "0.999 GiB"},
	    {1ull << 40, "1 TiB"}, {UINT64_MAX, "16 EiB"}};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char out[IMG_DUMP_SIZE_MAX];
		img_dump_size(sizes[i].bytes, out);
		assert_string_equal(out, sizes[i].text);
	}
}

static void test_snapshots(void **state)
{
	(void)state;
	CLEANUP_BUF struct buf out = BUF_INIT;
	char id[] = "1", name[] = "before the upgrade", evil[] = "\033]0;x\007";
	struct img_snapshot s[] = {
	    {.id = id,
	        .name = name,
	        .date = 1600000000,
	        .icount = 12,
	        .vm_state = 5 << 20,
	        .clock_ns = 360061234567890},
	    {.id = id, .name = evil, .date = 1600000000, .icount = UINT64_MAX},
	};
	setenv("TZ", "UTC", 1);
	tzset();
	img_dump_snapshots(s, 2, &out);
	assert_string_equal(out.data,
	    "Snapshot list:\n"
	    "ID        TAG               VM SIZE                DATE     VM CLOCK     ICOUNT\n"
	    "1         before the upgrade    5 MiB 2020-09-13 12:26:40100:01:01.234         12\n"
	    "1         \\x1b]0;x\\x07          0 B 2020-09-13 12:26:40 00:00:00.000           \n");
	buf_clear(&out);
	img_dump_snapshots(s, 0, &out);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_quote),
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_snapshots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
