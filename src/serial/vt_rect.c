#include "serial/vt_state.h"

/* A rectangle from parameters at..at+3 (top, left, bottom, right, 1-based, relative to the margins
 * with DECOM). False when it is empty. */
static bool read_box(
    const struct vt_screen *s, const struct vt_csi *c, unsigned at, struct vt_box *b)
{
	bool origin = vt_mode(s, VT_M_DECOM);
	int top = origin ? s->top : 0, left = origin ? vt_left(s) : 0;
	int bottom = origin ? s->bottom : s->rows - 1, right = origin ? vt_right(s) : s->cols - 1;
	b->top = top + vt_csi_arg(c, at, 1) - 1;
	b->left = left + vt_csi_arg(c, at + 1, 1) - 1;
	b->bottom = vt_csi_arg(c, at + 2, 0) ? top + vt_csi_arg(c, at + 2, 1) - 1 : bottom;
	b->right = vt_csi_arg(c, at + 3, 0) ? left + vt_csi_arg(c, at + 3, 1) - 1 : right;
	/* An inverted rectangle is no rectangle; that is judged before it is cut to the screen. */
	bool valid = b->top <= b->bottom && b->left <= b->right;
	if (b->bottom > bottom)
		b->bottom = bottom;
	if (b->right > right)
		b->right = right;
	return valid && b->top <= b->bottom && b->left <= b->right;
}

void vt_rect_fill(struct vt_screen *s, const struct vt_csi *c)
{
	struct vt_box b;
	int ch = vt_csi_arg(c, 0, ' ');
	if (ch < 0x20 || (ch >= 0x7F && ch < 0xA0) || ch > 0xFF || !read_box(s, c, 1, &b))
		return;
	struct vt_cell with = {.cp = (uint32_t)ch,
	    .fg = s->pen.fg,
	    .bg = s->pen.bg,
	    .attrs = s->pen.attrs,
	    .width = 1};
	if (ch < 0x7F && vt_charsets_active(&s->sets))
		with.cp = vt_charsets_map(&s->sets, (uint8_t)ch);
	for (int r = b.top; r <= b.bottom; r++) {
		struct vt_line *l = vt_grid_line(s->grid, r);
		vt_grid_split(l, b.left);
		vt_grid_split(l, b.right + 1);
		struct vt_cell *cells = vt_grid_write(s->grid, l, b.left, b.right + 1);
		for (int i = b.left; i <= b.right; i++)
			cells[i] = with;
		vt_mark(s, r);
	}
}

static void erase(struct vt_screen *s, const struct vt_csi *c, bool spare)
{
	struct vt_box b;
	if (!read_box(s, c, 0, &b))
		return;
	for (int r = b.top; r <= b.bottom; r++)
		vt_edit_erase_cells(s, r, b.left, b.right + 1, spare);
}

void vt_rect_erase(struct vt_screen *s, const struct vt_csi *c)
{
	erase(s, c, false);
}

void vt_rect_erase_selective(struct vt_screen *s, const struct vt_csi *c)
{
	erase(s, c, true);
}

/* Parameters: source top, left, bottom, right, page, destination top, left, page. */
void vt_rect_copy(struct vt_screen *s, const struct vt_csi *c)
{
	struct vt_box b;
	if (!read_box(s, c, 0, &b))
		return;
	bool origin = vt_mode(s, VT_M_DECOM);
	int top = (origin ? s->top : 0) + vt_csi_arg(c, 5, 1) - 1;
	int left = (origin ? vt_left(s) : 0) + vt_csi_arg(c, 6, 1) - 1;
	int bottom = origin ? s->bottom : s->rows - 1, right = origin ? vt_right(s) : s->cols - 1;
	int height = vt_clamp(b.bottom - b.top + 1, 0, bottom - top + 1 > 0 ? bottom - top + 1 : 0);
	int width = vt_clamp(b.right - b.left + 1, 0, right - left + 1 > 0 ? right - left + 1 : 0);
	for (int i = 0; i < height; i++) {
		/* upwards or downwards, so that no row is overwritten before it was read */
		int r = top <= b.top ? i : height - 1 - i;
		vt_grid_copy(s->grid, vt_grid_line(s->grid, b.top + r), b.left,
		    vt_grid_line(s->grid, top + r), left, width);
		vt_mark(s, top + r);
	}
}

/* The attributes that DECCARA and DECRARA know: what is turned on, what off. */
static void read_attrs(const struct vt_csi *c, uint16_t *on, uint16_t *off)
{
	static const uint16_t bits[] = {[1] = VT_BOLD,
	    [4] = VT_UNDERLINE,
	    [5] = VT_BLINK,
	    [7] = VT_REVERSE,
	    [8] = VT_INVISIBLE};
	const uint16_t all = VT_BOLD | VT_UNDERLINE | VT_BLINK | VT_REVERSE | VT_INVISIBLE;
	*on = *off = 0;
	if (c->params <= 4)
		*off = all;
	for (unsigned i = 4; i < c->params; i++) {
		int v = vt_csi_arg0(c, i, 0);
		if (v == 0) {
			*on = 0;
			*off = all;
		} else if (v < 9 && bits[v]) {
			*on |= bits[v];
			*off &= (uint16_t)~bits[v];
		} else if (v > 20 && v < 29 && bits[v == 22 ? 1 : v - 20]) {
			*off |= bits[v == 22 ? 1 : v - 20];
			*on &= (uint16_t)~bits[v == 22 ? 1 : v - 20];
		}
	}
}

/* Applies (attrs & ~off | on) ^ flip to the rectangle; without DECSACE 2 to the stream of
 * characters from its first to its last position. */
static void change(
    struct vt_screen *s, const struct vt_csi *c, uint16_t on, uint16_t off, uint16_t flip)
{
	struct vt_box b;
	if (!read_box(s, c, 0, &b))
		return;
	for (int r = b.top; r <= b.bottom; r++) {
		int from = s->exact_rect || r == b.top ? b.left : 0;
		int to = s->exact_rect || r == b.bottom ? b.right + 1 : s->cols;
		struct vt_line *l = vt_grid_line(s->grid, r);
		vt_grid_read(s->grid, l); /* blank cells take attributes too */
		struct vt_cell *cells = vt_grid_write(s->grid, l, from, to);
		for (int i = from; i < to; i++)
			cells[i].attrs = (uint16_t)(((cells[i].attrs & ~off) | on) ^ flip);
		vt_mark(s, r);
	}
}

void vt_rect_change_attrs(struct vt_screen *s, const struct vt_csi *c)
{
	uint16_t on, off;
	read_attrs(c, &on, &off);
	if ((on | off) & VT_UNDERLINE) /* it becomes a single line, or none */
		off |= VT_UNDERLINE_STYLES;
	change(s, c, on, off, 0);
}

void vt_rect_reverse_attrs(struct vt_screen *s, const struct vt_csi *c)
{
	uint16_t on, off;
	read_attrs(c, &on, &off);
	change(s, c, 0, 0, on ? on : off);
}
