#include "disk/qcow2_alloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static uint64_t clusters_of(const struct qcow2 *q, uint64_t bytes)
{
	return (bytes >> q->cluster_bits) + ((bytes & (q->cluster - 1)) != 0);
}

struct scan {
	uint64_t c, run; /* the next cluster to look at; free ones just before it */
	uint64_t free_from;
};

/* Walks through one block; true: the run is long enough, or ended behind `min`. */
static bool scan_block(
    const struct qcow2 *q, const uint8_t *counts, struct scan *s, uint64_t min, uint64_t want)
{
	uint64_t per = q->refs->per_block;
	do {
		if (!counts || qcow2_count_get(q, counts, s->c % per) == 0) {
			if (s->free_from == UINT64_MAX)
				s->free_from = s->c;
			s->run++;
			s->c++;
			if (s->run == want)
				return true;
			continue;
		}
		if (s->run >= min)
			return true;
		s->run = 0;
		s->c++;
	} while (s->c % per != 0);
	return false;
}

/* Counts of zero do not make it free when the image says so itself: broken counts must not cost data. */
static int check_overlap(const struct qcow2 *q, uint64_t first, uint64_t n, struct err *err)
{
	uint64_t from = first << q->cluster_bits, to = (first + n) << q->cluster_bits;
	const struct qcow2_refs *r = q->refs;
	struct {
		const char *what;
		uint64_t at, bytes;
	} tables[] = {
	    {"header", 0, q->cluster},
	    {"L1 table", q->l1_offset, (uint64_t)q->l1_entries * 8},
	    {"refcount table", q->reftable_offset,
	        (uint64_t)q->reftable_clusters << q->cluster_bits},
	    {"snapshot table", q->snapshots_offset, q->snapshots_bytes},
	};
	const char *what = NULL;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (tables[i].bytes && tables[i].at < to && from < tables[i].at + tables[i].bytes)
			what = tables[i].what;
	for (uint64_t k = 0; k < r->entries; k++)
		if (r->table[k] && r->table[k] >= from && r->table[k] < to)
			what = "refcount block";
	for (uint32_t i = 0; i < q->l1_entries; i++) {
		uint64_t at = q->l1[i] & QCOW2_OFFSET;
		if (at && at >= from && at < to)
			what = "L2 table";
	}
	if (!what)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': the clusters at %#" PRIx64
	    " count as free, but a %s is there: repair the image with check -r all",
	    q->img->name, from, what);
}

static int find_run(
    struct qcow2 *q, uint64_t min, uint64_t want, uint64_t *first, uint64_t *got, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	uint64_t end = (QCOW2_OFFSET >> q->cluster_bits) + 1;
	struct scan s = {.c = r->free_from, .free_from = UINT64_MAX};
	for (bool found = false; !found;) {
		uint64_t k = s.c / r->per_block;
		const uint8_t *counts = NULL;
		if (k < r->entries && r->table[k]) {
			const struct qcow2_block *b = qcow2_refcount_block(q, k, err);
			if (!b)
				return -1;
			counts = b->counts;
		}
		if (s.c + want >= end)
			return err_set(err, ERR_UNSUPPORTED, "'%s': the file cannot grow further",
			    q->img->name);
		found = scan_block(q, counts, &s, min, want);
	}
	r->free_from = s.free_from;
	*got = s.run;
	*first = s.c - s.run;
	return check_overlap(q, *first, *got, err);
}

static void set_used(struct qcow2 *q, struct qcow2_block *b, uint64_t cluster)
{
	qcow2_count_put(q, b->counts, cluster % q->refs->per_block, 1);
	b->dirty = true;
}

static struct qcow2_block *empty_block(struct qcow2 *q, uint64_t k, uint64_t cluster)
{
	struct qcow2_block *b = &q->refs->blocks[k];
	b->counts = xcalloc(1, q->cluster);
	b->dirty = true;
	b->place = QCOW2_BLOCK_MOVED;
	q->refs->n_loaded++;
	q->refs->table[k] = cluster << q->cluster_bits;
	qcow2_refcount_stale(q->refs, k);
	return b;
}

/* A table of `entries` or more at cluster `first`, where no block counts yet; the blocks that count for it follow it. */
static int new_table(struct qcow2 *q, uint64_t entries, uint64_t first, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	uint64_t k0 = first / r->per_block, n_table, n_blocks = 1;
	for (;;) {
		uint64_t most = k0 + n_blocks > entries ? k0 + n_blocks : entries;
		n_table = clusters_of(q, most * 8);
		uint64_t n = (n_table + n_blocks + r->per_block - 1) / r->per_block;
		if (n <= n_blocks)
			break;
		n_blocks = n;
	}
	if (n_table << q->cluster_bits > QCOW2_REFTABLE_BYTES_MAX ||
	    first + n_table + n_blocks > QCOW2_OFFSET >> q->cluster_bits)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': the file would need a refcount table of more than %u MiB", q->img->name,
		    QCOW2_REFTABLE_BYTES_MAX >> 20);
	entries = (n_table << q->cluster_bits) / 8;
	r->table = xreallocarray(r->table, entries, sizeof(*r->table));
	r->blocks = xreallocarray(r->blocks, entries, sizeof(*r->blocks));
	memset(r->table + r->entries, 0, (entries - r->entries) * sizeof(*r->table));
	memset(r->blocks + r->entries, 0, (entries - r->entries) * sizeof(*r->blocks));
	r->entries = entries;
	for (uint64_t i = 0; i < n_blocks; i++)
		empty_block(q, k0 + i, first + n_table + i);
	for (uint64_t c = first; c < first + n_table + n_blocks; c++)
		set_used(q, &r->blocks[c / r->per_block], c);
	/* one that was never written of in the header is nobody's */
	if (r->table_moved &&
	    qcow2_refcount_drop(q, r->table_offset >> q->cluster_bits, r->table_clusters, err) != 0)
		return -1;
	r->table_offset = first << q->cluster_bits;
	r->table_clusters = (uint32_t)n_table;
	r->table_moved = true;
	r->changes++;
	return 0;
}

int qcow2_alloc_move_table(struct qcow2 *q, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	uint64_t first, got, n = r->table_clusters;
	if (qcow2_alloc(q, n, n, &first, &got, err) != 0)
		return -1;
	if (r->table_moved) /* it had to grow, and that was its move */
		return qcow2_refcount_drop(q, first, got, err);
	r->table_offset = first << q->cluster_bits;
	r->table_moved = true;
	return 0;
}

/* May counts of block k change as it is? */
static bool ready(const struct qcow2_refs *r, uint64_t k)
{
	return k < r->entries && r->table[k] &&
	       (!r->shadow || r->blocks[k].place != QCOW2_BLOCK_OLD);
}

static int make_block(struct qcow2 *q, uint64_t k, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	if (k >= r->entries && new_table(q, k + 1 + k / 2, r->entries * r->per_block, err) != 0)
		return -1;
	while (r->table[k] == 0) {
		uint64_t c, got, kc;
		if (find_run(q, 1, 1, &c, &got, err) != 0)
			return -1;
		kc = c / r->per_block;
		if (kc != k && !ready(r, kc)) {
			if (!qcow2_alloc_block(q, kc, err))
				return -1;
			continue;
		}
		/* that of c first: loading it may put others out of memory, but not what is dirty */
		struct qcow2_block *counts = kc == k ? NULL : qcow2_refcount_block(q, kc, err);
		if (kc != k && !counts)
			return -1;
		struct qcow2_block *b = empty_block(q, k, c);
		set_used(q, counts ? counts : b, c);
		r->changes++;
	}
	return 0;
}

static int move_block(struct qcow2 *q, uint64_t k, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	uint64_t first, got, old = r->table[k];
	if (!qcow2_refcount_block(q, k, err))
		return -1;
	r->blocks[k].dirty = true;
	r->blocks[k].place = QCOW2_BLOCK_MOVING;
	if (qcow2_alloc(q, 1, 1, &first, &got, err) != 0)
		return -1;
	r->table[k] = first << q->cluster_bits;
	r->blocks[k].place = QCOW2_BLOCK_MOVED;
	qcow2_refcount_stale(r, k);
	r->changes++;
	return qcow2_refcount_drop(q, old >> q->cluster_bits, 1, err);
}

struct qcow2_block *qcow2_alloc_block(struct qcow2 *q, uint64_t k, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	if ((k >= r->entries || r->table[k] == 0) && make_block(q, k, err) != 0)
		return NULL;
	if (!ready(r, k) && move_block(q, k, err) != 0)
		return NULL;
	return qcow2_refcount_block(q, k, err);
}

int qcow2_alloc(
    struct qcow2 *q, uint64_t min, uint64_t want, uint64_t *first, uint64_t *got, struct err *err)
{
	struct qcow2_refs *r = q->refs;
	uint64_t changes;
	do { /* until the search was not followed by blocks that take what it found */
		if (find_run(q, min, want, first, got, err) != 0)
			return -1;
		changes = r->changes;
		for (uint64_t k = *first / r->per_block; k <= (*first + *got - 1) / r->per_block;
		     k++)
			if (!qcow2_alloc_block(q, k, err))
				return -1;
	} while (changes != r->changes);
	for (uint64_t c = *first; c < *first + *got; c++) {
		struct qcow2_block *b = qcow2_alloc_block(q, c / r->per_block, err);
		if (!b)
			return -1;
		set_used(q, b, c);
	}
	return 0;
}

int qcow2_alloc_bytes(struct qcow2 *q, uint64_t bytes, uint64_t *offset, struct err *err)
{
	uint64_t first, got, n = clusters_of(q, bytes);
	if (n == 0)
		n = 1;
	if (qcow2_alloc(q, n, n, &first, &got, err) != 0)
		return -1;
	*offset = first << q->cluster_bits;
	return 0;
}
