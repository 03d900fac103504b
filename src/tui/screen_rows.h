/* screen_rows: a guest's screen at the top left of the operator's: all of it, or, on top of what the last frame left there,
 * the rows that changed. One struct per place on the terminal, zeroed at first; who draws anything else there draws all
 * of it next. */
#ifndef TUI_SCREEN_ROWS_H
#define TUI_SCREEN_ROWS_H

#include <stdbool.h>

#include "serial/vt_screen.h"

/* What is on the terminal. */
struct screen_rows {
	const struct vt_screen *screen; /* NULL nothing yet; compared alone, never read through */
	unsigned above, left, rows, cols, height, width;
	bool reverse;
};

/* Rows of a screen taller than there is room, and columns of a wider one, that are not shown: the cursor is. */
void screen_rows_hidden(
    const struct vt_screen *s, unsigned height, unsigned width, unsigned *above, unsigned *left);
/* After draw_begin. The screen's damage is forgotten. cursor: the terminal's is put on the guest's. */
void screen_rows_draw(struct screen_rows *d, struct vt_screen *s, unsigned height, bool cursor);
/* After draw_again. False: nothing was drawn, for all of it must be. */
bool screen_rows_update(struct screen_rows *d, struct vt_screen *s, unsigned height, bool cursor);

#endif
