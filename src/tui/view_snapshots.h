/* view_snapshots: a domain's snapshots on a screen of their own, with keys that make them, go back to them, delete them. */
#ifndef TUI_VIEW_SNAPSHOTS_H
#define TUI_VIEW_SNAPSHOTS_H

#include "tui/app.h"

void view_snapshots_open(struct app *app, const char *domain);

#endif
