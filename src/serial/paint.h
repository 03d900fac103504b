/* paint: what changed on a screen since the last time, as bytes for a terminal that is somebody's. Only these leave it, whatever
 * a guest has printed: printable text, CUP, ED 2, EL 0, SGR, DECTCEM (?25h ?25l), and CR LF at the last row.
 * Pure. Owner: whoever called paint_new. */
#ifndef SERIAL_PAINT_H
#define SERIAL_PAINT_H

#include <stdbool.h>

#include "core/buf.h"
#include "serial/vt_screen.h"

struct paint;

struct paint_options {
	unsigned rows, cols; /* of the terminal; 0: those of the screen, whatever they are */
	bool
	    scrolls; /* lines that left the screen are scrolled off the terminal's top, into its history */
	bool ascii; /* the terminal knows no other characters */
};

struct paint *paint_new(const struct paint_options *o);
void paint_free(struct paint *p);
/* The terminal shows something else now: all is drawn anew. */
void paint_forget(struct paint *p);
void paint_resize(struct paint *p, unsigned rows, unsigned cols);
/* Appends what makes the terminal show the screen; nothing when it does. */
void paint_update(struct paint *p, const struct vt_screen *s, struct buf *out);

#endif
