/* view_confirm: asks before a verb that disrupts or deletes: what runs, on which domains, what will be lost. y confirms;
 * what deletes wants the name typed. The key that asked is never the one that confirms. */
#ifndef TUI_VIEW_CONFIRM_H
#define TUI_VIEW_CONFIRM_H

#include "cli/table.h"
#include "tui/app.h"

/* words: the command line that a confirmation starts; names: the domains in it. Both are copied. */
void view_confirm_open(
    struct app *app, const struct verb *v, const char *const *words, char *const *names);

/* The same for what is no domain: its name, which has to be typed where the verb deletes, and what is known of it: lines,
 * NULL-terminated; NULL none. */
void view_confirm_about(struct app *app, const struct verb *v, const char *const *words,
    const char *what, const char *const *notes);

#endif
