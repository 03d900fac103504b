/* frame: what goes in comes out, in any cuts; what is out of range is refused as soon as it can be
 * seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "serial/frame.h"

static void check_round_trip(const struct frame *f)
{
	uint8_t out[FRAME_SMALL_MAX];
	size_t n = frame_encode(f, out);
	struct frame g;

	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(frame_decode(out, cut, &g, NULL), 0);
	assert_int_equal(frame_decode(out, n, &g, NULL), (long)n);
	assert_int_equal(g.type, f->type);
	assert_int_equal(g.flags, f->flags);
	assert_int_equal(g.version, f->version);
	assert_int_equal(g.want, f->want);
	assert_true(g.run == f->run);
	assert_true(g.from == f->from);
	assert_true(g.to == f->to);
	assert_true(g.time == f->time);
	assert_int_equal(g.kind, f->kind);
	assert_int_equal(g.value, f->value);
	assert_int_equal(g.clients, f->clients);
	assert_int_equal(g.rows, f->rows);
	assert_int_equal(g.cols, f->cols);
	assert_string_equal(g.text, f->text);
}

static void test_round_trips(void **state)
{
	const struct frame frames[] = {
	    {.type = FRAME_HELLO,
	        .version = FRAME_VERSION,
	        .want = FRAME_WANT_RESUME,
	        .run = UINT64_MAX,
	        .from = 77,
	        .to = 77,
	        .text = "pts/3 192.0.2.7"},
	    {.type = FRAME_HELLO, .version = FRAME_VERSION, .want = 0xffffffff, .text = ""},
	    {.type = FRAME_WELCOME, .version = 1, .from = 5, .to = 1ull << 40, .run = 1ull << 63},
	    {.type = FRAME_NOTE,
	        .from = 9,
	        .to = 9,
	        .time = UINT64_MAX,
	        .kind = 2,
	        .value = 0xffffffff},
	    {.type = FRAME_ASK},
	    {.type = FRAME_ASKED, .text = "root@pts/3 from 192.0.2.7"},
	    {.type = FRAME_WATCHER,
	        .flags = FRAME_MINE | FRAME_READER | FRAME_YOU,
	        .text = "root@pts/3 from 192.0.2.7"},
	    {.type = FRAME_GAP, .from = 1, .to = FRAME_OFFSET_MAX},
	    {.type = FRAME_WHO,
	        .flags = FRAME_MINE,
	        .clients = 3,
	        .rows = 24,
	        .cols = 65535,
	        .text = "root@pts/3"},
	    {.type = FRAME_TAKE},
	    {.type = FRAME_RELEASE},
	    {.type = FRAME_SIZE, .rows = 24, .cols = 80},
	    {.type = FRAME_BYE, .text = "the domain has ended"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(frames); i++)
		check_round_trip(&frames[i]);
}

static void test_long_text(void **state)
{
	struct frame f = {.type = FRAME_BYE};

	(void)state;
	memset(f.text, 'a', FRAME_TEXT_MAX);
	check_round_trip(&f);
}

static void test_data_and_keys(void **state)
{
	uint8_t *p = xcalloc(1, FRAME_DATA_HEAD + FRAME_DATA_MAX);
	struct frame f;

	(void)state;
	frame_data_head(p, 77, FRAME_DATA_MAX, true);
	assert_int_equal(frame_decode(p, FRAME_DATA_HEAD + FRAME_DATA_MAX - 1, &f, NULL), 0);
	assert_int_equal(frame_decode(p, FRAME_DATA_HEAD + FRAME_DATA_MAX, &f, NULL),
	    (long)(FRAME_DATA_HEAD + FRAME_DATA_MAX));
	assert_int_equal(f.from, 77);
	assert_int_equal(f.to, 77 + FRAME_DATA_MAX);
	assert_int_equal(f.n, FRAME_DATA_MAX);
	assert_int_equal(f.flags, FRAME_LIVE);
	assert_ptr_equal(f.bytes, p + FRAME_DATA_HEAD);
	frame_keys_head(p, 3);
	memcpy(p + FRAME_HEADER, "abc", 3);
	assert_int_equal(frame_decode(p, 100, &f, NULL), 11);
	assert_int_equal(f.type, FRAME_KEYS);
	assert_memory_equal(f.bytes, "abc", 3);
	free(p);
}

static void check_refused(const char *bytes, size_t n, const char *word)
{
	struct err err = {0};
	struct frame f;

	assert_int_equal(frame_decode((const uint8_t *)bytes, n, &f, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, word));
}

static void test_refused(void **state)
{
	struct frame f;

	(void)state;
	check_refused("\0\0\0\0\0\0\0\0", 8, "unknown type");
	check_refused("\x0f\0\0\0\0\0\0\0", 8, "unknown type");
	check_refused("\xff\xff\xff\xff\xff\xff\xff\xff", 8, "unknown type");
	check_refused("\x07\x01\0\0\0\0\0\0", 8, "flags");
	check_refused("\x07\0\0\x01\0\0\0\0", 8, "flags");
	check_refused("\x07\0\0\0\x01\0\0\0", 8, "must be 0 to 0"); /* before its payload came */
	check_refused("\x06\0\0\0\xff\xff\xff\xff", 8, "KEYS of 4294967295 bytes");
	check_refused("\x06\0\0\0\x01\x40\0\0", 8, "KEYS");
	check_refused("\x06\0\0\0\0\0\0\0", 8, "KEYS");
	check_refused("\x01\0\0\0\x07\0\0\0", 8, "HELLO");
	check_refused("\x03\0\0\0\x08\0\0\0", 8, "DATA");
	/* to < from, and a DATA that runs over the end of the offsets */
	check_refused("\x04\0\0\0\x10\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 24, "offsets");
	check_refused("\x03\0\0\0\x09\0\0\0\xff\xff\xff\xff\xff\xff\xff\xffx", 17, "offsets");
	check_refused(
	    "\x0b\0\0\0\x18\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0",
	    32, "NOTE with impossible offsets");
	check_refused("\x0e\x08\0\0\0\0\0\0", 8, "flags");
	assert_int_equal(frame_decode((const uint8_t *)"\xff", 1, &f, NULL), 0);
}

/* Another version's HELLO is a HELLO, whatever stands behind version and wishes: its peer is told which is spoken here. */
static void test_other_versions(void **state)
{
	struct frame f;

	(void)state;
	assert_int_equal(
	    frame_decode((const uint8_t *)"\1\0\0\0\x0d\0\0\0\1\0\0\0\1\0\0\0pts/3", 21, &f, NULL),
	    21);
	assert_int_equal(f.version, 1);
	assert_int_equal(f.want, 1);
	assert_string_equal(f.text, "");
	check_refused("\1\0\0\0\x0d\0\0\0\2\0\0\0\1\0\0\0pts/3", 21, "too short");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trips),
	    cmocka_unit_test(test_long_text),
	    cmocka_unit_test(test_data_and_keys),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_other_versions),
	};
	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
