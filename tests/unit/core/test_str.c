#include "unit/cm.h"

#include "core/str.h"

static void test_u64(void **state)
{
	(void)state;
	uint64_t v = 7;
	assert_int_equal(str_u64("0", 10, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(str_u64("18446744073709551615", UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	v = 7;
	static const char *const bad[] = {
	    "", " 1", "1 ", "+1", "-1", "0x1", "11", "18446744073709551616", "1.0"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(str_u64(bad[i], 10, &v), -1);
	assert_int_equal(v, 7);
}

static void check_printable(const char *in, size_t n, const char *want)
{
	CLEANUP_FREE char *got = str_printable(in, n, 100);
	assert_string_equal(got, want);
}

static void test_printable(void **state)
{
	(void)state;
	check_printable("plain", 5, "plain");
	check_printable("a\033[2Jb", 6, "a\\x1b[2Jb");
	check_printable("h\xc3\xa9", 3, "h\xc3\xa9");
	check_printable("\xc2\x9b", 2, "\\xc2\\x9b");          /* C1 CSI */
	check_printable("\xff\xc3", 2, "\\xff\\xc3");          /* broken */
	check_printable("\xe2\x80\xae", 3, "\\xe2\\x80\\xae"); /* right-to-left override */
	check_printable("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* surrogate */
	CLEANUP_FREE char *cut = str_printable("h\xc3\xa9llo", 6, 2);
	assert_string_equal(cut, "h");
}

static void test_printable_lines(void **state)
{
	(void)state;
	CLEANUP_FREE char *got = str_printable_lines("a\n\tb\r\033c\xff");
	assert_string_equal(got, "a\n\tb\\x0d\\x1bc\\xff");
}

static void test_utf8(void **state)
{
	(void)state;
	assert_true(str_utf8_valid("\xf0\x9f\x90\xa7", 4));
	assert_false(str_utf8_valid("\xf0\x9f\x90", 3));
	assert_false(str_utf8_valid("\xc0\xaf", 2));
	assert_false(str_utf8_valid("\xf4\x90\x80\x80", 4));
}

static void check_human(uint64_t v, const char *want)
{
	char out[STR_HUMAN_MAX];
	str_human(v, out);
	assert_string_equal(out, want);
}

static void test_human(void **state)
{
	(void)state;
	check_human(0, "0B");
	check_human(999, "999B");
	check_human(1000, "0.9K");
	check_human(1536, "1.5K");
	check_human(10240, "10K");
	check_human(5ull << 30, "5.0G");
	check_human(UINT64_MAX, "15E");
}

static void check_age(uint64_t v, const char *want)
{
	char out[STR_HUMAN_MAX];
	str_age(v, out);
	assert_string_equal(out, want);
}

static void test_age(void **state)
{
	(void)state;
	check_age(59, "59s");
	check_age(3599, "59m");
	check_age(3600, "1h00m");
	check_age(86400 * 3 + 4 * 3600, "3d04h");
	check_age(86400ull * 7 * 12 + 86400ull * 3, "12w3d");
}

static void test_safe(void **state)
{
	(void)state;
	char bad[] = "a\033[2J\xc2\x9b"
	             "1m\xe2\x80\xae"
	             "b\xff\xe2\x80\xf3\xa0\x81\x81\t";
	str_make_safe(bad);
	assert_string_equal(bad, "a?[2J??1m???b???????\?");
	char good[] = "m\xc3\xbcller \xe6\xbc\xa2 \xf0\x9f\x91\xa8\xe2\x80\x8d";
	CLEANUP_FREE char *same = xstrdup(good);
	str_make_safe(good);
	assert_string_equal(good, same);
	CLEANUP_FREE char *shown = str_printable("\xe2\x80\xae", 3, 100);
	assert_string_equal(shown, "\\xe2\\x80\\xae");
	assert_false(str_char_safe(0x9b) || str_char_safe(0x200f) || str_char_safe(0xe0041));
	for (uint32_t cp = 0; cp < 0x110000; cp++)
		if (str_char_visible(cp) && !str_char_safe(cp))
			fail_msg("U+%04x", cp);
	assert_false(
	    str_char_visible(0x200d) || str_char_visible(0xad) || str_char_visible(0x2060));
	assert_true(str_char_safe(0x200d) && str_char_safe(0xa0) && str_char_safe(0x1f468));
	assert_true(str_char_visible('a') && str_char_visible(0xe9) && str_char_visible(0x1f468));
}

static void test_name(void **state)
{
	(void)state;
	static const char *const good[] = {"a", "web 1", "win-ad", "m\xc3\xbcller", "100", "a.b"};
	static const char *const bad[] = {
	    "", ".", "..", ".x", "-x", "a/b", "a\nb", "a\033b", " a", "a ", "a\xff", "\xc2\x9b"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(name_check("domain", good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(name_check("domain", bad[i], NULL), -1);
	char longest[302];
	memset(longest, 'x', sizeof(longest));
	longest[NAME_MAX_BYTES] = '\0';
	assert_int_equal(name_check("domain", longest, NULL), 0);
	longest[NAME_MAX_BYTES] = 'x';
	longest[300] = '\0';
	struct err err = {0};
	assert_int_equal(name_check("domain", longest, &err), -1);
	assert_non_null(strstr(err.msg, "300 bytes"));
	assert_int_equal(name_check("domain", "a\033[2J", &err), -1);
	assert_null(strchr(err.msg, '\033'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_u64),
	    cmocka_unit_test(test_printable),
	    cmocka_unit_test(test_printable_lines),
	    cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_human),
	    cmocka_unit_test(test_age),
	    cmocka_unit_test(test_safe),
	    cmocka_unit_test(test_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
