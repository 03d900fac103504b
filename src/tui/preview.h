/* preview: the screen of a console without being attached to it: reads the ring file, feeds an emulator of its own.
 * Wakes nobody. Owner: panes, and the view of a console that has ended. */
#ifndef TUI_PREVIEW_H
#define TUI_PREVIEW_H

#include <stdbool.h>

#include "core/home.h"
#include "serial/vt_screen.h"

#define PREVIEW_TAIL (256u << 10) /* bytes of the ring that are replayed at first */

struct preview;

/* NULL when that VM has no ring (never ran, or no permission). */
struct preview *preview_open(
    const struct home *h, const char *name, unsigned index, unsigned rows, unsigned cols);
void preview_free(struct preview *p);
/* Takes in what came since; true when the picture changed. At most PREVIEW_TAIL bytes a call. */
bool preview_poll(struct preview *p);
/* Was anything ever written to this console? */
bool preview_written(const struct preview *p);
/* Draws the part of the screen that matters in a window: the rows that end with the cursor or the last text. */
void preview_draw(struct preview *p, int row, int col, int height, int width);

#endif
