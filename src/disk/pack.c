#include "disk/pack.h"

#include <stdlib.h>

#include "config.h"
#include "core/mem.h"
#include "disk/deflate.h"
#include "disk/qcow2.h"

#ifdef HAVE_LIBZSTD
#include <zstd.h>

#define ZSTD_LEVEL 3 /* QEMU's: zstd's default */
#endif

struct pack {
	unsigned compression;
	struct deflate *deflate;
#ifdef HAVE_LIBZSTD
	ZSTD_CCtx *zstd;
#endif
};

struct pack *pack_new(unsigned compression, struct err *err)
{
	struct pack *p = xcalloc(1, sizeof(*p));
	p->compression = compression;
	if (compression == QCOW2_ZLIB) {
		p->deflate = deflate_new();
		return p;
	}
#ifdef HAVE_LIBZSTD
	p->zstd = ZSTD_createCCtx();
	if (p->zstd)
		return p;
	err_set(err, ERR_FAIL, "zstd cannot begin to compress: no memory");
#else
	err_set(err, ERR_UNSUPPORTED, "zstd was not built in");
#endif
	free(p);
	return NULL;
}

#ifdef HAVE_LIBZSTD
static size_t pack_zstd(struct pack *p, const void *in, size_t n, void *out)
{
	size_t r = ZSTD_compressCCtx(p->zstd, out, n - 1, in, n, ZSTD_LEVEL);
	return ZSTD_isError(r) ? 0 : r;
}
#endif

size_t pack_cluster(struct pack *p, const void *in, size_t n, void *out)
{
#ifdef HAVE_LIBZSTD
	if (p->zstd)
		return pack_zstd(p, in, n, out);
#endif
	return deflate_run(p->deflate, in, n, out);
}

void pack_free(struct pack *p)
{
	if (!p)
		return;
	deflate_free(p->deflate);
#ifdef HAVE_LIBZSTD
	ZSTD_freeCCtx(p->zstd);
#endif
	free(p);
}
