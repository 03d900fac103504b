#include "tui/wall_layout.h"

#include <string.h>

#define GUEST_ROWS 24 /* what guests take a serial line to be: a larger tile shows no more */
#define GUEST_COLS 80

struct grid {
	unsigned across, down;
	long score; /* 0: too small to be read */
};

static int least(int a, int b)
{
	return a < b ? a : b;
}

static unsigned divide_up(unsigned a, unsigned b)
{
	return (a + b - 1) / b;
}

/* A line that is cut hurts a little more than one that is gone: few tiles on 80 columns lie upon each other, six stand
 * two by three. */
static long worth(int w, int h)
{
	return (long)w * (w + GUEST_COLS) * h;
}

static struct grid grid_of(unsigned n, unsigned across, int rows, int cols)
{
	struct grid g = {.across = across, .down = divide_up(n, across)};
	int w = (cols - (int)across + 1) / (int)across, h = rows / (int)g.down - 1;
	if (w >= WALL_TILE_COLS_MIN && h >= WALL_TILE_ROWS_MIN)
		g.score = worth(least(w, GUEST_COLS), least(h, GUEST_ROWS));
	return g;
}

static struct grid grid_best(unsigned n, int rows, int cols)
{
	struct grid best = {.across = 1, .down = n};
	for (unsigned across = 1; across <= n; across++) {
		struct grid g = grid_of(n, across, rows, cols);
		if (g.score > best.score)
			best = g;
	}
	return best;
}

/* Tiles on a full page: pages as full as each other, rather than one that is crammed and one that is nearly empty. */
static unsigned per_page(unsigned n, int rows, int cols)
{
	unsigned most = n;
	while (most > 1 && !grid_best(most, rows, cols).score)
		most--;
	return divide_up(n, divide_up(n, most));
}

unsigned wall_layout_page_of(unsigned n, int rows, int cols, unsigned at)
{
	return at / per_page(n, rows, cols);
}

/* Part `i` of `parts` of a length: the first ones take what is left over. */
static void part(int length, unsigned parts, unsigned i, int *from, int *size)
{
	int each = length / (int)parts, over = length % (int)parts;
	*from = each * (int)i + least((int)i, over);
	*size = each + ((int)i < over ? 1 : 0);
}

static void place(struct wall_layout *l, unsigned i, int rows, int cols)
{
	struct wall_rect *t = &l->tile[i];
	unsigned line = i / l->across, in_line = l->n - line * l->across;
	int title = l->titled ? 1 : 0;
	if (in_line > l->across)
		in_line = l->across; /* a last line that is short shares the whole width */
	part(rows, l->down, line, &t->row, &t->rows);
	/* One column goes to each gap; it stands to the left of all but the first. */
	part(cols + 1, in_line, i % l->across, &t->col, &t->cols);
	t->cols -= 1;
	t->row += title;
	t->rows -= title;
}

void wall_layout_make(unsigned n, int rows, int cols, unsigned page, struct wall_layout *out)
{
	unsigned per;
	struct grid g;
	memset(out, 0, sizeof(*out));
	n = n < 1 ? 1 : n > WALL_TILES_MAX ? WALL_TILES_MAX : n;
	rows = rows < 1 ? 1 : rows;
	cols = cols < 1 ? 1 : cols;
	per = per_page(n, rows, cols);
	out->pages = divide_up(n, per);
	out->page = page < out->pages ? page : out->pages - 1;
	out->first = out->page * per;
	out->n = n - out->first < per ? n - out->first : per;
	out->titled = rows >= 2;
	g = grid_best(out->n, rows, cols);
	out->across = g.across;
	out->down = g.down;
	for (unsigned i = 0; i < out->n; i++)
		place(out, i, rows, cols);
}

/* The tile of another line that stands over or under the middle of this one. */
static unsigned step_line(const struct wall_layout *l, unsigned at, unsigned line)
{
	int middle = l->tile[at].col + l->tile[at].cols / 2;
	unsigned to = line * l->across;
	for (unsigned i = to; i < l->n && i / l->across == line; i++)
		if (l->tile[i].col <= middle)
			to = i;
	return to;
}

unsigned wall_layout_step(const struct wall_layout *l, unsigned at, enum wall_step step)
{
	unsigned line = at / l->across;
	switch (step) {
	case WALL_LEFT:
		return at % l->across ? at - 1 : at;
	case WALL_RIGHT:
		return at % l->across + 1 < l->across && at + 1 < l->n ? at + 1 : at;
	case WALL_UP:
		return line ? step_line(l, at, line - 1) : at;
	case WALL_DOWN:
		return line + 1 < l->down ? step_line(l, at, line + 1) : at;
	}
	return at;
}
