/* vt_charset: G0 to G3, what is locked into GL, and their translation. As in xterm's UTF-8 mode
 * they reach the 7-bit characters alone. Embedded in its owner. */
#ifndef SERIAL_VT_CHARSET_H
#define SERIAL_VT_CHARSET_H

#include <stdbool.h>
#include <stdint.h>

struct vt_charsets {
	uint8_t g[4];  /* the final of the SCS sequence: 'B' ASCII, '0' special graphics, 'A' UK */
	uint8_t gl;    /* 0..3 */
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
/* SCS with one intermediate and one final; unknown sets are taken as ASCII. */
void vt_charsets_designate(struct vt_charsets *c, uint8_t intermediate, uint8_t final);

#endif
