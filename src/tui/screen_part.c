#include "tui/screen_part.h"

#include "tui/draw.h"

static bool row_empty(const struct vt_screen *s, unsigned row)
{
	const struct vt_cell *c = vt_screen_row(s, row);
	for (unsigned i = 0; i < vt_screen_cols(s); i++)
		if ((c[i].cp && c[i].cp != ' ') || c[i].bg)
			return false;
	return true;
}

/* In steps of half the width: a line that is typed does not make all of it move with every key. */
static unsigned first_col(unsigned cursor, unsigned cols, unsigned width)
{
	unsigned step = width / 2 ? width / 2 : 1, first;
	if (cursor < width || cols <= width)
		return 0;
	first = ((cursor - width) / step + 1) * step;
	return first + width > cols ? cols - width : first;
}

void screen_part_find(
    const struct vt_screen *s, unsigned height, unsigned width, struct screen_part *p)
{
	unsigned rows = vt_screen_rows(s), cols = vt_screen_cols(s), last = rows, crow, ccol;
	vt_screen_cursor(s, &crow, &ccol);
	while (last > crow + 1 && row_empty(s, last - 1))
		last--;
	p->row = last > height ? last - height : 0;
	if (p->row > crow)
		p->row = crow;
	p->rows = rows - p->row < height ? rows - p->row : height;
	p->col = first_col(ccol, cols, width);
	p->cols = cols - p->col < width ? cols - p->col : width;
}

void screen_part_draw(
    const struct vt_screen *s, int row, int col, int height, int width, bool cursor)
{
	struct screen_part p;
	struct vt_modes m;
	unsigned crow, ccol;
	if (height <= 0 || width <= 0)
		return;
	screen_part_find(s, (unsigned)height, (unsigned)width, &p);
	vt_screen_modes(s, &m);
	vt_screen_cursor(s, &crow, &ccol);
	for (unsigned r = 0; r < p.rows; r++) {
		const struct vt_cell *cells = vt_screen_row(s, p.row + r) + p.col;
		unsigned cut = cells->width == 0 ? 1 : 0; /* the right half of a wide character */
		draw_cells(row + (int)r, col + (int)cut, (int)(p.cols - cut), s, cells + cut,
		    p.cols - cut, m.reverse_screen);
	}
	if (cursor && m.cursor_visible && crow - p.row < p.rows && ccol - p.col < p.cols)
		draw_cursor(row + (int)(crow - p.row), col + (int)(ccol - p.col));
}
