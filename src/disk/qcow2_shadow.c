#include "disk/qcow2_shadow.h"

#include "disk/qcow2_alloc.h"
#include "disk/qcow2_cache.h"
#include "disk/qcow2_head.h"
#include "disk/qcow2_refcount.h"
#include "disk/qcow2_table.h"

int qcow2_shadow_begin(struct qcow2 *q, struct err *err)
{
	if (qcow2_table_begin(q, false, err) != 0)
		return -1;
	if (qcow2_table_flush(q, err) != 0)
		return -1;
	struct qcow2_refs *r = q->refs;
	for (uint64_t k = 0; k < r->entries; k++)
		r->blocks[k].place = QCOW2_BLOCK_OLD;
	r->shadow = true;
	/* until the switch nothing of this reaches what the file uses */
	q->broken = true;
	return qcow2_alloc_move_table(q, err);
}

int qcow2_shadow_switch(struct qcow2 *q, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	uint64_t old = q->reftable_offset;
	uint32_t old_clusters = q->reftable_clusters;
	if (qcow2_refcount_write_shadow(q, err) != 0 || disk_io_sync(q->file, err) != 0)
		return -1;
	q->reftable_offset = r->table_offset;
	q->reftable_clusters = r->table_clusters;
	if (qcow2_head_write(q, err) != 0 || disk_io_sync(q->file, err) != 0)
		return -1;
	r->shadow = r->table_moved = false;
	q->l1_stale_from = q->l1_stale_to = 0;
	qcow2_cache_forget(q->l2_cache, 0, UINT64_MAX);
	/* a crash, or a failure, from here on leaks clusters */
	if (qcow2_refcount_drop(q, old >> q->cluster_bits, old_clusters, err) != 0 ||
	    qcow2_refcount_settle(q, err) != 0)
		return -1;
	q->broken = false;
	return 0;
}
