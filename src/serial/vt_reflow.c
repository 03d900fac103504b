#include "serial/vt_reflow.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* The work in hand. Lines are numbered from the oldest of the history on; the new ones are written
 * into a ring that keeps the last of them, and `made` counts them all. */
struct work {
	struct vt_grid *from;
	struct vt_line *ring;
	unsigned lines, made; /* of the new ring */
	int cols;
	struct vt_line *out; /* the line being filled */
	int at;              /* its next column */
	unsigned source;     /* number of the line being read */
	unsigned cursor_line,
	    first_line; /* in the old numbering: the cursor's, the top of the screen */
	int cursor_col;
	unsigned new_cursor_line, new_first_line;
	int new_cursor_col;
	bool new_wrap; /* it stands behind a full line */
};

static void open_line(struct work *w)
{
	if (w->out)
		w->out->used = (uint16_t)w->at;
	w->out = &w->ring[w->made++ % w->lines];
	w->out->used = 0;
	w->out->wrapped = w->out->wide = false;
	w->out->size = VT_LINE_SINGLE;
	w->at = 0;
}

static void put(struct work *w, const struct vt_cell *c, int n)
{
	if (w->at + n > w->cols) {
		w->out->wrapped = true;
		open_line(w);
	}
	if (!w->out->cells)
		w->out->cells = xmalloc((size_t)w->cols * sizeof(*c));
	for (int i = 0; i < n; i++)
		w->out->cells[w->at++] = c[i];
	if (n == 2)
		w->out->wide = true;
}

static void note_cursor(struct work *w, int col, int width)
{
	if (w->source != w->cursor_line || w->cursor_col < col || w->cursor_col >= col + width)
		return;
	w->new_cursor_line = w->made - 1;
	w->new_cursor_col = w->at - width + (w->cursor_col - col);
}

/* How many cells of a line belong to the text: all of a wrapped one, but for the gap that a wide
 * character left at its end when it did not fit. */
static int text_length(const struct work *w, struct vt_line *l, const struct vt_line *next)
{
	if (!l->wrapped)
		return l->used;
	const struct vt_cell *cells = vt_grid_read(w->from, l);
	int n = w->from->cols;
	l->used = (uint16_t)n;
	bool gap = n > 1 && cells[n - 1].cp == 0 && cells[n - 1].width == 1 && next && next->wide &&
	           next->used > 1 && next->cells[1].width == 0;
	return gap ? n - 1 : n;
}

static void reflow_line(struct work *w, struct vt_line *l, struct vt_line *next, bool joins)
{
	int n = text_length(w, l, next);
	if (!joins)
		open_line(w);
	if (w->source == w->first_line)
		w->new_first_line = w->made - 1;
	if (!l->wrapped)
		w->out->size = joins ? VT_LINE_SINGLE : l->size;
	for (int i = 0; i < n;) {
		int width = i + 1 < n && l->cells[i + 1].width == 0 ? 2 : 1;
		if (width > w->cols) { /* a wide character on a screen of one column */
			put(w, &vt_blank, 1);
			note_cursor(w, i, 1);
		} else {
			put(w, &l->cells[i], width);
			note_cursor(w, i, width);
		}
		i += width;
	}
	if (w->source == w->cursor_line && w->cursor_col >= n) {
		/* beyond the text: as far beyond it as it was, or as far as there is room */
		w->new_cursor_line = w->made - 1;
		int col = w->at + (w->cursor_col - n);
		w->new_cursor_col = col < w->cols ? col : w->cols - 1;
		w->new_wrap = col == w->cols;
	}
}

static struct vt_line *source_line(const struct work *w, unsigned number)
{
	const struct vt_grid *g = w->from;
	return number < g->history ? vt_grid_history_line(g, g->history - 1 - number)
	                           : vt_grid_line(g, (int)(number - g->history));
}

/* The last row worth keeping: that of the cursor or of the last text. */
static int last_row(const struct vt_grid *g, int cursor_row)
{
	int r = g->rows - 1;
	while (r > cursor_row && vt_grid_line(g, r)->used == 0)
		r--;
	return r;
}

static void reflow_lines(struct work *w, unsigned count)
{
	bool joins = false;
	for (w->source = 0; w->source < count; w->source++) {
		struct vt_line *l = source_line(w, w->source);
		struct vt_line *next = w->source + 1 < count ? source_line(w, w->source + 1) : NULL;
		reflow_line(w, l, next, joins);
		joins = l->wrapped && next;
	}
	w->out->used = (uint16_t)w->at;
}

/* Which new line is the top of the screen. */
static unsigned choose_top(const struct work *w, int rows, int blank_rows)
{
	unsigned grown = rows > w->from->rows ? (unsigned)(rows - w->from->rows) : 0;
	unsigned top = w->new_first_line > grown ? w->new_first_line - grown : 0;
	/* rather history on the screen than more empty rows at its end than before */
	unsigned end = w->made + (unsigned)blank_rows;
	unsigned full = end > (unsigned)rows ? end - (unsigned)rows : 0;
	if (top > full)
		top = full;
	if (w->new_cursor_line >= top + (unsigned)rows)
		top = w->new_cursor_line - (unsigned)rows + 1;
	unsigned oldest = w->made > w->lines ? w->made - w->lines : 0;
	return top < oldest ? oldest : top;
}

/* Puts the new ring in the grid's place, its line `top` at row 0; what lies below the screen is
 * cleared. */
static void install(struct work *w, int rows, unsigned top)
{
	struct vt_grid *g = w->from, old = *g;
	unsigned oldest = w->made > w->lines ? w->made - w->lines : 0;
	g->ring = w->ring;
	g->lines = w->lines;
	g->rows = rows;
	g->cols = w->cols;
	g->top = top % w->lines;
	g->history = top - oldest < g->history_max ? top - oldest : g->history_max;
	for (unsigned i = top + (unsigned)rows; i < w->made; i++)
		vt_grid_line_clear(&w->ring[i % w->lines]);
	for (int r = 0; r < rows; r++)
		if (top + (unsigned)r >= w->made)
			vt_grid_line_clear(vt_grid_line(g, r));
	vt_grid_fini(&old);
}

void vt_reflow(struct vt_grid *g, int rows, int cols, struct vt_reflow_cursor *cursor)
{
	int last = last_row(g, cursor->row);
	struct work w = {.from = g, .cols = cols};
	w.lines = g->history_max + (unsigned)rows;
	w.ring = xcalloc(w.lines, sizeof(*w.ring));
	w.first_line = g->history;
	w.cursor_line = g->history + (unsigned)cursor->row;
	/* With a wrap pending the cursor stands behind its character. */
	w.cursor_col = cursor->col;
	reflow_lines(&w, g->history + (unsigned)last + 1);
	unsigned top = choose_top(&w, rows, g->rows - 1 - last);
	install(&w, rows, top);
	cursor->row = w.new_cursor_line > top ? (int)(w.new_cursor_line - top) : 0;
	cursor->col = w.new_cursor_col;
	if (w.new_wrap) {
		cursor->wrap = true;
	} else if (cursor->wrap && cursor->col < cols - 1) {
		cursor->col++;
		cursor->wrap = false;
	}
}
