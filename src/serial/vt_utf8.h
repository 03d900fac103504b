/* vt_utf8: a character ↔ UTF-8. Pure. The decoder of a stream of bytes, in any cuts, is
 * vt_parser's. */
#ifndef SERIAL_VT_UTF8_H
#define SERIAL_VT_UTF8_H

#include <stddef.h>
#include <stdint.h>

size_t vt_utf8_encode(uint32_t cp, char out[4]); /* how many bytes */
/* The first character of n > 0 bytes, U+FFFD for what is none; *step: how many bytes it takes. */
uint32_t vt_utf8_decode(const uint8_t *p, size_t n, size_t *step);

#endif
