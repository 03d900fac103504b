/* columns: a table's columns in the room that there is: what matters most stays on a narrow terminal. Pure. */
#ifndef TUI_COLUMNS_H
#define TUI_COLUMNS_H

#include <stdbool.h>

#include "tui/sheet.h"

#define COLUMNS_MAX 16

struct column {
	const char *title;
	int width; /* at least; 0 ends no list: the count does */
	int most;  /* 0: always `width`; else it takes of what is left, up to this */
	bool right;
	unsigned rank; /* 0 is always there; the highest goes first when room is short */
};
struct columns {
	const struct column *all;
	unsigned n;
	int at[COLUMNS_MAX], width[COLUMNS_MAX]; /* width 0: not shown */
};
struct column_cell {
	const char *text; /* NULL nothing */
	enum style style;
	bool tail; /* a path: its end is kept */
};

/* In `cols` columns, of which `margin` at the left are the caller's; one blank between two. */
void columns_place(struct columns *c, const struct column *all, unsigned n, int cols, int margin);
/* The titles; sorted: the column with the arrow, -1 none. */
void columns_titles(const struct columns *c, struct sheet *s, int row, int sorted, bool downward);
void columns_row(
    const struct columns *c, struct sheet *s, int row, const struct column_cell *cells);

#endif
