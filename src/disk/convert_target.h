/* convert_target: where convert puts what it read: a raw file or device, a fresh qcow2 image, an image that exists.
 * Owner: whoever made it, on the heap; what it writes to stays the caller's. */
#ifndef DISK_CONVERT_TARGET_H
#define DISK_CONVERT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "disk/disk_io.h"
#include "disk/img.h"
#include "disk/qcow2_layout.h"

struct convert_run { /* of an item: bytes that are all zero, or that are data */
	size_t at, bytes;
	bool zero;
};
/* What goes through the threads. The first part is filled before `place`, in units of the target. */
struct convert_item {
	uint64_t guest, bytes; /* of the guest; bytes <= room unless empty */
	bool empty;            /* zeroes only: no buffer, no runs, any length */
	uint8_t *buf;          /* `room` bytes, zeroes behind `bytes` up to the unit's end */
	struct convert_run *runs;
	size_t n_runs;
	/* For each unit, when the target packs: its compressed bytes (0: as it is) at packed + unit's offset. */
	uint8_t *packed;
	size_t *packed_bytes;
	/* The target's own: where each unit goes. */
	uint64_t *hosts;
};

struct convert_target {
	/* What the engine asks. */
	uint32_t unit; /* bytes; items begin at whole ones */
	bool
	    tell_zeroes; /* what is empty has to be told; else the target reads as zeroes already */
	bool packs;      /* compressed: compression, in units */
	unsigned compression; /* QCOW2_ZLIB … */
	int (*place)(struct convert_target *t, struct convert_item *item, struct err *err);
	int (*finish)(struct convert_target *t, const struct convert_item *item, struct err *err);
	int (*end)(struct convert_target *t, struct err *err);
	/* The targets'. */
	struct disk_io *io, *data;
	struct img *img;
	struct qcow2_build *build;
	uint64_t size;
	bool zeroed; /* what is not written reads as zeroes */
	bool punch;  /* zeroes may be holes */
	bool backed; /* something else shows through what is not told */
	enum img_prealloc prealloc;
};

/* A raw file or device of `size` bytes. zeroed: a file that was made just now, or a promise of the operator's. */
struct convert_target *convert_target_raw(
    struct disk_io *io, uint64_t size, bool zeroed, bool punch);
/* The image that qcow2_create(o, io, data) made with preallocation off (o->prealloc is what is done here). pack: compressed.
 * NULL on error. */
struct convert_target *convert_target_qcow2(struct disk_io *io, struct disk_io *data,
    const struct qcow2_options *o, bool pack, struct err *err);
/* An image of any format that is open for writing. */
struct convert_target *convert_target_img(struct img *im, bool zeroed, bool punch);
void convert_target_free(struct convert_target *t); /* passes NULL through */

#endif
