/* transfer: what one image says of a part of the disk, into another one: zeroes as zeroes, bytes by the kernel's own copying
 * where both lie in the open. Owner: the caller, on its stack; transfer_fini. */
#ifndef DISK_TRANSFER_H
#define DISK_TRANSFER_H

#include "disk/img.h"

#define TRANSFER_BYTES (2u << 20) /* of what must go through memory, at once */

struct transfer {
	struct img *to;
	uint8_t *buf;
	bool by_hand; /* the kernel does not copy between these two */
};

/* All of the extent, to the same place of the disk, which is inside of it. */
int transfer_extent(struct transfer *t, const struct img_extent *e, struct err *err);
void transfer_fini(struct transfer *t);

#endif
