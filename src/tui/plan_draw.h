/* plan_draw: a plan in its box: what it is about, its steps with how far it has come, what it runs, the keys. Pure. */
#ifndef TUI_PLAN_DRAW_H
#define TUI_PLAN_DRAW_H

#include "tui/editline.h"
#include "tui/plan_text.h"
#include "tui/sheet.h"

enum plan_state {
	PLAN_LOOKS,  /* the dry run goes on */
	PLAN_ASKS,   /* … is there */
	PLAN_BAD,    /* … was refused: `said` says why */
	PLAN_RUNS,   /* it was started */
	PLAN_ENDED,  /* well */
	PLAN_FAILED, /* or not; `said` has the words of either */
};

struct plan_look {
	enum plan_state state;
	const char *title, *command, *said; /* said: also how far it is; "" nothing */
	char *const *notes;
	unsigned n_notes;
	const struct plan_text *text;
	bool details;
	const struct editline *line; /* what has to be typed is typed here; NULL: y */
	const char *typed;
	bool wrong;
	unsigned part, step; /* that goes on; step 0: unknown */
	unsigned first;      /* line of the steps at the top; clamped here */
};

void plan_size(const struct plan_look *p, int screen_rows, int screen_cols, int *rows, int *cols);
/* Returns how many lines of steps there is room for. */
unsigned plan_draw(struct plan_look *p, struct sheet *s, int *cursor_row, int *cursor_col);

#endif
