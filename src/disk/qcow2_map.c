/* Where the guest's bytes are: L1, L2, subclusters (spec., "Cluster mapping", "Extended L2 Entries"). */
#include <inttypes.h>

#include "disk/be.h"
#include "disk/qcow2.h"
#include "disk/qcow2_cache.h"
#include "disk/qcow2_refcount.h"

#define SUBCLUSTERS 32u
#define SECTOR 512u
/* Clusters of a file that are counted at most: a hole can be as long as it likes. */
#define SPARSE_LOOK_MAX (64u << 20)

/* What an entry says of a piece, a cluster or a subcluster of it. */
struct piece {
	enum img_extent_kind kind;
	bool hosted;
	uint64_t host; /* of the piece's first byte */
};

static int broken(
    const struct qcow2 *q, uint64_t offset, const char *what, uint64_t value, struct err *err)
{
	return err_set(err, ERR_INVALID,
	    "'%s': the guest's offset %" PRIu64 ": %s 0x%" PRIx64
	    " is wrong; 'img check' tells more",
	    q->file->path, offset, what, value);
}

static uint64_t l1_index(const struct qcow2 *q, uint64_t offset)
{
	return offset >> (q->cluster_bits + q->l2_bits);
}

static uint64_t l2_index(const struct qcow2 *q, uint64_t offset)
{
	return (offset >> q->cluster_bits) & ((1ull << q->l2_bits) - 1);
}

/* The host's cluster of a standard entry: 0 none, but for data files, whose first cluster is there. */
static int find_host(
    const struct qcow2 *q, uint64_t offset, uint64_t entry, struct piece *p, struct err *err)
{
	uint64_t start = offset & ~(q->cluster - 1);
	p->host = entry & QCOW2_OFFSET;
	p->hosted = p->host != 0 || (q->data != q->file && (entry & QCOW2_COPIED));
	if (p->host % q->cluster != 0)
		return broken(q, offset, "its L2 entry", entry, err);
	if (p->hosted && q->data != q->file && p->host != start)
		return broken(q, offset, "its place in the data file,", p->host, err);
	return 0;
}

static int read_entry(
    const struct qcow2 *q, uint64_t offset, const uint8_t *at, struct piece *p, struct err *err)
{
	uint64_t entry = be64_get(at);
	uint64_t within = offset & (q->cluster - 1);
	if (entry & QCOW2_COMPRESSED) {
		*p = (struct piece){.kind = IMG_PACKED, .hosted = true};
		return q->data == q->file ? 0 : broken(q, offset, "its L2 entry", entry, err);
	}
	if (find_host(q, offset, entry, p, err) < 0)
		return -1;
	p->host += p->hosted ? within : 0;
	if (q->l2_entry_bytes == 8) {
		if ((entry & QCOW2_ZERO) && q->version < 3)
			return broken(q, offset, "its L2 entry", entry, err);
		p->kind = entry & QCOW2_ZERO ? IMG_ZERO : p->hosted ? IMG_DATA : IMG_ABSENT;
		return 0;
	}
	uint64_t bits = be64_get(at + 8);
	unsigned sub = (unsigned)(within / (q->cluster / SUBCLUSTERS));
	bool allocated = bits >> sub & 1, zero = bits >> (SUBCLUSTERS + sub) & 1;
	if ((allocated && zero) || (allocated && !p->hosted))
		return broken(q, offset, "its subclusters' bitmap", bits, err);
	p->kind = zero ? IMG_ZERO : allocated ? IMG_DATA : IMG_ABSENT;
	return 0;
}

/* Where a compressed cluster is: x = 62 - (cluster_bits - 8) bits of offset, then the number of further sectors. */
static int place_packed(
    const struct qcow2 *q, const uint8_t *at, struct img_extent *e, struct err *err)
{
	uint64_t entry = be64_get(at);
	unsigned x = 62 - (q->cluster_bits - 8);
	e->host = entry & ((1ull << x) - 1);
	uint64_t sectors = (entry >> x & ((1ull << (q->cluster_bits - 8)) - 1)) + 1;
	e->packed = sectors * SECTOR - e->host % SECTOR;
	e->packed_start = e->offset & ~(q->cluster - 1);
	if (e->host >= q->file->size)
		return broken(q, e->offset, "its compressed cluster's place", e->host, err);
	return 0;
}

/* How far the kind of the first piece goes on, in this L2 table. */
static void extend(const struct qcow2 *q, const uint8_t *table, uint64_t end, struct img_extent *e)
{
	uint64_t unit = q->l2_entry_bytes == 16 ? q->cluster / SUBCLUSTERS : q->cluster;
	uint64_t at = (e->offset & ~(unit - 1)) + unit;
	struct piece p;
	for (; at < end; at += unit) {
		const uint8_t *entry = table + l2_index(q, at) * q->l2_entry_bytes;
		/* What is wrong there, whoever asks for that place is told. */
		if (read_entry(q, at, entry, &p, NULL) < 0 || p.kind != e->kind ||
		    p.hosted != e->hosted || (p.hosted && p.host != e->host + (at - e->offset)))
			break;
	}
	e->bytes = (at < end ? at : end) - e->offset;
}

/* By QEMU's measure, so that both say the same of an image: there are more clusters in use than the file has blocks for. */
static bool find_sparse(struct qcow2 *q)
{
	uint64_t clusters = q->file->size / q->cluster, used = 0, count;
	uint64_t real = disk_io_allocated(q->file) / q->cluster;
	uint64_t most = real * 10 / 9 > real + 2 ? real * 10 / 9 : real + 2;
	if (!q->file->block && clusters >= most && clusters > SPARSE_LOOK_MAX)
		return true;
	if (q->file->block || clusters < most || qcow2_refcount_load(q, NULL) < 0)
		return false;
	for (uint64_t i = 0; i < clusters && used < most; i++) {
		if (qcow2_refcount_get(q, i, &count, NULL) < 0)
			return false;
		used += count > 0;
	}
	return used >= most;
}

/* Where the file is known to have holes under the guest's data, an extent ends where one begins or ends. */
static int find_hole(struct qcow2 *q, struct img_extent *e, struct err *err)
{
	uint64_t from, to;
	if (q->sparse == QCOW2_SPARSE_UNKNOWN)
		q->sparse = find_sparse(q) ? QCOW2_SPARSE_YES : QCOW2_SPARSE_NO;
	if (q->sparse == QCOW2_SPARSE_NO)
		return 0;
	if (disk_io_next_data(e->file, e->host, e->host + e->bytes, &from, &to, err) < 0)
		return -1;
	e->hole = from > e->host;
	e->bytes = (e->hole ? from : to) - e->host;
	return 0;
}

static int map_table(struct qcow2 *q, const uint8_t *table, uint64_t offset, uint64_t end,
    struct img_extent *e, struct err *err)
{
	const uint8_t *at = table + l2_index(q, offset) * q->l2_entry_bytes;
	struct piece p;
	if (read_entry(q, offset, at, &p, err) < 0)
		return -1;
	*e = (struct img_extent){.offset = offset,
	    .kind = p.kind,
	    .hosted = p.hosted,
	    .host = p.hosted ? p.host : 0,
	    .file = p.hosted ? q->data : NULL};
	if (p.kind != IMG_PACKED) {
		extend(q, table, end, e);
		return p.kind == IMG_DATA ? find_hole(q, e, err) : 0;
	}
	uint64_t cluster_end = (offset & ~(q->cluster - 1)) + q->cluster;
	e->bytes = (cluster_end < end ? cluster_end : end) - offset;
	return place_packed(q, at, e, err);
}

int qcow2_map(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	unsigned shift = q->cluster_bits + q->l2_bits;
	uint64_t end = offset + bytes, i = l1_index(q, offset);
	uint64_t l2 = i < q->l1_entries ? q->l1[i] & QCOW2_OFFSET : 0;
	if (l2 == 0) {
		while (++i < q->l1_entries && (i << shift) < end && (q->l1[i] & QCOW2_OFFSET) == 0)
			;
		uint64_t stop = i < q->l1_entries ? i << shift : end;
		*e = (struct img_extent){.offset = offset,
		    .bytes = (stop < end ? stop : end) - offset,
		    .kind = IMG_ABSENT};
		return 0;
	}
	if (l2 % q->cluster != 0)
		return broken(q, offset, "its L1 entry", q->l1[i], err);
	const uint8_t *table = qcow2_cache_get(q->l2_cache, l2, err);
	if (!table)
		return err_wrap(
		    err, "cannot read the L2 table of the guest's offset %" PRIu64, offset);
	uint64_t table_end = (i + 1) << shift;
	return map_table(q, table, offset, table_end < end ? table_end : end, e, err);
}
