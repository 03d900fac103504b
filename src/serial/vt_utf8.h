/* vt_utf8: a character ↔ UTF-8, whole or byte by byte. Pure. Overlong forms, surrogates and what lies beyond U+10FFFF are
 * no characters. The emulator's own decoder of a stream, which is made for speed, is vt_parser's. */
#ifndef SERIAL_VT_UTF8_H
#define SERIAL_VT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t vt_utf8_encode(uint32_t cp, char out[4]); /* how many bytes */
/* The first character of n > 0 bytes, U+FFFD for what is none; *step: how many bytes it takes. */
uint32_t vt_utf8_decode(const uint8_t *p, size_t n, size_t *step);

/* A character in the making: all zero at first. */
struct vt_utf8 {
	uint32_t cp, least; /* least: what is smaller is an overlong form */
	unsigned more;      /* continuation bytes that it still needs */
};
/* Takes a byte >= 0x80. Returns how many characters it made, into out: U+FFFD for each maximal part of what is none
 * (Unicode ch. 3, table 3-8). */
unsigned vt_utf8_feed(struct vt_utf8 *u, uint8_t ch, uint32_t out[2]);
/* Something else comes: true when a character was cut off, which is one U+FFFD. */
bool vt_utf8_cut(struct vt_utf8 *u);

#endif
