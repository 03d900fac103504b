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
	*step = len;
	return cp;
}
