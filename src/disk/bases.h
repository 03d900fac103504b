/* bases: images that others are backed by: who writes to one destroys those. The VM whose disk became the base of a linked clone
 * would, at its next start; QEMU's locks tell only while the clone runs. So what is linked is noted, data/bases/HASH.json,
 * and a start looks there: a file that is mostly not there. */
#ifndef DISK_BASES_H
#define DISK_BASES_H

#include "core/err.h"
#include "core/home.h"

/* Before the image at `path`, backed by `base`, is made. Takes the store's lock. */
int bases_note(const struct home *h, const char *base, const char *path, struct err *err);
/* An image that was noted and has `base` in its chain still, on the heap; NULL there is none. */
char *bases_find(const struct home *h, const char *base);
/* The same, without the images of `own`, a list that ends with NULL: those of one chain. */
char *bases_find_other(const struct home *h, const char *base, const char *const *own);

#endif
