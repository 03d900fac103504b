#include "disk/qcow2_repair.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/qcow2_refcount.h"
#include "disk/qcow2_table.h"

#define HEADER_REFTABLE 48u /* offset, 8 bytes, and clusters, 4 bytes */
#define HEADER_INCOMPATIBLE 72u

static uint64_t count_most(const struct qcow2 *q)
{
	return q->refcount_bits == 64 ? UINT64_MAX : (UINT64_C(1) << q->refcount_bits) - 1;
}

static int refuse_width(const struct qcow2 *q, uint64_t cluster, uint64_t uses, struct err *err)
{
	return err_set(err, ERR_UNSUPPORTED,
	    "'%s': cluster %" PRIu64 " is used %" PRIu64
	    " times, more than counts of %u bits can tell; 'img convert' makes an image that is "
	    "sound",
	    q->file->path, cluster, uses, q->refcount_bits);
}

/* --- counts, where they are ------------------------------------------------------------------------ */

/* up: those that are too small, else those that are too large. */
static int fix_block(
    struct qcow2_walk *w, uint64_t k, uint8_t *counts, bool up, bool *changed, struct err *err)
{
	uint64_t per = qcow2_walk_per_block(w), most = count_most(w->q);
	*changed = false;
	for (uint64_t i = 0; i < per && k * per + i < w->clusters; i++) {
		uint64_t uses = qcow2_counts_get(&w->uses, k * per + i);
		uint64_t counted = qcow2_count_get(w->q, counts, i);
		if (up ? uses <= counted : uses >= counted)
			continue;
		if (uses > most)
			return refuse_width(w->q, k * per + i, uses, err);
		qcow2_walk_tell(w,
		    "Repairing cluster %" PRIu64 " refcount=%" PRIu64 " reference=%" PRIu64,
		    k * per + i, counted, uses);
		qcow2_count_put(w->q, counts, i, uses);
		*changed = true;
	}
	return 0;
}

static int fix_counts(struct qcow2_walk *w, bool up, struct err *err)
{
	CLEANUP_FREE uint8_t *room = xmalloc(w->q->cluster);
	uint64_t per = qcow2_walk_per_block(w);
	const uint8_t *counts;
	bool changed, any = false;
	for (uint64_t k = 0; k < w->reftable_entries && k * per < w->clusters; k++) {
		if (qcow2_walk_block(w, k, room, &counts, err) < 0)
			return -1;
		if (counts == NULL)
			continue;
		if (fix_block(w, k, room, up, &changed, err) < 0 ||
		    (changed &&
		        disk_io_write(w->q->file, w->reftable[k], room, w->q->cluster, err) < 0))
			return -1;
		any |= changed;
	}
	return any ? disk_io_sync(w->q->file, err) : 0;
}

/* --- counts, all new ------------------------------------------------------------------------------- */

struct plan {
	uint64_t first, blocks,
	    table_clusters; /* first: cluster of the first block; the table follows */
};

static struct plan plan_new(const struct qcow2_walk *w)
{
	uint64_t per = qcow2_walk_per_block(w), each = w->q->cluster / 8;
	struct plan p = {.first = w->clusters, .table_clusters = 1};
	for (;;) {
		uint64_t all = p.first + p.blocks + p.table_clusters;
		uint64_t blocks = (all + per - 1) / per, table = (blocks + each - 1) / each;
		if (blocks == p.blocks && table == p.table_clusters)
			return p;
		p.blocks = blocks;
		p.table_clusters = table;
	}
}

static int write_new_blocks(struct qcow2_walk *w, const struct plan *p, struct err *err)
{
	struct qcow2 *q = w->q;
	uint64_t per = qcow2_walk_per_block(w), most = count_most(q);
	uint64_t all = p->first + p->blocks + p->table_clusters;
	CLEANUP_FREE uint8_t *room = xmalloc(q->cluster);
	for (uint64_t k = 0; k < p->blocks; k++) {
		memset(room, 0, q->cluster);
		for (uint64_t i = 0, c = k * per; i < per && c < all; i++, c++) {
			uint64_t uses = c < w->clusters ? qcow2_counts_get(&w->uses, c) : 1;
			if (uses > most)
				return refuse_width(q, c, uses, err);
			qcow2_count_put(q, room, i, uses);
		}
		if (disk_io_write(
		        q->file, (p->first + k) << q->cluster_bits, room, q->cluster, err) < 0)
			return -1;
	}
	return 0;
}

static int write_new_table(struct qcow2_walk *w, const struct plan *p, struct err *err)
{
	struct qcow2 *q = w->q;
	uint64_t bytes = p->table_clusters << q->cluster_bits;
	uint64_t at = (p->first + p->blocks) << q->cluster_bits;
	uint8_t head[12];
	if (bytes > QCOW2_REFTABLE_BYTES_MAX)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': a table of its reference counts would be larger than %u MiB",
		    q->file->path, QCOW2_REFTABLE_BYTES_MAX >> 20);
	CLEANUP_FREE uint8_t *table = xcalloc(1, bytes);
	for (uint64_t k = 0; k < p->blocks; k++)
		be64_put(table + 8 * k, (p->first + k) << q->cluster_bits);
	if (disk_io_write(q->file, at, table, bytes, err) < 0 || disk_io_sync(q->file, err) < 0)
		return -1;
	be64_put(head, at);
	be32_put(head + 8, (uint32_t)p->table_clusters);
	if (disk_io_write(q->file, HEADER_REFTABLE, head, sizeof(head), err) < 0 ||
	    disk_io_sync(q->file, err) < 0)
		return -1;
	q->reftable_offset = at;
	q->reftable_clusters = (uint32_t)p->table_clusters;
	return 0;
}

/* --- flags ----------------------------------------------------------------------------------------- */

/* QCOW2_COPIED of a word that names `at`, as the counts want it. */
static bool fix_flag(const struct qcow2_walk *w, uint64_t *word, uint64_t at, bool elsewhere)
{
	uint64_t cluster = at >> w->q->cluster_bits;
	if (!elsewhere && (cluster >= w->clusters || at % w->q->cluster != 0))
		return false;
	bool one = elsewhere || qcow2_counts_get(&w->uses, cluster) == 1;
	uint64_t want = one ? *word | QCOW2_COPIED : *word & ~QCOW2_COPIED;
	bool changed = want != *word;
	*word = want;
	return changed;
}

static bool fix_l2_entry(const struct qcow2_walk *w, uint8_t *entry)
{
	uint64_t word = be64_get(entry), at = word & QCOW2_OFFSET;
	bool elsewhere = w->q->data != w->q->file, changed;
	if (word & QCOW2_COMPRESSED) {
		changed = word & QCOW2_COPIED;
		word &= ~QCOW2_COPIED;
	} else {
		if (at == 0)
			return false;
		changed = fix_flag(w, &word, at, elsewhere);
	}
	if (changed)
		be64_put(entry, word);
	return changed;
}

static int fix_l2(const struct qcow2_walk *w, uint64_t at, uint8_t *room, struct err *err)
{
	const struct qcow2 *q = w->q;
	bool changed = false;
	if (disk_io_read_padded(q->file, at, room, q->cluster, err) < 0)
		return -1;
	for (uint64_t i = 0; i < q->cluster; i += q->l2_entry_bytes)
		changed |= fix_l2_entry(w, room + i);
	return changed ? disk_io_write(q->file, at, room, q->cluster, err) : 0;
}

/* Of the disk as it is now; those of snapshots mean nothing. A table that lies on something else is left alone: its words are
 * that other thing's, too. */
static int fix_flags(struct qcow2_walk *w, struct err *err)
{
	struct qcow2 *q = w->q;
	CLEANUP_FREE uint8_t *room = xmalloc(q->cluster);
	for (uint32_t i = 0; i < q->l1_entries; i++) {
		uint8_t be[8];
		uint64_t word = q->l1[i], at = word & QCOW2_OFFSET;
		if (at == 0 || at % q->cluster != 0 || at >> q->cluster_bits >= w->clusters)
			continue;
		if (qcow2_counts_get(&w->uses, at >> q->cluster_bits) ==
		        qcow2_counts_get(&w->tables, at >> q->cluster_bits) &&
		    fix_l2(w, at, room, err) < 0)
			return -1;
		if (!fix_flag(w, &word, at, false))
			continue;
		q->l1[i] = word;
		be64_put(be, word);
		if (disk_io_write(q->file, q->l1_offset + 8 * (uint64_t)i, be, 8, err) < 0)
			return -1;
	}
	return disk_io_sync(q->file, err);
}

/* The old table and its blocks are nobody's then, and what they lay on counts what is really there. */
static int rebuild(struct qcow2_walk *w, struct err *err)
{
	struct qcow2 *q = w->q;
	qcow2_walk_tell(w, "Rebuilding refcount structure");
	struct qcow2_walk fresh;
	int r = qcow2_walk_init(&fresh, q, w->check, err);
	fresh.silent = fresh.without_refs = true;
	if (r == 0)
		r = qcow2_walk_all(&fresh, err);
	struct plan p = plan_new(&fresh);
	if (r == 0)
		r = write_new_blocks(&fresh, &p, err);
	if (r == 0)
		r = write_new_table(&fresh, &p, err);
	/* What lay on the old ones has a count of its own again. */
	if (r == 0)
		r = fix_flags(&fresh, err);
	qcow2_walk_fini(&fresh);
	return r;
}

/* --- all ------------------------------------------------------------------------------------------- */

int qcow2_repair(struct qcow2_walk *w, enum qcow2_repair how, struct err *err)
{
	if (how == QCOW2_REPAIR_LEAKS)
		return w->rebuild ? err_set(err, ERR_STATE,
		                        "'%s': its reference counts are damaged; 'img check -r "
		                        "all' makes new ones",
		                        w->q->file->path)
		                  : fix_counts(w, false, err);
	if (w->rebuild)
		return rebuild(w, err);
	if (fix_counts(w, true, err) < 0 || fix_flags(w, err) < 0)
		return -1;
	return fix_counts(w, false, err);
}

int qcow2_repair_unmark(struct qcow2 *q, struct err *err)
{
	uint8_t be[8];
	uint64_t marks = QCOW2_DIRTY | QCOW2_CORRUPT;
	if (q->version < 3 || !(q->incompatible & marks))
		return 0;
	q->incompatible &= ~marks;
	be64_put(be, q->incompatible);
	if (disk_io_sync(q->file, err) < 0 ||
	    disk_io_write(q->file, HEADER_INCOMPATIBLE, be, sizeof(be), err) < 0)
		return -1;
	return disk_io_sync(q->file, err);
}
