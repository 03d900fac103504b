/* vt_charset: G0 to G3, what is locked into GL, and their translation. As in xterm's UTF-8 mode
 * they reach the 7-bit characters alone. Embedded in its owner. */
#ifndef SERIAL_VT_CHARSET_H
#define SERIAL_VT_CHARSET_H

#include <stdbool.h>
#include <stdint.h>

struct vt_charsets {
	uint8_t g[4]; /* named by one of the finals of the SCS sequence that designates them; 'B' is
	                  ASCII, '0' special graphics; vt_charset.c has all */
	uint8_t gl;   /* 0..3 */
	uint8_t shift; /* SS2, SS3: 2 or 3 for the next character, else 0 */
};

void vt_charsets_init(struct vt_charsets *c);
/* Is there anything to translate? */
static inline bool vt_charsets_active(const struct vt_charsets *c)
{
	return c->shift || c->g[c->gl] != 'B';
}
/* A printable 7-bit character; the single shift is used up. */
uint32_t vt_charsets_map(struct vt_charsets *c, uint8_t ch);
/* SCS; unknown sets are taken as ASCII, and so are national ones unless DECNRCM allows them. */
void vt_charsets_designate(
    struct vt_charsets *c, const uint8_t *intermediate, unsigned n, uint8_t final, bool national);

#endif
