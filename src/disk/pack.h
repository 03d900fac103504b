/* pack: compresses clusters as qcow2 keeps them: raw deflate with a window of 4 KiB (zlib's windowBits -12), or zstd where
 * libzstd is there. Owner: whoever made it, on the heap; one thread at a time, so one for each. */
#ifndef DISK_PACK_H
#define DISK_PACK_H

#include <stddef.h>

#include "core/err.h"

struct pack;

/* compression: QCOW2_ZLIB or QCOW2_ZSTD. ERR_UNSUPPORTED: not built with that library. */
struct pack *pack_new(unsigned compression, struct err *err);
/* How many bytes it became; 0: no fewer than n, and not tried to the end where that is soon clear. out: room for n. */
size_t pack_cluster(struct pack *p, const void *in, size_t n, void *out);
void pack_free(struct pack *p); /* passes NULL through */

#endif
