/* wall_layout: where the tiles of the wall stand: n tiles, a place of rows x cols → rectangles, on as many pages as it
 * takes for each to be readable. Pure. */
#ifndef TUI_WALL_LAYOUT_H
#define TUI_WALL_LAYOUT_H

#include <stdbool.h>

#define WALL_TILES_MAX 16u
/* Smaller than this a tile is put on another page: a line of a log, and what came before it. */
#define WALL_TILE_ROWS_MIN 3
#define WALL_TILE_COLS_MIN 24

/* A tile: the guest's part; its title is the line above it. */
struct wall_rect {
	int row, col, rows, cols;
};

struct wall_layout {
	unsigned pages, page; /* page: of those asked for, clamped */
	unsigned first, n;    /* the page's tiles: [first, first + n) of all */
	unsigned across, down;
	bool titled;                           /* false: one line is all there is */
	struct wall_rect tile[WALL_TILES_MAX]; /* by place on the page */
};

/* n: 1..WALL_TILES_MAX. Tiles in one row are parted by one column. */
void wall_layout_make(unsigned n, int rows, int cols, unsigned page, struct wall_layout *out);
/* The page that tile `at` of n is on. */
unsigned wall_layout_page_of(unsigned n, int rows, int cols, unsigned at);

enum wall_step { WALL_LEFT, WALL_RIGHT, WALL_UP, WALL_DOWN };
/* From place `at` of the page to the neighbour in that direction; `at` itself at an edge. */
unsigned wall_layout_step(const struct wall_layout *l, unsigned at, enum wall_step step);

#endif
