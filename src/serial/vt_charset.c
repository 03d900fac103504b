#include "serial/vt_charset.h"

#include <string.h>

#include "core/mem.h"

/* DEC Special Graphics, 0x5F..0x7E (VT220 Programmer Reference, table 2-4). 0x5F is a blank. */
static const uint16_t graphics[] = {0x0020, 0x25C6, 0x2592, 0x2409, 0x240C, 0x240D, 0x240A, 0x00B0,
    0x00B1, 0x2424, 0x240B, 0x2518, 0x2510, 0x250C, 0x2514, 0x253C, 0x23BA, 0x23BB, 0x2500, 0x23BC,
    0x23BD, 0x251C, 0x2524, 0x2534, 0x252C, 0x2502, 0x2264, 0x2265, 0x03C0, 0x2260, 0x00A3, 0x00B7};

void vt_charsets_init(struct vt_charsets *c)
{
	*c = (struct vt_charsets){.g = {'B', 'B', 'B', 'B'}};
}

#define LATIN_1 'L' /* our name: its final is 'A' too, of another kind of set */
#define PORTUGUESE 'P'
#define SUPPLEMENTAL '<'

/* What national sets have in the place of these (VT220 Programmer Reference, table 2-5; VT320). */
static const char replaced[] = "#$@[\\]^_`{|}~";
static const struct {
	uint8_t set;
	uint16_t by[sizeof(replaced) - 1]; /* 0: the same */
} nationals[] = {
    {'A', {0xA3}},                                                              /* United Kingdom */
    {'4', {0xA3, 0, 0xBE, 0x133, 0xBD, '|', 0, 0, 0, 0xA8, 0x192, 0xBC, 0xB4}}, /* Dutch */
    {'5', {0, 0, 0, 0xC4, 0xD6, 0xC5, 0xDC, 0, 0xE9, 0xE4, 0xF6, 0xE5, 0xFC}},  /* Finnish */
    {'R', {0xA3, 0, 0xE0, 0xB0, 0xE7, 0xA7, 0, 0, 0, 0xE9, 0xF9, 0xE8, 0xA8}},  /* French */
    {'Q', {0, 0, 0xE0, 0xE2, 0xE7, 0xEA, 0xEE, 0, 0xF4, 0xE9, 0xF9, 0xE8, 0xFB}}, /* Canadian */
    {'K', {0, 0, 0xA7, 0xC4, 0xD6, 0xDC, 0, 0, 0, 0xE4, 0xF6, 0xFC, 0xDF}},       /* German */
    {'Y', {0xA3, 0, 0xA7, 0xB0, 0xE7, 0xE9, 0, 0, 0xF9, 0xE0, 0xF2, 0xE8, 0xEC}}, /* Italian */
    {'`', {0, 0, 0xC4, 0xC6, 0xD8, 0xC5, 0xDC, 0, 0xE4, 0xE6, 0xF8, 0xE5,
              0xFC}}, /* Norwegian, Danish */
    {PORTUGUESE, {0, 0, 0, 0xC3, 0xC7, 0xD5, 0, 0, 0, 0xE3, 0xE7, 0xF5}},
    {'Z', {0xA3, 0, 0xA7, 0xA1, 0xD1, 0xBF, 0, 0, 0, 0xB0, 0xF1, 0xE7}},          /* Spanish */
    {'7', {0, 0, 0xC9, 0xC4, 0xD6, 0xC5, 0xDC, 0, 0xE9, 0xE4, 0xF6, 0xE5, 0xFC}}, /* Swedish */
    {'=', {0xF9, 0, 0xE0, 0xE9, 0xE7, 0xEA, 0xEE, 0xE8, 0xF4, 0xE4, 0xF6, 0xFC, 0xFB}}, /* Swiss */
};

static uint32_t map_national(uint8_t set, uint8_t ch)
{
	const char *at = strchr(replaced, ch);
	for (size_t i = 0; at && i < ARRAY_LEN(nationals); i++)
		if (nationals[i].set == set && nationals[i].by[at - replaced])
			return nationals[i].by[at - replaced];
	return ch;
}

/* DEC's Multinational Character Set is Latin-1 but for these (VT220 Programmer Reference, table
 * 2-3). */
static uint32_t map_supplemental(uint8_t ch)
{
	switch (ch) {
	case 0x20:
		return ch;
	case 0x28:
		return 0xA4;
	case 0x57:
		return 0x152;
	case 0x5D:
		return 0x178;
	case 0x77:
		return 0x153;
	case 0x7D:
		return 0xFF;
	default:
		return ch | 0x80u;
	}
}

uint32_t vt_charsets_map(struct vt_charsets *c, uint8_t ch)
{
	uint8_t set = c->g[c->shift ? c->shift : c->gl];
	c->shift = 0;
	switch (set) {
	case 'B':
		return ch;
	case '0':
		return ch >= 0x5F && ch <= 0x7E ? graphics[ch - 0x5F] : ch;
	case SUPPLEMENTAL:
		return map_supplemental(ch);
	case LATIN_1:
		return ch | 0x80u;
	default:
		return map_national(set, ch);
	}
}

/* Sets of 94 characters: how they are designated, and what we call them. */
static const struct {
	char intermediate, final, set;
	bool national;
} sets[] = {
    {0, '0', '0', false},
    {0, 'A', 'A', false},
    {0, '<', SUPPLEMENTAL, false},
    {'%', '5', SUPPLEMENTAL, false},
    {0, '4', '4', true},
    {0, '5', '5', true},
    {0, 'C', '5', true},
    {0, 'R', 'R', true},
    {0, 'f', 'R', true},
    {0, 'Q', 'Q', true},
    {0, '9', 'Q', true},
    {0, 'K', 'K', true},
    {0, 'Y', 'Y', true},
    {0, '`', '`', true},
    {0, 'E', '`', true},
    {0, '6', '`', true},
    {'%', '6', PORTUGUESE, true},
    {0, 'Z', 'Z', true},
    {0, '7', '7', true},
    {0, 'H', '7', true},
    {0, '=', '=', true},
};

void vt_charsets_designate(
    struct vt_charsets *c, const uint8_t *intermediate, unsigned n, uint8_t final, bool national)
{
	char second = n > 1 ? (char)intermediate[1] : 0;
	if (intermediate[0] >= '-' &&
	    intermediate[0] <= '/') { /* sets of 96 characters, G1 to G3 */
		c->g[intermediate[0] - '-' + 1] = final == 'A' && !second ? LATIN_1 : 'B';
		return;
	}
	if (intermediate[0] < '(' || intermediate[0] > '+')
		return;
	uint8_t *g = &c->g[intermediate[0] - '('];
	*g = 'B';
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		if (sets[i].intermediate == second && sets[i].final == (char) final &&
		    (national || !sets[i].national))
			*g = (uint8_t)sets[i].set;
}
