/* The parser's table and its limits. What sequences do is in tests/vt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/buf.h"
#include "serial/vt_parser.h"

static struct buf seen;

static void ascii(void *arg, const uint8_t *p, size_t n)
{
	(void)arg;
	buf_addf(&seen, "\"%.*s\" ", (int)n, (const char *)p);
}
static void text(void *arg, const uint32_t *cp, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++)
		buf_addf(&seen, "U+%04X ", cp[i]);
}
static void control(void *arg, uint8_t c)
{
	(void)arg;
	buf_addf(&seen, "C0:%02X ", c);
}
static void escape(void *arg, const uint8_t *intermediate, unsigned n, uint8_t final)
{
	(void)arg;
	buf_addf(&seen, "ESC:%.*s%c ", (int)n, (const char *)intermediate, final);
}
static void csi(void *arg, const struct vt_csi *c)
{
	(void)arg;
	buf_adds(&seen, "CSI:");
	if (c->prefix)
		buf_addc(&seen, (char)c->prefix);
	for (unsigned i = 0; i < c->params; i++)
		buf_addf(&seen, "%s%d", i == 0 ? "" : c->colon & 1u << i ? ":" : ";", c->param[i]);
	buf_addf(&seen, "%.*s%c ", c->intermediates, (const char *)c->intermediate, c->final);
}
static void string(void *arg, enum vt_string kind, const uint8_t *p, size_t n, bool whole)
{
	(void)arg;
	buf_addf(&seen, "%s:%.*s%s ",
	    kind == VT_STRING_OSC   ? "OSC"
	    : kind == VT_STRING_DCS ? "DCS"
	                            : "STR",
	    n > 40 ? 40 : (int)n, (const char *)p, whole ? "" : "(cut)");
}
static void vt52_address(void *arg, int row, int col)
{
	(void)arg;
	buf_addf(&seen, "Y:%d,%d ", row, col);
}

static const struct vt_parser_ops ops = {ascii, text, control, escape, csi, string, vt52_address};

static void expect_bytes(const void *bytes, size_t n, const char *want)
{
	struct vt_parser p;
	buf_clear(&seen);
	buf_adds(&seen, "");
	vt_parser_init(&p, &ops, NULL);
	vt_parser_feed(&p, bytes, n);
	assert_string_equal(seen.data, want);
}
#define EXPECT(bytes, want) expect_bytes(bytes, sizeof(bytes) - 1, want)

static void test_table_is_full(void **state)
{
	(void)state;
	for (unsigned s = 0; s < vt_parser_states(); s++)
		for (unsigned c = 0; c < VT_PARSER_CODES; c++) {
			assert_int_not_equal(vt_parser_cell(s, c) >> 8, 0);
			assert_true((vt_parser_cell(s, c) & 0xFF) < vt_parser_states());
		}
}

static void test_sequences(void **state)
{
	(void)state;
	EXPECT("abc\r\n", "\"abc\" C0:0D C0:0A ");
	EXPECT("\033[m\033[;5H\033[1;2;3m", "CSI:m CSI:-1;5H CSI:1;2;3m ");
	EXPECT("\033[?25h\033[!p\033[38:2::1:2:3m", "CSI:?25h CSI:!p CSI:38:2:-1:1:2:3m ");
	EXPECT("\033(0\033#8\033M", "ESC:(0 ESC:#8 ESC:M ");
	EXPECT("a\302\233"
	       "5A\302\205",
	    "\"a\" \"5A\" "); /* C1 controls do nothing */
	EXPECT("\033]2;t\303\244\007x\033]0;u\033\\y", "OSC:2;t\303\244 \"x\" OSC:0;u \"y\" ");
	EXPECT("\033P$qm\033\\\033_app\033\\\033^pm\033\\", "DCS:$qm STR:app STR:pm ");
}

static void test_breaks(void **state)
{
	(void)state;
	EXPECT("\033[3\rA", "C0:0D CSI:3A ");                         /* C0 acts inside */
	EXPECT("\033[3\030A\033[4\032B", "C0:18 \"A\" C0:1A \"B\" "); /* CAN, SUB end */
	EXPECT("\033[3\033[4B", "CSI:4B ");                           /* ESC starts anew */
	EXPECT("\033]0;t\033[5A", "CSI:5A "); /* a string that is broken off is dropped */
	EXPECT("\033P$q\030m", "C0:18 \"m\" ");
	EXPECT("\033Pab\007cd\033\\", "DCS:abcd ");       /* BEL ends nothing but OSC */
	EXPECT("\033[1<2A\033[1$2A", "");                 /* out of order: swallowed */
	EXPECT("\033[ !\"#$%&A\033 !\"#$%&Ab", "\"b\" "); /* too many intermediates */
	EXPECT("\033\033\033[A", "CSI:A ");
	EXPECT("\033[5\303\244A", "\"A\" "); /* what is no ASCII ends it and is lost */
	EXPECT("\033\303\244A\033(\377B", "\"A\" \"B\" ");
	EXPECT("\033[\000\177"
	       "5A",
	    "C0:00 CSI:5A ");
}

static void test_parameters(void **state)
{
	(void)state;
	EXPECT("\033[99999999999999999999999;65536A", "CSI:65535;65535A ");
	struct buf b = BUF_INIT;
	buf_adds(&b, "\033[");
	for (int i = 0; i < 100000; i++)
		buf_adds(&b, "1;");
	buf_adds(&b, "7m");
	expect_bytes(
	    b.data, b.len, "CSI:1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1m ");
	buf_fini(&b);
}

static void test_strings_are_cut(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	buf_adds(&b, "\033]2;");
	for (int i = 0; i < 1000000; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\033\\.");
	expect_bytes(b.data, b.len, "OSC:2;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx(cut) \".\" ");
	buf_fini(&b);
}

/* Unicode 15, table 3-8 and its neighbours. */
static void test_broken_utf8(void **state)
{
	(void)state;
	/* cut short: the Unicode Standard's substitution of maximal subparts */
	EXPECT("\xF0\x80\x80\x41", "U+FFFD U+FFFD U+FFFD \"A\" ");
	EXPECT("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "U+FFFD U+FFFD U+FFFD U+FFFD \"A\" ");
	EXPECT("\xF4\x90\xFF", "U+FFFD U+FFFD U+FFFD ");
	/* overlong */
	EXPECT("\xC0\xAF", "U+FFFD U+FFFD ");
	EXPECT("\xE0\x80\xBF", "U+FFFD U+FFFD U+FFFD ");
	EXPECT("\xE0\x9F\xBF", "U+FFFD U+FFFD U+FFFD ");
	EXPECT("\xF0\x8F\xBF\xBF", "U+FFFD U+FFFD U+FFFD U+FFFD ");
	EXPECT("\xF8\x88\x80\x80\x80", "U+FFFD U+FFFD U+FFFD U+FFFD U+FFFD ");
	EXPECT("\xFC\x84\x80\x80\x80\x80", "U+FFFD U+FFFD U+FFFD U+FFFD U+FFFD U+FFFD ");
	/* a surrogate, above U+10FFFF, and the edges of what is allowed */
	EXPECT("\xED\xA0\x80", "U+FFFD U+FFFD U+FFFD ");
	EXPECT("\xF4\x90\x80\x80", "U+FFFD U+FFFD U+FFFD U+FFFD ");
	EXPECT("\xFD\xBF\xBF\xBF\xBF\xBF", "U+FFFD U+FFFD U+FFFD U+FFFD U+FFFD U+FFFD ");
	EXPECT("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF", "U+D7FF U+E000 U+10FFFF ");
	EXPECT("\xFE\xFF\xBF", "U+FFFD U+FFFD U+FFFD ");
	EXPECT("\x9B"
	       "5A",
	    "U+FFFD \"5A\" "); /* a bare C1 byte is no control */
	EXPECT("\xE2\x82\033[A", "U+FFFD CSI:A ");
	EXPECT("\xE2\x82\xAC\xF0\x9F\x98\x80", "U+20AC U+1F600 ");
}

static void test_vt52(void **state)
{
	(void)state;
	struct vt_parser p;
	buf_clear(&seen);
	vt_parser_init(&p, &ops, NULL);
	p.vt52 = true;
	vt_parser_feed(&p, (const uint8_t *)"\033A\033Y\"%x\033[5", 10);
	assert_string_equal(seen.data, "ESC:A Y:2,5 \"x\" \"5\" ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table_is_full),
	    cmocka_unit_test(test_sequences),
	    cmocka_unit_test(test_breaks),
	    cmocka_unit_test(test_parameters),
	    cmocka_unit_test(test_strings_are_cut),
	    cmocka_unit_test(test_broken_utf8),
	    cmocka_unit_test(test_vt52),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	buf_fini(&seen);
	return rc;
}
