#include "tui/sheet.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/mem.h"
#include "serial/vt_utf8.h"
#include "tui/draw.h"
#include "tui/widgets.h"

#define TEXT_MAX 1024

static int clamp(int v, int most)
{
	return v < 0 ? 0 : v > most ? most : v;
}

void sheet_init(struct sheet *s, int rows, int cols, bool utf8)
{
	size_t n;
	s->rows = clamp(rows, SHEET_ROWS_MAX);
	s->cols = clamp(cols, SHEET_COLS_MAX);
	s->utf8 = utf8;
	n = (size_t)s->rows * (size_t)s->cols;
	s->cells = xreallocarray(s->cells, n + 1, sizeof(*s->cells));
	for (size_t i = 0; i < n; i++)
		s->cells[i] = (struct sheet_cell){.cp = ' ', .style = STYLE_NORMAL};
}

void sheet_fini(struct sheet *s)
{
	free(s->cells);
	*s = (struct sheet){0};
}

static struct sheet_cell *cell_at(const struct sheet *s, int row, int col)
{
	if (row < 0 || row >= s->rows || col < 0 || col >= s->cols)
		return NULL;
	return &s->cells[(size_t)row * (size_t)s->cols + (size_t)col];
}

static void put(struct sheet *s, int row, int col, enum style st, uint32_t cp)
{
	struct sheet_cell *c = cell_at(s, row, col);
	if (c) {
		c->cp = cp;
		c->style = (uint8_t)st;
	}
}

int sheet_text(struct sheet *s, int row, int col, int width, enum style st, const char *utf8)
{
	int used = 0;
	if (width > s->cols - col)
		width = s->cols - col;
	for (uint32_t cp; width > 0 && (cp = draw_next(&utf8));) {
		int w = vt_width(cp);
		if (w == 0)
			continue;
		w = w < 0 ? 1 : w;
		if (used + w > width)
			break;
		put(s, row, col + used, st, cp);
		if (w == 2)
			put(s, row, col + used + 1, st, 0);
		used += w;
	}
	return used;
}

int sheet_textf(struct sheet *s, int row, int col, int width, enum style st, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return sheet_text(s, row, col, width, st, text);
}

static const char *cut_mark(const struct sheet *s)
{
	return s->utf8 ? "…" : "~";
}

void sheet_field(struct sheet *s, int row, int col, int width, enum style st, const char *utf8)
{
	if (draw_width(utf8) <= width) {
		sheet_text(s, row, col, width, st, utf8);
		return;
	}
	col += sheet_text(s, row, col, width - 1, st, utf8);
	sheet_text(s, row, col, 1, st, cut_mark(s));
}

void sheet_right(struct sheet *s, int row, int col, int width, enum style st, const char *utf8)
{
	int full = draw_width(utf8);
	if (full >= width)
		sheet_field(s, row, col, width, st, utf8);
	else
		sheet_text(s, row, col + width - full, full, st, utf8);
}

void sheet_tail(struct sheet *s, int row, int col, int width, enum style st, const char *utf8)
{
	int full = draw_width(utf8);
	if (full <= width || width < 2) {
		sheet_text(s, row, col, width, st, utf8);
		return;
	}
	while (full > width - 1) {
		const char *at = utf8;
		int w = vt_width(draw_next(&at));
		full -= w < 0 ? 1 : w;
		utf8 = at;
	}
	sheet_text(s, row, col, 1, st, cut_mark(s));
	sheet_text(s, row, col + 1, width - 1, st, utf8);
}

void sheet_fill(struct sheet *s, int row, enum style st)
{
	for (int c = 0; c < s->cols; c++)
		put(s, row, c, st, ' ');
}

void sheet_rule(struct sheet *s, int row, enum style st)
{
	for (int c = 0; c < s->cols; c++)
		put(s, row, c, st, s->utf8 ? 0x2500 : '-');
}

void sheet_bar(
    struct sheet *s, int row, int col, int width, enum style st, uint64_t part, uint64_t whole)
{
	char glyphs[WIDGET_BYTES(WIDGET_WIDTH_MAX)];
	if (width <= 0)
		return;
	widget_bar(part, whole, (unsigned)clamp(width, WIDGET_WIDTH_MAX), s->utf8, glyphs);
	sheet_text(s, row, col, width, st, glyphs);
}

void sheet_reverse(struct sheet *s, int row)
{
	for (int c = 0; c < s->cols; c++) {
		struct sheet_cell *cell = cell_at(s, row, c);
		if (cell)
			cell->reverse = true;
	}
}

/* --- out of it --- */

static void add_cp(struct buf *b, uint32_t cp)
{
	char bytes[4];
	buf_add(b, bytes, vt_utf8_encode(cp, bytes));
}

static bool alike(const struct sheet_cell *a, const struct sheet_cell *b)
{
	return a->style == b->style && a->reverse == b->reverse;
}

static void show_row(const struct sheet *s, int r, int row, int col, struct buf *b)
{
	for (int c = 0, from; c < s->cols;) {
		const struct sheet_cell *first = cell_at(s, r, c);
		from = c;
		buf_clear(b);
		for (; c < s->cols && alike(cell_at(s, r, c), first); c++)
			if (cell_at(s, r, c)->cp)
				add_cp(b, cell_at(s, r, c)->cp);
		draw_overlay(first->reverse ? A_REVERSE : A_NORMAL);
		draw_text(row + r, col + from, c - from, (enum style)first->style,
		    b->data ? b->data : "");
	}
	draw_overlay(A_NORMAL);
}

void sheet_show(const struct sheet *s, int row, int col)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	for (int r = 0; r < s->rows; r++)
		show_row(s, r, row, col, &b);
}

static char style_letter(const struct sheet_cell *c)
{
	static const char letters[STYLE_COUNT] = {[STYLE_NORMAL] = '.',
	    [STYLE_DIM] = 'd',
	    [STYLE_STRONG] = 's',
	    [STYLE_BAR] = 'b',
	    [STYLE_BAR_KEY] = 'k',
	    [STYLE_COLUMNS] = 'c',
	    [STYLE_SORTED] = 'o',
	    [STYLE_RULE] = '-',
	    [STYLE_TAB] = 't',
	    [STYLE_GOOD] = 'g',
	    [STYLE_WARN] = 'w',
	    [STYLE_BAD] = 'B',
	    [STYLE_ERROR] = 'E',
	    [STYLE_NOTE] = 'n',
	    [STYLE_GRAPH] = 'h',
	    [STYLE_MARK] = 'm',
	    [STYLE_DIALOG] = 'D'};
	return c->reverse && c->style == STYLE_NORMAL ? 'R' : letters[c->style];
}

static void end_line(struct buf *b, size_t from, char blank)
{
	while (b->len > from && b->data[b->len - 1] == blank)
		b->data[--b->len] = '\0';
	buf_addc(b, '\n');
}

static void dump_styles(const struct sheet *s, struct buf *b)
{
	for (int r = 0; r < s->rows; r++) {
		bool plain = true;
		for (int c = 0; c < s->cols; c++)
			plain = plain && style_letter(cell_at(s, r, c)) == '.';
		if (plain)
			continue;
		buf_addf(b, "%3d ", r);
		size_t from = b->len;
		for (int c = 0; c < s->cols; c++)
			buf_addc(b, style_letter(cell_at(s, r, c)));
		end_line(b, from, '.');
	}
}

char *sheet_dump(const struct sheet *s, bool styles)
{
	struct buf b = BUF_INIT;
	for (int r = 0; r < s->rows; r++) {
		size_t from = b.len;
		for (int c = 0; c < s->cols; c++)
			if (cell_at(s, r, c)->cp)
				add_cp(&b, cell_at(s, r, c)->cp);
		end_line(&b, from, ' ');
	}
	if (styles)
		dump_styles(s, &b);
	return buf_take(&b);
}
