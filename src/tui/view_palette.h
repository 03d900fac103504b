/* view_palette: the `:` line: any command of cli/table.h, with completion, history, and the domains filled in. */
#ifndef TUI_VIEW_PALETTE_H
#define TUI_VIEW_PALETTE_H

#include "tui/app.h"

void view_palette_open(struct app *app);

/* With a line that is to be finished. */
void view_palette_edit(struct app *app, const char *line);

#endif
