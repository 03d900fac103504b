/* view_plan: what a command is going to do, before it does it: its --dry-run, in words; then, when it was told to, how far it
 * has come. y starts it; what deletes wants a name typed. Esc goes back, or leaves it to go on by itself. */
#ifndef TUI_VIEW_PLAN_H
#define TUI_VIEW_PLAN_H

#include "cli/table.h"
#include "tui/app.h"

struct plan_wish {
	const struct verb *verb;
	const char *const *words; /* the command line, verb first; copied */
	const char *about;        /* the domain */
	const char *title;        /* NULL: what the verb says of itself */
	const char
	    *typed; /* what has to be typed where the verb deletes; NULL: the domain's name */
	const char *const *
	    notes; /* what is lost, what is known: lines, NULL-terminated; NULL none. A "!" before one: bad. */
	/* The dry run was refused: the view goes, why is borrowed. NULL: the view itself shows it. */
	void (*refused)(void *arg, const char *why);
	/* It was started: what asked for it may close. NULL nothing. */
	void (*started)(void *arg);
	void *arg;
};

/* Does the verb show a plan (has it --dry-run)? */
bool plan_shown(const struct verb *v);
void view_plan_open(struct app *app, const struct plan_wish *r);

#endif
