/* header: the dashboard's top line: host, counts of VMs, CPU, memory, load, clock; as much as fits. */
#ifndef TUI_HEADER_H
#define TUI_HEADER_H

#include "tui/app.h"

void header_draw(struct app *app, int row);

#endif
