/* console_scroll_draw: the scrollback as it is seen: times, matches, the selection, what is off the screen. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/timestamp.h"
#include "tui/console_impl.h"
#include "tui/draw.h"

#define SPANS_MAX 64

static void draw_time(struct console *c, int row, uint64_t line, int margin)
{
	uint64_t ns = vt_screen_line_time(scroll_screen(c), line);
	char text[32] = "";
	if (ns)
		timestamp_local(ns / 1000000000u,
		    margin == SCROLL_TIME_LONG ? "%m-%d %H:%M:%S" : "%H:%M:%S", text, sizeof(text));
	draw_field(row, 0, margin, STYLE_DIM, text);
}

/* Yellow a match, cyan the one that the search stopped at; without colours a background shows as reverse. */
static void paint_matches(struct console *c, uint64_t line, struct vt_cell *cells)
{
	struct console_search *s = &c->scroll.search;
	unsigned from[SPANS_MAX], to[SPANS_MAX],
	    n = console_search_spans(s, scroll_screen(c), line, from, to, SPANS_MAX);
	struct vt_place at = {0};
	for (unsigned i = 0; i < n; i++) {
		bool here = s->state == SEARCH_FOUND &&
		            vt_screen_place(scroll_screen(c), line, from[i], &at) &&
		            at.logical == s->match.from.logical && at.cell >= s->match.from.cell &&
		            at.cell < s->match.end;
		for (unsigned x = from[i]; x < to[i]; x++) {
			cells[x].attrs &= (uint16_t) ~(VT_REVERSE | VT_FAINT | VT_INVISIBLE);
			cells[x].attrs |= here ? VT_BOLD | VT_UNDERLINE : 0;
			cells[x].fg = VT_INDEXED | 0;
			cells[x].bg = VT_INDEXED | (here ? 6 : 3);
		}
	}
}

static void paint_selection(struct console *c, uint64_t line, struct vt_cell *cells, unsigned cols)
{
	struct console_scroll *s = &c->scroll;
	unsigned ca, cb, from = 0, to = cols;
	uint64_t a = scroll_line_of(c, &s->anchor, &ca), b = scroll_line_of(c, &s->cursor, &cb);
	if (s->select == SELECT_NONE)
		return;
	if (a > b || (a == b && ca > cb)) {
		uint64_t l = a;
		unsigned x = ca;
		a = b, ca = cb;
		b = l, cb = x;
	}
	if (line < a || line > b)
		return;
	if (s->select == SELECT_CHARS) {
		from = line == a ? ca : 0;
		to = line == b ? cb + 1 : cols;
	}
	for (unsigned x = from; x < to && x < cols; x++)
		cells[x].attrs ^= VT_REVERSE;
}

static bool written(const struct vt_cell *cells, unsigned from, unsigned to)
{
	for (unsigned x = from; x < to; x++)
		if (cells[x].cp && cells[x].cp != ' ')
			return true;
	return false;
}

static void draw_line(struct console *c, int row, uint64_t line, int margin, bool reverse)
{
	struct vt_screen *s = scroll_screen(c);
	unsigned cols = vt_screen_cols(s), left = c->scroll.left < cols ? c->scroll.left : cols - 1;
	unsigned width = (unsigned)(draw_cols() - margin);
	const struct vt_cell *cells = vt_screen_line(s, line);
	struct vt_cell copy[VT_COLS_MAX];
	if (!cells)
		return;
	memcpy(copy, cells, cols * sizeof(*copy));
	paint_matches(c, line, copy);
	paint_selection(c, line, copy, cols);
	if (copy[left].width == 0)
		left++; /* the right half of a wide character */
	if (left < cols)
		draw_cells(row, margin, (int)width, s, copy + left, cols - left, reverse);
	if (left + width < cols && written(copy, left + width, cols))
		draw_text(row, draw_cols() - 1, 1, STYLE_MARK, ">");
	if (c->scroll.left && written(copy, 0, left < cols ? left : cols))
		draw_text(row, margin, 1, STYLE_MARK, "<");
}

void console_scroll_draw(struct console *c, int rows)
{
	struct console_scroll *s = &c->scroll;
	struct vt_modes m;
	unsigned col;
	int margin = scroll_margin(c);
	uint64_t top, line;
	vt_screen_modes(scroll_screen(c), &m);
	scroll_settle(c);
	top = scroll_line_of(c, &s->top, NULL);
	for (int r = 0; r < rows && top + (uint64_t)r <= vt_screen_last_line(scroll_screen(c));
	     r++) {
		if (margin)
			draw_time(c, r, top + (uint64_t)r, margin);
		draw_line(c, r, top + (uint64_t)r, margin, m.reverse_screen);
	}
	line = scroll_line_of(c, &s->cursor, &col);
	if (!s->typing && line >= top && line - top < (uint64_t)rows)
		draw_cursor((int)(line - top), margin + (int)(col - s->left));
}

void console_scroll_words(struct console *c, char *out, size_t n)
{
	struct console_scroll *s = &c->scroll;
	uint64_t first = vt_screen_first_line(scroll_screen(c)),
	         last = vt_screen_last_line(scroll_screen(c));
	uint64_t line = scroll_line_of(c, &s->cursor, NULL);
	char search[96] = "";
	if (s->search.state == SEARCH_RUNNING)
		snprintf(search, sizeof(search), "   searching");
	else if (s->search.state == SEARCH_FOUND && s->search.counted)
		snprintf(search, sizeof(search), "   match %u of %u", s->search.before + 1,
		    s->search.total);
	else if (s->search.state == SEARCH_FOUND)
		snprintf(
		    search, sizeof(search), "   match%s", s->search.counting ? " (counting)" : "");
	if (s->select != SELECT_NONE) {
		snprintf(out, n, "y copies, > writes to a file, Esc drops");
		return;
	}
	snprintf(out, n, "line %llu of %llu%s", (unsigned long long)(line - first + 1),
	    (unsigned long long)(last - first + 1), search);
}

bool console_scroll_draw_line(struct console *c, int row)
{
	static const char *const prompts[] = {
	    [LINE_SEARCH] = "/", [LINE_SEARCH_BACK] = "?", [LINE_FILE] = "write to file: "};
	struct console_scroll *s = &c->scroll;
	int at;
	if (!s->on || !s->typing)
		return false;
	draw_fill(row, 0, draw_cols(), STYLE_BAR);
	at = draw_text(row, 0, draw_cols(), STYLE_BAR_KEY, prompts[s->typing]);
	editline_draw(&s->line, row, at, draw_cols() - at, STYLE_BAR);
	return true;
}
