/* view_pick: a list over the present view, of which one thing is picked: by its key, or by Enter under the cursor. */
#ifndef TUI_VIEW_PICK_H
#define TUI_VIEW_PICK_H

#include "tui/app.h"

struct pick_item {
	const char *key;   /* one character that picks it at once; NULL none */
	const char *label; /* what it is */
	const char *note;  /* what is known of it; NULL nothing */
	const char *why;   /* it cannot be picked, and this is why; NULL it can */
};

/* items are copied. picked is called once, with the list off the stack already; never when it was left. free_arg (may be NULL)
 * frees arg in every case. */
void view_pick_open(struct app *app, const char *title, const struct pick_item *items, unsigned n,
    void (*picked)(struct app *app, void *arg, unsigned which), void *arg,
    void (*free_arg)(void *arg));

#endif
