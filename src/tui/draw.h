/* draw: text and cells onto ncurses' screen, clipped, by display columns. Nothing here interprets what it draws: text
 * from guests and files goes through as cells, a control character becomes a blank. */
#ifndef TUI_DRAW_H
#define TUI_DRAW_H

#include <stdbool.h>

#include "serial/vt_screen.h"
#include "tui/theme.h"

/* Once per frame: an empty screen of that size. The theme is borrowed. */
void draw_begin(const struct theme *t, int rows, int cols);
/* In place of it: what the last frame left stays where nothing is drawn over it. */
void draw_again(const struct theme *t, int rows, int cols);
/* Before a row is drawn over: it is empty, as after draw_begin. */
void draw_clear_row(int row);
/* Colours of what is left from frames before may have changed since draw_begin: all must be drawn anew. */
bool draw_stale(void);
int draw_rows(void);
int draw_cols(void);
/* Attributes put on top of every style and cell until the next call: the selected row is A_REVERSE. */
void draw_overlay(unsigned attrs);
/* At most `width` columns; returns how many were used. Rows and columns off the screen are no error. */
int draw_text(int row, int col, int width, enum style st, const char *utf8);
int draw_textf(int row, int col, int width, enum style st, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Cut with "…" when it does not fit, padded with blanks to exactly `width`. */
void draw_field(int row, int col, int width, enum style st, const char *utf8);
/* Right-aligned in `width`. */
void draw_right(int row, int col, int width, enum style st, const char *utf8);
void draw_fill(int row, int col, int width, enum style st);
/* A horizontal rule over the whole row. */
void draw_rule(int row, int col, int width, enum style st);
/* A vertical one. */
void draw_column(int row, int col, int height, enum style st);
void draw_box(int row, int col, int height, int width, enum style st);
/* n cells of a guest's screen. reverse: DECSCNM. */
void draw_cells(int row, int col, int width, const struct vt_screen *s, const struct vt_cell *cells,
    unsigned n, bool reverse);
/* Where the terminal's cursor is shown after this frame; without a call it is hidden. */
void draw_cursor(int row, int col);
bool draw_cursor_wanted(int *row, int *col);
/* Display columns of UTF-8 text. */
int draw_width(const char *utf8);
/* The next code point of *s (U+FFFD for broken bytes), *s moved on; 0 at the end. */
uint32_t draw_next(const char **s);

#endif
