/* view_list: the main screen: header, list of VMs, the pane below it, footer. */
#ifndef TUI_VIEW_LIST_H
#define TUI_VIEW_LIST_H

#include "tui/app.h"

void view_list_open(struct app *app);

#endif
