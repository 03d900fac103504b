/* editline: one line of text being typed: filter, palette, a name to confirm. Takes every character. Embedded. */
#ifndef TUI_EDITLINE_H
#define TUI_EDITLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "serial/vt_keys.h"
#include "tui/sheet.h"

#define EDITLINE_MAX 1024

struct editline {
	char text[EDITLINE_MAX]; /* UTF-8 */
	size_t len, cursor;      /* bytes */
};

void editline_set(struct editline *e, const char *text);
/* True when the key was an editing key. */
bool editline_key(struct editline *e, const struct vt_key *k);
/* Control characters become blanks, what does not fit is dropped. */
void editline_insert(struct editline *e, const char *p, size_t n);
/* Draws it in `width` columns, scrolled so that the cursor is visible, and places the terminal's cursor. */
void editline_draw(const struct editline *e, int row, int col, int width, enum style st);
/* The same on a sheet; returns the cursor's column. */
int editline_sheet(
    const struct editline *e, struct sheet *s, int row, int col, int width, enum style st);

#endif
