/* qcow2_walk: counts who uses which cluster of an image's file, from its header down to the guest's bytes. For
 * qcow2_check and qcow2_repair. Every offset may be a lie. Owner: whoever began it, on the stack; qcow2_walk_fini. */
#ifndef DISK_QCOW2_WALK_H
#define DISK_QCOW2_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "disk/qcow2.h"
#include "disk/qcow2_check.h"
#include "disk/qcow2_counts.h"

struct qcow2_walk {
	struct qcow2 *q;
	struct qcow2_check *check;
	bool silent; /* nothing is told or counted but the uses */
	bool
	    without_refs; /* the refcount table and its blocks are not counted: they are to be replaced */
	bool rebuild; /* they are in a state in which they cannot be written to */
	bool tangled; /* other tables lie on each other: a change of one would change the other */
	uint64_t clusters; /* of the file, the last may be cut */
	struct qcow2_counts uses;
	struct qcow2_counts tables; /* how many L1 entries name the cluster as an L2 table */
	uint8_t *marks;             /* per cluster */
	uint64_t *reftable;         /* in the host's order; what cannot be is 0 */
	uint64_t reftable_entries;
	uint64_t l1_bytes; /* read until now, and bitmap tables */
	uint8_t *table;    /* an L2 table's room */
	uint64_t next;     /* where a guest's next cluster would be, if nothing was fragmented */
};

int qcow2_walk_init(
    struct qcow2_walk *w, struct qcow2 *q, struct qcow2_check *check, struct err *err);
void qcow2_walk_fini(struct qcow2_walk *w);
/* The whole image. -1: reading failed, or it is larger than the limits. */
int qcow2_walk_all(struct qcow2_walk *w, struct err *err);

/* What the file itself says, block by block: counts of clusters first … first + n. NULL: there is no such block, all
 * are 0. room: a cluster. */
int qcow2_walk_block(
    const struct qcow2_walk *w, uint64_t k, uint8_t *room, const uint8_t **counts, struct err *err);
uint64_t qcow2_walk_per_block(const struct qcow2_walk *w);

void qcow2_walk_tell(struct qcow2_walk *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A corruption. */
void qcow2_walk_bad(struct qcow2_walk *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
