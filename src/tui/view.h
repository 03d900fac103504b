/* view: screens as small objects on a stack. The top one gets the keys; one that is an overlay is drawn over the one
 * below. Owner: the stack in struct app; a popped view is freed at the end of the loop's turn. */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "serial/vt_keys.h"

struct app;
struct view;

struct view_ops {
	bool overlay;
	bool guest; /* keys are a guest's: Alt+x is not Esc and then x */
	void (*draw)(struct view *v);
	/* On top of what it drew last, what changed since, when app_dirty_rows alone was called since; false: all must be
	 * drawn. NULL: always. */
	bool (*draw_changes)(struct view *v);
	/* Returns false when the key cannot be taken yet: it comes again after app_input_continue(). */
	bool (*key)(struct view *v, const struct vt_key *k);
	/* Pasted text, in pieces; NULL: pastes are refused with a word. Same return. */
	bool (*paste)(struct view *v, const char *p, size_t n);
	void (*pasted)(struct view *v);                          /* all of it came; may be NULL */
	void (*mouse)(struct view *v, const struct vt_mouse *e); /* may be NULL */
	void (*tick)(struct view *v);                            /* once a second; may be NULL */
	void (*news)(struct view *v);    /* a command has ended; may be NULL */
	void (*resized)(struct view *v); /* may be NULL */
	void (*close)(struct view *v);   /* frees v */
};

struct view {
	const struct view_ops *ops;
	struct app *app;
	struct view *below;
};

void view_push(struct app *app, struct view *v);
/* v must be on the stack; those above it go with it. */
void view_pop(struct view *v);
/* v alone, wherever it is on the stack. */
void view_remove(struct view *v);
void view_draw_all(struct app *app);
void view_tick_all(struct app *app);
void view_news_all(struct app *app);
void view_resized_all(struct app *app);
void view_close_all(struct app *app);

#endif
