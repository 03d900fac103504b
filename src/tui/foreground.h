/* foreground: a command that needs the terminal for itself (an editor): the dashboard steps aside and comes back when it
 * ends. The loop goes on meanwhile; nothing is drawn. When the command failed, its last words stay until a key. */
#ifndef TUI_FOREGROUND_H
#define TUI_FOREGROUND_H

#include "tui/app.h"

/* words: verb and arguments. */
void foreground_run(struct app *app, const char *const *words);
/* Does somebody else have the terminal? */
bool foreground_away(const struct app *app);
/* A key came while its last words are shown: true, it was taken. */
bool foreground_key(struct app *app);
/* The dashboard ends: the command is told as by a hang-up. */
void foreground_close(struct app *app);

#endif
