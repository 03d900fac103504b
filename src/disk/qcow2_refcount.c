#include "disk/qcow2_refcount.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/qcow2_alloc.h"
#include "disk/qcow2_cache.h"
#include "disk/twice.h"

#define DISCARD_LEAST (1u << 20) /* bytes that become free together */
#define HEADER_REFTABLE 48       /* refcount_table_offset and refcount_table_clusters, 12 bytes */

uint64_t qcow2_count_get(const struct qcow2 *q, const uint8_t *counts, uint64_t i)
{
	switch (q->refcount_bits) {
	case 64:
		return be64_get(counts + 8 * i);
	case 32:
		return be32_get(counts + 4 * i);
	case 16:
		return be16_get(counts + 2 * i);
	case 8:
		return counts[i];
	default: {
		unsigned bits = q->refcount_bits, in_byte = 8 / bits;
		return (unsigned)(counts[i / in_byte] >> (i % in_byte * bits)) & ((1u << bits) - 1);
	}
	}
}

void qcow2_count_put(const struct qcow2 *q, uint8_t *counts, uint64_t i, uint64_t count)
{
	switch (q->refcount_bits) {
	case 64:
		be64_put(counts + 8 * i, count);
		break;
	case 32:
		be32_put(counts + 4 * i, (uint32_t)count);
		break;
	case 16:
		be16_put(counts + 2 * i, (uint16_t)count);
		break;
	case 8:
		counts[i] = (uint8_t)count;
		break;
	default: {
		unsigned bits = q->refcount_bits, in_byte = 8 / bits;
		unsigned shift = (unsigned)(i % in_byte) * bits, mask = ((1u << bits) - 1) << shift;
		uint8_t *p = counts + i / in_byte;
		*p = (uint8_t)((*p & ~mask) | (((unsigned)count << shift) & mask));
	}
	}
}

static int check_table(const struct qcow2 *q, struct err *err)
{
	uint64_t bytes = (uint64_t)q->reftable_clusters << q->cluster_bits;
	if (q->reftable_clusters == 0 || bytes > QCOW2_REFTABLE_BYTES_MAX)
		return err_set(err, ERR_INVALID,
		    "'%s': the refcount table has %" PRIu32 " clusters, which is out of range",
		    q->img->name, q->reftable_clusters);
	if (q->reftable_offset & (q->cluster - 1) || q->reftable_offset > IMG_SIZE_MAX - bytes)
		return err_set(err, ERR_INVALID,
		    "'%s': the refcount table at %" PRIu64 " does not begin at a cluster",
		    q->img->name, q->reftable_offset);
	return 0;
}

static int check_entry(const struct qcow2 *q, uint64_t k, uint64_t entry, struct err *err)
{
	if ((entry & (q->cluster - 1)) == 0 && entry <= QCOW2_OFFSET)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': entry %" PRIu64 " of the refcount table is out of range (%#" PRIx64
	    "): repair it with check -r all",
	    q->img->name, k, entry);
}

int qcow2_refcount_load(struct qcow2 *q, struct err *err)
{
	if (q->refs)
		return 0;
	if (check_table(q, err) != 0)
		return -1;
	uint64_t entries = ((uint64_t)q->reftable_clusters << q->cluster_bits) / 8;
	CLEANUP_FREE uint64_t *table = xcalloc(entries, 8);
	if (disk_io_read(q->file, q->reftable_offset, table, entries * 8, err) != 0)
		return err_wrap(err, "refcount table");
	for (uint64_t k = 0; k < entries; k++) {
		table[k] = be64_get(&table[k]);
		if (check_entry(q, k, table[k], err) != 0)
			return -1;
	}
	uint64_t twice = twice_find(table, entries, UINT64_MAX);
	if (twice != 0)
		return err_set(err, ERR_INVALID,
		    "'%s': two entries of the refcount table name the block at %#" PRIx64
		    ": repair it with check -r all",
		    q->img->name, twice);
	struct qcow2_refs *r = xcalloc(1, sizeof(*r));
	r->blocks = xcalloc(entries, sizeof(*r->blocks));
	r->table = TAKE_PTR(table);
	r->entries = entries;
	r->per_block = q->cluster * 8 / q->refcount_bits;
	r->most = q->refcount_bits == 64 ? UINT64_MAX : (UINT64_C(1) << q->refcount_bits) - 1;
	r->stale_from = UINT64_MAX;
	r->table_offset = q->reftable_offset;
	r->table_clusters = q->reftable_clusters;
	q->refs = r;
	return 0;
}

void qcow2_refcount_free(struct qcow2_refs *r)
{
	if (!r)
		return;
	for (uint64_t k = 0; k < r->entries; k++)
		free(r->blocks[k].counts);
	free(r->blocks);
	free(r->table);
	free(r->drops.r);
	free(r);
}

void qcow2_refcount_stale(struct qcow2_refs *r, uint64_t k)
{
	if (r->stale_from == UINT64_MAX || k < r->stale_from)
		r->stale_from = k;
	if (k >= r->stale_to)
		r->stale_to = k + 1;
}

static int write_blocks(struct qcow2 *q, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	for (uint64_t k = 0; k < r->entries; k++) {
		struct qcow2_block *b = &r->blocks[k];
		if (!b->dirty || b->place == QCOW2_BLOCK_MOVING)
			continue;
		if (disk_io_write(q->file, r->table[k], b->counts, q->cluster, err) != 0)
			return err_wrap(err, "refcounts");
		b->dirty = false;
	}
	return 0;
}

/* Keeps memory bounded: all that are in the file as they are go, but for block k. */
static int drop_blocks(struct qcow2 *q, uint64_t k, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	size_t most = QCOW2_BLOCKS_BYTES >> q->cluster_bits;
	if (r->n_loaded < (most < QCOW2_BLOCKS_MIN ? QCOW2_BLOCKS_MIN : most))
		return 0;
	if (write_blocks(q, err) != 0)
		return -1;
	for (uint64_t i = 0; i < r->entries; i++)
		if (i != k && r->blocks[i].counts && !r->blocks[i].dirty) {
			free(TAKE_PTR(r->blocks[i].counts));
			r->n_loaded--;
		}
	return 0;
}

struct qcow2_block *qcow2_refcount_block(struct qcow2 *q, uint64_t k, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	struct qcow2_block *b = &r->blocks[k];
	if (b->counts)
		return b;
	if (drop_blocks(q, k, err) != 0)
		return NULL;
	CLEANUP_FREE uint8_t *counts = xmalloc(q->cluster);
	if (disk_io_read(q->file, r->table[k], counts, q->cluster, err) != 0) {
		err_wrap(err, "refcounts");
		return NULL;
	}
	b->counts = TAKE_PTR(counts);
	r->n_loaded++;
	return b;
}

int qcow2_refcount_get(struct qcow2 *q, uint64_t cluster, uint64_t *count, struct err *err)
{
	uint64_t k = cluster / q->refs->per_block;
	*count = 0;
	if (k >= q->refs->entries || q->refs->table[k] == 0)
		return 0;
	struct qcow2_block *b = qcow2_refcount_block(q, k, err);
	if (!b)
		return -1;
	*count = qcow2_count_get(q, b->counts, cluster % q->refs->per_block);
	return 0;
}

static int unused(const struct qcow2 *q, uint64_t cluster, struct err *err)
{
	return err_set(err, ERR_INVALID,
	    "'%s': the cluster at %#" PRIx64
	    " is in use, but its refcount is 0: repair the image with check -r all",
	    q->img->name, cluster << q->cluster_bits);
}

int qcow2_refcount_add(struct qcow2 *q, uint64_t cluster, uint64_t n, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	for (uint64_t c = cluster; c < cluster + n; c++) {
		uint64_t k = c / r->per_block;
		if (k >= r->entries || r->table[k] == 0)
			return unused(q, c, err);
		struct qcow2_block *b = qcow2_alloc_block(q, k, err);
		if (!b)
			return -1;
		uint64_t count = qcow2_count_get(q, b->counts, c % r->per_block);
		if (count == 0)
			return unused(q, c, err);
		if (count == r->most)
			return err_set(err, ERR_STATE,
			    "'%s': refcounts of %u bits cannot count another use of the cluster at %#" PRIx64
			    ": widen them with amend -o refcount_bits",
			    q->img->name, q->refcount_bits, c << q->cluster_bits);
		qcow2_count_put(q, b->counts, c % r->per_block, count + 1);
		b->dirty = true;
	}
	return 0;
}

void qcow2_ranges_add(struct qcow2_ranges *l, uint64_t first, uint64_t n)
{
	if (l->n && l->r[l->n - 1].first + l->r[l->n - 1].n == first) {
		l->r[l->n - 1].n += n;
		return;
	}
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->r = xreallocarray(l->r, l->cap, sizeof(*l->r));
	}
	l->r[l->n++] = (struct qcow2_range){first, n};
}

/* A shadow may lower a count at once, but not to 0: the file as it still is uses the cluster. */
int qcow2_refcount_drop(struct qcow2 *q, uint64_t cluster, uint64_t n, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	for (uint64_t c = cluster; c < cluster + n; c++) {
		uint64_t count;
		if (qcow2_refcount_get(q, c, &count, err) != 0)
			return -1;
		if (count == 0)
			return unused(q, c, err);
		if (!r->shadow || count == 1) {
			qcow2_ranges_add(&r->drops, c, 1);
			continue;
		}
		struct qcow2_block *b = qcow2_alloc_block(q, c / r->per_block, err);
		if (!b)
			return -1;
		qcow2_count_put(q, b->counts, c % r->per_block, count - 1);
		b->dirty = true;
	}
	return 0;
}

/* Calls for the clusters that bytes at `at` touch. */
static int each_touched(struct qcow2 *q, uint64_t at, uint64_t bytes,
    int (*call)(struct qcow2 *, uint64_t, uint64_t, struct err *), struct err *err)
{
	if (bytes == 0)
		return 0;
	uint64_t first = at >> q->cluster_bits, last = (at + bytes - 1) >> q->cluster_bits;
	return call(q, first, last - first + 1, err);
}

int qcow2_refcount_add_bytes(struct qcow2 *q, uint64_t at, uint64_t bytes, struct err *err)
{
	return each_touched(q, at, bytes, qcow2_refcount_add, err);
}

int qcow2_refcount_drop_bytes(struct qcow2 *q, uint64_t at, uint64_t bytes, struct err *err)
{
	return each_touched(q, at, bytes, qcow2_refcount_drop, err);
}

static int write_entries(struct qcow2 *q, uint64_t from, uint64_t to, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	size_t bytes = (to - from) * 8;
	CLEANUP_FREE uint8_t *out = xmalloc(bytes);
	for (uint64_t k = from; k < to; k++)
		be64_put(out + 8 * (k - from), r->table[k]);
	return disk_io_write(q->file, r->table_offset + 8 * from, out, bytes, err);
}

static int write_table(struct qcow2 *q, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	if (!r->table_moved)
		return disk_io_sync(q->file, err) != 0
		           ? -1
		           : write_entries(q, r->stale_from, r->stale_to, err);
	if (write_entries(q, 0, r->entries, err) != 0 || disk_io_sync(q->file, err) != 0)
		return -1;
	uint8_t at[12];
	be64_put(at, r->table_offset);
	be32_put(at + 8, r->table_clusters);
	if (disk_io_write(q->file, HEADER_REFTABLE, at, sizeof(at), err) != 0)
		return -1;
	int rc = qcow2_refcount_drop(
	    q, q->reftable_offset >> q->cluster_bits, q->reftable_clusters, err);
	q->reftable_offset = r->table_offset;
	q->reftable_clusters = r->table_clusters;
	r->table_moved = false;
	return rc;
}

int qcow2_refcount_write(struct qcow2 *q, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	if (!r)
		return 0;
	if (write_blocks(q, err) != 0)
		return -1;
	if (r->stale_from == UINT64_MAX && !r->table_moved)
		return 0;
	if (write_table(q, err) != 0)
		return err_wrap(err, "refcount table");
	r->stale_from = UINT64_MAX;
	r->stale_to = 0;
	return 0;
}

/* Counts down one range and remembers what became free. */
static int settle_range(
    struct qcow2 *q, const struct qcow2_range *d, struct qcow2_ranges *freed, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	for (uint64_t c = d->first; c < d->first + d->n; c++) {
		struct qcow2_block *b = qcow2_refcount_block(q, c / r->per_block, err);
		if (!b)
			return -1;
		uint64_t i = c % r->per_block, count = qcow2_count_get(q, b->counts, i);
		if (count == 0) /* dropped twice: two pointers to a cluster counted once */
			continue;
		qcow2_count_put(q, b->counts, i, count - 1);
		b->dirty = true;
		if (count > 1)
			continue;
		qcow2_ranges_add(freed, c, 1);
		if (c < r->free_from)
			r->free_from = c;
	}
	return 0;
}

/* Free clusters at the end of the file go with it. */
static int cut_file(struct qcow2 *q, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	if (q->file->block)
		return 0;
	for (uint64_t k = r->entries; k-- > 0;) {
		if (r->table[k] == 0)
			continue;
		const struct qcow2_block *b = qcow2_refcount_block(q, k, err);
		if (!b)
			return -1;
		for (uint64_t i = r->per_block; i-- > 0;) {
			if (qcow2_count_get(q, b->counts, i) == 0)
				continue;
			uint64_t end = (k * r->per_block + i + 1) << q->cluster_bits;
			return end < q->file->size ? disk_io_resize(q->file, end, err) : 0;
		}
	}
	return 0;
}

/* Gives space back to the file system: not a few tables, which the next change takes again and the disk would have to
 * find anew. */
static void discard(struct qcow2 *q, const struct qcow2_ranges *freed)
{
	uint64_t all = 0;
	for (size_t i = 0; i < freed->n; i++)
		all += freed->r[i].n << q->cluster_bits;
	for (size_t i = 0; i < freed->n; i++) {
		uint64_t at = freed->r[i].first << q->cluster_bits;
		uint64_t n = freed->r[i].n << q->cluster_bits;
		qcow2_cache_forget(q->l2_cache, at, n);
		if (all >= DISCARD_LEAST && at < q->file->size)
			disk_io_discard(
			    q->file, at, n < q->file->size - at ? n : q->file->size - at);
	}
}

int qcow2_refcount_settle(struct qcow2 *q, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	if (!r || r->drops.n == 0)
		return 0;
	struct qcow2_ranges drops = r->drops, freed = {0};
	r->drops = (struct qcow2_ranges){0};
	int rc = 0;
	for (size_t i = 0; i < drops.n && rc == 0; i++)
		rc = settle_range(q, &drops.r[i], &freed, err);
	if (rc == 0)
		rc = write_blocks(q, err);
	if (rc == 0 && r->cut)
		rc = cut_file(q, err);
	if (rc == 0)
		discard(q, &freed);
	free(drops.r);
	free(freed.r);
	return rc;
}

int qcow2_refcount_write_shadow(struct qcow2 *q, struct err *err)
{
	if (write_blocks(q, err) != 0 || write_entries(q, 0, q->refs->entries, err) != 0)
		return err_wrap(err, "refcounts");
	q->refs->stale_from = UINT64_MAX;
	q->refs->stale_to = 0;
	return 0;
}

bool qcow2_refcount_pending(const struct qcow2 *q)
{
	const struct qcow2_refs *r = q->refs;
	if (!r)
		return false;
	if (r->drops.n || r->table_moved || r->stale_from != UINT64_MAX)
		return true;
	for (uint64_t k = 0; k < r->entries; k++)
		if (r->blocks[k].dirty)
			return true;
	return false;
}
