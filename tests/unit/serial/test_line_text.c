/* line_text: a line as a reader saw it in the end, whatever a guest wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/str.h"
#include "serial/line_text.h"

static const struct {
	const char *raw, *text;
} cases[] = {
    {"", ""},
    {"plain\r", "plain"},
    {"two returns\r\r", "two returns"},
    {"trailing   ", "trailing"},
    {"[\033[0;32m  OK  \033[0m] Started \033[0;1;39mssh.service\033[0m.",
        "[  OK  ] Started ssh.service."},
    {"oom-kil\033[31mler\033[m", "oom-killer"},
    {"a\tb\tc", "a       b       c"},
    {"\033[1mcolour\033[m\ttab", "colour  tab"},
    /* Overwriting. */
    {"  1%\r 50%\r100%", "100%"},
    {"long line\rnew", "newg line"},
    {"abc\b\b\bxy", "xyc"},
    {"abc\b \b\b \b", "a"},
    {"progress 10%\r\033[Kdone", "done"},
    {"hello\033[3DXX", "heXXo"},
    {"ab\033[2Ccd", "ab  cd"},
    {"x\033[10Gy", "x        y"},
    {"abcdef\033[4D\033[2P", "abef"},
    {"abef\033[2D\033[2@cd", "abcdef"},
    {"abcdef\r\033[3X", "   def"},
    {"abcdef\033[3D\033[1K", "    ef"},
    {"gone\033[2K\rhere", "here"},
    {"-\033[9b", "----------"},
    /* Another line of the screen ends this one. */
    {"top\033[5;1Hmiddle\033[10dbottom", "top\nmiddle\nbottom"},
    {"\033[2J\033[1;1HGNU GRUB", "GNU GRUB"},
    {"a\vb", "a\nb"},
    /* Nothing of these is shown. */
    {"\033]0;title\007text", "text"},
    {"\033]52;c;AAAA\033\\text", "text"},
    {"\033P1$r0m\033\\text", "text"},
    {"open\033]0;never closed", "open"},
    {"\033[?1049h\033[?25lx", "x"},
    {"a\033(0lqk\033(Bb", "a\u250c\u2500\u2510b"},
    {"nul\001\002\177end", "nulend"},
    {"\033[31", ""},
    {"bell\a", "bell"},
    /* UTF-8. */
    {"gr\u00fc\u00df dich", "gr\u00fc\u00df dich"},
    {"\u4f60\u597d", "\u4f60\u597d"},
    {"\u4f60\u597d\rx", "x \u597d"},
    {"e\u0301", "e\u0301"},
    {"\xff\xc3(", "\ufffd\ufffd("},
    {"cut \xe2\x82", "cut \ufffd"},
    {"\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
    {"evil\u202etxt\u202c", "eviltxt"},
    {"c1 \xc2\x9b"
     "31m",
        "c1 31m"},
    {"oo\u200bm", "oom"},
    {"o\u00ado\u2060m\U000e0041", "oom"},
};

static void test_cases(void **state)
{
	struct line_text t = {0};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&out);
		line_text_clean(&t, (const uint8_t *)cases[i].raw, strlen(cases[i].raw), &out);
		buf_add(&out, "", 0);
		if (out.len != strlen(cases[i].text) ||
		    memcmp(out.data, cases[i].text, out.len) != 0)
			fail_msg(
			    "case %zu: '%.*s', not '%s'", i, (int)out.len, out.data, cases[i].text);
	}
	line_text_fini(&t);
	buf_fini(&out);
}

/* After any bytes: valid UTF-8, no control character, and lines no longer than a few times what came. */
static void test_any_bytes(void **state)
{
	static const char *const parts[] = {"\033[", "\033]", "5", ";", "H", "C", "K", "P", "@",
	    "X", "b", "\b", "\r", "\t", "text", "\033(0", "\xe4\xbd\xa0", "\xcc\x81",
	    "\xf0\x9f\x98\x80", "\xff", "\x9b", "\016", "\033\\", "\x80", "65535", "\xf4\x90"};
	struct line_text t = {0};
	struct buf in = BUF_INIT, out = BUF_INIT;
	uint64_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		buf_clear(&in);
		buf_clear(&out);
		for (unsigned i = 0; i < 60; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			if (seed >> 62)
				buf_adds(&in, parts[(seed >> 33) % ARRAY_LEN(parts)]);
			else
				buf_addc(&in, (char)(seed >> 40));
		}
		line_text_clean(&t, (const uint8_t *)in.data, in.len, &out);
		buf_add(&out, "", 0);
		assert_true(str_utf8_valid(out.data ? out.data : "", out.len));
		for (size_t i = 0; i < out.len; i++)
			assert_true((unsigned char)out.data[i] >= 0x20 || out.data[i] == '\n');
		assert_null(memchr(out.data, 0x7f, out.len));
		/* C1 controls in UTF-8. */
		for (size_t i = 0; i + 1 < out.len; i++)
			assert_false((unsigned char)out.data[i] == 0xc2 &&
			             (unsigned char)out.data[i + 1] < 0xa0);
		assert_true(t.cap <= 2 * LINE_TEXT_COLS + 256);
	}
	line_text_fini(&t);
	buf_fini(&in);
	buf_fini(&out);
}

/* However little a guest wrote, what is made of it is bounded by that: lines of its log are read by the million. */
static void test_bombs(void **state)
{
	static const char *const bombs[] = {"\033[65535Cx", "\033[65535Gx\n\033[65535Gx",
	    "a\033[65535b\033[65535b\033[65535b", "a\r\033[65535@b\033[65535@",
	    "\033[1;65535Hx\033[1;65535Hx", "\t\t\033[60000C\t\033[60000Cx"};
	struct line_text t = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bombs); i++) {
		struct buf out = BUF_INIT;
		size_t n = strlen(bombs[i]);

		line_text_clean(&t, (const uint8_t *)bombs[i], n, &out);
		if (out.len > 512 + 16 * n)
			fail_msg("%zu bytes of bomb %zu made %zu", n, i, out.len);
		buf_fini(&out);
	}
	line_text_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_bombs),
	    cmocka_unit_test(test_any_bytes),
	};
	return cmocka_run_group_tests_name("line_text", tests, NULL, NULL);
}
