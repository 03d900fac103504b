/* What paint writes makes another terminal show the same, and holds nothing but the sequences of its list. */
#include "unit/cm.h"

#include "core/buf.h"
#include "serial/paint.h"

/* Whatever was fed to the one, the other one shows. */
struct pair {
	struct vt_screen *from, *to;
	struct paint *paint;
	struct buf out; /* of the last update */
};

static void pair_open(struct pair *t, unsigned rows, unsigned cols, const struct paint_options *o)
{
	*t = (struct pair){.from = vt_screen_new(rows, cols, 1000, NULL, NULL),
	    .to = vt_screen_new(rows, cols, 1000, NULL, NULL),
	    .paint = paint_new(o)};
}

static void pair_close(struct pair *t)
{
	vt_screen_free(t->from);
	vt_screen_free(t->to);
	paint_free(t->paint);
	buf_fini(&t->out);
}

/* Fails on anything that is not in the list of paint.h. */
static void check_list(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c == '\r' || c == '\n' || (c >= 0x20 && c != 0x7f)) {
			if (c == 0xc2 && i + 1 < n && (unsigned char)p[i + 1] < 0xa0)
				fail_msg("C1 at %zu", i);
			continue;
		}
		if (c != 0x1b || i + 1 >= n || p[i + 1] != '[')
			fail_msg("byte %02x at %zu", c, i);
		size_t end = i + 2 + (p[i + 2] == '?');
		end += strspn(p + end, "0123456789;");
		if (p[i + 2] == '?'
		        ? strncmp(p + i, "\033[?25h", 6) && strncmp(p + i, "\033[?25l", 6)
		        : !strchr("HJKm", p[end]))
			fail_msg("sequence %.10s", p + i + 1);
		i = end;
	}
}

static void feed(struct pair *t, const void *p, size_t n)
{
	vt_screen_feed(t->from, p, n);
	buf_clear(&t->out);
	paint_update(t->paint, t->from, &t->out);
	if (t->out.len) {
		check_list(t->out.data, t->out.len);
		vt_screen_feed(t->to, (uint8_t *)t->out.data, t->out.len);
	}
}

static void expect_same(struct pair *t)
{
	CLEANUP_FREE char *a = vt_screen_text(t->from, true), *b = vt_screen_text(t->to, true);
	struct vt_modes m, n;
	unsigned row, col, row2, col2;
	assert_string_equal(a, b);
	vt_screen_modes(t->from, &m);
	vt_screen_modes(t->to, &n);
	assert_int_equal(m.cursor_visible, n.cursor_visible);
	vt_screen_cursor(t->from, &row, &col);
	vt_screen_cursor(t->to, &row2, &col2);
	if (m.cursor_visible) {
		assert_int_equal(row, row2);
		assert_int_equal(col, col2);
	}
	for (unsigned r = 0; r < vt_screen_rows(t->from); r++) {
		const struct vt_cell *x = vt_screen_row(t->from, r), *y = vt_screen_row(t->to, r);
		for (unsigned c = 0; c < vt_screen_cols(t->from); c++) {
			unsigned shown = (x[c].attrs ^ (m.reverse_screen ? VT_REVERSE : 0u)) & 0xff;
			if (x[c].bg != y[c].bg || shown != (y[c].attrs & 0xffu))
				fail_msg("row %u column %u: bg %x %x attrs %x %x", r, c, x[c].bg,
				    y[c].bg, shown, y[c].attrs);
		}
	}
}

#define FEED(t, s)                         \
	do {                               \
		feed(t, s, sizeof(s) - 1); \
		expect_same(t);            \
	} while (0)

static void test_pieces(void **state)
{
	struct pair t;
	(void)state;
	pair_open(&t, 5, 20, &(struct paint_options){0});
	FEED(&t, "");
	FEED(&t, "hello");
	assert_string_equal(t.out.data, "hello");
	FEED(&t, "");
	assert_int_equal(t.out.len, 0);
	FEED(&t, "\033[1;31;44mred\033[0m\r\nplain \033[4;38;2;1;2;3mx");
	FEED(&t, "\033[2;3H\033[K\033[3;1H\033[42m\033[K\033[0m");
	FEED(&t, "\033[5;20Hz");
	FEED(&t, "w\033[1;19H\xe4\xbd\xa0");
	FEED(&t, "\033[1;20Ho");
	FEED(&t, "e\xcc\x81\xcc\x82 \xf0\x9f\x98\x80");
	FEED(&t, "\033[?25l\033[?5h");
	FEED(&t, "\033[?5l\033[?25h\033[2J");
	FEED(&t, "\033[?1049hfull\033[3;3Hscreen");
	FEED(&t, "\033[?1049l");
	FEED(&t,
	    "\033]0;t\007\033]52;c;eA==\007\033P$qm\033\\\033[c\033[6n\033[5;2r\033(0lqk\033(B\xe2\x80\xae");
	pair_close(&t);
}

/* Lines that scroll by between two updates are in the other's history, each once and in order. */
static void test_scrolled_lines(void **state)
{
	struct pair t;
	struct vt_text text = {0};
	char line[64];
	unsigned n = 0;
	(void)state;
	pair_open(&t, 5, 20, &(struct paint_options){.scrolls = true});
	while (n < 200) {
		unsigned burst = n % 23; /* up to four screens at once */
		struct buf b = BUF_INIT;
		do
			buf_addf(&b, "line %u\r\n", n++);
		while (burst--);
		feed(&t, b.data, b.len);
		expect_same(&t);
		buf_fini(&b);
		if (n > 100 && n < 130) { /* a full-screen program meanwhile */
			FEED(&t, "\033[?1049h\033[2Jeditor");
			FEED(&t, "\033[?1049l");
		}
	}
	uint64_t at = vt_screen_first_line(t.to);
	for (unsigned i = 0; i < n; i++, at++) {
		assert_true(vt_screen_line_text(t.to, at, &text));
		snprintf(line, sizeof(line), "line %u", i);
		assert_string_equal(text.text, line);
	}
	vt_text_fini(&text);
	pair_close(&t);
}

static void test_smaller_terminal_and_ascii(void **state)
{
	struct vt_screen *from = vt_screen_new(10, 40, 0, NULL, NULL),
	                 *to = vt_screen_new(3, 10, 0, NULL, NULL);
	struct paint *p = paint_new(&(struct paint_options){.rows = 3, .cols = 10, .ascii = true});
	struct buf b = BUF_INIT;
	static const char text[] = "123456789\xe4\xbd\xa0x\r\n\xc3\xa4\xe4\xbd\xa0"
	                           "b\r\n\r\n\r\nbelow\033[2;30Hright";
	(void)state;
	vt_screen_feed(from, (const uint8_t *)text, sizeof(text) - 1);
	paint_update(p, from, &b);
	check_list(b.data, b.len);
	vt_screen_feed(to, (uint8_t *)b.data, b.len);
	CLEANUP_FREE char *shown = vt_screen_text(to, true);
	assert_string_equal(shown, "123456789\n???b\n");
	for (size_t i = 0; i < b.len; i++)
		assert_true((unsigned char)b.data[i] < 0x80);
	buf_clear(&b);
	paint_resize(p, 10, 40);
	paint_update(p, from, &b);
	assert_non_null(strstr(b.data, "right"));
	buf_fini(&b);
	paint_free(p);
	vt_screen_free(from);
	vt_screen_free(to);
}

/* Any bytes at all. */
static void test_random(void **state)
{
	static const char *const bits[] = {"\033[", "\033]", "\033", ";", "H", "J", "K", "m", "L",
	    "M", "1", "5", "?1049h", "?1049l", "?25l", "r", "\n", "\xe4\xbd\xa0", "\xcc\x81", "@",
	    "P", "A", "38;5;200m", "48;2;1;2;3m", "#8", "c", "?5h", "?6h", "S", "T", "abc", "\t",
	    "\b"};
	struct pair t;
	uint32_t x = 12345;
	(void)state;
	pair_open(&t, 8, 25, &(struct paint_options){.scrolls = true});
	for (int round = 0; round < 3000; round++) {
		struct buf b = BUF_INIT;
		for (int i = 0; i < 12; i++) {
			x = x * 1664525 + 1013904223;
			if (x >> 28 == 0)
				buf_addc(&b, (char)(x >> 8));
			else
				buf_adds(&b, bits[(x >> 9) % ARRAY_LEN(bits)]);
		}
		feed(&t, b.data, b.len);
		expect_same(&t);
		buf_fini(&b);
	}
	pair_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_scrolled_lines),
	    cmocka_unit_test(test_smaller_terminal_and_ascii),
	    cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
