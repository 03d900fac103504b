#include "tui/screen_rows.h"

#include "tui/draw.h"

void screen_rows_hidden(
    const struct vt_screen *s, unsigned height, unsigned width, unsigned *above, unsigned *left)
{
	unsigned row, col;
	vt_screen_cursor(s, &row, &col);
	*above = vt_screen_rows(s) > height && row >= height ? row - height + 1 : 0;
	*left = vt_screen_cols(s) > width && col >= width ? col - width + 1 : 0;
}

static struct screen_rows part_now(const struct vt_screen *s, unsigned height)
{
	struct screen_rows now = {.screen = s,
	    .rows = vt_screen_rows(s),
	    .cols = vt_screen_cols(s),
	    .height = height,
	    .width = (unsigned)draw_cols()};
	struct vt_modes m;
	vt_screen_modes(s, &m);
	now.reverse = m.reverse_screen;
	screen_rows_hidden(s, height, now.width, &now.above, &now.left);
	return now;
}

static bool same(const struct screen_rows *a, const struct screen_rows *b)
{
	return a->screen == b->screen && a->above == b->above && a->left == b->left &&
	       a->rows == b->rows && a->cols == b->cols && a->height == b->height &&
	       a->width == b->width && a->reverse == b->reverse;
}

static void draw_row(const struct screen_rows *d, const struct vt_screen *s, unsigned r)
{
	const struct vt_cell *cells = vt_screen_row(s, d->above + r) + d->left;
	unsigned cut = cells->width == 0 ? 1 : 0; /* the right half of a wide character */
	draw_cells((int)r, (int)cut, (int)(d->width - cut), s, cells + cut, d->cols - d->left - cut,
	    d->reverse);
}

static void put_cursor(const struct screen_rows *d, const struct vt_screen *s, bool cursor)
{
	struct vt_modes m;
	unsigned row, col;
	vt_screen_modes(s, &m);
	vt_screen_cursor(s, &row, &col);
	if (cursor && m.cursor_visible)
		draw_cursor((int)(row - d->above), (int)(col - d->left));
}

void screen_rows_draw(struct screen_rows *d, struct vt_screen *s, unsigned height, bool cursor)
{
	*d = part_now(s, height);
	for (unsigned r = 0; r < height && d->above + r < d->rows; r++)
		draw_row(d, s, r);
	vt_screen_clean(s);
	put_cursor(d, s, cursor);
}

bool screen_rows_update(struct screen_rows *d, struct vt_screen *s, unsigned height, bool cursor)
{
	struct screen_rows now = part_now(s, height);
	if (!same(d, &now))
		return false;
	for (unsigned r = 0; r < height && d->above + r < d->rows; r++) {
		if (!vt_screen_dirty(s, d->above + r))
			continue;
		draw_clear_row((int)r);
		draw_row(d, s, r);
	}
	vt_screen_clean(s);
	put_cursor(d, s, cursor);
	return true;
}
