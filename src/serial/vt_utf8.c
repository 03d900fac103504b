#include "serial/vt_utf8.h"

size_t vt_utf8_encode(uint32_t cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xC0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3F));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xE0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
		out[2] = (char)(0x80 | (cp & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
	out[3] = (char)(0x80 | (cp & 0x3F));
	return 4;
}

uint32_t vt_utf8_decode(const uint8_t *p, size_t n, size_t *step)
{
	static const uint8_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = *p < 0x80   ? 1
	             : *p < 0xC2 ? 0
	             : *p < 0xE0 ? 2
	             : *p < 0xF0 ? 3
	             : *p < 0xF5 ? 4
	                         : 0;
	*step = 1;
	if (len == 0 || len > n)
		return 0xFFFD;
	uint32_t cp = p[0] & masks[len];
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0xFFFD;
		cp = cp << 6 | (p[i] & 0x3Fu);
	}
	if (cp < least[len] || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
		return 0xFFFD;
	*step = len;
	return cp;
}

/* One byte more of the character in the making: false when it cannot become one any more. */
static bool continues(struct vt_utf8 *u, uint8_t ch)
{
	unsigned left = 6 * (u->more - 1);
	uint32_t low, high; /* what it can still become */

	u->cp = u->cp << 6 | (ch & 0x3Fu);
	low = u->cp << left;
	high = low | ((1u << left) - 1);
	return high >= u->least && low <= 0x10FFFF && (low < 0xD800 || high >= 0xE000);
}

unsigned vt_utf8_feed(struct vt_utf8 *u, uint8_t ch, uint32_t out[2])
{
	unsigned n = 0;

	if (ch < 0xC0 && u->more) {
		if (!continues(u, ch)) {
			u->more = 0;
			out[0] = out[1] = 0xFFFD;
			return 2;
		}
		out[0] = u->cp;
		return --u->more == 0;
	}
	if (vt_utf8_cut(u))
		out[n++] = 0xFFFD;
	if (ch < 0xC2 || ch > 0xF4) {
		out[n++] = 0xFFFD;
		return n;
	}
	u->more = ch >= 0xF0 ? 3 : ch >= 0xE0 ? 2 : 1;
	u->least = ch >= 0xF0 ? 0x10000 : ch >= 0xE0 ? 0x800 : 0x80;
	u->cp = ch & (0x3Fu >> u->more);
	return n;
}

bool vt_utf8_cut(struct vt_utf8 *u)
{
	bool cut = u->more > 0;

	u->more = 0;
	return cut;
}
