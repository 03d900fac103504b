/* sgr: cells as text with ECMA-48's SGR sequences for colours and attributes, and no other control sequence. Pure. */
#ifndef SERIAL_SGR_H
#define SERIAL_SGR_H

#include <stdbool.h>

#include "core/buf.h"
#include "serial/vt_screen.h"

struct sgr_pen {
	uint32_t fg, bg;
	uint16_t attrs;
};

struct sgr_pen sgr_pen_of(const struct vt_cell *c);
bool sgr_pen_same(const struct sgr_pen *a, const struct sgr_pen *b);
/* The sequence that sets it, whatever was set before. */
void sgr_pen_put(const struct sgr_pen *p, struct buf *out);
/* Does it look like nothing on the terminal's own ground? */
bool sgr_blank(const struct vt_cell *c);

/* Rows joined by '\n'; trailing blanks without attributes and trailing empty rows are cut, as in vt_screen_text. */
void sgr_format(const struct vt_screen *s, struct buf *out);

#endif
