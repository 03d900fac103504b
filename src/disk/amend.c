#include "disk/amend.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/qcow2_alloc.h"
#include "disk/qcow2_head.h"
#include "disk/qcow2_refcount.h"
#include "disk/qcow2_shadow.h"
#include "disk/qcow2_snapshot.h"
#include "disk/qcow2_table.h"

#define HEADER_V3_BYTES 112u

/* Version 3 wants more of a snapshot than some of version 2 have: their table is written anew. */
int amend_upgrade(struct qcow2 *q, struct err *err)
{
	if (q->version >= 3)
		return 0;
	if (qcow2_shadow_begin(q, err) != 0)
		return -1;
	if (q->n_snapshots && qcow2_snapshot_write_table(q, err) != 0)
		return -1;
	q->version = 3;
	q->header_bytes = HEADER_V3_BYTES;
	q->incompatible = q->compatible = q->autoclear = 0;
	return qcow2_shadow_switch(q, err);
}

int amend_lazy_refcounts(struct qcow2 *q, bool on, struct err *err)
{
	uint64_t bits = on ? q->compatible | QCOW2_LAZY_REFCOUNTS
	                   : q->compatible & ~(uint64_t)QCOW2_LAZY_REFCOUNTS;
	if (bits == q->compatible)
		return 0;
	if (q->version < 3)
		return err_set(err, ERR_INVALID,
		    "Lazy refcounts only supported with compatibility level 1.1 and above (use "
		    "compat=1.1 or greater)");
	if (qcow2_table_begin(q, false, err) != 0)
		return -1;
	q->compatible = bits;
	if (qcow2_head_write(q, err) == 0 && disk_io_sync(q->file, err) == 0)
		return 0;
	q->broken = true;
	return -1;
}

/* --- another width of the refcounts ------------------------------------------------------------------- */
/* Where the new ones lie: behind everything, a table and then all blocks. */
struct width {
	unsigned bits;
	uint64_t per_block, most;
	uint64_t end; /* of what is in use: first cluster of the table */
	uint64_t table, blocks;
};

static int find_end(struct qcow2 *q, uint64_t *end, struct err *err)
{
	const struct qcow2_refs *r = q->refs;
	*end = 0;
	for (uint64_t k = r->entries; k-- > 0;) {
		if (r->table[k] == 0)
			continue;
		const struct qcow2_block *b = qcow2_refcount_block(q, k, err);
		if (!b)
			return -1;
		for (uint64_t i = r->per_block; i-- > 0;)
			if (qcow2_count_get(q, b->counts, i)) {
				*end = k * r->per_block + i + 1;
				return 0;
			}
	}
	return 0;
}

static int plan(struct qcow2 *q, struct width *w, struct err *err)
{
	w->per_block = q->cluster * 8 / w->bits;
	w->most = w->bits == 64 ? UINT64_MAX : (UINT64_C(1) << w->bits) - 1;
	if (find_end(q, &w->end, err) != 0)
		return -1;
	for (uint64_t total = 0; total != w->end + w->table + w->blocks;) {
		total = w->end + w->table + w->blocks;
		w->blocks = (total + w->per_block - 1) / w->per_block;
		w->table = (w->blocks * 8 + q->cluster - 1) >> q->cluster_bits;
	}
	if (w->table << q->cluster_bits > QCOW2_REFTABLE_BYTES_MAX)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': refcounts of %u bits would need a table of more than %u MiB",
		    q->img->name, w->bits, QCOW2_REFTABLE_BYTES_MAX >> 20);
	return 0;
}

/* Block k of the new width. `as` is q with that width, for the packing of counts alone. */
static int write_block(struct qcow2 *q, const struct width *w, const struct qcow2 *as, uint64_t k,
    uint8_t *counts, struct err *err)
{
	memset(counts, 0, q->cluster);
	for (uint64_t i = 0; i < w->per_block; i++) {
		uint64_t c = k * w->per_block + i, count = 1;
		if (c >= w->end + w->table + w->blocks)
			break;
		if (c < w->end && qcow2_refcount_get(q, c, &count, err) != 0)
			return -1;
		if (count > w->most)
			return err_set(err, ERR_STATE,
			    "Cannot decrease refcount entry width to %u bits: Cluster at offset %#" PRIx64
			    " has a refcount of %" PRIu64,
			    w->bits, c << q->cluster_bits, count);
		if (count)
			qcow2_count_put(as, counts, i, count);
	}
	return disk_io_write(
	    q->file, (w->end + w->table + k) << q->cluster_bits, counts, q->cluster, err);
}

static int write_all(struct qcow2 *q, const struct width *w, struct err *err)
{
	struct qcow2 as = {.refcount_bits = w->bits};
	CLEANUP_FREE uint8_t *counts = xmalloc(q->cluster);
	CLEANUP_FREE uint8_t *table = xcalloc(w->table, q->cluster);
	for (uint64_t k = 0; k < w->blocks; k++) {
		if (write_block(q, w, &as, k, counts, err) != 0)
			return -1;
		be64_put(table + 8 * k, (w->end + w->table + k) << q->cluster_bits);
	}
	if (disk_io_write(
	        q->file, w->end << q->cluster_bits, table, w->table << q->cluster_bits, err) != 0)
		return -1;
	return disk_io_sync(q->file, err);
}

/* The old table and blocks are nobody's now. */
static int drop_old(struct qcow2 *q, const struct qcow2_refs *old, struct err *err)
{
	if (qcow2_refcount_load(q, err) != 0 ||
	    qcow2_refcount_drop(
	        q, old->table_offset >> q->cluster_bits, old->table_clusters, err) != 0)
		return -1;
	for (uint64_t k = 0; k < old->entries; k++)
		if (old->table[k] &&
		    qcow2_refcount_drop(q, old->table[k] >> q->cluster_bits, 1, err) != 0)
			return -1;
	return qcow2_refcount_settle(q, err);
}

static int switch_width(struct qcow2 *q, const struct width *w, struct err *err)
{
	struct qcow2_refs *old = q->refs;
	q->refcount_bits = w->bits;
	q->reftable_offset = w->end << q->cluster_bits;
	q->reftable_clusters = (uint32_t)w->table;
	if (qcow2_head_write(q, err) != 0 || disk_io_sync(q->file, err) != 0)
		return -1;
	q->refs = NULL;
	int rc = drop_old(q, old, err);
	qcow2_refcount_free(old);
	return rc;
}

int amend_refcount_bits(struct qcow2 *q, unsigned bits, struct err *err)
{
	struct width w = {.bits = bits};
	if (bits == q->refcount_bits)
		return 0;
	if (bits == 0 || bits > 64 || (bits & (bits - 1)) != 0)
		return err_set(err, ERR_INVALID,
		    "Refcount width must be a power of two and may not exceed 64 bits");
	if (q->version < 3)
		return err_set(err, ERR_INVALID,
		    "Refcount widths other than 16 bits require compatibility level 1.1 or above "
		    "(use compat=1.1 or greater)");
	if (qcow2_table_begin(q, false, err) != 0 || qcow2_table_flush(q, err) != 0 ||
	    plan(q, &w, err) != 0 || write_all(q, &w, err) != 0)
		return -1;
	if (switch_width(q, &w, err) == 0)
		return 0;
	q->broken = true;
	return -1;
}
