#include "disk/pack.h"

#include <stdlib.h>
#include <zlib.h>

#include "core/mem.h"
#include "disk/qcow2.h"

#define WINDOW_BITS (-12) /* raw deflate, 4 KiB: what QEMU's reader takes */
#define MEMORY_LEVEL 9

struct pack {
	z_stream z;
};

struct pack *pack_new(unsigned compression, size_t cluster, struct err *err)
{
	(void)cluster;
	if (compression != QCOW2_ZLIB) {
		err_set(err, ERR_UNSUPPORTED, "compression other than zlib is not built in");
		return NULL;
	}
	struct pack *p = xcalloc(1, sizeof(*p));
	if (deflateInit2(&p->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
	        Z_DEFAULT_STRATEGY) == Z_OK)
		return p;
	free(p);
	err_set(err, ERR_FAIL, "zlib cannot begin to compress");
	return NULL;
}

size_t pack_cluster(struct pack *p, const void *in, size_t n, void *out)
{
	deflateReset(&p->z);
	p->z.next_in = (Bytef *)(uintptr_t)in;
	p->z.avail_in = (uInt)n;
	p->z.next_out = out;
	p->z.avail_out = (uInt)(n - 1);
	return deflate(&p->z, Z_FINISH) == Z_STREAM_END ? n - 1 - p->z.avail_out : 0;
}

void pack_free(struct pack *p)
{
	if (!p)
		return;
	deflateEnd(&p->z);
	free(p);
}
