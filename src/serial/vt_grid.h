/* vt_grid: lines of cells, the screen and the lines that scrolled off its top in one ring, so that
 * a scroll of the whole screen moves no cell. Owner: struct vt_screen, which has one for the main
 * and one for the alternate screen.
 *
 * A line knows how much of it is used: what lies beyond is blank, whatever its memory holds, and is
 * neither cleared nor copied until somebody reads it. */
#ifndef SERIAL_VT_GRID_H
#define SERIAL_VT_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serial/vt_screen.h"

enum vt_line_size {
	VT_LINE_SINGLE,
	VT_LINE_WIDE,
	VT_LINE_TOP,
	VT_LINE_BOTTOM
}; /* DECSWL, DECDWL, DECDHL */

struct vt_line {
	struct vt_cell
	    *cells;    /* NULL: nothing was ever written; else as many as the grid has columns */
	uint16_t used; /* cells from here on are blank */
	bool wrapped;  /* the text goes on in the next line */
	bool wide;     /* may hold wide characters */
	uint8_t size;  /* enum vt_line_size */
};

struct vt_grid {
	struct vt_line *ring;
	unsigned lines; /* history_max + rows */
	unsigned top;   /* where row 0 is in the ring */
	unsigned history, history_max;
	int rows, cols;
};

extern const struct vt_cell vt_blank;

void vt_grid_init(struct vt_grid *g, int rows, int cols, unsigned history_max);
void vt_grid_fini(struct vt_grid *g);

static inline struct vt_line *vt_grid_line(const struct vt_grid *g, int row)
{
	unsigned i = g->top + (unsigned)row;
	return &g->ring[i >= g->lines ? i - g->lines : i];
}
/* Line n above the screen, 0 the newest; n < history. */
struct vt_line *vt_grid_history_line(const struct vt_grid *g, unsigned n);
/* All cells of a line, its blank tail filled in. */
const struct vt_cell *vt_grid_read(const struct vt_grid *g, struct vt_line *l);
/* The cells of a line, ready to be written in [from, to), which count as used. */
struct vt_cell *vt_grid_write(const struct vt_grid *g, struct vt_line *l, int from, int to);
/* Where the border before col runs through a wide character, both its halves become blank. */
void vt_grid_split(struct vt_line *l, int col);
void vt_grid_line_clear(struct vt_line *l);
/* Cells [from, to) become blank with background bg. */
void vt_grid_erase(const struct vt_grid *g, struct vt_line *l, int from, int to, uint32_t bg);
/* Rows [top, bottom] move by n, 1 <= n <= bottom - top + 1; the new ones are blank with background
 * bg. Up with keep set and top 0: lines that leave at the top go to the history. */
void vt_grid_scroll_up(struct vt_grid *g, int top, int bottom, int n, uint32_t bg, bool keep);
void vt_grid_scroll_down(struct vt_grid *g, int top, int bottom, int n, uint32_t bg);
/* Cells [from, from + n) of one line over those from `to` on of another, or of the same one. */
void vt_grid_copy(
    const struct vt_grid *g, struct vt_line *src, int from, struct vt_line *dst, int to, int n);
void vt_grid_clear_history(struct vt_grid *g);
/* Cuts or pads, text stays where it is; drops the history. */
void vt_grid_crop(struct vt_grid *g, int rows, int cols);

#endif
