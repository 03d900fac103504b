/* fold: lines that are too long for the terminal go on in the next one, between words. Pure. */
#ifndef TUI_FOLD_H
#define TUI_FOLD_H

#include <stddef.h>

#include "core/buf.h"

#define FOLD_WIDTH_MIN 20u /* columns: a terminal that is narrower is scrolled sideways */

/* Appends text, each of its lines ('\n' between) in rows of at most `width` columns. Rows after a line's first begin
 * with `hang` blanks where the line itself begins with a blank, else with none. Words that are wider stay whole. */
void fold_text(const char *text, size_t n, unsigned width, unsigned hang, struct buf *out);

#endif
