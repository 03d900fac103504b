/* screen_part: the part of a guest's screen that is worth seeing where there is no room for all of it: previews, tiles
 * of the wall. Cut out, never reflowed: what stands in a column stays there. */
#ifndef TUI_SCREEN_PART_H
#define TUI_SCREEN_PART_H

#include <stdbool.h>

#include "serial/vt_screen.h"

struct screen_part {
	unsigned row, col, rows, cols; /* of the guest's screen */
};

/* The rows that end with the last text or the cursor, the cursor's among them; the columns from the left, or those
 * around the cursor when it stands further right. Pure. */
void screen_part_find(
    const struct vt_screen *s, unsigned height, unsigned width, struct screen_part *p);
/* Draws it there; cursor: the terminal's is put on the guest's, where that is shown. */
void screen_part_draw(
    const struct vt_screen *s, int row, int col, int height, int width, bool cursor);

#endif
