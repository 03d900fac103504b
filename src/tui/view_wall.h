/* view_wall: many consoles at once, tiled, live; one of them full-screen; keys to one, or to all at once. */
#ifndef TUI_VIEW_WALL_H
#define TUI_VIEW_WALL_H

#include "tui/app.h"

/* Shows the first WALL_TILES_MAX of the names, and says when there are more. n: at least 1. */
void view_wall_open(struct app *app, char *const *names, unsigned n);

#endif
