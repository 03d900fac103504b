/* screen_rows: what is drawn by damage is what a redraw from nothing would show, whatever the guest writes, at any size, and
 * after anything else was drawn there. Nothing else may leave a row behind: vt_screen_dirty must know of every change. */
#include "unit/cm.h"

#include <curses.h>
#include <locale.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/mem.h"
#include "tui/draw.h"
#include "tui/screen_rows.h"

#define STEPS 4000
#define ROWS_MAX 40
#define COLS_MAX 100

static uint64_t seed;
static struct theme theme;
static FILE *out;

static unsigned below(unsigned n)
{
	seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17; /* xorshift64 */
	return (unsigned)(seed >> 20) % n;
}

static void terminal(const char *name)
{
	setenv("TERM", name, 1);
	unsetenv("NO_COLOR");
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	out = tmpfile();
	assert_non_null(out);
	assert_non_null(newterm(name, out, stdin));
	theme_detect(&theme);
}

static void terminal_end(void)
{
	endwin();
	fclose(out);
}

/* --- what a guest may say --- */

static const char *const words[] = {"a", "hello ", "\xe6\xbc\xa2\xe5\xad\x97", "e\xcc\x81",
    "\xf0\x9f\x98\x80", "\r\n", "\n", "\r", "\b", "\t", "\033D", "\033M", "\033E", "\0337", "\0338",
    "\033#8", "\033c", "\033H", "\033[?1049h", "\033[?1049l", "\033[?47h", "\033[?47l", "\033[?5h",
    "\033[?5l", "\033[?25h", "\033[?25l", "\033[?69h", "\033[?69l", "\033[?6h", "\033[?6l",
    "\033[?7h", "\033[?7l", "\033[4h", "\033[4l", "\033[r", "\033[!p", "\033[m", "\033[?3h",
    "\033[?3l", "\033[?40h", "\033[?2026h", "\033[?2026l", "\033(0lqk\033(B", "\033[?1048h",
    "\033[?1048l", "\033[2J", "\033[3J", "\033[K", "\033[1K", "\033[J",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"};
static const char finals[] = "@ABCDEFGHIJKLMPSTXZ`abcdefghijklmnqrstu{|}~xyzvw";
static const char *const between[] = {"", "", "", "", "", "$", "'", "\"", " ", "*", "!", "#"};

static void say(struct buf *b)
{
	unsigned what = below(10);
	if (what < 5) {
		buf_adds(b, words[below(ARRAY_LEN(words))]);
	} else if (what < 7) {
		buf_addf(b, "\033[%u;%uH", 1 + below(ROWS_MAX), 1 + below(COLS_MAX));
	} else if (what == 7) {
		buf_addf(b, "\033[%u;%u;4%um%s", below(2), 30 + below(8), below(8), "colour");
	} else {
		buf_addf(b, "\033[%s", below(8) ? "" : "?");
		for (unsigned n = below(6); n > 0; n--)
			buf_addf(b, "%u;", below(30));
		buf_addf(b, "%u%s%c", below(30), between[below(ARRAY_LEN(between))],
		    finals[below(sizeof(finals) - 1)]);
	}
}

/* --- two screens, cell by cell --- */

static void cell(
    WINDOW *w, int row, int col, wchar_t text[CCHARW_MAX + 1], attr_t *attrs, int *fg, int *bg)
{
	cchar_t c;
	short old;
	int pair = 0;
	memset(text, 0, sizeof(wchar_t) * (CCHARW_MAX + 1));
	mvwin_wch(w, row, col, &c);
	getcchar(&c, text, attrs, &old, &pair);
	*attrs &= ~A_COLOR;
	*fg = *bg = -1;
	if (pair)
		extended_pair_content(pair, fg, bg);
}

static void compare(WINDOW *by_damage, int rows, int cols, unsigned step)
{
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < cols; c++) {
			wchar_t x[CCHARW_MAX + 1], y[CCHARW_MAX + 1];
			attr_t ax, ay;
			int fx, fy, bx, by;
			cell(by_damage, r, c, x, &ax, &fx, &bx);
			cell(stdscr, r, c, y, &ay, &fy, &by);
			if (memcmp(x, y, sizeof(x)) == 0 && ax == ay && fx == fy && bx == by)
				continue;
			fail_msg("step %u, row %d, column %d: '%lc' stayed, '%lc' is there", step,
			    r, c, (wint_t)x[0], (wint_t)y[0]);
		}
}

/* By damage, then from nothing: true when damage was enough. */
static bool look(struct screen_rows *d, struct vt_screen *s, int rows, int cols, unsigned step)
{
	int row, col, row2, col2;
	bool cursor, enough;
	draw_again(&theme, rows, cols);
	enough = screen_rows_update(d, s, (unsigned)rows, true) && !draw_stale();
	cursor = draw_cursor_wanted(&row, &col);
	WINDOW *was = dupwin(stdscr);
	draw_begin(&theme, rows, cols);
	screen_rows_draw(d, s, (unsigned)rows, true);
	if (enough) {
		compare(was, rows, cols, step);
		assert_int_equal(cursor, draw_cursor_wanted(&row2, &col2));
		assert_true(!cursor || (row == row2 && col == col2));
	}
	delwin(was);
	return enough;
}

static void storm(uint64_t from)
{
	unsigned enough = 0;
	struct screen_rows d = {0};
	struct vt_screen *s = vt_screen_new(24, 80, 1000, NULL, NULL);
	CLEANUP_BUF struct buf b = BUF_INIT;
	int rows = 24, cols = 80;
	seed = from;
	resizeterm(rows, cols);
	for (unsigned step = 0; step < STEPS; step++) {
		buf_clear(&b);
		for (unsigned n = 1 + below(6); n > 0; n--)
			say(&b);
		/* In two parts: damage adds up, and a sequence is cut. */
		size_t cut = below((unsigned)b.len);
		vt_screen_feed(s, (const uint8_t *)b.data, cut);
		vt_screen_feed(s, (const uint8_t *)b.data + cut, b.len - cut);
		switch (below(60)) {
		case 0: /* the guest's screen has another size, as that of the keyboard's holder */
			vt_screen_resize(s, 1 + below(ROWS_MAX), 1 + below(COLS_MAX));
			break;
		case 1:
			rows = 1 + (int)below(ROWS_MAX), cols = 2 + (int)below(COLS_MAX);
			resizeterm(rows, cols);
			break;
		case 2:
			vt_screen_mark(s, "-- a line of ours --");
			break;
		case 3:
			vt_screen_restart(s);
			break;
		}
		enough += look(&d, s, rows, cols, step);
	}
	assert_true(enough > STEPS / 2); /* or nothing was compared */
	vt_screen_free(s);
}

static void no_row_is_left_behind(void **state)
{
	(void)state;
	terminal("xterm-256color");
	for (uint64_t i = 1; i <= 4; i++)
		storm(i * 88172645463325252u + 1);
	terminal_end();
}

/* A terminal of eight colours has 64 pairs of them, and a guest may use 80. */
static void colours_that_ncurses_takes_away(void **state)
{
	struct screen_rows d = {0};
	struct vt_screen *s = vt_screen_new(24, 80, 0, NULL, NULL);
	unsigned stale = 0;
	(void)state;
	terminal("xterm");
	resizeterm(24, 80);
	for (unsigned i = 0; i < 300; i++) {
		char text[64];
		unsigned fg = i % 9, bg = i / 9 % 9;
		snprintf(text, sizeof(text), "\033[%u;1H\033[%u;%umcolours\033[K", 1 + i % 24,
		    fg == 8 ? 39 : 30 + fg, bg == 8 ? 49 : 40 + bg);
		vt_screen_feed(s, (const uint8_t *)text, strlen(text));
		stale += !look(&d, s, 24, 80, i);
	}
	assert_true(stale > 1); /* the first is the one that is drawn from nothing */
	assert_true(stale < 290);
	vt_screen_free(s);
	terminal_end();
}

static void not_on_top_of_something_else(void **state)
{
	struct screen_rows d = {0};
	struct vt_screen *s = vt_screen_new(10, 20, 0, NULL, NULL);
	struct vt_screen *other = vt_screen_new(10, 20, 0, NULL, NULL);
	(void)state;
	terminal("xterm-256color");
	draw_again(&theme, 24, 80);
	assert_false(screen_rows_update(&d, s, 23, true));
	draw_begin(&theme, 24, 80);
	screen_rows_draw(&d, s, 23, true);
	assert_true(screen_rows_update(&d, s, 23, true));
	assert_false(screen_rows_update(&d, other, 23, true));
	assert_false(screen_rows_update(&d, s, 22, true));
	vt_screen_resize(s, 11, 20);
	assert_false(screen_rows_update(&d, s, 23, true));
	vt_screen_free(s);
	vt_screen_free(other);
	terminal_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_row_is_left_behind),
	    cmocka_unit_test(colours_that_ncurses_takes_away),
	    cmocka_unit_test(not_on_top_of_something_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
