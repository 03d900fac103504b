/* sgr: a screen as text with ECMA-48's SGR sequences for colours and attributes, and no other control sequence. */
#ifndef CLI_SGR_H
#define CLI_SGR_H

#include "core/buf.h"
#include "serial/vt_screen.h"

/* Rows joined by '\n'; trailing blanks without attributes and trailing empty rows are cut, as in vt_screen_text. */
void sgr_format(const struct vt_screen *s, struct buf *out);

#endif
