#include "serial/vt_pack.h"

#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/mem.h"
#include "serial/vt_state.h"
#include "serial/vt_utf8.h"

enum token { HALF = 1, MARK = 2, PEN = 3, BLANKS = 4 };

/* What follows PEN: this byte, then what it names, in this order. */
enum {
	PEN_FG_INDEXED = 1,   /* 1 byte */
	PEN_FG_RGB = 2,       /* 3 bytes */
	PEN_BG_INDEXED = 4,   /* 1 byte */
	PEN_BG_RGB = 8,       /* 3 bytes */
	PEN_ATTRS = 16,       /* 1 byte: bits 0..7 */
	PEN_ATTRS_ABOVE = 32, /* 1 byte: bits 8..15 */
	PEN_UNDERLINE = 64,   /* 1 byte */
};

void vt_unpacked_fini(struct vt_unpacked *u)
{
	free(u->all);
	*u = (struct vt_unpacked){0};
}

size_t vt_unpacked_get(const struct vt_unpacked *u, const struct vt_clusters *k, uint32_t cp,
    uint32_t out[VT_CLUSTER_CHARS])
{
	if (cp < (VT_CLUSTER | VT_CLUSTER_UNPACKED))
		return vt_clusters_get(k, cp, out);
	uint32_t i = cp & ~(VT_CLUSTER | VT_CLUSTER_UNPACKED);
	if (i >= u->n) { /* of a line that was let go of */
		out[0] = 0xFFFD;
		return 1;
	}
	memcpy(out, u->all[i].cp, u->all[i].n * sizeof(*out));
	return u->all[i].n;
}

/* --- packing --- */

static bool same_pen(const struct vt_cell *c, const struct vt_pen *pen)
{
	return c->fg == pen->fg && c->bg == pen->bg && c->attrs == pen->attrs &&
	       c->underline == pen->underline;
}

static uint8_t *pack_colour(uint8_t *out, uint32_t colour)
{
	if (colour & VT_RGB) {
		*out++ = (uint8_t)(colour >> 16);
		*out++ = (uint8_t)(colour >> 8);
	}
	if (colour)
		*out++ = (uint8_t)colour;
	return out;
}

static uint8_t *pack_pen(uint8_t *out, const struct vt_cell *c, struct vt_pen *pen)
{
	*pen = (struct vt_pen){c->fg, c->bg, c->attrs, c->underline};
	*out++ = PEN;
	*out++ =
	    (uint8_t)((c->fg & VT_RGB ? PEN_FG_RGB
	                  : c->fg     ? PEN_FG_INDEXED
	                              : 0) |
	              (c->bg & VT_RGB ? PEN_BG_RGB
	                  : c->bg     ? PEN_BG_INDEXED
	                              : 0) |
	              (c->attrs & 0xFF ? PEN_ATTRS : 0) | (c->attrs >> 8 ? PEN_ATTRS_ABOVE : 0) |
	              (c->underline ? PEN_UNDERLINE : 0));
	out = pack_colour(out, c->fg);
	out = pack_colour(out, c->bg);
	if (c->attrs & 0xFF)
		*out++ = (uint8_t)c->attrs;
	if (c->attrs >> 8)
		*out++ = (uint8_t)(c->attrs >> 8);
	if (c->underline)
		*out++ = c->underline;
	return out;
}

static uint8_t *pack_number(uint8_t *out, unsigned n)
{
	for (; n >= 0x80; n >>= 7)
		*out++ = (uint8_t)(n | 0x80);
	*out++ = (uint8_t)n;
	return out;
}

static uint8_t *pack_text(
    uint8_t *out, uint32_t cp, const struct vt_clusters *k, const struct vt_unpacked *u)
{
	uint32_t all[VT_CLUSTER_CHARS];
	if (cp < VT_CLUSTER)
		return out + vt_utf8_encode(cp ? cp : ' ', (char *)out);
	size_t n = vt_unpacked_get(u, k, cp, all);
	out += vt_utf8_encode(all[0], (char *)out);
	for (size_t i = 1; i < n; i++) {
		*out++ = MARK;
		out += vt_utf8_encode(all[i], (char *)out);
	}
	return out;
}

#ifdef __SSE2__
/* Four cells of printable ASCII in the given pen to four bytes; false: they are not. */
static bool plain_four(const struct vt_cell *c, __m128i pen, uint8_t *out)
{
	const __m128i *p = (const __m128i *)(const void *)c;
	__m128i a = _mm_loadu_si128(p), b = _mm_loadu_si128(p + 1);
	__m128i d = _mm_loadu_si128(p + 2), e = _mm_loadu_si128(p + 3);
	__m128i other = _mm_or_si128(_mm_or_si128(_mm_xor_si128(a, pen), _mm_xor_si128(b, pen)),
	    _mm_or_si128(_mm_xor_si128(d, pen), _mm_xor_si128(e, pen)));
	__m128i words = _mm_unpacklo_epi64(_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(d, e));
	/* saturation makes 0 of what is negative, 0xFF of what is large */
	words = _mm_packs_epi32(words, words);
	__m128i bytes = _mm_packus_epi16(words, words);
	__m128i equal = _mm_cmpeq_epi32(other, _mm_setzero_si128());
	__m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)); /* signed: from 0x80 on too */
	if ((_mm_movemask_epi8(equal) & 0xFFF0) != 0xFFF0 || _mm_movemask_epi8(low))
		return false;
	uint32_t four = (uint32_t)_mm_cvtsi128_si32(bytes);
	memcpy(out, &four, sizeof(four));
	return true;
}
#endif

/* How many cells from c on are printable ASCII in the given pen; their bytes to out. */
static int pack_plain(const struct vt_cell *c, int n, const struct vt_pen *pen, uint8_t *out)
{
	int i = 0;
#ifdef __SSE2__
	const __m128i v = vt_cell_vector(pen);
	while (i + 4 <= n && plain_four(c + i, v, out + i))
		i += 4;
#endif
	while (i < n && c[i].cp - 0x20 < 0x5F && c[i].width == 1 && same_pen(&c[i], pen)) {
		out[i] = (uint8_t)c[i].cp;
		i++;
	}
	return i;
}

static int count_blanks(const struct vt_cell *c, int n, const struct vt_pen *pen)
{
	int i = 0;
	while (i < n && c[i].cp == 0 && c[i].width == 1 && same_pen(&c[i], pen))
		i++;
	return i;
}

uint8_t *vt_pack(uint8_t *out, const struct vt_cell *cells, int n, struct vt_pen *pen,
    const struct vt_clusters *k, const struct vt_unpacked *u)
{
	for (int i = 0; i < n;) {
		int plain = pack_plain(cells + i, n - i, pen, out);
		out += plain;
		i += plain;
		if (i == n)
			break;
		const struct vt_cell *c = &cells[i];
		if (!same_pen(c, pen))
			out = pack_pen(out, c, pen);
		int blanks = count_blanks(c, n - i, pen);
		if (blanks) {
			*out++ = BLANKS;
			out = pack_number(out, (unsigned)blanks);
			i += blanks;
		} else if (c->width == 0) {
			*out++ = HALF;
			i++;
		} else if (c->cp - 0x20 >= 0x5F || c->width != 1) {
			out = pack_text(out, c->cp, k, u);
			i++;
			if (i < n && cells[i].width == 0 && same_pen(&cells[i], pen)) {
				*out++ = HALF;
				i++;
			}
		}
	}
	return out;
}

/* --- unpacking --- */

static uint32_t take_colour(const uint8_t **p, unsigned indexed, unsigned rgb)
{
	const uint8_t *d = *p;
	if (rgb) {
		*p += 3;
		return VT_RGB | (uint32_t)d[0] << 16 | (uint32_t)d[1] << 8 | d[2];
	}
	*p += indexed ? 1 : 0;
	return indexed ? VT_INDEXED | d[0] : 0;
}

static const uint8_t *take_pen(const uint8_t *p, struct vt_cell *like)
{
	unsigned what = *p++;
	like->fg = take_colour(&p, what & PEN_FG_INDEXED, what & PEN_FG_RGB);
	like->bg = take_colour(&p, what & PEN_BG_INDEXED, what & PEN_BG_RGB);
	like->attrs = 0;
	if (what & PEN_ATTRS)
		like->attrs = *p++;
	if (what & PEN_ATTRS_ABOVE)
		like->attrs = (uint16_t)(like->attrs | *p++ << 8);
	like->underline = what & PEN_UNDERLINE ? *p++ : 0;
	return p;
}

static const uint8_t *take_number(const uint8_t *p, unsigned *n)
{
	unsigned shift = 0;
	*n = 0;
	for (; *p & 0x80; shift += 7)
		*n |= (unsigned)(*p++ & 0x7F) << shift;
	*n |= (unsigned)*p++ << shift;
	return p;
}

/* A character from 0x80 on. */
static const uint8_t *take_text(const uint8_t *p, uint32_t *cp)
{
	static const uint8_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	int n = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
	*cp = *p & masks[n];
	for (int i = 1; i < n; i++)
		*cp = *cp << 6 | (p[i] & 0x3Fu);
	return p + n;
}

static void add_mark(struct vt_unpacked *u, struct vt_cell *c, uint32_t mark)
{
	if (c->cp < VT_CLUSTER) {
		if (u->n == u->room) {
			u->room = u->room ? u->room * 2 : 16;
			u->all = xrealloc(u->all, u->room * sizeof(*u->all));
		}
		u->all[u->n] = (struct vt_cluster){.cp = {c->cp}, .n = 1};
		c->cp = VT_CLUSTER | VT_CLUSTER_UNPACKED | u->n++;
	}
	struct vt_cluster *k = &u->all[c->cp & ~(VT_CLUSTER | VT_CLUSTER_UNPACKED)];
	if (k->n < VT_CLUSTER_CHARS)
		k->cp[k->n++] = mark;
}

void vt_unpack(
    const uint8_t *p, const uint8_t *end, struct vt_cell *cells, unsigned n, struct vt_unpacked *u)
{
	struct vt_cell like = vt_blank;
	unsigned at = 0, blanks;
	uint32_t cp;
	while (p < end && at <= n) {
		switch (*p) {
		case HALF:
			p++;
			if (at == 0 || at == n)
				return;
			cells[at - 1].width = 2;
			cells[at] = like;
			cells[at++].width = 0;
			break;
		case MARK:
			p = take_text(p + 1, &cp);
			if (at)
				add_mark(u, &cells[at - 1], cp);
			break;
		case PEN:
			p = take_pen(p + 1, &like);
			break;
		case BLANKS:
			for (p = take_number(p + 1, &blanks); blanks && at < n; blanks--)
				cells[at++] = like;
			break;
		default:
			p = take_text(p, &cp);
			if (at == n)
				return;
			cells[at] = like;
			cells[at++].cp = cp;
			break;
		}
	}
}

unsigned vt_pack_rows(const uint8_t *p, const uint8_t *end, unsigned cols)
{
	unsigned rows = 1, at = 0, blanks; /* of the row in hand, how many columns are taken */
	struct vt_cell like;
	uint32_t cp;
	while (p < end) {
		switch (*p) {
		case HALF: /* the character was counted as a narrow one */
			p++;
			if (cols == 1)
				break;
			if (at == cols) {
				rows++;
				at = 1;
			}
			at++;
			break;
		case MARK:
			p = take_text(p + 1, &cp);
			break;
		case PEN:
			p = take_pen(p + 1, &like);
			break;
		case BLANKS:
			p = take_number(p + 1, &blanks);
			rows += (at + blanks - 1) / cols;
			at = (at + blanks - 1) % cols + 1;
			break;
		default:
			p += *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
			if (at == cols) {
				rows++;
				at = 0;
			}
			at++;
			break;
		}
	}
	return rows;
}
