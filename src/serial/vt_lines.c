/* vt_lines: lines by number: the history's and then the screen's, and the logical lines they make. */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "serial/vt_state.h"

uint64_t vt_screen_first_line(const struct vt_screen *s)
{
	return s->history.row;
}

uint64_t vt_screen_top_line(const struct vt_screen *s)
{
	return s->history.end;
}

uint64_t vt_screen_last_line(const struct vt_screen *s)
{
	return vt_screen_top_line(s) + (uint64_t)s->rows - 1;
}

unsigned vt_screen_history(const struct vt_screen *s)
{
	uint64_t n = s->history.end - s->history.row;
	return n < UINT32_MAX ? (unsigned)n : UINT32_MAX;
}

const struct vt_cell *vt_screen_history_row(const struct vt_screen *s, unsigned line)
{
	if (line >= vt_screen_history(s))
		return NULL;
	return vt_history_line(s->main.history, vt_screen_top_line(s) - 1 - line);
}

const struct vt_cell *vt_screen_line(const struct vt_screen *s, uint64_t line)
{
	uint64_t top = vt_screen_top_line(s);
	if (line < top)
		return vt_history_line(s->main.history, line);
	return line <= vt_screen_last_line(s) ? vt_screen_row(s, (unsigned)(line - top)) : NULL;
}

/* --- logical lines on the screen --- */

/* A row of the screen in its logical line. */
struct walk {
	int row;
	int n;          /* its cells of text */
	uint64_t id;    /* number of the logical line */
	uint32_t cell;  /* cells of it before this row */
	uint64_t first; /* number of its first line */
};

/* As the history would keep it. */
static int cells_of(const struct vt_screen *s, int row)
{
	return vt_grid_kept_cells(s->grid, vt_grid_line(s->grid, row),
	    row + 1 < s->rows ? vt_grid_line(s->grid, row + 1) : NULL);
}

/* Can the row belong to the logical line of the one above it, which has so many cells? The rule is
 * that of vt_history_push. */
static bool may_join(const struct vt_screen *s, int row, uint32_t cells, int n)
{
	const struct vt_line *l = vt_grid_line(s->grid, row);
	return n > 0 && !l->mark && l->size == VT_LINE_SINGLE &&
	       cells + (uint32_t)n <= VT_LOGICAL_MAX;
}

static void walk_start(const struct vt_screen *s, struct walk *w)
{
	struct vt_spot spot;
	*w = (struct walk){.n = cells_of(s, 0),
	    .id = vt_history_end_id(&s->history),
	    .first = vt_screen_top_line(s)};
	const struct vt_line *l = vt_grid_line(s->grid, 0);
	struct vt_row row = {.cells = l->cells, .n = w->n, .mark = l->mark, .size = l->size};
	if (s->grid != &s->main || !vt_history_joins(&s->history, &row) ||
	    !vt_history_find(s->main.history, w->id - 1, &spot))
		return;
	w->id--;
	w->cell = spot.record->cells;
	w->first = spot.row;
}

/* To the next row. True when it goes on with the logical line. */
static bool walk_next(const struct vt_screen *s, struct walk *w)
{
	const struct vt_line *l = vt_grid_line(s->grid, w->row);
	int n = cells_of(s, ++w->row);
	uint32_t cells = w->cell + (uint32_t)w->n;
	bool joins =
	    l->wrapped && !l->mark && l->size == VT_LINE_SINGLE && may_join(s, w->row, cells, n);
	w->n = n;
	w->cell = joins ? cells : 0;
	if (!joins) {
		w->id++;
		w->first = vt_screen_top_line(s) + (uint64_t)w->row;
	}
	return joins;
}

/* The screen's row of that line number. */
static bool walk_to(const struct vt_screen *s, uint64_t line, struct walk *w)
{
	uint64_t top = vt_screen_top_line(s);
	if (line < top || line > vt_screen_last_line(s))
		return false;
	walk_start(s, w);
	while (w->row < (int)(line - top))
		walk_next(s, w);
	return true;
}

/* How many rows from this one on go on with its logical line, itself not counted. */
static unsigned count_following(const struct vt_screen *s, struct walk w)
{
	unsigned n = 0;
	while (w.row + 1 < s->rows && walk_next(s, &w))
		n++;
	return n;
}

/* How many rows of the screen go on with the history's last record. */
static unsigned count_joined(const struct vt_screen *s)
{
	struct walk w;
	walk_start(s, &w);
	return w.cell ? 1 + count_following(s, w) : 0;
}

/* --- questions --- */

static void history_info(
    const struct vt_screen *s, uint64_t line, const struct vt_spot *spot, struct vt_line_info *info)
{
	bool last = line == spot->row + spot->rows - 1,
	     newest = spot->id + 1 == vt_history_end_id(&s->history);
	unsigned joined = newest ? count_joined(s) : 0;
	*info = (struct vt_line_info){.first = spot->row,
	    .lines = spot->rows + joined,
	    .time = spot->record->time,
	    .wrapped = !last || joined || (spot->record->flags & VT_RECORD_CUT),
	    .mark = spot->record->flags & VT_RECORD_MARK};
}

bool vt_screen_line_info(const struct vt_screen *s, uint64_t line, struct vt_line_info *info)
{
	struct vt_spot spot;
	struct walk w;
	if (vt_history_find_row(s->main.history, line, &spot)) {
		history_info(s, line, &spot, info);
		return true;
	}
	if (!walk_to(s, line, &w))
		return false;
	const struct vt_line *l = vt_grid_line(s->grid, w.row);
	unsigned following = count_following(s, w);
	*info = (struct vt_line_info){.first = w.first,
	    .lines = (unsigned)(line - w.first) + 1 + following,
	    .time = l->time,
	    .wrapped = following > 0,
	    .mark = l->mark};
	return true;
}

uint64_t vt_screen_line_time(const struct vt_screen *s, uint64_t line)
{
	struct vt_spot spot;
	if (vt_history_find_row(s->main.history, line, &spot))
		return spot.record->time;
	uint64_t top = vt_screen_top_line(s);
	return line >= top && line <= vt_screen_last_line(s)
	           ? vt_grid_line(s->grid, (int)(line - top))->time
	           : 0;
}

bool vt_screen_place(const struct vt_screen *s, uint64_t line, unsigned col, struct vt_place *place)
{
	struct vt_spot spot;
	struct walk w;
	if (vt_history_find_row(s->main.history, line, &spot)) {
		place->logical = spot.id;
		place->cell =
		    vt_history_row_start(s->main.history, &spot, (unsigned)(line - spot.row)) + col;
		return true;
	}
	if (!walk_to(s, line, &w))
		return false;
	place->logical = w.id;
	place->cell = w.cell + col;
	return true;
}

static void find_in_record(const struct vt_screen *s, const struct vt_spot *spot, uint32_t cell,
    uint64_t *line, unsigned *col)
{
	struct vt_history *h = s->main.history;
	unsigned k = spot->record->flags & VT_RECORD_WIDE ? 0 : cell / h->cols;
	if (k >= spot->rows)
		k = spot->rows - 1;
	while (k + 1 < spot->rows && vt_history_row_start(h, spot, k + 1) <= cell)
		k++;
	*line = spot->row + k;
	*col = cell - vt_history_row_start(h, spot, k);
}

static bool find_on_screen(
    const struct vt_screen *s, const struct vt_place *place, uint64_t *line, unsigned *col)
{
	struct walk w, next;
	walk_start(s, &w);
	for (; w.id <= place->logical; w = next) {
		next = w;
		bool more = w.row + 1 < s->rows && walk_next(s, &next);
		if (w.id == place->logical && (!more || place->cell < next.cell)) {
			*line = vt_screen_top_line(s) + (uint64_t)w.row;
			*col = place->cell > w.cell ? place->cell - w.cell : 0;
			return true;
		}
		if (w.row + 1 == s->rows)
			break;
	}
	return false;
}

bool vt_screen_find_place(
    const struct vt_screen *s, const struct vt_place *place, uint64_t *line, unsigned *col)
{
	struct vt_spot spot;
	if (vt_history_find(s->main.history, place->logical, &spot) &&
	    (place->cell < spot.record->cells || spot.id + 1 < vt_history_end_id(&s->history) ||
	        count_joined(s) == 0))
		find_in_record(s, &spot, place->cell, line, col);
	else if (place->logical < s->history.id || !find_on_screen(s, place, line, col))
		return false;
	if (*col >= (unsigned)s->cols)
		*col = (unsigned)s->cols - 1;
	return true;
}

/* --- text --- */

static void add_cells(const struct vt_screen *s, struct vt_text *t, const struct vt_cell *cells,
    unsigned n, uint32_t first)
{
	for (unsigned i = 0; i < n; i++) {
		if (t->room_ - t->len < VT_CELL_UTF8_MAX) {
			t->room_ = t->room_ ? t->room_ * 2 : 256;
			t->text = xrealloc(t->text, t->room_);
			t->cell = xrealloc(t->cell, t->room_ * sizeof(*t->cell));
		}
		uint32_t cp = cells[i].cp;
		size_t len = 1;
		if (cells[i].width && (cp == 0 || cp - 0x20 < 0x5F))
			t->text[t->len] = cp ? (char)cp : ' ';
		else
			len = vt_screen_cell_text(s, &cells[i], t->text + t->len);
		for (size_t k = 0; k < len; k++)
			t->cell[t->len + k] = first + i;
		t->len += len;
	}
}

static void end_text(struct vt_text *t, uint32_t cells)
{
	if (t->room_ == t->len) {
		t->room_ = t->len + 16;
		t->text = xrealloc(t->text, t->room_);
		t->cell = xrealloc(t->cell, t->room_ * sizeof(*t->cell));
	}
	t->cell[t->len] = cells;
	while (t->len && t->text[t->len - 1] == ' ')
		t->len--;
	t->text[t->len] = 0;
}

bool vt_screen_line_text(const struct vt_screen *s, uint64_t line, struct vt_text *text)
{
	struct vt_spot spot;
	struct walk w;
	uint32_t cells = 0;
	if (!vt_screen_line_info(s, line, &text->info))
		return false;
	text->len = 0;
	uint64_t top = vt_screen_top_line(s), at = text->info.first, end = at + text->info.lines;
	if (vt_history_find_row(s->main.history, at, &spot)) {
		cells = spot.record->cells;
		add_cells(s, text, vt_history_cells(s->main.history, &spot), cells, 0);
		at = spot.row + spot.rows;
	}
	if (at < end && walk_to(s, at, &w)) {
		for (;; walk_next(s, &w)) {
			const struct vt_cell *row = vt_screen_row(s, (unsigned)w.row);
			add_cells(s, text, row, (unsigned)w.n, w.cell);
			cells = w.cell + (uint32_t)w.n;
			if (top + (uint64_t)w.row + 1 >= end)
				break;
		}
	}
	end_text(text, cells);
	return true;
}

void vt_text_fini(struct vt_text *text)
{
	free(text->text);
	free(text->cell);
	*text = (struct vt_text){0};
}
