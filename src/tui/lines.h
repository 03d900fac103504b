/* lines: what a pane or a screen of its own shows as lines of text, made anew from the facts: a domain's hardware, its
 * log, the host. Owner: the pane or view. */
#ifndef TUI_LINES_H
#define TUI_LINES_H

#include "tui/app.h"

struct line {
	char *text;
	enum style style;
};

struct lines {
	struct line *all;
	unsigned n, cap;
	uint64_t mark; /* of what they were made from: the same mark, the same lines; 0 none */
};

/* Makes the lines of the VM `name` (of the host where it is NULL). Returns false when they are as they were. whole: for a
 * screen of its own, not for a pane of a few rows. */
typedef bool (*lines_fill)(struct app *app, const char *name, bool whole, struct lines *l);

bool lines_hardware(struct app *app, const char *name, bool whole, struct lines *l);
bool lines_log(struct app *app, const char *name, bool whole, struct lines *l);
bool lines_crashes(struct app *app, const char *name, bool whole, struct lines *l);
bool lines_host(struct app *app, const char *name, bool whole, struct lines *l);

void lines_add(struct lines *l, enum style st, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void lines_clear(struct lines *l);
/* From line `first` on; `left` columns are cut off. */
void lines_draw(const struct lines *l, unsigned first, int left, int row, int height, int cols);

#endif
