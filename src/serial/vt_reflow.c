#include "serial/vt_reflow.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "serial/vt_history.h"

/* A line to read: a record taken back from the history, or a row of the old screen. */
struct source {
	struct vt_line *line;
	const struct vt_cell *cells;
	int n; /* of its text */
};

/* The work in hand. Lines are numbered from the oldest that was taken from the history on. */
struct work {
	struct vt_grid *from;
	struct vt_line *taken; /* from the history, the oldest first */
	unsigned taken_n;
	struct vt_line *made; /* the new lines */
	unsigned made_n, made_room;
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

/* --- what is taken back from the history --- */

static struct vt_line take_newest(struct vt_history *h)
{
	struct vt_spot spot;
	struct vt_line l = {0};
	vt_history_find(h, vt_history_end_id(h) - 1, &spot);
	l.used = spot.record->cells;
	l.cells = xmalloc((l.used ? l.used : 1u) * sizeof(*l.cells));
	/* Marks of all the lines taken stay until the last is placed. */
	vt_unpack(spot.data, spot.end, l.cells, l.used, &h->marks);
	l.time = spot.record->time;
	l.wrapped = spot.record->flags & (VT_RECORD_OPEN | VT_RECORD_CUT);
	l.wide = spot.record->flags & VT_RECORD_WIDE;
	l.mark = spot.record->flags & VT_RECORD_MARK;
	l.size = spot.record->size;
	vt_history_drop_newest(h);
	return l;
}

/* The line that goes on in the screen's first row, and as many as a screen can need. */
static void take_lines(struct work *w, int rows)
{
	struct vt_history *h = w->from->history;
	unsigned cols = (unsigned)w->cols, height = 0, room = 0;
	if (!h)
		return;
	h->marks.n = 0;
	h->cells_id = UINT64_MAX;
	while (h->count && (vt_history_open(h) || height < (unsigned)rows)) {
		if (w->taken_n == room) {
			room = room ? room * 2 : 32;
			w->taken = xrealloc(w->taken, room * sizeof(*w->taken));
		}
		struct vt_line *l = &w->taken[w->taken_n++];
		*l = take_newest(h);
		height += l->used > cols ? l->used / cols : 1;
	}
	for (unsigned i = 0; i < w->taken_n / 2; i++) {
		struct vt_line t = w->taken[i];
		w->taken[i] = w->taken[w->taken_n - 1 - i];
		w->taken[w->taken_n - 1 - i] = t;
	}
}

/* --- lines into lines --- */

static void open_line(struct work *w)
{
	if (w->out)
		w->out->used = (uint16_t)w->at;
	if (w->made_n == w->made_room) {
		w->made_room = w->made_room ? w->made_room * 2 : 64;
		w->made = xrealloc(w->made, w->made_room * sizeof(*w->made));
	}
	w->out = &w->made[w->made_n++];
	*w->out = (struct vt_line){0};
	w->at = 0;
}

static void put(struct work *w, const struct vt_cell *c, int n)
{
	if (w->at + n > w->cols) {
		struct vt_line full = *w->out;
		w->out->wrapped = true;
		w->out->gap = w->at < w->cols;
		open_line(w);
		w->out->time = full.time;
		w->out->mark = full.mark;
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
	w->new_cursor_line = w->made_n - 1;
	w->new_cursor_col = w->at - width + (w->cursor_col - col);
}

static void reflow_line(struct work *w, const struct source *src, bool joins)
{
	struct vt_line *l = src->line;
	if (!joins)
		open_line(w);
	if (l->time > w->out->time)
		w->out->time = l->time;
	w->out->mark = l->mark;
	if (w->source == w->first_line)
		w->new_first_line = w->made_n - 1;
	if (!l->wrapped)
		w->out->size = joins ? VT_LINE_SINGLE : l->size;
	for (int i = 0; i < src->n;) {
		int width = i + 1 < src->n && src->cells[i + 1].width == 0 ? 2 : 1;
		if (width > w->cols) { /* a wide character on a screen of one column */
			put(w, &vt_blank, 1);
			note_cursor(w, i, 1);
		} else {
			put(w, &src->cells[i], width);
			note_cursor(w, i, width);
		}
		i += width;
	}
	if (w->source == w->cursor_line && w->cursor_col >= src->n) {
		/* beyond the text: as far beyond it as it was, or as far as there is room */
		w->new_cursor_line = w->made_n - 1;
		int col = w->at + (w->cursor_col - src->n);
		w->new_cursor_col = col < w->cols ? col : w->cols - 1;
		w->new_wrap = col == w->cols;
	}
}

static struct source source_line(const struct work *w, unsigned number, unsigned count)
{
	const struct vt_grid *g = w->from;
	if (number < w->taken_n) {
		struct vt_line *l = &w->taken[number];
		return (struct source){l, l->cells, l->used};
	}
	struct vt_line *l = vt_grid_line(g, (int)(number - w->taken_n));
	const struct vt_line *next =
	    number + 1 < count ? vt_grid_line(g, (int)(number + 1 - w->taken_n)) : NULL;
	int n = vt_grid_text_cells(g, l, next);
	return (struct source){l, l->cells, n};
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
		struct source src = source_line(w, w->source, count);
		reflow_line(w, &src, joins);
		joins = src.line->wrapped && w->source + 1 < count;
	}
	w->out->used = (uint16_t)w->at;
}

/* --- the new screen --- */

/* Which new line is the top of the screen. */
static unsigned choose_top(const struct work *w, int rows, int blank_rows)
{
	unsigned grown = rows > w->from->rows ? (unsigned)(rows - w->from->rows) : 0;
	unsigned top = w->new_first_line > grown ? w->new_first_line - grown : 0;
	/* rather history on the screen than more empty rows at its end than before */
	unsigned end = w->made_n + (unsigned)blank_rows;
	unsigned full = end > (unsigned)rows ? end - (unsigned)rows : 0;
	if (top > full)
		top = full;
	if (w->new_cursor_line >= top + (unsigned)rows)
		top = w->new_cursor_line - (unsigned)rows + 1;
	return top;
}

/* Cells of the screen have their marks in its own table. */
static void settle_marks(struct vt_history *h, struct vt_clusters *k, struct vt_line *l)
{
	uint32_t cp[VT_CLUSTER_CHARS];
	for (int i = 0; i < l->used; i++) {
		struct vt_cell *c = &l->cells[i];
		if (c->cp < (VT_CLUSTER | VT_CLUSTER_UNPACKED))
			continue;
		size_t n = vt_unpacked_get(&h->marks, k, c->cp, cp);
		c->cp = cp[0];
		for (size_t m = 1; m < n; m++)
			c->cp = vt_clusters_add(k, c->cp, cp[m]);
	}
}

/* Lines above `top` go to the history, those from there on become the screen, what lies below it is
 * dropped. */
static void install(struct work *w, struct vt_clusters *k, int rows, unsigned top)
{
	struct vt_grid *g = w->from, old = *g;
	vt_grid_init(g, rows, w->cols, old.history);
	g->now = old.now;
	for (unsigned i = 0; i < w->made_n; i++) {
		struct vt_line *l = &w->made[i];
		if (i >= top && i - top < (unsigned)rows) {
			if (g->history)
				settle_marks(g->history, k, l);
			g->ring[i - top] = *l;
			continue;
		}
		if (i < top && g->history)
			vt_grid_keep(g, l, i + 1 < w->made_n ? l + 1 : NULL);
		free(l->cells);
	}
	vt_grid_fini(&old);
}

void vt_reflow(
    struct vt_grid *g, struct vt_clusters *k, int rows, int cols, struct vt_reflow_cursor *cursor)
{
	int last = last_row(g, cursor->row);
	struct work w = {.from = g, .cols = cols};
	take_lines(&w, rows);
	if (g->history)
		vt_history_set_cols(g->history, (unsigned)cols);
	w.first_line = w.taken_n;
	w.cursor_line = w.taken_n + (unsigned)cursor->row;
	/* With a wrap pending the cursor stands behind its character. */
	w.cursor_col = cursor->col;
	reflow_lines(&w, w.taken_n + (unsigned)last + 1);
	unsigned top = choose_top(&w, rows, g->rows - 1 - last);
	install(&w, k, rows, top);
	for (unsigned i = 0; i < w.taken_n; i++)
		free(w.taken[i].cells);
	free(w.taken);
	free(w.made);
	cursor->row = w.new_cursor_line > top ? (int)(w.new_cursor_line - top) : 0;
	cursor->col = w.new_cursor_col;
	if (w.new_wrap) {
		cursor->wrap = true;
	} else if (cursor->wrap && cursor->col < cols - 1) {
		cursor->col++;
		cursor->wrap = false;
	}
}
