#include "disk/inflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "config.h"
#include "core/mem.h"

#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

#define RAW (-15) /* no header; windowBits of any encoder */

struct inflater {
#ifdef HAVE_LIBDEFLATE
	struct libdeflate_decompressor *fast;
#endif
	z_stream z;
	bool begun; /* z is */
};

struct inflater *inflater_new(void)
{
	struct inflater *f = xcalloc(1, sizeof(*f));
#ifdef HAVE_LIBDEFLATE
	f->fast = libdeflate_alloc_decompressor(); /* NULL: zlib does it */
#endif
	return f;
}

void inflater_free(struct inflater *f)
{
	if (!f)
		return;
#ifdef HAVE_LIBDEFLATE
	libdeflate_free_decompressor(f->fast);
#endif
	if (f->begun)
		inflateEnd(&f->z);
	free(f);
}

static bool by_zlib(struct inflater *f, const void *in, size_t packed, void *out, size_t n)
{
	if (packed > UINT32_MAX || n > UINT32_MAX)
		return false;
	if ((f->begun ? inflateReset(&f->z) : inflateInit2(&f->z, RAW)) != Z_OK)
		return false;
	f->begun = true;
	f->z.next_in = (Bytef *)(uintptr_t)in;
	f->z.avail_in = (uInt)packed;
	f->z.next_out = out;
	f->z.avail_out = (uInt)n;
	int r = inflate(&f->z, Z_FINISH);
	return (r == Z_STREAM_END || r == Z_BUF_ERROR) && f->z.avail_out == 0;
}

bool inflate_run(struct inflater *f, const void *in, size_t packed, void *out, size_t n)
{
#ifdef HAVE_LIBDEFLATE
	if (f->fast &&
	    libdeflate_deflate_decompress(f->fast, in, packed, out, n, NULL) == LIBDEFLATE_SUCCESS)
		return true;
		/* It also refuses a stream that goes on behind n bytes, which is none of our business. */
#endif
	return by_zlib(f, in, packed, out, n);
}
