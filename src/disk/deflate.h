/* deflate: raw deflate (RFC 1951) with a window of 4 KiB, as compressed clusters of qcow2 are kept (zlib's windowBits -12).
 * Made for pieces of a cluster that are whole in memory: twice as fast as zlib's default level at its ratio.
 * Owner: whoever made it, on the heap. One thread at a time. */
#ifndef DISK_DEFLATE_H
#define DISK_DEFLATE_H

#include <stddef.h>

struct deflate;

struct deflate *deflate_new(void);
/* out: room for n bytes. How many they became; 0: not fewer than n, or too few to be worth reading them. */
size_t deflate_run(struct deflate *d, const void *in, size_t n, void *out);
void deflate_free(struct deflate *d); /* passes NULL through */

#endif
