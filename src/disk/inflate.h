/* inflate: raw deflate (RFC 1951) from memory into memory, by libdeflate where it was built in, else by zlib. What it reads is
 * hostile. Owner: whoever made it, on the heap. One thread at a time. */
#ifndef DISK_INFLATE_H
#define DISK_INFLATE_H

#include <stdbool.h>
#include <stddef.h>

struct inflater;

struct inflater *inflater_new(void);
void inflater_free(struct inflater *f); /* passes NULL through */
/* True when out was filled to its n-th byte (n and packed < 4 GiB): what comes behind in the input is another's, and an end
 * before is damage. */
bool inflate_run(struct inflater *f, const void *in, size_t packed, void *out, size_t n);

#endif
