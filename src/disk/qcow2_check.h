/* qcow2_check: are the reference counts of an image what its tables say? What is wrong is told line by line and counted in
 * qemu-img's way: corruptions (writing may destroy something), leaks (space that nobody uses), errors of checking.
 * Memory: two bytes per cluster of the file and little more; time: each L2 table is read once, however many snapshots
 * share it. */
#ifndef DISK_QCOW2_CHECK_H
#define DISK_QCOW2_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "disk/img.h"

#define QCOW2_CHECK_CLUSTERS_MAX (1ull << 30) /* of the file: 64 TiB of 64 KiB */
#define QCOW2_CHECK_TABLES_BYTES_MAX \
	(4ull << 30) /* of L1 and bitmap tables, all snapshots together */

enum qcow2_repair { QCOW2_REPAIR_NONE, QCOW2_REPAIR_LEAKS, QCOW2_REPAIR_ALL };

struct qcow2_check {
	void (*tell)(void *arg, const char *line); /* NULL nobody listens */
	void *arg;
	uint64_t corruptions, leaks, errors; /* what is (still) there */
	uint64_t corruptions_fixed, leaks_fixed;
	uint64_t end; /* bytes: behind the last cluster in use */
	uint64_t total, allocated, fragmented,
	    compressed; /* clusters of the guest's disk as it is now */
};

/* im: a qcow2 image opened with IMG_REPAIR | IMG_NO_BACKING, and IMG_WRITE to repair. Afterwards it is only good for closing.
 * again: called between a repair and the check of its result; may be NULL. */
int qcow2_check(struct img *im, enum qcow2_repair how, struct qcow2_check *c,
    void (*again)(const struct qcow2_check *c), struct err *err);

#endif
