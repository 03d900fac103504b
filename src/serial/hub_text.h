/* hub_text: the last lines of a console as printable text, without a terminal: for the list and for
 * crash records. Escape sequences are dropped, a carriage return starts its line anew, a jump of
 * the cursor ends it. What it costs and what comes out are in proportion to the bytes that go in, whatever they are:
 * triggers look through it while the guest speaks. line_text reads a line as a terminal would show it, where nobody waits.
 * Pure. */
#ifndef SERIAL_HUB_TEXT_H
#define SERIAL_HUB_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "serial/vt_utf8.h"

/* The same in pieces: out holds clean text, of which out.data[0, line) are whole lines and the rest is the line that has not
 * ended; blanks at its end are still there, and what comes may yet shorten it. Zeroed it is ready; hub_text_fini. */
struct hub_text {
	struct buf out;
	size_t line;
	uint8_t state;
	bool returned; /* a carriage return came: the next character overwrites the line */
	struct vt_utf8 utf8;
};
/* Longer lines are cut into several, that a guest without line ends costs no more. */
#define HUB_TEXT_LINE_MAX 65536u

void hub_text_feed(struct hub_text *t, const uint8_t *p, size_t n);
/* Drops the whole lines. */
void hub_text_taken(struct hub_text *t);
/* Ends a line that has begun. */
void hub_text_end(struct hub_text *t);
void hub_text_fini(struct hub_text *t);

/* Appends what a reader would see of n bytes, lines ended by '\n': valid UTF-8 without control
 * characters and without those that turn or hide text. */
void hub_text_clean(const uint8_t *p, size_t n, struct buf *out);
/* Appends the last `lines` lines of clean text that are not blank, '\n' between. */
void hub_text_tail(const char *text, size_t n, unsigned lines, struct buf *out);

#endif
