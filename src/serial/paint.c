#include "serial/paint.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "serial/sgr.h"

struct paint {
	struct paint_options o;
	bool valid;          /* cells, cursor and top are what the terminal shows */
	unsigned rows, cols; /* of cells */
	struct vt_cell
	    *cells;   /* and a spare row; clusters never compare equal: their numbers are reused */
	uint64_t top; /* number of the line in row 0 */
	uint64_t stamp; /* of the screen that is shown */
	bool alt, visible;
	unsigned row, col; /* of the cursor */
	struct sgr_pen pen;
};

struct paint *paint_new(const struct paint_options *o)
{
	struct paint *p = xcalloc(1, sizeof(*p));
	p->o = *o;
	return p;
}

void paint_free(struct paint *p)
{
	if (!p)
		return;
	free(p->cells);
	free(p);
}

void paint_forget(struct paint *p)
{
	p->valid = false;
}

void paint_resize(struct paint *p, unsigned rows, unsigned cols)
{
	p->o.rows = rows;
	p->o.cols = cols;
	p->valid = false;
}

/* --- pieces --- */

static void go(struct paint *p, unsigned row, unsigned col, struct buf *out)
{
	if (p->row == row && p->col == col)
		return;
	buf_addf(out, "\033[%u;%uH", row + 1, col + 1);
	p->row = row;
	p->col = col;
}

static void set_pen(struct paint *p, struct sgr_pen pen, struct buf *out)
{
	if (sgr_pen_same(&p->pen, &pen))
		return;
	sgr_pen_put(&pen, out);
	p->pen = pen;
}

static bool same(const struct vt_cell *a, const struct vt_cell *b)
{
	return a->cp == b->cp && a->cp < VT_CLUSTER && a->fg == b->fg && a->bg == b->bg &&
	       a->width == b->width && ((a->attrs ^ b->attrs) & 0xff) == 0;
}

static void put_text(
    struct paint *p, const struct vt_screen *s, const struct vt_cell *c, struct buf *out)
{
	char text[VT_CELL_UTF8_MAX];
	size_t n = vt_screen_cell_text(s, c, text);
	/* Half of a wide character at the edge. */
	bool cut = c->width == 2 && p->col + 2 > p->cols;
	if (cut)
		buf_addc(out, ' ');
	else if (p->o.ascii && (n != 1 || (unsigned char)text[0] >= 0x7f))
		buf_add(out, "??", c->width == 2 ? 2 : 1);
	else
		buf_add(out, text, n);
	p->col += cut ? 1 : c->width;
}

/* Where the terminal's cursor is after its last column is not the same everywhere. */
static void after_row(struct paint *p)
{
	if (p->col >= p->cols)
		p->col = p->cols + 1;
}

/* Makes a row of the terminal show these cells. */
static void put_row(struct paint *p, const struct vt_screen *s, unsigned row,
    const struct vt_cell *cells, bool reverse, struct buf *out)
{
	struct vt_cell *want = p->cells + (size_t)p->rows * p->cols; /* the spare row */
	struct vt_cell *have = p->cells + (size_t)row * p->cols;
	unsigned from = 0, to = p->cols, used = p->cols;
	memcpy(want, cells, p->cols * sizeof(*want));
	for (unsigned i = 0; reverse && i < p->cols; i++)
		want[i].attrs ^= VT_REVERSE;
	while (from < to && same(&have[from], &want[from]))
		from++;
	if (from == to)
		return;
	while (to > from && same(&have[to - 1], &want[to - 1]))
		to--;
	while (from > 0 && want[from].width == 0)
		from--;
	while (used > 0 && want[used - 1].width == 1 && sgr_blank(&want[used - 1]))
		used--;
	go(p, row, from, out);
	for (unsigned i = from; i < to && i < used; i++) {
		if (want[i].width == 0)
			continue;
		set_pen(p, sgr_pen_of(&want[i]), out);
		put_text(p, s, &want[i], out);
	}
	if (to > used) {
		set_pen(p, (struct sgr_pen){0}, out);
		go(p, row, from > used ? from : used, out);
		buf_adds(out, "\033[K");
	}
	after_row(p);
	memcpy(have, want, p->cols * sizeof(*have));
}

/* --- the whole --- */

static void begin(struct paint *p, const struct vt_screen *s, bool alt, struct buf *out)
{
	unsigned rows = vt_screen_rows(s), cols = vt_screen_cols(s);
	if (p->o.rows && rows > p->o.rows)
		rows = p->o.rows;
	if (p->o.cols && cols > p->o.cols)
		cols = p->o.cols;
	if (p->valid && p->rows == rows && p->cols == cols && p->alt == alt &&
	    vt_screen_top_line(s) >= p->top)
		return;
	/* After a full-screen program the lines go on scrolling where they stood. */
	if (!p->valid || p->cols != cols || vt_screen_top_line(s) < p->top)
		p->top = vt_screen_top_line(s);
	p->cells = xreallocarray(p->cells, (size_t)(rows + 1) * cols, sizeof(*p->cells));
	for (size_t i = 0; i < (size_t)rows * cols; i++)
		p->cells[i] = (struct vt_cell){.width = 1};
	buf_adds(out, "\033[0m\033[?25l\033[2J\033[1;1H");
	p->rows = rows;
	p->cols = cols;
	p->alt = alt;
	p->valid = true;
	p->visible = false;
	p->row = p->col = 0;
	p->pen = (struct sgr_pen){0};
}

/* The terminal's rows 0 to n-1 show the lines that go; then they go. */
static void scroll(
    struct paint *p, const struct vt_screen *s, unsigned n, bool reverse, struct buf *out)
{
	size_t row = p->cols;
	for (unsigned i = 0; i < n; i++) {
		const struct vt_cell *line = vt_screen_line(s, p->top + i);
		if (line)
			put_row(p, s, i, line, reverse, out);
	}
	set_pen(p, (struct sgr_pen){0}, out);
	go(p, p->rows - 1, 0, out);
	for (unsigned i = 0; i < n; i++)
		buf_adds(out, "\r\n");
	memmove(p->cells, p->cells + n * row, (p->rows - n) * row * sizeof(*p->cells));
	for (size_t i = (p->rows - n) * row; i < p->rows * row; i++)
		p->cells[i] = (struct vt_cell){.width = 1};
	p->top += n;
}

static void follow(struct paint *p, const struct vt_screen *s, bool reverse, struct buf *out)
{
	uint64_t top = vt_screen_top_line(s), first = vt_screen_first_line(s);
	if (!p->o.scrolls)
		p->top = top;
	if (p->alt)
		return;
	if (p->top < first)
		p->top = first; /* more than was kept */
	while (p->top < top)
		scroll(p, s, top - p->top < p->rows ? (unsigned)(top - p->top) : p->rows, reverse,
		    out);
}

static void put_cursor(struct paint *p, const struct vt_screen *s, bool show, struct buf *out)
{
	unsigned row, col;
	vt_screen_cursor(s, &row, &col);
	show = show && row < p->rows && col < p->cols;
	set_pen(p, (struct sgr_pen){0}, out);
	if (show)
		go(p, row, col, out);
	if (show != p->visible)
		buf_adds(out, show ? "\033[?25h" : "\033[?25l");
	p->visible = show;
}

void paint_update(struct paint *p, const struct vt_screen *s, struct buf *out)
{
	struct vt_modes m;
	if (p->valid && p->stamp == vt_screen_stamp(s))
		return;
	vt_screen_modes(s, &m);
	begin(p, s, m.alt_screen, out);
	follow(p, s, m.reverse_screen, out);
	for (unsigned i = 0; i < p->rows; i++)
		put_row(p, s, i, vt_screen_row(s, i), m.reverse_screen, out);
	put_cursor(p, s, m.cursor_visible, out);
	p->stamp = vt_screen_stamp(s);
}
