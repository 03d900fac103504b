/* Bytes as a compressed cluster: what inflate takes for one holds what zlib reads in it. And as a cluster to be compressed:
 * zlib, with a window of 4 KiB, has to read what comes out, and so has inflate. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/mem.h"
#include "disk/deflate.h"
#include "disk/inflate.h"

#define PLAIN_MAX 70000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Filled to the last byte, as a cluster has to be. */
static bool zlib_reads(const uint8_t *in, size_t packed, uint8_t *out, size_t n, int window)
{
	z_stream z = {0};
	if (inflateInit2(&z, window) != Z_OK)
		abort();
	z.next_in = (Bytef *)(uintptr_t)in;
	z.avail_in = (unsigned)packed;
	z.next_out = out;
	z.avail_out = (unsigned)n;
	int r = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return (r == Z_STREAM_END || r == Z_BUF_ERROR) && z.avail_out == 0;
}

static void pack_and_read(struct inflater *f, const uint8_t *data, size_t size)
{
	struct deflate *d = deflate_new();
	CLEANUP_FREE uint8_t *packed = xmalloc(size), *back = xmalloc(size);
	size_t n = deflate_run(d, data, size, packed);
	deflate_free(d);
	if (n == 0)
		return;
	if (n >= size || !zlib_reads(packed, n, back, size, -12) || memcmp(back, data, size) != 0 ||
	    !inflate_run(f, packed, n, back, size) || memcmp(back, data, size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	size_t n = ((size_t)data[0] | (size_t)data[1] << 8) % PLAIN_MAX + 1;
	CLEANUP_FREE uint8_t *ours = xcalloc(1, n), *theirs = xcalloc(1, n);
	struct inflater *f = inflater_new();
	if (inflate_run(f, data + 2, size - 2, ours, n) &&
	    (!zlib_reads(data + 2, size - 2, theirs, n, -15) || memcmp(ours, theirs, n) != 0))
		abort();
	pack_and_read(f, data + 2, size - 2);
	inflater_free(f);
	return 0;
}
