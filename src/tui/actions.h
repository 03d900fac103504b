/* actions: from a key or a typed line to a command line that runs, by way of the confirmation that its verb demands. */
#ifndef TUI_ACTIONS_H
#define TUI_ACTIONS_H

#include "cli/table.h"
#include "tui/app.h"

/* The marked VMs, else the selected one: names, NULL-terminated, on the heap (action_targets_free). */
char **action_targets(struct app *app, unsigned *n);
void action_targets_free(char **names);
/* False, and said, where this dashboard may not run it: it is read only. */
bool action_allowed(struct app *app, const struct verb *v);
/* Does it run? Asked of the model, where there is one, else of its files. */
bool action_live(struct app *app, const char *domain);
/* Ends the newest command that runs, or says that there is none; back: how one leaves, "q quits". */
void action_cancel(struct app *app, const char *back);
/* Runs `verb names…` after asking what has to be asked. */
void action_verb(struct app *app, const struct verb *v, char *const *names);
/* Runs a command line of a verb, words, with the domains in it, after asking what has to be asked. */
void action_command(
    struct app *app, const struct verb *v, const char *const *words, char *const *names);
/* Runs a command line as typed: words is verb and arguments. Domains are filled in where the verb wants one and
 * none was given. */
void action_line(struct app *app, char *const *words);
/* No questions: a confirmation was given, or none is needed. words: NULL-terminated. */
void action_start(struct app *app, const struct verb *v, const char *const *words);
/* The console, or the last screen of a VM that has ended. */
void action_attach(struct app *app, const char *name);
/* The wall of consoles: of the marked VMs; without marks, of the group under the cursor; else of all that run and are
 * shown. */
void action_wall(struct app *app);
/* Splits as a shell would: blanks, quotes, backslash. NULL-terminated array on the heap; NULL for an open quote. */
char **action_split(const char *line, unsigned *n);
/* Is the word in place i of the line one of the domains' places? For completion. */
bool action_wants_domain(const struct verb *v, char *const *words, unsigned i);

#endif
