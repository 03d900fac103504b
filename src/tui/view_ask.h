/* view_ask: a question over the present view, for what is no command line: y does it, Esc does not. */
#ifndef TUI_VIEW_ASK_H
#define TUI_VIEW_ASK_H

#include "tui/app.h"

/* question: one line; words: lines under it, parted by '\n', "" none; both are copied. answer is called once, when the
 * question is off the stack; never, when the view below goes and takes it along. */
void view_ask_open(struct app *app, const char *question, const char *words,
    void (*answer)(void *arg, bool yes), void *arg);

#endif
