#include "tui/draw.h"

#include <curses.h>
#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#include "core/mem.h"
#include "core/str.h"

#define LINE_MAX_CELLS (VT_COLS_MAX + 2)
#define PAIRS_MAX 65536 /* of ncurses 6; with 256 colours hardly more can be asked for */

/* ncurses' screen is one per process, and so is this. */
static struct {
	const struct theme *theme;
	int rows, cols;
	attr_t overlay;
	bool cursor;
	int cursor_row, cursor_col;
	cchar_t line[LINE_MAX_CELLS];
	int line_n;     /* entries used */
	int line_width; /* columns used */
	struct {
		cchar_t cell[128];
		bool made[128];
		attr_t attrs;
		int pair;
	} ascii; /* of one look, made as they are asked for: setcchar measures its text each time */
	int last_fg, last_bg, last_pair;
	struct {
		short fg, bg;
		bool used;
	} pair[PAIRS_MAX];
	bool recycled; /* a pair has other colours than when the screen was drawn as a whole */
} d;

void draw_again(const struct theme *t, int rows, int cols)
{
	d.theme = t;
	d.rows = rows;
	d.cols = cols;
	d.overlay = 0;
	d.cursor = false;
	d.last_pair = -1; /* pairs may have been recycled since */
	attrset(A_NORMAL);
	bkgdset(' ');
}

void draw_begin(const struct theme *t, int rows, int cols)
{
	draw_again(t, rows, cols);
	d.recycled = false;
	werase(stdscr);
}

void draw_clear_row(int row)
{
	if (row >= 0 && row < d.rows && move(row, 0) == OK)
		clrtoeol();
}

bool draw_stale(void)
{
	return d.recycled;
}

int draw_rows(void)
{
	return d.rows;
}

int draw_cols(void)
{
	return d.cols;
}

void draw_overlay(unsigned attrs)
{
	d.overlay = attrs;
}

/* ncurses has few pairs on some terminals (64 where there are eight colours), and takes the one that was not asked for the
 * longest time: what was drawn with it changes its colours. */
static void pair_note(int pair, int fg, int bg)
{
	if (pair >= PAIRS_MAX ||
	    (d.pair[pair].used && (d.pair[pair].fg != (short)fg || d.pair[pair].bg != (short)bg)))
		d.recycled = true;
	if (pair >= PAIRS_MAX)
		return;
	d.pair[pair].fg = (short)fg;
	d.pair[pair].bg = (short)bg;
	d.pair[pair].used = true;
}

static int pair_of(int fg, int bg)
{
	int pair;
	if (!d.theme->colors || (fg == -1 && bg == -1))
		return 0;
	if (d.last_pair >= 0 && fg == d.last_fg && bg == d.last_bg)
		return d.last_pair;
	pair = alloc_pair(fg, bg);
	if (pair < 0)
		return 0;
	pair_note(pair, fg, bg);
	d.last_fg = fg;
	d.last_bg = bg;
	d.last_pair = pair;
	return pair;
}

/* A printable character of ASCII. */
static void line_add_ascii(uint32_t cp, attr_t attrs, int pair)
{
	if (d.ascii.attrs != attrs || d.ascii.pair != pair) {
		memset(d.ascii.made, 0, sizeof(d.ascii.made));
		d.ascii.attrs = attrs;
		d.ascii.pair = pair;
	}
	if (!d.ascii.made[cp]) {
		wchar_t w[2] = {(wchar_t)cp, 0};
		setcchar(&d.ascii.cell[cp], w, attrs, 0, &pair);
		d.ascii.made[cp] = true;
	}
	d.line[d.line_n++] = d.ascii.cell[cp];
	d.line_width++;
}

static void line_start(void)
{
	d.line_n = d.line_width = 0;
}

static void line_put(int row, int col)
{
	if (d.line_n && row >= 0 && row < d.rows && col >= 0 && col < d.cols)
		mvadd_wchnstr(row, col, d.line, d.line_n);
}

/* Adds one cell of `width` columns: what the C library would draw at another width, or what this locale cannot encode,
 * is replaced, or else ncurses and we would disagree about the columns that follow. */
static void line_add(const wchar_t *text, int width, attr_t attrs, int pair)
{
	wchar_t w[CCHARW_MAX + 1] = {0};
	uint32_t cp = (uint32_t)text[0];
	if (d.line_n + width > LINE_MAX_CELLS)
		return;
	if (cp >= 0x20 && cp < 0x7f && width == 1 && !text[1]) { /* nearly all there is */
		line_add_ascii(cp, attrs, pair);
		return;
	}
	if (!str_char_safe(cp)) {
		w[0] = L' ';
	} else if (cp < 0x7f || (d.theme->wide && wcwidth(text[0]) == width)) {
		wcsncpy(w, text, CCHARW_MAX);
		for (int i = 1; i < CCHARW_MAX && w[i]; i++)
			if (wcwidth(w[i]) != 0 || !str_char_safe((uint32_t)w[i]))
				w[i] = L'\0';
	} else {
		w[0] = d.theme->wide ? L'\xfffd' : (wchar_t)theme_ascii(cp);
	}
	setcchar(&d.line[d.line_n++], w, attrs, 0, &pair);
	d.line_width += width;
	if (width == 2 && (cp < 0x7f || !d.theme->wide || wcwidth(w[0]) != 2))
		setcchar(&d.line[d.line_n++], L" ", attrs, 0, &pair);
}

uint32_t draw_next(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	uint32_t cp = *p;
	int more = cp < 0x80                 ? 0
	           : cp >= 0xc2 && cp < 0xe0 ? 1
	           : cp >= 0xe0 && cp < 0xf0 ? 2
	           : cp >= 0xf0 && cp < 0xf5 ? 3
	                                     : -1;
	if (!cp)
		return 0;
	if (more < 0) {
		*s += 1;
		return 0xfffd;
	}
	if (more)
		cp &= 0x3fu >> more;
	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*s += i;
			return 0xfffd;
		}
		cp = cp << 6 | (p[i] & 0x3f);
	}
	*s += 1 + more;
	return cp;
}

int draw_width(const char *s)
{
	int w = 0;
	for (uint32_t cp; (cp = draw_next(&s));) {
		int n = vt_width(cp);
		w += n < 0 ? 1 : n;
	}
	return w;
}

int draw_text(int row, int col, int width, enum style st, const char *s)
{
	struct look l = theme_look(d.theme, st);
	int pair = pair_of(l.fg, l.bg);
	if (width > d.cols - col)
		width = d.cols - col;
	line_start();
	for (uint32_t cp; width > 0 && (cp = draw_next(&s));) {
		wchar_t w[2] = {(wchar_t)cp, 0};
		int n = vt_width(cp);
		if (n == 0)
			continue; /* names and figures do well without combining marks */
		n = n < 0 ? 1 : n;
		if (d.line_width + n > width)
			break;
		line_add(w, n, l.attrs | d.overlay, pair);
	}
	line_put(row, col);
	return d.line_width;
}

int draw_textf(int row, int col, int width, enum style st, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return draw_text(row, col, width, st, text);
}

void draw_fill(int row, int col, int width, enum style st)
{
	struct look l = theme_look(d.theme, st);
	int pair = pair_of(l.fg, l.bg);
	line_start();
	if (width > d.cols - col)
		width = d.cols - col;
	while (d.line_width < width && d.line_n < LINE_MAX_CELLS)
		line_add(L" ", 1, l.attrs | d.overlay, pair);
	line_put(row, col);
}

void draw_field(int row, int col, int width, enum style st, const char *s)
{
	int full = draw_width(s), used;
	if (width <= 0)
		return;
	if (full > width) {
		used = draw_text(row, col, width - 1, st, s);
		used += draw_text(row, col + used, 1, st, "…");
	} else {
		used = draw_text(row, col, width, st, s);
	}
	if (used < width)
		draw_fill(row, col + used, width - used, st);
}

void draw_right(int row, int col, int width, enum style st, const char *s)
{
	int full = draw_width(s);
	if (full >= width) {
		draw_field(row, col, width, st, s);
		return;
	}
	draw_fill(row, col, width - full, st);
	draw_text(row, col + width - full, full, st, s);
}

void draw_rule(int row, int col, int width, enum style st)
{
	struct look l = theme_look(d.theme, st);
	int pair = pair_of(l.fg, l.bg);
	line_start();
	if (width > d.cols - col)
		width = d.cols - col;
	while (d.line_width < width && d.line_n < LINE_MAX_CELLS)
		line_add(d.theme->utf8 ? L"─" : L"-", 1, l.attrs | d.overlay, pair);
	line_put(row, col);
}

void draw_column(int row, int col, int height, enum style st)
{
	for (int r = row; r < row + height; r++)
		draw_text(r, col, 1, st, d.theme->utf8 ? "│" : "|");
}

void draw_box(int row, int col, int height, int width, enum style st)
{
	bool u = d.theme->utf8;
	for (int i = 0; i < height; i++) {
		draw_fill(row + i, col, width, st);
		draw_text(row + i, col, 1, st, u ? "│" : "|");
		draw_text(row + i, col + width - 1, 1, st, u ? "│" : "|");
	}
	draw_rule(row, col, width, st);
	draw_rule(row + height - 1, col, width, st);
	draw_text(row, col, 1, st, u ? "┌" : "+");
	draw_text(row, col + width - 1, 1, st, u ? "┐" : "+");
	draw_text(row + height - 1, col, 1, st, u ? "└" : "+");
	draw_text(row + height - 1, col + width - 1, 1, st, u ? "┘" : "+");
}

static attr_t cell_attrs(const struct vt_cell *c, bool reverse)
{
	static const struct {
		unsigned vt;
		attr_t curses;
	} map[] = {{VT_BOLD, A_BOLD}, {VT_FAINT, A_DIM}, {VT_ITALIC, A_ITALIC},
	    {VT_UNDERLINE, A_UNDERLINE}, {VT_BLINK, A_BLINK}, {VT_INVISIBLE, A_INVIS},
	    {VT_MARKED, A_BOLD}};
	attr_t a = 0;
	for (size_t i = 0; i < ARRAY_LEN(map); i++)
		if (c->attrs & map[i].vt)
			a |= map[i].curses;
	bool r = !(c->attrs & VT_REVERSE) != !reverse;
	/* Without colours a coloured background is the only sign of a menu's bar. */
	if (!d.theme->colors && c->bg != 0 && c->bg != VT_INDEXED)
		r = !r;
	/* Eight colours: the bright ones are the bold ones. */
	if (d.theme->colors == 8 && (c->fg & VT_INDEXED) && (c->fg & 0xff) >= 8 &&
	    (c->fg & 0xff) < 16)
		a |= A_BOLD;
	return r ? a | A_REVERSE : a;
}

static void cell_text(
    const struct vt_screen *s, const struct vt_cell *c, wchar_t w[VT_CLUSTER_CHARS + 1])
{
	char text[VT_CELL_UTF8_MAX];
	const char *p = text;
	int i = 0;
	if (c->cp < VT_CLUSTER) {
		w[0] = c->cp ? (wchar_t)c->cp : L' ';
		w[1] = 0;
		return;
	}
	vt_screen_cell_text(s, c, text);
	for (uint32_t cp; i < VT_CLUSTER_CHARS && (cp = draw_next(&p));)
		w[i++] = (wchar_t)cp;
	w[i] = 0;
}

/* What werase left there already. */
static bool nothing(const struct vt_cell *c)
{
	return (c->cp == 0 || c->cp == ' ') && c->width == 1 && c->bg == 0 && c->attrs == 0;
}

void draw_cells(int row, int col, int width, const struct vt_screen *s, const struct vt_cell *cells,
    unsigned n, bool reverse)
{
	wchar_t w[VT_CLUSTER_CHARS + 1];
	const struct vt_cell *same = NULL; /* whose look is in attrs and pair */
	attr_t attrs = 0;
	int pair = 0;
	if (width > d.cols - col)
		width = d.cols - col;
	while (n > 0 && !reverse && !d.overlay && nothing(&cells[n - 1]))
		n--;
	line_start();
	for (unsigned i = 0; i < n && d.line_width < width; i++) {
		const struct vt_cell *c = &cells[i];
		int cw = c->width == 2 ? 2 : 1;
		if (c->width == 0)
			continue;
		cell_text(s, c, w);
		if (d.line_width + cw > width)
			cw = 1, w[0] = L' ', w[1] = 0;
		if ((c->attrs & VT_MARKED) && !c->bg) { /* a line of ours between the guest's */
			struct look l = theme_look(d.theme, STYLE_MARK);
			attr_t turned = c->attrs & VT_REVERSE ? A_REVERSE : 0; /* selected */
			line_add(w, cw, (l.attrs | d.overlay) ^ turned, pair_of(l.fg, l.bg));
			continue;
		}
		if (!same || same->fg != c->fg || same->bg != c->bg || same->attrs != c->attrs) {
			attrs = cell_attrs(c, reverse) | d.overlay;
			pair = pair_of(theme_color(d.theme, c->fg), theme_color(d.theme, c->bg));
		}
		same = c;
		line_add(w, cw, attrs, pair);
	}
	line_put(row, col);
}

void draw_cursor(int row, int col)
{
	d.cursor = row >= 0 && row < d.rows && col >= 0 && col < d.cols;
	d.cursor_row = row;
	d.cursor_col = col;
}

bool draw_cursor_wanted(int *row, int *col)
{
	*row = d.cursor_row;
	*col = d.cursor_col;
	return d.cursor;
}
