#include "disk/qcow2_snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/be.h"
#include "disk/qcow2_alloc.h"
#include "disk/qcow2_bitmap.h"
#include "disk/qcow2_cache.h"
#include "disk/qcow2_refcount.h"
#include "disk/qcow2_shadow.h"
#include "disk/qcow2_table.h"

#define EXTRA_KNOWN 24u     /* size of the VM's state, of the disk, icount */
#define NAME_MAX_QCOW2 255u /* bytes; QEMU's buffers end there */

/* --- the table ------------------------------------------------------------------------------------- */
static void add_entry(struct buf *b, const struct qcow2_snapshot *s)
{
	uint8_t h[40 + EXTRA_KNOWN] = {0}, pad[8] = {0};
	const struct img_snapshot *w = &s->what;
	size_t id = strlen(w->id), name = strlen(w->name), from = b->len;
	be64_put(h, s->l1_offset);
	be32_put(h + 8, s->l1_entries);
	be16_put(h + 12, (uint16_t)id);
	be16_put(h + 14, (uint16_t)name);
	be32_put(h + 16, (uint32_t)w->date);
	be32_put(h + 20, w->date_ns);
	be64_put(h + 24, w->clock_ns);
	be32_put(h + 32, w->vm_state > UINT32_MAX ? 0 : (uint32_t)w->vm_state);
	be32_put(h + 36, EXTRA_KNOWN + s->extra_bytes);
	be64_put(h + 40, w->vm_state);
	be64_put(h + 48, w->disk_size);
	be64_put(h + 56, w->icount);
	buf_add(b, h, sizeof(h));
	if (s->extra_bytes)
		buf_add(b, s->extra, s->extra_bytes);
	buf_add(b, w->id, id);
	buf_add(b, w->name, name);
	buf_add(b, pad, -(b->len - from) & 7);
}

static void compose_table(const struct qcow2 *q, struct buf *b)
{
	for (uint32_t i = 0; i < q->n_snapshots; i++)
		add_entry(b, &q->snapshots[i]);
}

int qcow2_snapshot_write_table(struct qcow2 *q, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	compose_table(q, &b);
	if (b.len > QCOW2_SNAPSHOTS_BYTES_MAX)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': a table of %" PRIu32 " snapshots would be longer than %u MiB",
		    q->img->name, q->n_snapshots, QCOW2_SNAPSHOTS_BYTES_MAX >> 20);
	if (q->snapshots_bytes &&
	    qcow2_refcount_drop_bytes(q, q->snapshots_offset, q->snapshots_bytes, err) != 0)
		return -1;
	q->snapshots_offset = 0;
	q->snapshots_bytes = b.len;
	if (b.len == 0)
		return 0;
	uint64_t at;
	if (qcow2_alloc_bytes(q, b.len, &at, err) != 0 ||
	    disk_io_write(q->file, at, b.data, b.len, err) != 0)
		return err_wrap(err, "table of snapshots");
	q->snapshots_offset = at;
	return 0;
}

uint32_t qcow2_snapshot_find(const struct qcow2 *q, const char *name, bool by_id)
{
	for (uint32_t i = 0; i < q->n_snapshots; i++)
		if (str_eq(q->snapshots[i].what.name, name))
			return i;
	for (uint32_t i = 0; by_id && i < q->n_snapshots; i++)
		if (str_eq(q->snapshots[i].what.id, name))
			return i;
	return UINT32_MAX;
}

/* --- trees of tables ------------------------------------------------------------------------------- */
static uint64_t entries_of(const struct qcow2 *q)
{
	return UINT64_C(1) << q->l2_bits;
}

static int read_l2(struct qcow2 *q, uint64_t l1_entry, uint8_t *table, struct err *err)
{
	uint64_t at = l1_entry & QCOW2_OFFSET;
	if (at & (q->cluster - 1))
		return err_set(err, ERR_INVALID,
		    "'%s': the L2 table at %#" PRIx64
		    " does not begin at a cluster: repair the image with check -r all",
		    q->img->name, at);
	return disk_io_read(q->file, at, table, q->cluster, err) != 0 ? err_wrap(err, "L2 table")
	                                                              : 0;
}

/* A row of clusters, so that counting goes by rows. */
struct row {
	uint64_t first, n;
};

static int count_row(struct qcow2 *q, struct row *r, int step, struct err *err)
{
	int rc = 0;
	if (r->n)
		rc = step < 0 ? qcow2_refcount_drop(q, r->first, r->n, err)
		              : qcow2_refcount_add(q, r->first, r->n, err);
	r->n = 0;
	return rc;
}

/* One user more or less for all that an L2 table points to. */
static int count_table(struct qcow2 *q, const uint8_t *table, int step, struct err *err)
{
	struct row row = {0};
	for (uint64_t i = 0; i < entries_of(q); i++) {
		uint64_t word = be64_get(table + i * q->l2_entry_bytes), at = word & QCOW2_OFFSET;
		if (word == 0)
			continue;
		if (word & QCOW2_COMPRESSED || at & (q->cluster - 1)) {
			if (qcow2_table_count(q, word, step, err) != 0)
				return -1;
			continue;
		}
		if (at == 0)
			continue;
		uint64_t c = at >> q->cluster_bits;
		if (row.n && c == row.first + row.n) {
			row.n++;
			continue;
		}
		if (count_row(q, &row, step, err) != 0)
			return -1;
		row = (struct row){c, 1};
	}
	return count_row(q, &row, step, err);
}

/* One user more or less for an L1 table's L2 tables and data, not for the table itself. */
static int count_tree(struct qcow2 *q, const uint64_t *l1, uint32_t n, int step, struct err *err)
{
	CLEANUP_FREE uint8_t *table = xmalloc(q->cluster);
	if (qcow2_table_check_l1(q, l1, n, err) != 0)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		if ((l1[i] & QCOW2_OFFSET) == 0)
			continue;
		uint64_t c = (l1[i] & QCOW2_OFFSET) >> q->cluster_bits;
		if (read_l2(q, l1[i], table, err) != 0 || count_table(q, table, step, err) != 0)
			return -1;
		if ((step < 0 ? qcow2_refcount_drop(q, c, 1, err)
		              : qcow2_refcount_add(q, c, 1, err)) != 0)
			return -1;
	}
	return 0;
}

/* --- L1 tables ------------------------------------------------------------------------------------- */
static int write_l1(
    struct qcow2 *q, const uint64_t *l1, uint32_t n, uint64_t *offset, struct err *err)
{
	CLEANUP_FREE uint8_t *out = xcalloc(n ? n : 1, 8);
	for (uint32_t i = 0; i < n; i++)
		be64_put(out + 8 * (size_t)i, l1[i]);
	if (qcow2_alloc_bytes(q, 8 * (uint64_t)n, offset, err) != 0 ||
	    disk_io_write(q->file, *offset, out, 8 * (size_t)(n ? n : 1), err) != 0)
		return err_wrap(err, "L1 table");
	return 0;
}

/* An L1 table of no entries has no cluster. */
static int drop_l1(struct qcow2 *q, uint64_t offset, uint32_t n, struct err *err)
{
	return n ? qcow2_refcount_drop_bytes(q, offset, 8 * (uint64_t)n, err) : 0;
}

/* The active one, as l1 says, to a new place; l1 is ours from now on. */
static int replace_active(struct qcow2 *q, uint64_t *l1, uint32_t n, struct err *err)
{
	uint64_t at;
	int rc = write_l1(q, l1, n, &at, err);
	if (rc == 0)
		rc = drop_l1(q, q->l1_offset, q->l1_entries, err);
	if (rc != 0) {
		free(l1);
		return -1;
	}
	free(q->l1);
	q->l1 = l1;
	q->l1_entries = n;
	q->l1_offset = at;
	return 0;
}

static int check_l1(const struct qcow2 *q, const struct qcow2_snapshot *s, struct err *err)
{
	uint64_t bytes = 8 * (uint64_t)s->l1_entries;
	if (bytes <= QCOW2_L1_BYTES_MAX && (s->l1_offset & (q->cluster - 1)) == 0 &&
	    s->l1_offset <= IMG_SIZE_MAX - bytes)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': the L1 table of snapshot '%s' (%" PRIu32 " entries at %#" PRIx64
	    ") is out of range",
	    q->img->name, s->what.name, s->l1_entries, s->l1_offset);
}

static int load_l1(struct qcow2 *q, const struct qcow2_snapshot *s, uint64_t *l1, struct err *err)
{
	if (disk_io_read(q->file, s->l1_offset, l1, 8 * (size_t)s->l1_entries, err) != 0)
		return err_wrap(err, "L1 table of snapshot '%s'", s->what.name);
	for (uint32_t i = 0; i < s->l1_entries; i++)
		l1[i] = be64toh(l1[i]);
	return 0;
}

/* --- the flags of the active tables ----------------------------------------------------------------- */
/* Writes a changed L2 table to a place of its own; the old place loses its user. */
static int move_l2(struct qcow2 *q, uint64_t *l1_entry, const uint8_t *table, struct err *err)
{
	uint64_t old = *l1_entry & QCOW2_OFFSET, at;
	if (qcow2_alloc_bytes(q, q->cluster, &at, err) != 0 ||
	    disk_io_write(q->file, at, table, q->cluster, err) != 0)
		return err_wrap(err, "L2 table");
	*l1_entry = at | (*l1_entry & QCOW2_COPIED);
	return qcow2_refcount_drop(q, old >> q->cluster_bits, 1, err);
}

/* Nothing in it is the image's alone any more; was it so for anything? */
static bool clear_flags(const struct qcow2 *q, uint8_t *table)
{
	bool changed = false;
	for (uint64_t i = 0; i < entries_of(q); i++) {
		uint8_t *p = table + i * q->l2_entry_bytes;
		uint64_t word = be64_get(p);
		if (!(word & QCOW2_COPIED))
			continue;
		be64_put(p, word & ~QCOW2_COPIED);
		changed = true;
	}
	return changed;
}

/* The flags of a table that only the active L1 table has, as the counts are now. 1 changed, 0 not, -1. */
static int set_flags(struct qcow2 *q, uint8_t *table, struct err *err)
{
	int changed = 0;
	for (uint64_t i = 0; i < entries_of(q); i++) {
		uint8_t *p = table + i * q->l2_entry_bytes;
		uint64_t word = be64_get(p), count;
		if (word & (QCOW2_COPIED | QCOW2_COMPRESSED) || (word & QCOW2_OFFSET) == 0)
			continue;
		if (qcow2_refcount_get(q, (word & QCOW2_OFFSET) >> q->cluster_bits, &count, err) !=
		    0)
			return -1;
		if (count != 1)
			continue;
		be64_put(p, word | QCOW2_COPIED);
		changed = 1;
	}
	return changed;
}

/* After counts fell: what the image has for itself now. 1 when the L1 table changed, 0, -1. */
static int own_what_is_left(struct qcow2 *q, uint64_t *l1, struct err *err)
{
	CLEANUP_FREE uint8_t *table = xmalloc(q->cluster);
	int changed = 0;
	if (qcow2_table_check_l1(q, l1, q->l1_entries, err) != 0)
		return -1;
	for (uint32_t i = 0; i < q->l1_entries; i++) {
		uint64_t at = l1[i] & QCOW2_OFFSET, count;
		if (at == 0)
			continue;
		if (qcow2_refcount_get(q, at >> q->cluster_bits, &count, err) != 0)
			return -1;
		if (count != 1)
			continue;
		if (read_l2(q, l1[i], table, err) != 0)
			return -1;
		int flags = set_flags(q, table, err);
		if (flags < 0)
			return -1;
		if (!(l1[i] & QCOW2_COPIED))
			changed = 1;
		l1[i] |= QCOW2_COPIED;
		if (flags && move_l2(q, &l1[i], table, err) != 0)
			return -1;
		changed |= flags;
	}
	return changed;
}

/* --- the three ------------------------------------------------------------------------------------- */
static int check_can(const struct qcow2 *q, struct err *err)
{
	if (q->data == q->file)
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
	    "'%s': an image whose data are in another file has no snapshots", q->img->name);
}

/* Everything gets a second user; where that changes flags, both use a new table. */
static int share_tree(struct qcow2 *q, uint64_t *l1, struct err *err)
{
	CLEANUP_FREE uint8_t *table = xmalloc(q->cluster);
	if (qcow2_table_check_l1(q, l1, q->l1_entries, err) != 0)
		return -1;
	for (uint32_t i = 0; i < q->l1_entries; i++) {
		if ((l1[i] & QCOW2_OFFSET) == 0)
			continue;
		if (read_l2(q, l1[i], table, err) != 0 || count_table(q, table, 1, err) != 0)
			return -1;
		l1[i] &= ~QCOW2_COPIED;
		if (clear_flags(q, table) && move_l2(q, &l1[i], table, err) != 0)
			return -1;
		if (qcow2_refcount_add(q, (l1[i] & QCOW2_OFFSET) >> q->cluster_bits, 1, err) != 0)
			return -1;
	}
	return 0;
}

static char *next_id(const struct qcow2 *q)
{
	uint64_t most = 0;
	for (uint32_t i = 0; i < q->n_snapshots; i++) {
		uint64_t id = strtoull(q->snapshots[i].what.id, NULL, 10);
		if (id > most && id < UINT32_MAX)
			most = id;
	}
	return xasprintf("%" PRIu64, most + 1);
}

static struct qcow2_snapshot *add_snapshot(struct qcow2 *q, const char *name)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	char *id = next_id(q);
	q->snapshots =
	    xreallocarray(q->snapshots, (size_t)q->n_snapshots + 1, sizeof(*q->snapshots));
	struct qcow2_snapshot *s = &q->snapshots[q->n_snapshots++];
	*s = (struct qcow2_snapshot){.what =
	                                 {
	                                     .id = id,
	                                     .name = xstrdup(name),
	                                     .date = (uint64_t)now.tv_sec,
	                                     .date_ns = (uint32_t)now.tv_nsec,
	                                     .disk_size = q->img->size,
	                                 },
	    .l1_entries = q->l1_entries};
	return s;
}

int qcow2_snapshot_create(struct qcow2 *q, const char *name, struct err *err)
{
	if (check_can(q, err) != 0)
		return -1;
	if (q->n_snapshots >= QCOW2_SNAPSHOTS_MAX)
		return err_set(err, ERR_UNSUPPORTED, "'%s' has %u snapshots, which is the most",
		    q->img->name, QCOW2_SNAPSHOTS_MAX);
	if (strlen(name) > NAME_MAX_QCOW2)
		return err_set(err, ERR_INVALID, "the name of a snapshot has %u bytes at most",
		    NAME_MAX_QCOW2);
	if (qcow2_shadow_begin(q, err) != 0)
		return -1;
	uint64_t *l1 = xcalloc(q->l1_entries + 1ul, 8);
	memcpy(l1, q->l1, 8 * (size_t)q->l1_entries);
	struct qcow2_snapshot *s = add_snapshot(q, name);
	if (share_tree(q, l1, err) != 0 ||
	    write_l1(q, l1, q->l1_entries, &s->l1_offset, err) != 0) {
		free(l1);
		return -1;
	}
	if (replace_active(q, l1, q->l1_entries, err) != 0 ||
	    qcow2_snapshot_write_table(q, err) != 0)
		return -1;
	return qcow2_shadow_switch(q, err);
}

static uint32_t l1_needed(const struct qcow2 *q, uint64_t size)
{
	unsigned shift = q->cluster_bits + q->l2_bits;
	return (uint32_t)((size >> shift) + ((size & ((UINT64_C(1) << shift) - 1)) != 0));
}

int qcow2_snapshot_apply(struct qcow2 *q, uint32_t which, struct err *err)
{
	const struct qcow2_snapshot *s = &q->snapshots[which];
	uint64_t size = s->what.disk_size;
	if (check_can(q, err) != 0 || check_l1(q, s, err) != 0 ||
	    qcow2_table_begin(q, false, err) != 0 || qcow2_bitmap_check_write(q, true, err) != 0)
		return -1;
	if (size > IMG_SIZE_MAX || size % IMG_SECTOR ||
	    size >> (q->cluster_bits + q->l2_bits) >= QCOW2_L1_BYTES_MAX / 8)
		return err_set(err, ERR_INVALID,
		    "'%s': snapshot '%s' is of a disk of %" PRIu64 " bytes, which is out of range",
		    q->img->name, s->what.name, size);
	if (qcow2_shadow_begin(q, err) != 0)
		return -1;
	uint32_t n = s->l1_entries, needed = l1_needed(q, size);
	uint64_t *l1 = xcalloc((n > needed ? n : needed) + 1ul, 8);
	/* the fall first: narrow counts have no room for both */
	if (load_l1(q, s, l1, err) != 0 || count_tree(q, q->l1, q->l1_entries, -1, err) != 0 ||
	    count_tree(q, l1, n, 1, err) != 0) {
		free(l1);
		return -1;
	}
	for (uint32_t i = 0; i < n; i++)
		l1[i] &= ~QCOW2_COPIED;
	if (replace_active(q, l1, n > needed ? n : needed, err) != 0)
		return -1;
	q->img->size = size;
	return qcow2_shadow_switch(q, err);
}

static void remove_snapshot(struct qcow2 *q, uint32_t which)
{
	struct qcow2_snapshot *s = &q->snapshots[which];
	free(s->what.id);
	free(s->what.name);
	free(s->extra);
	memmove(s, s + 1, (q->n_snapshots - which - 1) * sizeof(*s));
	q->n_snapshots--;
}

int qcow2_snapshot_delete(struct qcow2 *q, uint32_t which, struct err *err)
{
	const struct qcow2_snapshot *s = &q->snapshots[which];
	if (check_can(q, err) != 0 || check_l1(q, s, err) != 0 || qcow2_shadow_begin(q, err) != 0)
		return -1;
	CLEANUP_FREE uint64_t *old = xcalloc(s->l1_entries + 1ul, 8);
	if (load_l1(q, s, old, err) != 0 || count_tree(q, old, s->l1_entries, -1, err) != 0 ||
	    drop_l1(q, s->l1_offset, s->l1_entries, err) != 0)
		return -1;
	remove_snapshot(q, which);
	uint64_t *l1 = xcalloc(q->l1_entries + 1ul, 8);
	memcpy(l1, q->l1, 8 * (size_t)q->l1_entries);
	int changed = own_what_is_left(q, l1, err);
	if (changed <= 0)
		free(l1);
	if (changed < 0 || (changed && replace_active(q, l1, q->l1_entries, err) != 0) ||
	    qcow2_snapshot_write_table(q, err) != 0)
		return -1;
	return qcow2_shadow_switch(q, err);
}
