/* vt_grid: the screen's lines of cells, in a ring, so that a scroll of the whole screen moves no
 * cell. Lines that scroll off the top of the main one go to the history. Owner: struct vt_screen,
 * which has one for the main and one for the alternate screen.
 *
 * A line knows how much of it is used: what lies beyond is blank, whatever its memory holds, and is
 * neither cleared nor copied until somebody reads it. */
#ifndef SERIAL_VT_GRID_H
#define SERIAL_VT_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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
	uint64_t time; /* when it was last written to; 0 never, or not known */
	uint16_t used; /* cells from here on are blank */
	bool wrapped;  /* the text goes on in the next line */
	bool gap;      /* its last column was left blank for a wide character that did not fit */
	bool wide;     /* may hold wide characters */
	bool mark;     /* vt_screen_mark's: it is not to be lost */
	uint8_t size;  /* enum vt_line_size */
};

struct vt_pen {
	uint32_t fg, bg;
	uint16_t attrs; /* enum vt_attr */
	uint8_t underline;
};

#ifdef __SSE2__
/* A narrow cell with character 0, without a way through memory: cells are written and compared as
 * vectors on the two paths where it counts. */
static inline __m128i vt_cell_vector(const struct vt_pen *pen)
{
	_Static_assert(sizeof(struct vt_cell) == sizeof(__m128i), "a cell is a vector");
	uint32_t rest = pen->attrs | UINT32_C(1) << 16 | (uint32_t)pen->underline << 24;
	return _mm_set_epi32((int)rest, (int)pen->bg, (int)pen->fg, 0);
}
#endif

struct vt_history;

struct vt_grid {
	struct vt_line *ring;
	unsigned top; /* where row 0 is in the ring */
	int rows, cols;
	uint64_t now;               /* the time that lines are written at */
	struct vt_history *history; /* borrowed; NULL: none is kept */
};

extern const struct vt_cell vt_blank;

void vt_grid_init(struct vt_grid *g, int rows, int cols, struct vt_history *history);
void vt_grid_fini(struct vt_grid *g);

static inline struct vt_line *vt_grid_line(const struct vt_grid *g, int row)
{
	unsigned i = g->top + (unsigned)row;
	return &g->ring[i >= (unsigned)g->rows ? i - (unsigned)g->rows : i];
}
/* All cells of a line, its blank tail filled in. */
const struct vt_cell *vt_grid_read(const struct vt_grid *g, struct vt_line *l);
/* The cells of a line, ready to be written in [from, to), which count as used. */
struct vt_cell *vt_grid_write(const struct vt_grid *g, struct vt_line *l, int from, int to);
/* Where the border before col runs through a wide character, both its halves become blank. */
void vt_grid_split(struct vt_line *l, int col);
void vt_grid_line_clear(struct vt_line *l);
void vt_grid_line_free(struct vt_line *l); /* of one that is in no grid */
/* Cells [from, to) become blank with background bg. */
void vt_grid_erase(const struct vt_grid *g, struct vt_line *l, int from, int to, uint32_t bg);
/* Rows [top, bottom] move by n, 1 <= n <= bottom - top + 1; the new ones are blank with background
 * bg. Up with keep set and top 0: lines that leave at the top go to the history. */
void vt_grid_scroll_up(struct vt_grid *g, int top, int bottom, int n, uint32_t bg, bool keep);
void vt_grid_scroll_down(struct vt_grid *g, int top, int bottom, int n, uint32_t bg);
/* Cells [from, from + n) of one line over those from `to` on of another, or of the same one. */
void vt_grid_copy(
    const struct vt_grid *g, struct vt_line *src, int from, struct vt_line *dst, int to, int n);
/* How many cells of a line are its text: all of one that goes on in `next`, but for the gap that a
 * wide character left at its end. */
int vt_grid_text_cells(const struct vt_grid *g, struct vt_line *l, const struct vt_line *next);
/* The same, without the blanks at the end of one that ends: what the history keeps. */
int vt_grid_kept_cells(const struct vt_grid *g, struct vt_line *l, const struct vt_line *next);
/* Puts the line at the history's end. Its mark is kept then; next is the line below it, or NULL. */
void vt_grid_keep(const struct vt_grid *g, struct vt_line *l, const struct vt_line *next);
/* Cuts or pads, text stays where it is; drops the history. */
void vt_grid_crop(struct vt_grid *g, int rows, int cols);

#endif
