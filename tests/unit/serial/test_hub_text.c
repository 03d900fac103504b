/* hub_text: what a guest says, as lines that can be shown anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/str.h"
#include "serial/hub_text.h"

static void test_clean(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"", ""},
	    {"one\r\ntwo", "one\ntwo\n"},
	    {"\033[1;32mok\033[0m\033]0;title\007 then", "ok then\n"},
	    {"\033]52;c;ZXZpbA==\033\\shown", "shown\n"},
	    {"\033Pq#0;2;0\033\\x\033(By\033=z", "xyz\n"},
	    {" 10%\r 50%\r100%\r\n", "100%\n"},
	    {"abx\b c\b\bd", "abd\n"},
	    {"\xc3\xa9\b|", "|\n"},
	    {"top\033[5;1Hnext\033[Kend", "top\nnextend\n"},
	    {"a\tb  \n\n", "a b\n\n"},
	    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7",
	        "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7\n"},
	    {"\xff\xc3(\xc0\xaf\xed\xa0\x80\xe2\x82",
	        "\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n"},
	    {"a\xe2\x80\xae"
	     "b\xc2\x9b"
	     "31mc\x7f",
	        "ab31mc\n"}, /* right-to-left override, C1 CSI, DEL */
	    {"\033]0;never ended\nvisible", "visible\n"},
	    {"\033[999999999999;1;1;1;1mx", "x\n"},
	    {"\033\033[mx\033[3\033[4my", "xy\n"},
	    {"\b\b", ""},
	    /* Tags, annotations, a vowel separator: seen by nobody, found by no pattern. */
	    {"pa\xf3\xa0\x81\x81nic \xef\xbf\xb9up\xe1\xa0\x8e", "panic up\n"},
	    {"o\u200bo\u00adm\U000e0041", "oom\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = BUF_INIT;

		hub_text_clean((const uint8_t *)cases[i].in, strlen(cases[i].in), &b);
		assert_string_equal(b.data, cases[i].out);
		buf_fini(&b);
	}
}

static void check_tail(const char *text, unsigned lines, const char *want)
{
	struct buf b = BUF_INIT;

	hub_text_tail(text, strlen(text), lines, &b);
	assert_string_equal(b.data ? b.data : "", want);
	buf_fini(&b);
}

static void test_tail(void **state)
{
	(void)state;
	check_tail("", 3, "");
	check_tail("\n\n \n", 3, "");
	check_tail("a\nb\n\n\nc\n\n", 1, "c");
	check_tail("a\nb\n\n\nc\n\n", 2, "b\nc");
	check_tail("a\nb\n\n\nc\n\n", 9, "a\nb\nc");
	check_tail("only", 1, "only");
	check_tail("a\nb", 0, "");
}

/* Whatever the bytes: valid UTF-8, no control character but the line's end. */
static void test_junk(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint8_t in[300];
		struct buf b = BUF_INIT;

		for (size_t k = 0; k < sizeof(in); k++)
			in[k] = (uint8_t)(rand_r(&seed) % 7 ? rand_r(&seed) >> 5 : 0x1b);
		hub_text_clean(in, sizeof(in), &b);
		assert_true(str_utf8_valid(b.data, b.len));
		assert_true(b.len <= 3 * sizeof(in) + 1);
		for (size_t k = 0; k < b.len; k++)
			assert_true((uint8_t)b.data[k] >= 0x20 || b.data[k] == '\n');
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clean),
	    cmocka_unit_test(test_tail),
	    cmocka_unit_test(test_junk),
	};
	return cmocka_run_group_tests_name("hub_text", tests, NULL, NULL);
}
