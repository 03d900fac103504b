/* hub_text: the last lines of a console as printable text, without a terminal: for the list and for
 * crash records. Escape sequences are dropped, a carriage return starts its line anew, a jump of
 * the cursor ends it. Pure. */
#ifndef SERIAL_HUB_TEXT_H
#define SERIAL_HUB_TEXT_H

#include <stdint.h>

#include "core/buf.h"

/* Appends what a reader would see of n bytes, lines ended by '\n': valid UTF-8 without control
 * characters and without those that turn or hide text. */
void hub_text_clean(const uint8_t *p, size_t n, struct buf *out);
/* Appends the last `lines` lines of clean text that are not blank, '\n' between. */
void hub_text_tail(const char *text, size_t n, unsigned lines, struct buf *out);

#endif
