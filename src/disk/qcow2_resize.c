#include "disk/qcow2_resize.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/qcow2_alloc.h"
#include "disk/qcow2_bitmap.h"
#include "disk/qcow2_cache.h"
#include "disk/qcow2_create.h"
#include "disk/qcow2_head.h"
#include "disk/qcow2_refcount.h"
#include "disk/qcow2_table.h"
#include "disk/qcow2_write.h"

static uint64_t round_up(const struct qcow2 *q, uint64_t n)
{
	return (n + q->cluster - 1) & ~(q->cluster - 1);
}

static uint64_t l1_needed(const struct qcow2 *q, uint64_t size)
{
	unsigned shift = q->cluster_bits + q->l2_bits;
	return (size >> shift) + ((size & ((UINT64_C(1) << shift) - 1)) != 0);
}

/* A longer L1 table at a new place; what it points to stays. */
static int grow_l1(struct qcow2 *q, uint64_t n, struct err *err)
{
	uint64_t at, old = q->l1_offset, old_entries = q->l1_entries;
	if (n > QCOW2_L1_BYTES_MAX / 8)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': with clusters of %" PRIu64
		    " bytes a disk of that size would need an L1 table of more than %u MiB",
		    q->img->name, q->cluster, QCOW2_L1_BYTES_MAX >> 20);
	if (qcow2_table_flush(q, err) != 0 || qcow2_alloc_bytes(q, 8 * n, &at, err) != 0)
		return -1;
	q->l1 = xreallocarray(q->l1, n, 8);
	memset(q->l1 + q->l1_entries, 0, 8 * (n - q->l1_entries));
	CLEANUP_FREE uint8_t *out = xcalloc(n, 8);
	for (uint64_t i = 0; i < n; i++)
		be64_put(out + 8 * i, q->l1[i]);
	if (qcow2_refcount_write(q, err) != 0 || disk_io_write(q->file, at, out, 8 * n, err) != 0 ||
	    disk_io_sync(q->file, err) != 0)
		return err_wrap(err, "L1 table");
	q->l1_offset = at;
	q->l1_entries = (uint32_t)n;
	return old_entries ? qcow2_refcount_drop_bytes(q, old, 8 * old_entries, err) : 0;
}

/* What lies behind the old end in its last cluster, and what a longer backing file has there, must read as zeroes. */
static int blank_behind(struct qcow2 *q, uint64_t from, uint64_t to, struct err *err)
{
	struct img *im = q->img;
	uint64_t whole = round_up(q, from), below = im->backing ? im->backing->size : 0;
	uint64_t tail = (whole < to ? whole : to) - from;
	if (tail) {
		uint8_t *table;
		if (qcow2_table_look(q, from, &table, err) != 0)
			return -1;
		struct qcow2_entry e = {0};
		if (table)
			e = qcow2_table_get(q, table, qcow2_table_index(q, from));
		bool nothing = e.word == 0 && e.bits == 0;
		CLEANUP_FREE uint8_t *zeroes = xcalloc(1, tail);
		if ((nothing ? below > from : (e.word & ~QCOW2_ZERO) != 0) &&
		    qcow2_write(im, from, zeroes, tail, err) != 0)
			return -1;
	}
	if (below > to)
		below = to;
	if (below <= whole)
		return 0;
	uint64_t old = im->size;
	im->size = to; /* whole clusters up to the new end */
	int rc = qcow2_zero(im, whole, below - whole, false, err);
	im->size = old;
	return rc;
}

static int grow(struct qcow2 *q, uint64_t size, struct err *err)
{
	struct img *im = q->img;
	uint64_t old = im->size, needed = l1_needed(q, size);
	if (im->backing_name && !im->backing)
		return err_set(err, ERR_STATE,
		    "'%s': to grow it, its backing file must be known: it may be longer", im->name);
	if (needed > q->l1_entries && grow_l1(q, needed, err) != 0)
		return -1;
	/* The header learns of the L1 table before anything is put there. */
	bool blank = old % q->cluster || (im->backing && im->backing->size > old);
	if (blank && qcow2_head_write(q, err) != 0)
		return -1;
	if (blank_behind(q, old, size, err) != 0)
		return -1;
	if (q->data != q->file && disk_io_resize(q->data, size, err) != 0)
		return -1;
	bool waits = q->unsynced || q->l1_stale_to || qcow2_cache_changed(q->l2_cache);
	if (waits && qcow2_table_flush(q, err) != 0)
		return -1;
	im->size = size;
	q->unsynced = true;
	if (qcow2_head_write(q, err) != 0)
		return -1;
	return qcow2_table_flush(q, err);
}

/* Whole L2 tables behind the end go with all that they hold; in the file nothing points there before counts fall. */
static int drop_tables(struct qcow2 *q, uint64_t from, struct err *err)
{
	if (qcow2_table_check_l1(q, q->l1, q->l1_entries, err) != 0)
		return -1;
	for (uint64_t i = from; i < q->l1_entries; i++) {
		uint64_t at = q->l1[i] & QCOW2_OFFSET;
		if (at == 0)
			continue;
		const uint8_t *table = qcow2_cache_get(q->l2_cache, at, err);
		if (!table)
			return -1;
		for (uint64_t n = 0; n >> q->l2_bits == 0; n++)
			if (qcow2_table_count(q, qcow2_table_get(q, table, n).word, -1, err) != 0)
				return -1;
		if (qcow2_refcount_drop(q, at >> q->cluster_bits, 1, err) != 0)
			return -1;
		q->l1[i] = 0;
		qcow2_table_stale(q, (uint32_t)i);
	}
	return 0;
}

static int shrink(struct qcow2 *q, uint64_t size, struct err *err)
{
	struct img *im = q->img;
	uint64_t tables = l1_needed(q, size), span = q->cluster << q->l2_bits;
	uint64_t from = round_up(q, size), end = tables * span;
	if (end > round_up(q, im->size))
		end = round_up(q, im->size);
	if (end > from && qcow2_forget(q, from, end - from, err) != 0)
		return -1;
	q->refs->cut = true;
	if (drop_tables(q, tables, err) != 0)
		return -1;
	if (qcow2_table_flush(q, err) != 0)
		return -1;
	im->size = size;
	if (qcow2_head_write(q, err) != 0)
		return -1;
	if (q->data != q->file && disk_io_resize(q->data, size, err) != 0)
		return -1;
	return disk_io_sync(q->file, err);
}

int qcow2_resize_empty(struct qcow2 *q, struct err *err)
{
	if (qcow2_table_begin(q, true, err) != 0)
		return -1;
	q->refs->cut = true;
	if (drop_tables(q, 0, err) == 0 && qcow2_table_flush(q, err) == 0)
		return 0;
	q->broken = true;
	return -1;
}

int qcow2_resize(struct img *im, uint64_t size, struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	if (qcow2_table_begin(q, true, err) != 0)
		return -1;
	if (size == im->size)
		return 0;
	if (qcow2_bitmap_check_write(q, true, err) != 0)
		return -1;
	if (q->n_snapshots && q->version < 3)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' has snapshots, whose size version 2 does not know: amend it to compat=1.1 first",
		    im->name);
	int rc = size > im->size ? grow(q, size, err) : shrink(q, size, err);
	if (rc != 0)
		q->broken = true;
	return rc;
}

/* Fills room that was never used: reads as zeroes, also where something freed lay before. */
static int fill_room(
    struct qcow2 *q, const struct qcow2_room *r, enum img_prealloc how, struct err *err)
{
	uint64_t n = r->clusters << q->cluster_bits, host = r->host & ~(q->cluster - 1);
	if (host < q->data->size) {
		uint64_t there = q->data->size - host < n ? q->data->size - host : n;
		if (disk_io_zero(q->data, host, there, true, err) != 0)
			return -1;
	}
	if (how != IMG_PREALLOC_METADATA)
		return qcow2_create_space(q->data, host, n, how, err);
	/* the file has to reach as far as its tables say */
	return host + n > q->data->size ? disk_io_resize(q->data, host + n, err) : 0;
}

int qcow2_resize_preallocate(
    struct img *im, uint64_t from, uint64_t to, enum img_prealloc how, struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	if (qcow2_table_begin(q, true, err) != 0)
		return -1;
	for (uint64_t at = round_up(q, from); at < to;) {
		struct qcow2_room r;
		if (qcow2_room_take(q, at, round_up(q, to) - at, &r, err) != 0 ||
		    (r.fresh && fill_room(q, &r, how, err) != 0) ||
		    qcow2_room_use(q, &r, err) != 0) {
			q->broken = true;
			return -1;
		}
		at += r.bytes;
	}
	return 0;
}
