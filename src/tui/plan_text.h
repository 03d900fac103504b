/* plan_text: the words of a --dry-run taken apart: steps, what they send, what is said about them. A command may carry out
 * several plans, one after the other: parts, each of which counts its steps from 1. Pure. */
#ifndef TUI_PLAN_TEXT_H
#define TUI_PLAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define PLAN_PARTS_MAX 8

enum plan_line_kind {
	PLAN_LINE_WORDS, /* about all of it */
	PLAN_LINE_STEP,
	PLAN_LINE_DETAIL, /* what a step sends, and what undoes it */
};

struct plan_line {
	enum plan_line_kind kind;
	unsigned part; /* from 0 */
	unsigned step; /* PLAN_LINE_STEP: its number; PLAN_LINE_DETAIL: of which */
	char *text;    /* printable, without the number and the blanks before it */
};

struct plan_text {
	struct plan_line *line;
	unsigned n;
	unsigned steps[PLAN_PARTS_MAX], parts; /* steps of each */
};

void plan_text_read(struct plan_text *t, const char *text, size_t n);
/* Which part goes on, when the present plan has `steps` and is at `step`, and the last one seen was `part` at `before`. */
unsigned plan_text_part(
    const struct plan_text *t, unsigned part, unsigned before, unsigned step, unsigned steps);
void plan_text_fini(struct plan_text *t);

#endif
