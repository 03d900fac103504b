/* vt_marks: what is put into the stream from outside: the time, lines of ours, a new start. */
#include <string.h>

#include "serial/vt_state.h"
#include "serial/vt_utf8.h"

void vt_screen_set_time(struct vt_screen *s, uint64_t time_ns)
{
	s->main.now = s->alt.now = time_ns;
}

/* The line's cells from UTF-8; what has no width of its own is left out. */
static void write_mark(struct vt_grid *g, struct vt_line *l, const char *text)
{
	size_t left = strlen(text), step;
	int at = 0;
	vt_grid_line_clear(l);
	struct vt_cell *cells = vt_grid_write(g, l, 0, g->cols);
	for (; left; text += step, left -= step) {
		uint32_t cp = vt_utf8_decode((const uint8_t *)text, left, &step);
		int width = vt_width(cp);
		if (width <= 0 || vt_print_is_format(cp))
			continue;
		if (at + width > g->cols)
			break;
		for (int i = 0; i < width; i++)
			cells[at + i] = (struct vt_cell){.cp = i ? 0 : cp,
			    .attrs = VT_MARKED,
			    .width = (uint8_t)(i ? 0 : width)};
		l->wide |= width == 2;
		at += width;
	}
	l->used = (uint16_t)at;
	l->mark = true;
}

static int last_used_row(const struct vt_grid *g)
{
	int r = g->rows - 1;
	while (r >= 0 && vt_grid_line(g, r)->used == 0)
		r--;
	return r;
}

/* A row below the last that has text, however the guest's margins are. */
static int free_row(struct vt_screen *s, int row)
{
	if (row < s->rows)
		return row;
	vt_grid_scroll_up(&s->main, 0, s->rows - 1, 1, 0, true);
	return s->rows - 1;
}

void vt_screen_mark(struct vt_screen *s, const char *text)
{
	s->stamp++;
	if (vt_mode(s, VT_M_ALT)) {
		struct vt_line l = {0};
		write_mark(&s->main, &l, text);
		vt_grid_keep(&s->main, &l, NULL);
		vt_grid_line_free(&l);
		return;
	}
	int last = last_used_row(&s->main);
	int row = free_row(s, last >= s->row ? last + 1 : s->row);
	write_mark(&s->main, vt_grid_line(&s->main, row), text);
	row = free_row(s, row + 1);
	vt_cursor_set(s, row, vt_left(s));
	s->all_dirty = true;
}

void vt_screen_restart(struct vt_screen *s)
{
	vt_screen_alternate(s, false);
	int last = last_used_row(&s->main);
	if (last >= 0)
		vt_grid_scroll_up(&s->main, 0, s->rows - 1, last + 1, 0, true);
	vt_history_close(&s->history);
	vt_parser_reset(&s->parser);
	vt_screen_ris(s);
	s->stamp++;
}

bool vt_screen_sync(const struct vt_screen *s)
{
	return vt_mode(s, VT_M_SYNC);
}
