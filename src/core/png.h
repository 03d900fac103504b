/* png: a picture of 8-bit RGB pixels, read from a PPM file (Netpbm, "P6") and written as PNG (RFC 2083) by zlib. */
#ifndef CORE_PNG_H
#define CORE_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

#define PNG_SIDE_MAX 16384u /* pixels; QEMU's own limit for a screen */
#define PNG_PPM_MAX \
	(64u + PNG_SIDE_MAX * 8192u * 3u) /* bytes of the largest PPM file that is read */

struct picture {
	unsigned width, height;
	const unsigned char *rgb; /* width * height * 3 bytes, borrowed */
};

/* The pixels stay where they are in `data`. */
int picture_from_ppm(const void *data, size_t n, struct picture *p, struct err *err);
/* Appends the PNG file. */
int picture_to_png(const struct picture *p, struct buf *out, struct err *err);

#endif
