/* view_console: one console full-screen, through the emulator: the same view behind Enter and `hvmux console`. What the
 * guest writes becomes cells; nothing of it reaches the operator's terminal as it is. A VM that has ended shows its
 * last screen, read only. */
#ifndef TUI_VIEW_CONSOLE_H
#define TUI_VIEW_CONSOLE_H

#include "serial/console_client.h"
#include "tui/app.h"

/* flags: CONSOLE_*. Always opens: what went wrong is said on its status line. */
void view_console_open(struct app *app, const char *name, unsigned index, unsigned flags);

#endif
