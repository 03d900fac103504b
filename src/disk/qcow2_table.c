#include "disk/qcow2_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/qcow2_alloc.h"
#include "disk/qcow2_bitmap.h"
#include "disk/qcow2_cache.h"
#include "disk/qcow2_refcount.h"
#include "disk/twice.h"

#define HEADER_AUTOCLEAR 88

static int check_state(const struct qcow2 *q, struct err *err)
{
	const char *name = q->img->name;
	if (!q->file->writable || !q->data->writable)
		return err_set(err, ERR_STATE, "'%s' is not open for writing", name);
	if (q->broken)
		return err_set(err, ERR_STATE,
		    "'%s': writing to it failed before; it is left as it is now", name);
	if (q->incompatible & QCOW2_CORRUPT)
		return err_set(err, ERR_STATE,
		    "'%s' is marked corrupt and cannot be written: repair it with check -r all",
		    name);
	if (q->incompatible & QCOW2_DIRTY)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' was not closed properly, its refcounts may be wrong: repair it with check -r all",
		    name);
	if (q->crypt_method)
		return err_set(err, ERR_UNSUPPORTED, "'%s' is encrypted", name);
	return 0;
}

/* The hook of the L2 cache: counts are in the file before a pointer is. */
static int counts_first(void *arg, struct err *err)
{
	struct qcow2 *q = arg;
	if (qcow2_refcount_write(q, err) != 0 || disk_io_sync(q->file, err) != 0)
		return -1;
	return q->data == q->file ? 0 : disk_io_sync(q->data, err);
}

int qcow2_table_begin(struct qcow2 *q, bool bitmaps_too, struct err *err)
{
	if (check_state(q, err) != 0)
		return -1;
	if (bitmaps_too && !q->bitmaps_checked) {
		if (qcow2_bitmap_check_write(q, false, err) != 0)
			return -1;
		q->bitmaps_checked = true;
	}
	if (q->written)
		return 0;
	if (qcow2_refcount_load(q, err) != 0)
		return -1;
	uint64_t known = q->autoclear & (QCOW2_AUTOCLEAR_BITMAPS | QCOW2_AUTOCLEAR_RAW);
	if (q->version >= 3 && known != q->autoclear) {
		uint8_t bits[8];
		be64_put(bits, known);
		if (disk_io_write(q->file, HEADER_AUTOCLEAR, bits, sizeof(bits), err) != 0)
			return -1;
		q->autoclear = known;
	}
	qcow2_cache_before(q->l2_cache, counts_first, q);
	q->written = true;
	return 0;
}

void qcow2_table_stale(struct qcow2 *q, uint32_t l1_index)
{
	if (q->l1_stale_to == 0 || l1_index < q->l1_stale_from)
		q->l1_stale_from = l1_index;
	if (l1_index >= q->l1_stale_to)
		q->l1_stale_to = l1_index + 1;
}

static int l1_index(const struct qcow2 *q, uint64_t guest, uint32_t *i, struct err *err)
{
	uint64_t at = guest >> (q->cluster_bits + q->l2_bits);
	if (at >= q->l1_entries)
		return err_set(err, ERR_INVALID,
		    "'%s': offset %" PRIu64 " lies behind the %" PRIu32 " entries of its L1 table",
		    q->img->name, guest, q->l1_entries);
	*i = (uint32_t)at;
	uint64_t offset = q->l1[at] & QCOW2_OFFSET;
	if (offset & (q->cluster - 1))
		return err_set(err, ERR_INVALID,
		    "'%s': the L2 table at %#" PRIx64
		    " does not begin at a cluster: repair the image with check -r all",
		    q->img->name, offset);
	return 0;
}

int qcow2_table_check_l1(const struct qcow2 *q, const uint64_t *l1, size_t n, struct err *err)
{
	uint64_t twice = twice_find(l1, n, QCOW2_OFFSET);
	if (twice == 0)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': two entries of an L1 table name the L2 table at %#" PRIx64
	    ": one of them is wrong; what can be read is copied by img convert",
	    q->img->name, twice);
}

int qcow2_table_look(struct qcow2 *q, uint64_t guest, uint8_t **table, struct err *err)
{
	uint32_t i = 0;
	*table = NULL;
	if (l1_index(q, guest, &i, err) != 0)
		return -1;
	if ((q->l1[i] & QCOW2_OFFSET) == 0)
		return 0;
	*table = qcow2_cache_get(q->l2_cache, q->l1[i] & QCOW2_OFFSET, err);
	return *table ? 0 : -1;
}

/* A snapshot has the table and all that it points to, whatever the flags of its entries say. */
static void copy_shared(const struct qcow2 *q, uint8_t *table, const uint8_t *from)
{
	memcpy(table, from, q->cluster);
	for (uint64_t i = 0; q->data == q->file && i >> q->l2_bits == 0; i++) {
		uint8_t *p = table + i * q->l2_entry_bytes;
		be64_put(p, be64_get(p) & ~QCOW2_COPIED);
	}
}

uint8_t *qcow2_table_own(struct qcow2 *q, uint64_t guest, struct err *err)
{
	uint32_t i = 0;
	if (l1_index(q, guest, &i, err) != 0)
		return NULL;
	uint64_t old = q->l1[i] & QCOW2_OFFSET, at;
	if (old && q->l1[i] & QCOW2_COPIED)
		return qcow2_cache_get(q->l2_cache, old, err);
	if (qcow2_alloc_bytes(q, q->cluster, &at, err) != 0)
		return NULL;
	const uint8_t *from = old ? qcow2_cache_get(q->l2_cache, old, err) : NULL;
	if (old && !from)
		return NULL;
	uint8_t *table = qcow2_cache_fresh(q->l2_cache, at, err);
	if (!table)
		return NULL;
	if (from)
		copy_shared(q, table, from);
	if (old && qcow2_refcount_drop(q, old >> q->cluster_bits, 1, err) != 0)
		return NULL;
	q->l1[i] = at | QCOW2_COPIED;
	qcow2_table_stale(q, i);
	return table;
}

struct qcow2_entry qcow2_table_get(const struct qcow2 *q, const uint8_t *table, uint64_t i)
{
	const uint8_t *p = table + i * q->l2_entry_bytes;
	return (struct qcow2_entry){be64_get(p), q->l2_entry_bytes == 16 ? be64_get(p + 8) : 0};
}

void qcow2_table_put(const struct qcow2 *q, uint8_t *table, uint64_t i, struct qcow2_entry e)
{
	uint8_t *p = table + i * q->l2_entry_bytes;
	be64_put(p, e.word);
	if (q->l2_entry_bytes == 16)
		be64_put(p + 8, e.bits);
}

uint64_t qcow2_table_packed(const struct qcow2 *q, uint64_t word, uint64_t *at)
{
	unsigned size_bits = q->cluster_bits - 8, shift = 62 - size_bits;
	uint64_t sectors = ((word >> shift) & ((UINT64_C(1) << size_bits) - 1)) + 1;
	*at = word & ((UINT64_C(1) << shift) - 1);
	return sectors * IMG_SECTOR - (*at & (IMG_SECTOR - 1));
}

int qcow2_table_count(struct qcow2 *q, uint64_t word, int step, struct err *err)
{
	uint64_t at = word & QCOW2_OFFSET, bytes = q->cluster;
	if (word & QCOW2_COMPRESSED)
		bytes = qcow2_table_packed(q, word, &at);
	else if (at == 0 || q->data != q->file)
		return 0;
	else if (at & (q->cluster - 1))
		return err_set(err, ERR_INVALID,
		    "'%s': a cluster at %#" PRIx64
		    " does not begin at a multiple of its size: repair the image with check -r all",
		    q->img->name, at);
	return step < 0 ? qcow2_refcount_drop_bytes(q, at, bytes, err)
	                : qcow2_refcount_add_bytes(q, at, bytes, err);
}

static int write_l1(struct qcow2 *q, struct err *err)
{
	uint32_t from = q->l1_stale_from, to = q->l1_stale_to;
	if (to == 0)
		return 0;
	CLEANUP_FREE uint8_t *out = xcalloc(to - from, 8);
	for (uint32_t i = from; i < to; i++)
		be64_put(out + 8 * (size_t)(i - from), q->l1[i]);
	if (disk_io_sync(q->file, err) != 0 ||
	    disk_io_write(
	        q->file, q->l1_offset + 8 * (uint64_t)from, out, 8 * (size_t)(to - from), err) != 0)
		return err_wrap(err, "L1 table");
	q->l1_stale_from = q->l1_stale_to = 0;
	return 0;
}

/* What the last step leaves to the page cache is free clusters: lost in a power cut, they leak. */
static int flush(struct qcow2 *q, struct err *err)
{
	if (qcow2_refcount_write(q, err) != 0 || qcow2_cache_flush(q->l2_cache, err) != 0 ||
	    write_l1(q, err) != 0)
		return -1;
	if (q->data != q->file && disk_io_sync(q->data, err) != 0)
		return -1;
	if (disk_io_sync(q->file, err) != 0)
		return -1;
	q->unsynced = false;
	return qcow2_refcount_settle(q, err);
}

bool qcow2_table_waits(const struct qcow2 *q)
{
	return q->unsynced || q->l1_stale_to || qcow2_cache_changed(q->l2_cache) ||
	       qcow2_refcount_pending(q);
}

int qcow2_table_flush(struct qcow2 *q, struct err *err)
{
	if (!q->written)
		return 0;
	if (q->broken)
		return check_state(q, err);
	if (!qcow2_table_waits(q))
		return 0;
	if (flush(q, err) == 0)
		return 0;
	q->broken = true;
	return -1;
}
