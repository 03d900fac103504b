/* sheet: a part of the screen made in memory, of characters with a style each: what a screen shows becomes a pure function
 * of its facts, and a test reads it as text. Owner: the view; sheet_fini. Rows and columns outside of it are no error. */
#ifndef TUI_SHEET_H
#define TUI_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/theme.h"

#define SHEET_ROWS_MAX 1000
#define SHEET_COLS_MAX 1000

struct sheet_cell {
	uint32_t cp; /* 0: the second column of a wide character */
	uint8_t style;
	bool reverse;
};
struct sheet {
	int rows, cols;
	bool utf8; /* bars and arrows of more than ASCII */
	struct sheet_cell *cells;
};

/* Blank, of that size (clamped to 0 and the limits above); may be called again to start anew. */
void sheet_init(struct sheet *s, int rows, int cols, bool utf8);
void sheet_fini(struct sheet *s);

/* As in tui/draw.h: at most `width` columns, returns how many were used. */
int sheet_text(struct sheet *s, int row, int col, int width, enum style st, const char *utf8);
int sheet_textf(struct sheet *s, int row, int col, int width, enum style st, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* Cut with "…" ("~" in ASCII) where it does not fit. */
void sheet_field(struct sheet *s, int row, int col, int width, enum style st, const char *utf8);
void sheet_right(struct sheet *s, int row, int col, int width, enum style st, const char *utf8);
/* Cut at its beginning: the end of a path says most. */
void sheet_tail(struct sheet *s, int row, int col, int width, enum style st, const char *utf8);
void sheet_fill(struct sheet *s, int row, enum style st);
void sheet_rule(struct sheet *s, int row, enum style st);
void sheet_bar(
    struct sheet *s, int row, int col, int width, enum style st, uint64_t part, uint64_t whole);
/* The row under the cursor. */
void sheet_reverse(struct sheet *s, int row);

/* All of it onto the terminal's screen (tui/draw.h). */
void sheet_show(const struct sheet *s, int row, int col);
/* For tests: its text, a line per row without trailing blanks; then, where `styles`, the rows that are not all of the
 * normal style again with a letter for each style. On the heap. */
char *sheet_dump(const struct sheet *s, bool styles);

#endif
