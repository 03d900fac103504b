/* qcow2_bitmap: the persistent dirty bitmaps of an image: their directory read, changed in memory, and switched to by the
 * header. What a bitmap says is never computed here. Owner: the caller, on its stack; qcow2_bitmaps_fini.
 * Source: docs/interop/qcow2.txt, "Bitmaps". */
#ifndef DISK_QCOW2_BITMAP_H
#define DISK_QCOW2_BITMAP_H

#include "disk/qcow2.h"

#define QCOW2_BITMAP_NAME_MAX 1023u /* QEMU's limits */
#define QCOW2_BITMAP_EXTRA_MAX 1024u
#define QCOW2_BITMAP_TABLE_MAX \
	(1u << 20) /* entries; QEMU's 512 MiB of one, in clusters of 512 bytes */
#define QCOW2_BITMAP_GRANULARITY_BITS_MIN 9u
#define QCOW2_BITMAP_GRANULARITY_BITS_MAX 31u

enum { QCOW2_BITMAP_IN_USE = 1, QCOW2_BITMAP_AUTO = 2 };

struct qcow2_bitmap {
	char *name;
	uint64_t table; /* offset */
	uint32_t entries, flags;
	uint8_t type, granularity_bits;
	uint8_t *extra; /* kept */
	uint32_t extra_bytes;
};
struct qcow2_bitmaps {
	struct qcow2_bitmap *list;
	uint32_t n;
	uint64_t offset, bytes; /* of the directory in the file; 0 none */
};

/* An image without any, or with left-overs that no longer count, has an empty list. */
int qcow2_bitmaps_load(struct qcow2 *q, struct qcow2_bitmaps *b, struct err *err);
void qcow2_bitmaps_fini(struct qcow2_bitmaps *b);

/* Each changes the list in memory; the file follows with _store. Messages are qemu-img's. */
int qcow2_bitmaps_add(struct qcow2 *q, struct qcow2_bitmaps *b, const char *name,
    uint64_t granularity, struct err *err); /* enabled; granularity in bytes, 0 as QEMU chooses */
int qcow2_bitmaps_remove(
    struct qcow2 *q, struct qcow2_bitmaps *b, const char *name, struct err *err);
int qcow2_bitmaps_clear(
    struct qcow2 *q, struct qcow2_bitmaps *b, const char *name, struct err *err);
int qcow2_bitmaps_enable(struct qcow2_bitmaps *b, const char *name, bool enable, struct err *err);
/* A directory at a new place, the header, then what is no longer used is given back. */
int qcow2_bitmaps_store(struct qcow2 *q, struct qcow2_bitmaps *b, struct err *err);

/* May the guest's bytes change? ERR_UNSUPPORTED when a bitmap would have to record it; any: … when there is one at all,
 * as another size is the matter of all of them. */
int qcow2_bitmap_check_write(struct qcow2 *q, bool any, struct err *err);

#endif
