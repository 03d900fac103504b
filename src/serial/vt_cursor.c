#include "serial/vt_state.h"

void vt_cursor_set(struct vt_screen *s, int row, int col)
{
	s->row = vt_clamp(row, 0, s->rows - 1);
	s->col = vt_clamp(col, 0, s->cols - 1);
	vt_settle(s);
}

void vt_cursor_address(struct vt_screen *s, int row, int col)
{
	if (vt_mode(s, VT_M_DECOM)) {
		row = vt_clamp(row + s->top, s->top, s->bottom);
		col = vt_clamp(col + vt_left(s), vt_left(s), vt_right(s));
	}
	vt_cursor_set(s, row, col);
}

void vt_cursor_home(struct vt_screen *s)
{
	vt_cursor_address(s, 0, 0);
}

void vt_cursor_up(struct vt_screen *s, int n)
{
	int limit = s->row < s->top ? 0 : s->top;
	vt_cursor_set(s, s->row - n < limit ? limit : s->row - n, s->col);
}

void vt_cursor_down(struct vt_screen *s, int n)
{
	int limit = s->row > s->bottom ? s->rows - 1 : s->bottom;
	vt_cursor_set(s, s->row + n > limit ? limit : s->row + n, s->col);
}

void vt_cursor_forward(struct vt_screen *s, int n)
{
	int last = vt_last_col(s, s->row);
	int limit = s->col > vt_right(s) || vt_right(s) > last ? last : vt_right(s);
	if (s->col < limit)
		vt_cursor_set(s, s->row, s->col + n > limit ? limit : s->col + n);
	else
		vt_settle(s);
}

/* With reverse wrap going back passes over the left margin to the right one of the line above, from
 * the top margin to the bottom one; a pending wrap counts as a column. */
static void back_wrapping(struct vt_screen *s, int n)
{
	int width = vt_right(s) - vt_left(s) + 1, height = s->bottom - s->top + 1;
	if (s->wrap)
		n--;
	n %= width * height;
	while (n > 0) {
		int left = s->col < vt_left(s) ? 0 : vt_left(s);
		int room = s->col - left;
		if (n <= room) {
			vt_cursor_set(s, s->row, s->col - n);
			return;
		}
		n -= room + 1;
		int row = s->row == s->top ? s->bottom : s->row - 1;
		vt_cursor_set(s, row < 0 ? s->rows - 1 : row, vt_right(s));
	}
	vt_settle(s);
}

void vt_cursor_back(struct vt_screen *s, int n)
{
	bool wraps = vt_mode(s, VT_M_REVWRAP) || vt_mode(s, VT_M_REVWRAP_FAR);
	if (wraps && vt_mode(s, VT_M_DECAWM)) {
		back_wrapping(s, n);
		return;
	}
	int limit = s->col < vt_left(s) ? 0 : vt_left(s);
	vt_cursor_set(s, s->row, s->col - n < limit ? limit : s->col - n);
}

void vt_cursor_return(struct vt_screen *s)
{
	int left = vt_left(s);
	s->col = s->col >= left || vt_mode(s, VT_M_DECOM) ? left : 0;
	vt_settle(s);
}

static bool between_margins(const struct vt_screen *s)
{
	return s->col >= vt_left(s) && s->col <= vt_right(s);
}

void vt_cursor_index(struct vt_screen *s, int n)
{
	struct vt_line *l = vt_current_line(s);
	if (l->time == 0) /* an empty line has its time too */
		l->time = s->grid->now;
	if (s->row > s->bottom || s->row + n <= s->bottom) {
		vt_cursor_down(s, n);
		return;
	}
	n -= s->bottom - s->row;
	s->row = s->bottom;
	vt_settle(s);
	if (between_margins(s))
		vt_edit_scroll_up(s, n);
}

void vt_cursor_reverse_index(struct vt_screen *s, int n)
{
	if (s->row < s->top || s->row - n >= s->top) {
		vt_cursor_up(s, n);
		return;
	}
	n -= s->row - s->top;
	s->row = s->top;
	vt_settle(s);
	if (between_margins(s))
		vt_edit_scroll_down(s, n);
}

void vt_cursor_column_index(struct vt_screen *s, bool forward)
{
	int edge = forward ? vt_right(s) : vt_left(s);
	bool inside = s->row >= s->top && s->row <= s->bottom;
	if (s->col != edge || !between_margins(s)) {
		if (forward)
			vt_cursor_forward(s, 1);
		else
			vt_cursor_back(s, 1);
	} else if (inside) {
		if (forward)
			vt_edit_scroll_left(s, 1);
		else
			vt_edit_scroll_right(s, 1);
	}
}

/* As in xterm a pending wrap stays pending through tabs, and right of the margins there is no tab
 * stop but the right margin. */
void vt_cursor_tab(struct vt_screen *s, int n)
{
	int last = vt_last_col(s, s->row);
	int limit = vt_right(s) < last ? vt_right(s) : last;
	while (n-- > 0 && s->col < limit) {
		do
			s->col++;
		while (s->col < limit && !s->tabs[s->col]);
	}
	s->col = s->col < limit ? s->col : limit;
}

void vt_cursor_back_tab(struct vt_screen *s, int n)
{
	int limit = vt_mode(s, VT_M_DECOM) ? vt_left(s) : 0;
	while (n-- > 0 && s->col > limit) {
		do
			s->col--;
		while (s->col > limit && !s->tabs[s->col]);
	}
}
