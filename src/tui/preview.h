/* preview: the screen of a console without being attached to it: reads the ring file, feeds an emulator of its own.
 * Wakes nobody, and works when nobody is left to be woken. Owner: panes; a tile of the wall. */
#ifndef TUI_PREVIEW_H
#define TUI_PREVIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/home.h"
#include "serial/vt_screen.h"

#define PREVIEW_TAIL (256u << 10) /* bytes of the ring that are replayed at first */

struct preview;

/* NULL when that VM has no ring (never ran, or no permission). */
struct preview *preview_open(
    const struct home *h, const char *name, unsigned index, unsigned rows, unsigned cols);
void preview_free(struct preview *p);
/* Takes in what came since; true when the picture changed. Of a flood at most `most` bytes, the newest (0:
 * PREVIEW_TAIL); when it is over, the screen is made anew from what led to it. */
bool preview_poll(struct preview *p, size_t most);
/* The VM was started anew: its ring is another file. */
bool preview_stale(const struct preview *p);
/* Was anything ever written to this console? */
bool preview_written(const struct preview *p);
struct vt_screen *preview_screen(struct preview *p);
/* Draws the part of the screen that matters in a window. */
void preview_draw(struct preview *p, int row, int col, int height, int width);

#endif
