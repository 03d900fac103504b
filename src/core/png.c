#include "core/png.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "core/mem.h"

/* --- PPM --- */

struct reader {
	const unsigned char *at, *end;
};

/* White space and comments, then a decimal number; -1 when there is none or it is over max. */
static long ppm_number(struct reader *r, long max)
{
	long n = 0;
	bool comment = false, any = false;
	for (; r->at < r->end && (comment || memchr(" \t\r\n#", *r->at, 5) != NULL); r->at++)
		comment = *r->at == '\n' ? false : comment || *r->at == '#';
	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, any = true) {
		n = n * 10 + (*r->at - '0');
		if (n > max)
			return -1;
	}
	return any ? n : -1;
}

int picture_from_ppm(const void *data, size_t n, struct picture *p, struct err *err)
{
	struct reader r = {data, (const unsigned char *)data + n};
	if (n < 2 || memcmp(data, "P6", 2) != 0)
		return err_set(err, ERR_INVALID, "the picture is no PPM file");
	r.at += 2;
	long width = ppm_number(&r, PNG_SIDE_MAX), height = ppm_number(&r, PNG_SIDE_MAX);
	long depth = ppm_number(&r, 65535);
	if (width < 1 || height < 1 || depth != 255 || r.at == r.end)
		return err_set(err, ERR_INVALID,
		    "the picture is no PPM file of 8-bit colours and at most %u pixels a side",
		    PNG_SIDE_MAX);
	r.at++; /* one white space */
	size_t need = (size_t)width * (size_t)height * 3;
	if ((size_t)(r.end - r.at) < need)
		return err_set(err, ERR_INVALID, "the picture is cut off: %zu of %zu bytes",
		    (size_t)(r.end - r.at), need);
	*p = (struct picture){(unsigned)width, (unsigned)height, r.at};
	return 0;
}

/* --- PNG --- */

static void add_u32(struct buf *b, uint32_t v)
{
	unsigned char bytes[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
	    (unsigned char)(v >> 8), (unsigned char)v};
	buf_add(b, bytes, 4);
}

static void add_chunk(struct buf *b, const char type[4], const void *data, size_t n)
{
	add_u32(b, (uint32_t)n);
	size_t from = b->len;
	buf_add(b, type, 4);
	if (n > 0)
		buf_add(b, data, n);
	add_u32(b, (uint32_t)crc32(0, (const unsigned char *)b->data + from, (uInt)(n + 4)));
}

/* Filter type 2, Up: the difference from the line above, which is nearly all zeroes on a screen. */
static unsigned char *filtered(const struct picture *p, size_t *n)
{
	size_t line = (size_t)p->width * 3;
	*n = (line + 1) * p->height;
	unsigned char *out = xmalloc(*n), *to = out;
	for (unsigned y = 0; y < p->height; y++) {
		const unsigned char *now = p->rgb + y * line, *above = y == 0 ? NULL : now - line;
		*to++ = 2;
		for (size_t x = 0; x < line; x++)
			*to++ = (unsigned char)(now[x] - (above == NULL ? 0 : above[x]));
	}
	return out;
}

int picture_to_png(const struct picture *p, struct buf *out, struct err *err)
{
	static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
	size_t n;
	CLEANUP_FREE unsigned char *raw = filtered(p, &n);
	uLongf packed_len = compressBound(n);
	CLEANUP_FREE unsigned char *packed = xmalloc(packed_len);
	if (compress2(packed, &packed_len, raw, n, Z_DEFAULT_COMPRESSION) != Z_OK)
		return err_set(err, ERR_FAIL, "zlib cannot compress the picture");
	CLEANUP_BUF struct buf head = BUF_INIT;
	add_u32(&head, p->width);
	add_u32(&head, p->height);
	/* 8 bits, colour type 2 (RGB), deflate, adaptive filtering, no interlace. */
	buf_add(&head, "\x08\x02\x00\x00\x00", 5);
	buf_add(out, signature, sizeof(signature));
	add_chunk(out, "IHDR", head.data, head.len);
	add_chunk(out, "IDAT", packed, packed_len);
	add_chunk(out, "IEND", NULL, 0);
	return 0;
}
