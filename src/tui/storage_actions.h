/* storage_actions: from a key of the Storage screen to a command line: run, asked about, or left in the palette to be
 * finished. */
#ifndef TUI_STORAGE_ACTIONS_H
#define TUI_STORAGE_ACTIONS_H

#include "tui/app.h"
#include "tui/storage_keys.h"

/* b is one of the actions that have a verb; v says what is under the cursor. */
void storage_act(struct app *app, const struct storage_screen *v, const struct storage_binding *b);
/* Enter: on a volume its chain's information, on a job what it printed. */
void storage_open(struct app *app, const struct storage_screen *v);

#endif
