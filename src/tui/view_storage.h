/* view_storage: the Storage screen: pools, volumes, background jobs. */
#ifndef TUI_VIEW_STORAGE_H
#define TUI_VIEW_STORAGE_H

#include "tui/app.h"

void view_storage_open(struct app *app);

#endif
