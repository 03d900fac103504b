#include "serial/vt_charset.h"

/* DEC Special Graphics, 0x5F..0x7E (VT220 Programmer Reference, table 2-4). 0x5F is a blank. */
static const uint16_t graphics[] = {0x0020, 0x25C6, 0x2592, 0x2409, 0x240C, 0x240D, 0x240A, 0x00B0,
    0x00B1, 0x2424, 0x240B, 0x2518, 0x2510, 0x250C, 0x2514, 0x253C, 0x23BA, 0x23BB, 0x2500, 0x23BC,
    0x23BD, 0x251C, 0x2524, 0x2534, 0x252C, 0x2502, 0x2264, 0x2265, 0x03C0, 0x2260, 0x00A3, 0x00B7};

void vt_charsets_init(struct vt_charsets *c)
{
	*c = (struct vt_charsets){.g = {'B', 'B', 'B', 'B'}};
}

uint32_t vt_charsets_map(struct vt_charsets *c, uint8_t ch)
{
	uint8_t set = c->g[c->shift ? c->shift : c->gl];
	c->shift = 0;
	if (set == '0' && ch >= 0x5F && ch <= 0x7E)
		return graphics[ch - 0x5F];
	if (set == 'A' && ch == '#')
		return 0x00A3;
	return ch;
}

void vt_charsets_designate(struct vt_charsets *c, uint8_t intermediate, uint8_t final)
{
	if (intermediate < '(' || intermediate > '+')
		return;
	c->g[intermediate - '('] = final == '0' || final == 'A' ? final : 'B';
}
