#include "serial/vt_grid.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "serial/vt_history.h"

const struct vt_cell vt_blank = {.width = 1};

void vt_grid_init(struct vt_grid *g, int rows, int cols, struct vt_history *history)
{
	*g = (struct vt_grid){.rows = rows, .cols = cols, .history = history};
	g->ring = xcalloc((size_t)rows, sizeof(*g->ring));
}

void vt_grid_fini(struct vt_grid *g)
{
	for (int i = 0; i < g->rows; i++)
		free(g->ring[i].cells);
	free(g->ring);
	g->ring = NULL;
}

static void fill(struct vt_cell *cells, int from, int to, struct vt_cell with)
{
	for (int i = from; i < to; i++)
		cells[i] = with;
}

static struct vt_cell *line_cells(const struct vt_grid *g, struct vt_line *l)
{
	if (!l->cells)
		l->cells = xmalloc((size_t)g->cols * sizeof(*l->cells));
	return l->cells;
}

const struct vt_cell *vt_grid_read(const struct vt_grid *g, struct vt_line *l)
{
	struct vt_cell *cells = line_cells(g, l);
	fill(cells, l->used, g->cols, vt_blank);
	return cells;
}

int vt_grid_text_cells(const struct vt_grid *g, struct vt_line *l, const struct vt_line *next)
{
	if (!l->wrapped)
		return l->used;
	const struct vt_cell *cells = vt_grid_read(g, l);
	int n = g->cols;
	bool gap = l->gap && n > 1 && cells[n - 1].cp == 0 && cells[n - 1].width == 1 && next &&
	           next->used > 1 && next->cells[1].width == 0;
	return gap ? n - 1 : n;
}

static bool is_nothing(const struct vt_cell *c)
{
	return c->cp == 0 && c->width == 1 && !c->fg && !c->bg && !c->attrs && !c->underline;
}

int vt_grid_kept_cells(const struct vt_grid *g, struct vt_line *l, const struct vt_line *next)
{
	int n = vt_grid_text_cells(g, l, next);
	while (!l->wrapped && n > 0 && is_nothing(&l->cells[n - 1]))
		n--;
	return n;
}

void vt_grid_keep(const struct vt_grid *g, struct vt_line *l, const struct vt_line *next)
{
	int n = vt_grid_kept_cells(g, l, next);
	vt_history_push(g->history, &(struct vt_row){.cells = l->cells,
	                                .n = n,
	                                .time = l->time ? l->time : g->now,
	                                .wrapped = l->wrapped,
	                                .wide = l->wide,
	                                .mark = l->mark,
	                                .size = l->size});
	l->mark = false;
}

/* A guest is about to change one of our lines: it goes to the history, and leaves a blank one. */
static void save_mark(const struct vt_grid *g, struct vt_line *l)
{
	if (g->history)
		vt_grid_keep(g, l, NULL);
	l->mark = false;
	l->used = 0;
	if (l->cells)
		fill(l->cells, 0, g->cols, vt_blank);
}

void vt_grid_split(struct vt_line *l, int col)
{
	if (!l->wide || col <= 0 || col >= l->used || l->cells[col].width != 0)
		return;
	for (int i = col - 1; i <= col; i++) {
		uint32_t bg = l->cells[i].bg;
		l->cells[i] = vt_blank;
		l->cells[i].bg = bg;
	}
}

struct vt_cell *vt_grid_write(const struct vt_grid *g, struct vt_line *l, int from, int to)
{
	struct vt_cell *cells = line_cells(g, l);
	if (l->mark)
		save_mark(g, l);
	l->time = g->now;
	if (l->used < to) {
		fill(cells, l->used, from, vt_blank);
		l->used = (uint16_t)to;
	}
	return cells;
}

void vt_grid_line_clear(struct vt_line *l)
{
	l->time = 0;
	l->used = 0;
	l->wrapped = l->gap = l->wide = l->mark = false;
	l->size = VT_LINE_SINGLE;
}

void vt_grid_line_free(struct vt_line *l)
{
	free(l->cells);
	l->cells = NULL;
}

void vt_grid_erase(const struct vt_grid *g, struct vt_line *l, int from, int to, uint32_t bg)
{
	if (l->mark)
		save_mark(g, l);
	vt_grid_split(l, from);
	vt_grid_split(l, to);
	if (to >= g->cols)
		l->wrapped = false;
	if (bg) {
		struct vt_cell with = vt_blank;
		with.bg = bg;
		fill(vt_grid_write(g, l, from, to), from, to, with);
	} else if (to >= l->used) {
		if (from < l->used)
			l->used = (uint16_t)from;
	} else {
		fill(l->cells, from, to, vt_blank);
	}
}

/* A line that has left the screen comes back as a fresh one. */
static void renew(const struct vt_grid *g, struct vt_line *l, uint32_t bg)
{
	if (l->mark)
		save_mark(g, l);
	vt_grid_line_clear(l);
	if (bg)
		vt_grid_erase(g, l, 0, g->cols, bg);
}

static void swap(struct vt_grid *g, int a, int b)
{
	struct vt_line *x = vt_grid_line(g, a), *y = vt_grid_line(g, b), t = *x;
	*x = *y;
	*y = t;
}

static void reverse(struct vt_grid *g, int from, int to)
{
	while (from < to)
		swap(g, from++, to--);
}

/* Rows [top, bottom] turn by n towards the top: row top + n comes to top, what was above goes to
 * the bottom. */
static void rotate(struct vt_grid *g, int top, int bottom, int n)
{
	if (n == 1 && g->top + (unsigned)bottom < (unsigned)g->rows) {
		struct vt_line *first = vt_grid_line(g, top), gone = *first;
		memmove(first, first + 1, (size_t)(bottom - top) * sizeof(*first));
		*vt_grid_line(g, bottom) = gone;
		return;
	}
	reverse(g, top, top + n - 1);
	reverse(g, top + n, bottom);
	reverse(g, top, bottom);
}

void vt_grid_scroll_up(struct vt_grid *g, int top, int bottom, int n, uint32_t bg, bool keep)
{
	if (top == 0 && g->history) {
		for (int r = 0; keep && r < n; r++)
			vt_grid_keep(
			    g, vt_grid_line(g, r), r + 1 < g->rows ? vt_grid_line(g, r + 1) : NULL);
		if (!keep) /* what comes to the top does not go on from the history */
			vt_history_close(g->history);
	}
	if (top == 0 && bottom == g->rows - 1)
		g->top = (g->top + (unsigned)n) % (unsigned)g->rows;
	else if (n <= bottom - top)
		rotate(g, top, bottom, n);
	for (int r = bottom - n + 1; r <= bottom; r++)
		renew(g, vt_grid_line(g, r), bg);
}

void vt_grid_scroll_down(struct vt_grid *g, int top, int bottom, int n, uint32_t bg)
{
	int height = bottom - top + 1;
	if (top == 0 && g->history)
		vt_history_close(g->history);
	if (n < height)
		rotate(g, top, bottom, height - n);
	for (int r = top; r < top + n; r++)
		renew(g, vt_grid_line(g, r), bg);
}

/* After cells were moved: where the border before col separates the halves of a wide character, the half that is there
 * becomes blank. */
static void mend(struct vt_line *l, int col)
{
	if (col <= 0 || col > l->used)
		return;
	struct vt_cell *left = &l->cells[col - 1], *right = &l->cells[col];
	bool opens = left->width == 2, closes = col < l->used && right->width == 0;
	if (opens && !closes)
		*left = (struct vt_cell){.bg = left->bg, .width = 1};
	else if (closes && !opens)
		*right = (struct vt_cell){.bg = right->bg, .width = 1};
}

void vt_grid_copy(
    const struct vt_grid *g, struct vt_line *src, int from, struct vt_line *dst, int to, int n)
{
	if (n <= 0)
		return;
	if (src->mark) /* no guest composes lines of ours from parts of others */
		save_mark(g, src);
	vt_grid_split(src, from);
	vt_grid_split(src, from + n);
	int stop = from + n < src->used ? from + n : src->used;
	int copied = stop > from ? stop - from : 0;
	if (copied) {
		struct vt_cell *d = vt_grid_write(g, dst, to, to + copied);
		memmove(d + to, src->cells + from, (size_t)copied * sizeof(*d));
		dst->wide |= src->wide;
	}
	if (dst->wide) {
		mend(dst, to);
		mend(dst, to + copied);
	}
	/* what was blank at the source's end */
	if (copied < n)
		vt_grid_erase(g, dst, to + copied, to + n, 0);
}

void vt_grid_crop(struct vt_grid *g, int rows, int cols)
{
	struct vt_grid old = *g;
	vt_grid_init(g, rows, cols, old.history);
	g->now = old.now;
	for (int r = 0; r < rows && r < old.rows; r++) {
		struct vt_line *from = vt_grid_line(&old, r), *to = vt_grid_line(g, r);
		int n = from->used < cols ? from->used : cols;
		if (n == 0)
			continue;
		vt_grid_split(from, n);
		memcpy(vt_grid_write(g, to, 0, n), from->cells, (size_t)n * sizeof(*from->cells));
		to->wide = from->wide;
		to->size = from->size;
	}
	vt_grid_fini(&old);
}
