/* line_text: what a reader would have seen of one line that a guest wrote: the line as a terminal of endless width would
 * show it in the end. Colours are dropped; what a carriage return or backspaces overwrote is overwritten; shells' line
 * editing (ECMA-48 cursor, erase, insert, delete within a line) is carried out; a cursor that moves to another line ends
 * this one. The result is valid UTF-8 without control characters and without those that turn or hide text.
 *
 * Each line is cleaned for itself: whatever a guest left open in one line (a colour, a string, half a character) has no
 * hold on the next. Owner: whoever embeds it; the memory is scratch, bounded by LINE_TEXT_COLS. */
#ifndef SERIAL_LINE_TEXT_H
#define SERIAL_LINE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

#define LINE_TEXT_COLS 65536u /* a line that is longer is broken there */

struct line_cell;
struct line_text {
	struct line_cell *cells;
	size_t cap;
};

/* Appends; bytes without the line's '\n' (one in them ends a line, too). No '\n' is added behind the last line. */
void line_text_clean(struct line_text *t, const uint8_t *p, size_t n, struct buf *out);
void line_text_fini(struct line_text *t);
/* May cleaning change a line that holds this byte? Carriage returns right before the line's end are no change. */
static inline bool line_text_special(uint8_t c)
{
	return c < 0x20 || c >= 0x7f;
}

#endif
