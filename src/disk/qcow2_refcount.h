/* qcow2_refcount: how often each cluster of the file is used. Blocks of counts in memory, of every width, and the table
 * that finds them. Owner: struct qcow2. Threads: one.
 *
 * The order that makes a crash leak at worst: qcow2_refcount_add counts in memory, qcow2_refcount_write brings it to the file
 * (blocks, then the table, then the header's word on where the table is), the caller then writes what points to the
 * clusters, and only qcow2_refcount_settle takes away what qcow2_refcount_drop announced. Between write and settle no count falls.
 *
 * A shadow is for what changes counts and the flags of pointers together (snapshots): each block that changes gets a new
 * place, so does the table, nothing that the file uses is touched, and one write of the header switches to all of it. */
#ifndef DISK_QCOW2_REFCOUNT_H
#define DISK_QCOW2_REFCOUNT_H

#include "disk/qcow2.h"

#define QCOW2_BLOCKS_BYTES (32u << 20) /* of refcount blocks in memory, at least QCOW2_BLOCKS_MIN */
#define QCOW2_BLOCKS_MIN 8u

enum qcow2_block_place { /* of a shadow; a block that was made since the last switch is MOVED */
	QCOW2_BLOCK_OLD,
	QCOW2_BLOCK_MOVING, /* its new place is being looked for */
	QCOW2_BLOCK_MOVED,
};
struct qcow2_block {
	uint8_t *counts; /* NULL: not in memory */
	bool dirty;
	enum qcow2_block_place place;
};
struct qcow2_range { /* clusters */
	uint64_t first, n;
};
struct qcow2_ranges {
	struct qcow2_range *r;
	size_t n, cap;
};
struct qcow2_refs {
	uint64_t *table; /* offsets of blocks, in the host's order; 0 none */
	struct qcow2_block *blocks;
	uint64_t entries;   /* of both */
	uint64_t per_block; /* counts in a block */
	uint64_t most;      /* that a count can hold */
	uint64_t free_from; /* no free cluster lies before */
	size_t n_loaded;
	uint64_t changes;              /* of counts by allocation: tells that a search is stale */
	uint64_t stale_from, stale_to; /* entries of the table that the file does not have yet */
	bool table_moved;              /* the header does not say yet where the table is */
	bool shadow;
	uint64_t table_offset; /* where it is, or will be */
	uint32_t table_clusters;
	bool cut; /* free clusters at the file's end are cut off when they are settled */
	struct qcow2_ranges drops;
};

/* Reads the table, once. */
int qcow2_refcount_load(struct qcow2 *q, struct err *err);
void qcow2_refcount_free(struct qcow2_refs *r); /* passes NULL through */

/* 0 where there is no block. cluster: a number, as everywhere here. */
int qcow2_refcount_get(struct qcow2 *q, uint64_t cluster, uint64_t *count, struct err *err);
/* One more use of n clusters, each in use already: ERR_INVALID when one is not, ERR_STATE when the width does not hold
 * the sum. */
int qcow2_refcount_add(struct qcow2 *q, uint64_t cluster, uint64_t n, struct err *err);
/* One use less of each, when it is settled. */
int qcow2_refcount_drop(struct qcow2 *q, uint64_t cluster, uint64_t n, struct err *err);
/* The same for the host clusters that `bytes` at a host's offset touch (tables, compressed clusters). */
int qcow2_refcount_add_bytes(struct qcow2 *q, uint64_t at, uint64_t bytes, struct err *err);
int qcow2_refcount_drop_bytes(struct qcow2 *q, uint64_t at, uint64_t bytes, struct err *err);
/* Counts that grew and new blocks to the file; syncs when the table changed. */
int qcow2_refcount_write(struct qcow2 *q, struct err *err);
/* Takes away what was dropped, writes that, and gives the space of free clusters back to the file system. Whatever
 * pointed there is to be gone from the file before. */
int qcow2_refcount_settle(struct qcow2 *q, struct err *err);
/* The shadow's blocks and its whole table, without a word in the header. */
int qcow2_refcount_write_shadow(struct qcow2 *q, struct err *err);
/* Does anything wait for _write or _settle? */
bool qcow2_refcount_pending(const struct qcow2 *q);

/* For qcow2_alloc.c. */
uint64_t qcow2_count_get(const struct qcow2 *q, const uint8_t *counts, uint64_t i);
void qcow2_count_put(const struct qcow2 *q, uint8_t *counts, uint64_t i, uint64_t count);
/* In memory; NULL on error. The block must exist. */
struct qcow2_block *qcow2_refcount_block(struct qcow2 *q, uint64_t k, struct err *err);
void qcow2_refcount_stale(struct qcow2_refs *r, uint64_t k); /* entry k of the table changed */
void qcow2_ranges_add(struct qcow2_ranges *l, uint64_t first, uint64_t n);

#endif
