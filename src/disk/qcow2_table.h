/* qcow2_table: the active L1 table and its L2 tables, for changing them. Owner: struct qcow2. */
#ifndef DISK_QCOW2_TABLE_H
#define DISK_QCOW2_TABLE_H

#include "disk/qcow2_layout.h"

#define QCOW2_SUB_DATA 0x00000000ffffffffull /* of bits: every subcluster is allocated */
#define QCOW2_SUB_ZERO 0xffffffff00000000ull /* every one reads as zeroes */

struct qcow2_entry {
	uint64_t word;
	uint64_t bits; /* of subclusters; 0 without them */
};

/* What one write demands of the image as a whole: not broken, not dirty, not encrypted … ; reads the refcounts, clears what
 * a writer that does not know it must clear. bitmaps_too: it changes what the guest reads, which bitmaps would have to
 * note. ERR_UNSUPPORTED: QEMU can, we cannot. */
int qcow2_table_begin(struct qcow2 *q, bool bitmaps_too, struct err *err);
/* The L2 table for a guest's offset, made when there is none, copied when a snapshot has it too. Big-endian, of the
 * cache: tell qcow2_cache_dirty of a change. NULL on error. */
uint8_t *qcow2_table_own(struct qcow2 *q, uint64_t guest, struct err *err);
/* The same without making or copying it: *table is NULL where there is none. */
int qcow2_table_look(struct qcow2 *q, uint64_t guest, uint8_t **table, struct err *err);
/* Before all tables of an L1 table are walked: ERR_INVALID when two entries name the same. */
int qcow2_table_check_l1(const struct qcow2 *q, const uint64_t *l1, size_t n, struct err *err);
/* Index into an L2 table. */
static inline uint64_t qcow2_table_index(const struct qcow2 *q, uint64_t guest)
{
	return (guest >> q->cluster_bits) & ((UINT64_C(1) << q->l2_bits) - 1);
}
struct qcow2_entry qcow2_table_get(const struct qcow2 *q, const uint8_t *table, uint64_t i);
void qcow2_table_put(const struct qcow2 *q, uint8_t *table, uint64_t i, struct qcow2_entry e);
/* Host bytes of a compressed entry: *at, and how many at most. */
uint64_t qcow2_table_packed(const struct qcow2 *q, uint64_t word, uint64_t *at);
/* The host clusters that an entry keeps in use lose one user, or get one more (step -1, +1). */
int qcow2_table_count(struct qcow2 *q, uint64_t word, int step, struct err *err);
void qcow2_table_stale(struct qcow2 *q, uint32_t l1_index);
/* Everything that waits, in order: refcounts, L2 tables, L1 table, a sync, then the counts that fall. */
int qcow2_table_flush(struct qcow2 *q, struct err *err);
bool qcow2_table_waits(const struct qcow2 *q); /* is there something for it to do? */

#endif
