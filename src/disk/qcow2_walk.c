#include "disk/qcow2_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/qcow2_refcount.h"
#include "disk/qcow2_table.h"

#define PIECE_BYTES (1u << 20) /* of L1 and bitmap tables, read at once */
#define LINE_MAX_BYTES 256
#define SNAPSHOT_BYTES 40u /* of an entry of their table, before what it tells the length of */
#define BITMAP_BYTES 24u
#define BITMAP_TABLE_BYTES_MAX (32u << 20) /* QEMU's limit */
#define BITMAP_DIRECTORY_BYTES_MAX (QCOW2_BITMAPS_MAX * (64u + 1023u))
#define L1_RESERVED 0x7f000000000001ffull
#define L2_RESERVED 0x3f000000000001feull

enum { /* of marks */
	MARK_ALONE =
	    1, /* in use by something that may share it with nothing, as it is written in place */
	MARK_REFS = 2,  /* that is the refcount table or a block of it */
	MARK_ONE = 4,   /* the file counts exactly one */
	MARK_WALKED = 8 /* this L2 table was read */
};

void qcow2_walk_tell(struct qcow2_walk *w, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	if (w->silent || w->check->tell == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	w->check->tell(w->check->arg, line);
}

void qcow2_walk_bad(struct qcow2_walk *w, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	if (w->silent)
		return;
	w->check->corruptions++;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	qcow2_walk_tell(w, "%s", line);
}

/* --- uses ----------------------------------------------------------------------------------------- */

static bool inside(const struct qcow2_walk *w, uint64_t at, uint64_t bytes)
{
	uint64_t end = w->clusters << w->q->cluster_bits;
	return at <= end && bytes <= end - at;
}

/* `times` uses of what lies there. */
static void use(struct qcow2_walk *w, uint64_t at, uint64_t bytes, uint64_t times, const char *what)
{
	if (bytes == 0)
		return;
	if (!inside(w, at, bytes)) {
		qcow2_walk_bad(w,
		    "ERROR: counting reference for region exceeding the end of the file by one "
		    "cluster or more: offset 0x%" PRIx64 " size 0x%" PRIx64 " (%s)",
		    at, bytes, what);
		return;
	}
	unsigned bits = w->q->cluster_bits;
	for (uint64_t c = at >> bits; c <= (at + bytes - 1) >> bits; c++) {
		qcow2_counts_add(&w->uses, c, times);
		if (!(w->marks[c] & MARK_ALONE))
			continue;
		qcow2_walk_bad(
		    w, "ERROR cluster %" PRIu64 " holds a table, and is used as %s, too", c, what);
		if (w->marks[c] & MARK_REFS)
			w->rebuild = true;
		else
			w->tangled = true;
	}
}

/* Something that is changed where it is, without a look at its count. */
static void use_alone(
    struct qcow2_walk *w, uint64_t at, uint64_t bytes, uint8_t more, const char *what)
{
	unsigned bits = w->q->cluster_bits;
	use(w, at, bytes, 1, what);
	if (bytes == 0 || !inside(w, at, bytes))
		return;
	for (uint64_t c = at >> bits; c <= (at + bytes - 1) >> bits; c++)
		w->marks[c] |= (uint8_t)(MARK_ALONE | more);
}

/* --- reference counts ----------------------------------------------------------------------------- */

uint64_t qcow2_walk_per_block(const struct qcow2_walk *w)
{
	return w->q->cluster * 8 / w->q->refcount_bits;
}

int qcow2_walk_block(
    const struct qcow2_walk *w, uint64_t k, uint8_t *room, const uint8_t **counts, struct err *err)
{
	*counts = NULL;
	if (k >= w->reftable_entries || w->reftable[k] == 0)
		return 0;
	*counts = room;
	return disk_io_read_padded(w->q->file, w->reftable[k], room, w->q->cluster, err);
}

static int load_reftable(struct qcow2_walk *w, struct err *err)
{
	struct qcow2 *q = w->q;
	uint64_t bytes = (uint64_t)q->reftable_clusters << q->cluster_bits;
	if (bytes == 0 || bytes > QCOW2_REFTABLE_BYTES_MAX ||
	    q->reftable_offset % q->cluster != 0 || q->reftable_offset == 0 ||
	    !inside(w, q->reftable_offset, bytes)) {
		qcow2_walk_bad(w,
		    "ERROR the table of reference counts cannot be %" PRIu64
		    " bytes at offset 0x%" PRIx64,
		    bytes, q->reftable_offset);
		w->rebuild = true;
		return 0;
	}
	w->reftable_entries = bytes / 8;
	w->reftable = xmalloc(bytes);
	if (disk_io_read_padded(q->file, q->reftable_offset, w->reftable, bytes, err) < 0)
		return -1;
	for (uint64_t i = 0; i < w->reftable_entries; i++)
		w->reftable[i] = be64toh(w->reftable[i]);
	if (!w->without_refs)
		use_alone(w, q->reftable_offset, bytes, MARK_REFS, "the refcount table");
	return 0;
}

static void load_blocks(struct qcow2_walk *w)
{
	for (uint64_t k = 0; k < w->reftable_entries; k++) {
		uint64_t at = w->reftable[k];
		if (at == 0)
			continue;
		if (at % w->q->cluster != 0)
			qcow2_walk_bad(w,
			    "ERROR refcount block %" PRIu64
			    " is not cluster aligned; refcount table entry corrupted",
			    k);
		else if (!inside(w, at, w->q->cluster))
			qcow2_walk_bad(w, "ERROR refcount block %" PRIu64 " is outside image", k);
		else {
			if (!w->without_refs)
				use_alone(w, at, w->q->cluster, MARK_REFS, "a refcount block");
			continue;
		}
		w->reftable[k] = 0;
		w->rebuild = true;
	}
}

static int mark_ones(struct qcow2_walk *w, struct err *err)
{
	const uint8_t *counts;
	uint64_t per = qcow2_walk_per_block(w);
	for (uint64_t k = 0; k < w->reftable_entries && k * per < w->clusters; k++) {
		if (qcow2_walk_block(w, k, w->table, &counts, err) < 0)
			return -1;
		for (uint64_t i = 0; counts != NULL && i < per && k * per + i < w->clusters; i++)
			if (qcow2_count_get(w->q, counts, i) == 1)
				w->marks[k * per + i] |= MARK_ONE;
	}
	return 0;
}

/* --- L1 and L2 ------------------------------------------------------------------------------------- */

/* Calls each entry of a table of 64-bit words; read piece by piece. */
static int each_word(struct qcow2_walk *w, uint64_t at, uint64_t entries,
    int (*word)(struct qcow2_walk *w, uint64_t i, uint64_t word, struct err *err), struct err *err)
{
	uint64_t bytes = entries * 8;
	if (!inside(w, at, bytes))
		return 0; /* told by use() */
	w->l1_bytes += bytes;
	if (w->l1_bytes > QCOW2_CHECK_TABLES_BYTES_MAX)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': its tables are larger than the %llu GiB that are looked at",
		    w->q->file->path, QCOW2_CHECK_TABLES_BYTES_MAX >> 30);
	CLEANUP_FREE uint64_t *piece = xmalloc(bytes < PIECE_BYTES ? bytes + 1 : PIECE_BYTES);
	for (uint64_t done = 0, n; done < bytes; done += n) {
		n = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
		if (disk_io_read_padded(w->q->file, at + done, piece, n, err) < 0)
			return -1;
		for (uint64_t i = 0; i < n / 8; i++)
			if (piece[i] != 0 && word(w, done / 8 + i, be64toh(piece[i]), err) < 0)
				return -1;
	}
	return 0;
}

static bool table_ok(const struct qcow2_walk *w, uint64_t at)
{
	return at != 0 && at % w->q->cluster == 0 && inside(w, at, w->q->cluster);
}

static int count_l1_entry(struct qcow2_walk *w, uint64_t i, uint64_t word, struct err *err)
{
	(void)i;
	(void)err;
	uint64_t at = word & QCOW2_OFFSET;
	if (word & L1_RESERVED)
		qcow2_walk_bad(w, "ERROR found L1 entry with reserved bits set: %" PRIx64, word);
	if (at == 0) {
		if (word & QCOW2_COPIED)
			qcow2_walk_bad(w, "ERROR L1 entry %" PRIx64 " names the header", word);
		return 0;
	}
	if (at % w->q->cluster != 0) {
		qcow2_walk_bad(w,
		    "ERROR l2_offset=%" PRIx64 ": Table is not cluster aligned; L1 entry corrupted",
		    at);
		return 0;
	}
	use(w, at, w->q->cluster, 1, "an L2 table");
	if (table_ok(w, at))
		qcow2_counts_add(&w->tables, at >> w->q->cluster_bits, 1);
	return 0;
}

static void look_at_copied(struct qcow2_walk *w, uint64_t word, uint64_t at)
{
	uint64_t cluster = at >> w->q->cluster_bits;
	bool elsewhere = w->q->data != w->q->file;
	if (!elsewhere && cluster >= w->clusters)
		return;
	bool one = elsewhere || (w->marks[cluster] & MARK_ONE);
	if (one != !!(word & QCOW2_COPIED))
		qcow2_walk_bad(w,
		    "ERROR OFLAG_COPIED data cluster: l2_entry=%" PRIx64 " refcount %s 1", word,
		    one ? "is" : "is not");
}

static void walk_packed(struct qcow2_walk *w, uint64_t word, uint64_t times, bool active)
{
	uint64_t at, bytes = qcow2_table_packed(w->q, word, &at);
	if (w->q->data != w->q->file) {
		qcow2_walk_bad(
		    w, "ERROR compressed cluster with data file, entry=0x%" PRIx64, word);
		return;
	}
	if (word & QCOW2_COPIED)
		qcow2_walk_bad(w,
		    "ERROR: coffset=0x%" PRIx64
		    ": copied flag must never be set for compressed clusters",
		    at);
	use(w, at, bytes, times, "compressed data");
	if (!active)
		return;
	w->check->allocated++;
	w->check->compressed++;
	w->check->fragmented++; /* by nature */
}

static void walk_plain(struct qcow2_walk *w, uint64_t word, uint64_t times, bool active)
{
	bool extended = w->q->l2_entry_bytes == 16, elsewhere = w->q->data != w->q->file;
	uint64_t at = word & QCOW2_OFFSET;
	if (word & (L2_RESERVED | (extended ? QCOW2_ZERO : 0)))
		qcow2_walk_bad(w, "ERROR found L2 entry with reserved bits set: %" PRIx64, word);
	if (at == 0 && !(elsewhere && (word & QCOW2_COPIED)))
		return;
	if (at % w->q->cluster != 0) {
		qcow2_walk_bad(w,
		    "ERROR offset=%" PRIx64
		    ": Cluster is not properly aligned; L2 entry corrupted.",
		    at);
		return;
	}
	if (!elsewhere)
		use(w, at, w->q->cluster, times, "data");
	if (!active)
		return;
	w->check->allocated++;
	w->check->fragmented += w->next != 0 && at != w->next;
	w->next = at + w->q->cluster;
	look_at_copied(w, word, at);
}

static int walk_l2(struct qcow2_walk *w, uint64_t at, uint64_t times, bool active, struct err *err)
{
	unsigned step = w->q->l2_entry_bytes / 8;
	w->next = 0;
	if (disk_io_read_padded(w->q->file, at, w->table, w->q->cluster, err) < 0)
		return -1;
	for (uint64_t i = 0; i < w->q->cluster / 8; i += step) {
		uint64_t word = be64_get(w->table + 8 * i);
		if (word & QCOW2_COMPRESSED)
			walk_packed(w, word, times, active);
		else if (word != 0)
			walk_plain(w, word, times, active);
	}
	w->marks[at >> w->q->cluster_bits] |= MARK_WALKED;
	return 0;
}

static int walk_active_entry(struct qcow2_walk *w, uint64_t i, uint64_t word, struct err *err)
{
	uint64_t at = word & QCOW2_OFFSET, cluster = at >> w->q->cluster_bits;
	if (!table_ok(w, at))
		return 0;
	bool one = w->marks[cluster] & MARK_ONE;
	if (one != !!(word & QCOW2_COPIED))
		qcow2_walk_bad(w,
		    "ERROR OFLAG_COPIED L2 cluster: l1_index=%" PRIu64 " l1_entry=%" PRIx64
		    " refcount %s 1",
		    i, word, one ? "is" : "is not");
	/* In a table that names one twice the second is no other. */
	if (w->marks[cluster] & MARK_WALKED)
		return 0;
	return walk_l2(w, at, qcow2_counts_get(&w->tables, cluster), true, err);
}

/* Those of snapshots alone. */
static int walk_other_l2s(struct qcow2_walk *w, struct err *err)
{
	if (w->q->n_snapshots == 0)
		return 0;
	for (uint64_t c = 0; c < w->clusters; c++)
		if (w->tables.small[c] != 0 && !(w->marks[c] & MARK_WALKED) &&
		    walk_l2(w, c << w->q->cluster_bits, qcow2_counts_get(&w->tables, c), false,
		        err) < 0)
			return -1;
	return 0;
}

/* --- snapshots and bitmaps ------------------------------------------------------------------------- */

/* What their table takes in the file: the loaded entries are not as long as those there, perhaps. */
static int snapshots_bytes(const struct qcow2_walk *w, uint64_t *bytes, struct err *err)
{
	uint8_t head[SNAPSHOT_BYTES];
	*bytes = 0;
	for (uint32_t i = 0; i < w->q->n_snapshots; i++) {
		if (disk_io_read(
		        w->q->file, w->q->snapshots_offset + *bytes, head, sizeof(head), err) < 0)
			return -1;
		uint64_t n = SNAPSHOT_BYTES + (uint64_t)be32_get(head + 36) + be16_get(head + 12) +
		             be16_get(head + 14);
		/* The last is not padded. */
		*bytes += i + 1 < w->q->n_snapshots ? (n + 7) & ~UINT64_C(7) : n;
	}
	return 0;
}

static int walk_snapshots(struct qcow2_walk *w, struct err *err)
{
	struct qcow2 *q = w->q;
	uint64_t bytes;
	if (snapshots_bytes(w, &bytes, err) < 0)
		return -1;
	use_alone(w, q->snapshots_offset, bytes, 0, "the table of snapshots");
	for (uint32_t i = 0; i < q->n_snapshots; i++) {
		const struct qcow2_snapshot *s = &q->snapshots[i];
		if (s->l1_offset % q->cluster != 0 || s->l1_entries > QCOW2_L1_BYTES_MAX / 8) {
			qcow2_walk_bad(w,
			    "ERROR snapshot %s: its L1 table of %" PRIu32
			    " entries cannot be at offset 0x%" PRIx64,
			    s->what.id, s->l1_entries, s->l1_offset);
			continue;
		}
		use_alone(w, s->l1_offset, (uint64_t)s->l1_entries * 8, 0, "a snapshot's L1 table");
		if (each_word(w, s->l1_offset, s->l1_entries, count_l1_entry, err) < 0)
			return -1;
	}
	return 0;
}

static int bitmap_word(struct qcow2_walk *w, uint64_t i, uint64_t word, struct err *err)
{
	(void)i;
	(void)err;
	uint64_t at = word & QCOW2_OFFSET;
	if (at % w->q->cluster != 0)
		qcow2_walk_bad(w, "ERROR bitmap entry %" PRIx64 " is not cluster aligned", word);
	else if (at != 0)
		use(w, at, w->q->cluster, 1, "a bitmap");
	return 0;
}

/* One entry of the directory, of at most `room` bytes; its length, 0 when it is none. */
static int walk_bitmap(
    struct qcow2_walk *w, const uint8_t *e, uint64_t room, uint64_t *length, struct err *err)
{
	*length = 0;
	if (room < BITMAP_BYTES)
		return 0;
	uint64_t at = be64_get(e), entries = be32_get(e + 8);
	uint64_t n = BITMAP_BYTES + (uint64_t)be32_get(e + 20) + be16_get(e + 18);
	n = (n + 7) & ~UINT64_C(7);
	if (n > room || at % w->q->cluster != 0 || entries * 8 > BITMAP_TABLE_BYTES_MAX)
		return 0;
	*length = n;
	use_alone(w, at, entries * 8, 0, "a bitmap's table");
	return each_word(w, at, entries, bitmap_word, err);
}

/* Only as long as QEMU trusts them. */
static int walk_bitmaps(struct qcow2_walk *w, struct err *err)
{
	const struct qcow2_extension *x = qcow2_extension_find(w->q, QCOW2_EXT_BITMAPS);
	if (x == NULL || x->bytes < BITMAP_BYTES || !(w->q->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return 0;
	uint64_t n = be32_get(x->data), bytes = be64_get(x->data + 8), at = be64_get(x->data + 16);
	if (n > QCOW2_BITMAPS_MAX || bytes > BITMAP_DIRECTORY_BYTES_MAX ||
	    at % w->q->cluster != 0 || !inside(w, at, bytes)) {
		qcow2_walk_bad(
		    w, "ERROR the directory of bitmaps cannot be at offset 0x%" PRIx64, at);
		return 0;
	}
	use_alone(w, at, bytes, 0, "the directory of bitmaps");
	CLEANUP_FREE uint8_t *directory = xmalloc(bytes + 1);
	if (disk_io_read_padded(w->q->file, at, directory, bytes, err) < 0)
		return -1;
	for (uint64_t i = 0, from = 0, length; i < n; i++, from += length) {
		if (walk_bitmap(w, directory + from, bytes - from, &length, err) < 0)
			return -1;
		if (length == 0) {
			qcow2_walk_bad(
			    w, "ERROR bitmap %" PRIu64 " of the directory is damaged", i);
			break;
		}
	}
	return 0;
}

/* --- all ------------------------------------------------------------------------------------------- */

int qcow2_walk_init(
    struct qcow2_walk *w, struct qcow2 *q, struct qcow2_check *check, struct err *err)
{
	*w = (struct qcow2_walk){.q = q, .check = check};
	w->clusters = (q->file->size >> q->cluster_bits) + (q->file->size % q->cluster != 0);
	if (w->clusters > QCOW2_CHECK_CLUSTERS_MAX)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' has %" PRIu64 " clusters; %llu can be checked", q->file->path,
		    w->clusters, QCOW2_CHECK_CLUSTERS_MAX);
	qcow2_counts_init(&w->uses, w->clusters);
	qcow2_counts_init(&w->tables, w->clusters);
	w->marks = xcalloc(w->clusters + 1, 1);
	w->table = xmalloc(q->cluster);
	return 0;
}

void qcow2_walk_fini(struct qcow2_walk *w)
{
	qcow2_counts_fini(&w->uses);
	qcow2_counts_fini(&w->tables);
	free(w->marks);
	free(w->table);
	free(w->reftable);
}

static int walk_active(struct qcow2_walk *w, struct err *err)
{
	use_alone(w, w->q->l1_offset, (uint64_t)w->q->l1_entries * 8, 0, "the L1 table");
	return each_word(w, w->q->l1_offset, w->q->l1_entries, count_l1_entry, err);
}

int qcow2_walk_all(struct qcow2_walk *w, struct err *err)
{
	struct qcow2 *q = w->q;
	use_alone(w, 0, q->cluster, 0, "the header");
	if (load_reftable(w, err) < 0)
		return -1;
	load_blocks(w);
	if (mark_ones(w, err) < 0 || walk_active(w, err) < 0 || walk_snapshots(w, err) < 0 ||
	    walk_bitmaps(w, err) < 0)
		return -1;
	/* Each L2 table once, for all who use it. */
	if (each_word(w, q->l1_offset, q->l1_entries, walk_active_entry, err) < 0)
		return -1;
	return walk_other_l2s(w, err);
}
