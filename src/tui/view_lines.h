/* view_lines: facts that go on changing, as lines on a screen of their own: hardware, log. */
#ifndef TUI_VIEW_LINES_H
#define TUI_VIEW_LINES_H

#include "tui/lines.h"

/* end: begins at the last line and stays there while more come, until it is scrolled. */
void view_lines_open(
    struct app *app, const char *title, const char *name, lines_fill fill, bool end);

#endif
