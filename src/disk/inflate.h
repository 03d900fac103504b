/* inflate: raw deflate (RFC 1951) read from memory into memory, twice as fast as zlib because it knows both ends.
 * What it reads is hostile. Pure. */
#ifndef DISK_INFLATE_H
#define DISK_INFLATE_H

#include <stdbool.h>
#include <stddef.h>

/* True when out was filled to its n-th byte: what comes behind in the input is another's, and an end before is damage. */
bool inflate_run(const void *in, size_t packed, void *out, size_t n);

#endif
