/* plan_text: the words of a --dry-run taken apart: steps, what they send, what is said about them. Pure. */
#ifndef TUI_PLAN_TEXT_H
#define TUI_PLAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum plan_line_kind {
	PLAN_LINE_WORDS, /* about all of it */
	PLAN_LINE_STEP,
	PLAN_LINE_DETAIL, /* what a step sends, and what undoes it */
};

struct plan_line {
	enum plan_line_kind kind;
	unsigned step; /* PLAN_LINE_STEP: its number; PLAN_LINE_DETAIL: of which */
	char *text;    /* printable, without the number and the blanks before it */
};

struct plan_text {
	struct plan_line *line;
	unsigned n, steps;
};

void plan_text_read(struct plan_text *t, const char *text, size_t n);
void plan_text_fini(struct plan_text *t);

#endif
