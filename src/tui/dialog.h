/* dialog: the box that forms and plans stand in, made on a sheet, put into the middle of the screen. */
#ifndef TUI_DIALOG_H
#define TUI_DIALOG_H

#include "tui/sheet.h"

#define DIALOG_MARGIN 2         /* columns between the box's edge and what is in it */
#define DIALOG_FRAME_ROWS_MIN 6 /* rows below which the frame gives its two to what is in it */

struct dialog_key {
	const char *key, *label; /* key NULL ends a list */
};

/* Around the whole sheet. */
void dialog_frame(struct sheet *s, const char *title, enum style st);
/* As many as fit: the first, the last, what is between. */
void dialog_keys(struct sheet *s, int row, const struct dialog_key *keys);
/* In the middle; cursor_row -1: the terminal's cursor stays hidden. */
void dialog_show(const struct sheet *s, int cursor_row, int cursor_col);

#endif
