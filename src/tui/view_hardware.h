/* view_hardware: a domain's devices on a screen of their own, with keys for what can be done to the one under the cursor. */
#ifndef TUI_VIEW_HARDWARE_H
#define TUI_VIEW_HARDWARE_H

#include "core/buf.h"
#include "tui/app.h"

void view_hardware_open(struct app *app, const char *domain);
/* Its part of the help. */
void view_hardware_help(struct buf *out);

#endif
