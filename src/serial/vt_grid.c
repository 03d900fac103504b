#include "serial/vt_grid.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

const struct vt_cell vt_blank = {.width = 1};

void vt_grid_init(struct vt_grid *g, int rows, int cols, unsigned history_max)
{
	*g = (struct vt_grid){.rows = rows, .cols = cols, .history_max = history_max};
	g->lines = history_max + (unsigned)rows;
	g->ring = xcalloc(g->lines, sizeof(*g->ring));
}

void vt_grid_fini(struct vt_grid *g)
{
	for (unsigned i = 0; i < g->lines; i++)
		free(g->ring[i].cells);
	free(g->ring);
	g->ring = NULL;
}

struct vt_line *vt_grid_history_line(const struct vt_grid *g, unsigned n)
{
	return &g->ring[(g->top + g->lines - 1 - n) % g->lines];
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
	if (l->used < to) {
		fill(cells, l->used, from, vt_blank);
		l->used = (uint16_t)to;
	}
	return cells;
}

void vt_grid_line_clear(struct vt_line *l)
{
	l->used = 0;
	l->wrapped = false;
	l->wide = false;
	l->size = VT_LINE_SINGLE;
}

void vt_grid_erase(const struct vt_grid *g, struct vt_line *l, int from, int to, uint32_t bg)
{
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
	if (n == 1 && g->top + (unsigned)bottom < g->lines) {
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
	if (top == 0 && keep && g->history_max) {
		int below = g->rows - 1 - bottom;
		g->top = (g->top + (unsigned)n) % g->lines;
		g->history += (unsigned)n;
		if (g->history > g->history_max)
			g->history = g->history_max;
		/* The rows below the region moved along: back with them. */
		if (below)
			rotate(g, bottom - n + 1, g->rows - 1, below);
	} else if (top == 0 && bottom == g->rows - 1 && g->history_max == 0) {
		g->top = (g->top + (unsigned)n) % g->lines;
	} else {
		rotate(g, top, bottom, n);
	}
	for (int r = bottom - n + 1; r <= bottom; r++)
		renew(g, vt_grid_line(g, r), bg);
}

void vt_grid_scroll_down(struct vt_grid *g, int top, int bottom, int n, uint32_t bg)
{
	int height = bottom - top + 1;
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

void vt_grid_clear_history(struct vt_grid *g)
{
	while (g->history) {
		struct vt_line *l = vt_grid_history_line(g, --g->history);
		free(l->cells);
		*l = (struct vt_line){0};
	}
}

void vt_grid_crop(struct vt_grid *g, int rows, int cols)
{
	struct vt_grid old = *g;
	vt_grid_init(g, rows, cols, old.history_max);
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
