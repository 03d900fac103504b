/* REP beside the same characters sent one by one, whatever margins, modes and widths are in force; and that no sequence of a
 * few bytes keeps an operator waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/buf.h"
#include "core/mem.h"
#include "serial/vt_screen.h"

static unsigned seed = 1;

static unsigned number(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

static void feed(struct vt_screen *s, const char *text)
{
	vt_screen_feed(s, (const uint8_t *)text, strlen(text));
}

static void expect_equal(const struct vt_screen *a, const struct vt_screen *b, const char *input)
{
	unsigned row[2], col[2];
	struct vt_text x = {0}, y = {0};
	vt_screen_cursor(a, &row[0], &col[0]);
	vt_screen_cursor(b, &row[1], &col[1]);
	bool same = row[0] == row[1] && col[0] == col[1] &&
	            vt_screen_first_line(a) == vt_screen_first_line(b) &&
	            vt_screen_last_line(a) == vt_screen_last_line(b);
	for (uint64_t l = vt_screen_first_line(a); same && l <= vt_screen_last_line(a); l++)
		same = vt_screen_line_text(a, l, &x) && vt_screen_line_text(b, l, &y) &&
		       strcmp(x.text, y.text) == 0 && x.info.lines == y.info.lines;
	if (!same)
		print_error("differs after %s\n", input + 1); /* without the first byte, ESC */
	assert_true(same);
	vt_text_fini(&x);
	vt_text_fini(&y);
}

static void test_repeat_is_what_typing_is(void **state)
{
	static const char *const chars[] = {"x", "漢", "é", "€"};
	static const char *const modes[] = {"", "\033[4h", "\033[?7l", "\033[?69h\033[3;12s",
	    "\033[?69h\033[3;12s\033[4h", "\033[2;4r", "\033#6", "\033[4h\033[?7l",
	    "\033[?69h\033[2;4s\033[3;4r"};
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned rows = 1 + number(5), cols = 2 + number(20);
		unsigned n = 1 + number(rows * (cols / 2)); /* less than is cut */
		const char *c = chars[number(ARRAY_LEN(chars))];
		struct vt_screen *a = vt_screen_new(rows, cols, 50, NULL, NULL);
		struct vt_screen *b = vt_screen_new(rows, cols, 50, NULL, NULL);
		CLEANUP_FREE char *before = xasprintf("\033[mab漢cd\r\nef漢gh%s\033[%u;%uH%s",
		    modes[number(ARRAY_LEN(modes))], 1 + number(rows), 1 + number(cols), c);
		CLEANUP_FREE char *repeat = xasprintf("\033[%ub", n);
		feed(a, before);
		feed(a, repeat);
		feed(b, before);
		for (unsigned k = 0; k < n; k++)
			feed(b, c);
		feed(a, "\xcc\x81Q");
		feed(b, "\xcc\x81Q");
		expect_equal(a, b, before);
		vt_screen_free(a);
		vt_screen_free(b);
	}
}

#ifdef __SANITIZE_ADDRESS__
#define SECONDS_MAX 60
#else
#define SECONDS_MAX 5
#endif

/* A ring full of the costliest sequence, as it is replayed when an operator attaches. The slowest takes 2 s on the machine
 * where it was measured, one cell at a time they took up to a minute. */
static void test_nobody_waits_for_long(void **state)
{
	static const char *const costly[] = {"a\033[65535b", "\033[$z", "\033[${", "\033[?J",
	    "\033#8", "\033[$r", "\033Vx\033W\033[J", "\033c", "\033['}", "\033[999S",
	    "\033[4ha\033[65535b"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(costly); i++) {
		struct buf b = BUF_INIT;
		while (b.len < (256u << 10))
			buf_adds(&b, costly[i]);
		struct vt_screen *s = vt_screen_new(60, 200, VT_SCROLLBACK_DEFAULT, NULL, NULL);
		clock_t start = clock();
		vt_screen_feed(s, (const uint8_t *)b.data, b.len);
		double took = (double)(clock() - start) / CLOCKS_PER_SEC;
		if (took > SECONDS_MAX)
			print_error("%s: %.1f s for a quarter of a MiB\n", costly[i] + 1, took);
		assert_true(took <= SECONDS_MAX);
		vt_screen_free(s);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_repeat_is_what_typing_is),
	    cmocka_unit_test(test_nobody_waits_for_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
