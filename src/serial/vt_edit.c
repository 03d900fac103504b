#include "serial/vt_state.h"

/* --- erasing
 * ---------------------------------------------------------------------------------------- */

/* The end of the run of cells from i on that are protected, or of those that are not. */
static int run_end(const struct vt_line *l, int i, int to, bool is_protected)
{
	while (i < to && i < l->used && !(l->cells[i].attrs & VT_PROTECTED) == !is_protected)
		i++;
	return i >= l->used && !is_protected ? to : i;
}

void vt_edit_erase_cells(struct vt_screen *s, int row, int from, int to, bool spare)
{
	struct vt_line *l = vt_grid_line(s->grid, row);
	vt_mark(s, row);
	if (!spare) {
		vt_grid_erase(s->grid, l, from, to, s->pen.bg);
		return;
	}
	for (int i = from; i < to;) {
		i = run_end(l, i, to, true);
		int end = run_end(l, i, to, false);
		if (end > i)
			vt_grid_erase(s->grid, l, i, end, s->pen.bg);
		i = end;
	}
}

static void erase_rows(struct vt_screen *s, int from, int to, bool spare)
{
	if (from == 0 && to > 0 && s->grid == &s->main)
		vt_history_close(&s->history); /* its text ends above the screen */
	for (int r = from; r < to; r++) {
		if (!spare)
			vt_grid_line(s->grid, r)->size = VT_LINE_SINGLE;
		vt_edit_erase_cells(s, r, 0, s->cols, spare);
	}
}

void vt_edit_erase_display(struct vt_screen *s, int what, bool selective)
{
	bool spare = selective || s->iso_protection;
	switch (what) {
	case 0:
		vt_edit_erase_line(s, 0, selective);
		erase_rows(s, s->row + 1, s->rows, spare);
		break;
	case 1:
		erase_rows(s, 0, s->row, spare);
		vt_edit_erase_line(s, 1, selective);
		break;
	case 2:
		erase_rows(s, 0, s->rows, spare);
		vt_settle(s);
		break;
	case 3:
		if (!selective)
			vt_history_clear(&s->history);
		break;
	}
}

void vt_edit_erase_line(struct vt_screen *s, int what, bool selective)
{
	bool spare = selective || s->iso_protection;
	switch (what) {
	case 0:
		vt_edit_erase_cells(s, s->row, s->col, s->cols, spare);
		vt_settle(s);
		break;
	case 1:
		vt_edit_erase_cells(s, s->row, 0, s->col + 1, spare);
		vt_settle(s);
		break;
	case 2:
		vt_edit_erase_cells(s, s->row, 0, s->cols, spare);
		vt_settle(s);
		break;
	}
}

void vt_edit_erase_chars(struct vt_screen *s, int n)
{
	int to = s->col + vt_clamp(n, 1, s->cols - s->col);
	vt_edit_erase_cells(s, s->row, s->col, to, s->iso_protection);
	vt_settle(s);
}

/* --- characters within a line
 * ------------------------------------------------------------------------ */

void vt_edit_shift(struct vt_screen *s, int row, int at, int right, int n)
{
	struct vt_line *l = vt_grid_line(s->grid, row);
	int width = right - at + 1;
	int by = vt_clamp(n < 0 ? -n : n, 0, width);
	vt_grid_split(l, at);
	vt_grid_split(l, right + 1);
	if (n > 0) {
		vt_grid_copy(s->grid, l, at, l, at + by, width - by);
		vt_grid_erase(s->grid, l, at, at + by, s->pen.bg);
	} else {
		vt_grid_copy(s->grid, l, at + by, l, at, width - by);
		vt_grid_erase(s->grid, l, right + 1 - by, right + 1, s->pen.bg);
	}
	vt_mark(s, row);
}

static bool between_columns(const struct vt_screen *s)
{
	return s->col >= vt_left(s) && s->col <= vt_right(s);
}

static bool inside_margins(const struct vt_screen *s)
{
	return s->row >= s->top && s->row <= s->bottom && between_columns(s);
}

void vt_edit_insert_chars(struct vt_screen *s, int n)
{
	if (between_columns(s)) {
		vt_edit_shift(s, s->row, s->col, vt_right(s), n);
		vt_settle(s);
	}
}

void vt_edit_delete_chars(struct vt_screen *s, int n)
{
	if (between_columns(s)) {
		vt_edit_shift(s, s->row, s->col, vt_right(s), -n);
		vt_settle(s);
	}
}

/* --- lines
 * -------------------------------------------------------------------------------------------- */

static void mark_rows(struct vt_screen *s, int top, int bottom)
{
	if (top == 0 && bottom == s->rows - 1) {
		s->all_dirty = true;
		return;
	}
	for (int r = top; r <= bottom; r++)
		vt_mark(s, r);
}

/* Rows [top, bottom] between the left and right margins move by n, up or down. */
static void scroll_columns(struct vt_screen *s, int top, int bottom, int n, bool up)
{
	int left = vt_left(s), width = vt_right(s) - left + 1;
	for (int i = 0; i <= bottom - top; i++) {
		int to = up ? top + i : bottom - i;
		int from = up ? to + n : to - n;
		struct vt_line *dst = vt_grid_line(s->grid, to);
		if (from >= top && from <= bottom)
			vt_grid_copy(s->grid, vt_grid_line(s->grid, from), left, dst, left, width);
		else
			vt_grid_erase(s->grid, dst, left, left + width, s->pen.bg);
	}
}

static void scroll(struct vt_screen *s, int top, int bottom, int n, bool up, bool keep)
{
	n = vt_clamp(n, 0, bottom - top + 1);
	if (n == 0)
		return;
	mark_rows(s, top, bottom);
	if (vt_left(s) > 0 || vt_right(s) < s->cols - 1)
		scroll_columns(s, top, bottom, n, up);
	else if (up)
		vt_grid_scroll_up(s->grid, top, bottom, n, s->pen.bg, keep);
	else
		vt_grid_scroll_down(s->grid, top, bottom, n, s->pen.bg);
	s->last_row = -1;
}

void vt_edit_scroll_up(struct vt_screen *s, int n)
{
	scroll(s, s->top, s->bottom, n, true, true);
}

void vt_edit_scroll_down(struct vt_screen *s, int n)
{
	scroll(s, s->top, s->bottom, n, false, false);
}

void vt_edit_insert_lines(struct vt_screen *s, int n)
{
	if (!inside_margins(s))
		return;
	scroll(s, s->row, s->bottom, n, false, false);
	vt_cursor_set(s, s->row, vt_left(s));
}

void vt_edit_delete_lines(struct vt_screen *s, int n)
{
	if (!inside_margins(s))
		return;
	scroll(s, s->row, s->bottom, n, true, false);
	vt_cursor_set(s, s->row, vt_left(s));
}

/* --- columns
 * ------------------------------------------------------------------------------------------- */

/* As in xterm a pending wrap stays pending. */
static void shift_rows(struct vt_screen *s, int at, int n)
{
	for (int r = s->top; r <= s->bottom; r++)
		vt_edit_shift(s, r, at, vt_right(s), n);
	s->last_row = -1;
}

void vt_edit_insert_columns(struct vt_screen *s, int n)
{
	if (inside_margins(s))
		shift_rows(s, s->col, n);
}

void vt_edit_delete_columns(struct vt_screen *s, int n)
{
	if (inside_margins(s))
		shift_rows(s, s->col, -n);
}

void vt_edit_scroll_left(struct vt_screen *s, int n)
{
	if (inside_margins(s))
		shift_rows(s, vt_left(s), -n);
}

void vt_edit_scroll_right(struct vt_screen *s, int n)
{
	if (inside_margins(s))
		shift_rows(s, vt_left(s), n);
}

/* --- whole screen
 * -------------------------------------------------------------------------------------- */

void vt_edit_alignment(struct vt_screen *s)
{
	s->top = 0;
	s->bottom = s->rows - 1;
	s->left = 0;
	s->right = s->cols - 1;
	for (int r = 0; r < s->rows; r++) {
		struct vt_line *l = vt_grid_line(s->grid, r);
		vt_grid_erase(s->grid, l, 0, s->cols, 0);
		vt_grid_line_clear(l);
		struct vt_cell *c = vt_grid_write(s->grid, l, 0, s->cols);
		for (int i = 0; i < s->cols; i++)
			c[i] = (struct vt_cell){.cp = 'E', .width = 1};
	}
	s->all_dirty = true;
	vt_cursor_set(s, 0, 0);
}

void vt_edit_line_size(struct vt_screen *s, enum vt_line_size size)
{
	if (vt_mode(s, VT_M_DECLRMM) || vt_current_line(s)->mark)
		return;
	vt_current_line(s)->size = (uint8_t)size;
	vt_mark(s, s->row);
	if (size != VT_LINE_SINGLE && s->col > s->cols / 2)
		s->col = s->cols / 2;
}
