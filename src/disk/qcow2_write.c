#include "disk/qcow2_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/qcow2_alloc.h"
#include "disk/qcow2_cache.h"
#include "disk/qcow2_refcount.h"
#include "disk/qcow2_table.h"

#define DROPS_MOST 4096u /* ranges that wait to be free before they are settled */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool subclusters(const struct qcow2 *q)
{
	return q->l2_entry_bytes == 16;
}

/* --- room ------------------------------------------------------------------------------------------ */
enum state {
	IN_PLACE, /* our own cluster, all of it data: written where it is */
	KEPT,     /* our own cluster, zeroes so far (or in part, with subclusters) */
	NEEDED,   /* none, a snapshot's, or a compressed one */
};

static enum state state_of(const struct qcow2 *q, struct qcow2_entry e)
{
	bool own = e.word & QCOW2_COPIED || (q->data != q->file && e.word & QCOW2_OFFSET);
	if (e.word & QCOW2_COMPRESSED || !own)
		return NEEDED;
	/* offset 0 is a cluster of an external data file, none in the image itself */
	if ((e.word & QCOW2_OFFSET) == 0 && q->data == q->file)
		return NEEDED;
	bool whole = subclusters(q) ? e.bits == QCOW2_SUB_DATA : !(e.word & QCOW2_ZERO);
	return whole ? IN_PLACE : KEPT;
}

static int check_aligned(const struct qcow2 *q, uint64_t host, struct err *err)
{
	if ((host & (q->cluster - 1)) == 0)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': a cluster at %#" PRIx64
	    " does not begin at a multiple of its size: repair the image with check -r all",
	    q->img->name, host);
}

/* How many entries from i on, `most` at most, are in state s, and in a row in the file when they have a place. */
static uint64_t count_like(
    const struct qcow2 *q, const uint8_t *table, uint64_t i, uint64_t most, enum state s)
{
	uint64_t host = qcow2_table_get(q, table, i).word & QCOW2_OFFSET, n = 1;
	for (; n < most; n++) {
		struct qcow2_entry e = qcow2_table_get(q, table, i + n);
		if (state_of(q, e) != s)
			break;
		if (s != NEEDED && (e.word & QCOW2_OFFSET) != host + (n << q->cluster_bits))
			break;
	}
	return n;
}

int qcow2_room_take(
    struct qcow2 *q, uint64_t guest, uint64_t bytes, struct qcow2_room *r, struct err *err)
{
	const uint8_t *table = qcow2_table_own(q, guest, err);
	if (!table)
		return -1;
	q->unsynced = true;
	uint64_t inside = guest & (q->cluster - 1), i = qcow2_table_index(q, guest);
	uint64_t most = least(
	    (inside + bytes + q->cluster - 1) >> q->cluster_bits, (UINT64_C(1) << q->l2_bits) - i);
	struct qcow2_entry e = qcow2_table_get(q, table, i);
	enum state s = state_of(q, e);
	uint64_t n = count_like(q, table, i, most, s), host = e.word & QCOW2_OFFSET;
	if (s == NEEDED && q->data != q->file) {
		host = guest - inside;
	} else if (s == NEEDED) {
		uint64_t first;
		if (qcow2_alloc(q, 1, n, &first, &n, err) != 0)
			return -1;
		host = first << q->cluster_bits;
	}
	if (check_aligned(q, host, err) != 0)
		return -1;
	*r = (struct qcow2_room){.guest = guest,
	    .bytes = least(bytes, (n << q->cluster_bits) - inside),
	    .host = host + inside,
	    .clusters = n,
	    .fresh = s != IN_PLACE,
	    .counted = s == KEPT};
	return 0;
}

int qcow2_room_use(struct qcow2 *q, const struct qcow2_room *r, struct err *err)
{
	if (!r->fresh)
		return 0;
	uint8_t *table = qcow2_table_own(q, r->guest, err);
	if (!table)
		return -1;
	uint64_t i = qcow2_table_index(q, r->guest), host = r->host & ~(q->cluster - 1);
	qcow2_cache_dirty(q->l2_cache, table);
	for (uint64_t n = 0; n < r->clusters; n++) {
		struct qcow2_entry old = qcow2_table_get(q, table, i + n);
		uint64_t word = (host + (n << q->cluster_bits)) | QCOW2_COPIED;
		qcow2_table_put(q, table, i + n,
		    (struct qcow2_entry){word, subclusters(q) ? QCOW2_SUB_DATA : 0});
		if (!r->counted && qcow2_table_count(q, old.word, -1, err) != 0)
			return -1;
	}
	return 0;
}

/* --- data ------------------------------------------------------------------------------------------ */
/* What the guest sees, with zeroes behind the disk's end. */
static int read_old(struct qcow2 *q, uint64_t guest, uint8_t *buf, uint64_t n, struct err *err)
{
	struct img *im = q->img;
	uint64_t there = guest < im->size ? least(n, im->size - guest) : 0;
	memset(buf + there, 0, n - there);
	if (im->backing_name && !im->backing && there)
		return err_set(err, ERR_STATE,
		    "'%s': a part of a cluster cannot be written without its backing file",
		    im->name);
	return there ? img_read(im, guest, buf, there, err) : 0;
}

/* Old bytes on their way into a new cluster. */
static int copy_old(
    struct qcow2 *q, uint64_t guest, uint64_t host, uint64_t n, uint8_t *buf, struct err *err)
{
	if (n == 0)
		return 0;
	if (read_old(q, guest, buf, n, err) != 0)
		return -1;
	return disk_io_write(q->data, host, buf, n, err);
}

/* A cluster or less: head, new bytes and tail go out by one call. */
static int fill_one(struct qcow2 *q, const struct qcow2_room *r, const void *buf, struct err *err)
{
	uint64_t inside = r->guest & (q->cluster - 1), end = inside + r->bytes;
	CLEANUP_FREE uint8_t *whole = xmalloc(q->cluster);
	if ((inside && read_old(q, r->guest - inside, whole, inside, err) != 0) ||
	    (end < q->cluster &&
	        read_old(q, r->guest + r->bytes, whole + end, q->cluster - end, err) != 0))
		return -1;
	memcpy(whole + inside, buf, r->bytes);
	return disk_io_write(q->data, r->host - inside, whole, q->cluster, err);
}

static int fill_room(struct qcow2 *q, const struct qcow2_room *r, const void *buf, struct err *err)
{
	uint64_t mask = q->cluster - 1, head = r->guest & mask, end = r->guest + r->bytes;
	uint64_t tail = r->fresh ? -end & mask : 0;
	if (r->fresh && r->clusters == 1 && (head || tail))
		return fill_one(q, r, buf, err);
	if (r->fresh && (head || tail)) {
		CLEANUP_FREE uint8_t *old = xmalloc(q->cluster);
		if (copy_old(q, r->guest - head, r->host - head, head, old, err) != 0 ||
		    copy_old(q, end, r->host + r->bytes, tail, old, err) != 0)
			return -1;
	}
	return disk_io_write(q->data, r->host, buf, r->bytes, err);
}

/* The subclusters of [from, to), as bits of the lower half. */
static uint64_t sub_bits(const struct qcow2 *q, uint64_t from, uint64_t to)
{
	uint64_t sub = q->cluster / QCOW2_SUBCLUSTERS, first = from / sub;
	uint64_t n = (to + sub - 1) / sub - first;
	return ((UINT64_C(1) << n) - 1) << first;
}

/* A new place for a cluster with subclusters whose old one is not ours: what was data there comes along, but for `skip`. */
static int move_cluster(
    struct qcow2 *q, uint64_t guest, struct qcow2_entry *e, uint64_t skip, struct err *err)
{
	uint64_t sub = q->cluster / QCOW2_SUBCLUSTERS, host = guest;
	bool packed = e->word & QCOW2_COMPRESSED;
	CLEANUP_FREE uint8_t *old = xmalloc(q->cluster);
	if (q->data == q->file && qcow2_alloc_bytes(q, q->cluster, &host, err) != 0)
		return -1;
	uint64_t move = packed ? QCOW2_SUB_DATA : (e->bits & QCOW2_SUB_DATA) & ~skip;
	if (q->data != q->file && !packed)
		move = 0; /* they are there */
	for (uint64_t i = 0; i < QCOW2_SUBCLUSTERS; i++)
		if (move >> i & 1 &&
		    copy_old(q, guest + i * sub, host + i * sub, sub, old, err) != 0)
			return -1;
	uint64_t before = e->word;
	e->word = host | QCOW2_COPIED;
	if (packed)
		e->bits = QCOW2_SUB_DATA;
	return qcow2_table_count(q, before, -1, err);
}

/* Part of one cluster of an image with subclusters: only those touched are filled up. */
static int write_part(struct qcow2 *q, uint64_t guest, const void *buf, uint64_t n, struct err *err)
{
	uint64_t mask = q->cluster - 1, sub = q->cluster / QCOW2_SUBCLUSTERS;
	uint64_t base = guest & ~mask, from = guest / sub * sub,
	         to = (guest + n + sub - 1) / sub * sub;
	uint64_t bits = sub_bits(q, guest - base, guest + n - base);
	CLEANUP_FREE uint8_t *whole = xmalloc(to - from);
	if ((from < guest && read_old(q, from, whole, guest - from, err) != 0) ||
	    (guest + n < to &&
	        read_old(q, guest + n, whole + (guest + n - from), to - guest - n, err) != 0))
		return -1;
	memcpy(whole + (guest - from), buf, n);
	uint8_t *table = qcow2_table_own(q, guest, err);
	if (!table)
		return -1;
	struct qcow2_entry e = qcow2_table_get(q, table, qcow2_table_index(q, guest));
	if (state_of(q, e) == NEEDED && move_cluster(q, base, &e, bits, err) != 0)
		return -1;
	uint64_t host = e.word & QCOW2_OFFSET;
	if (check_aligned(q, host, err) != 0 ||
	    disk_io_write(q->data, host + (from - base), whole, to - from, err) != 0)
		return -1;
	table = qcow2_table_own(q, guest, err); /* the copying above looked into other tables */
	if (!table)
		return -1;
	e.bits = (e.bits | bits) & ~(bits << 32);
	qcow2_table_put(q, table, qcow2_table_index(q, guest), e);
	qcow2_cache_dirty(q->l2_cache, table);
	return 0;
}

static int write_some(
    struct qcow2 *q, uint64_t guest, const void *buf, uint64_t n, uint64_t *done, struct err *err)
{
	uint64_t inside = guest & (q->cluster - 1);
	if (subclusters(q) && (inside || n < q->cluster)) {
		*done = least(n, q->cluster - inside);
		return write_part(q, guest, buf, *done, err);
	}
	struct qcow2_room r;
	if (subclusters(q))
		n &= ~(q->cluster - 1);
	if (qcow2_room_take(q, guest, n, &r, err) != 0 || fill_room(q, &r, buf, err) != 0)
		return -1;
	*done = r.bytes;
	return qcow2_room_use(q, &r, err);
}

/* Ends what changed the image: an error leaves it as a crash would. */
static int finish(struct qcow2 *q, int rc, struct err *err)
{
	q->unsynced = true;
	if (rc == 0 && q->refs->drops.n > DROPS_MOST)
		rc = qcow2_table_flush(q, err);
	if (rc != 0)
		q->broken = true;
	return rc;
}

int qcow2_write(struct img *im, uint64_t offset, const void *buf, size_t n, struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	if (qcow2_table_begin(q, true, err) != 0)
		return -1;
	int rc = 0;
	for (uint64_t done = 0; n > 0 && rc == 0; n -= done) {
		rc = write_some(q, offset, buf, n, &done, err);
		if (rc != 0)
			break;
		offset += done;
		buf = (const char *)buf + done;
	}
	return finish(q, rc, err);
}

/* --- zeroes ---------------------------------------------------------------------------------------- */
enum erase {
	ERASE_ZERO,   /* reads as zeroes, the space is given back */
	ERASE_KEEP,   /* the same, the space stays */
	ERASE_FORGET, /* as if it was never written */
};

static struct qcow2_entry erased(const struct qcow2 *q, struct qcow2_entry e, enum erase how)
{
	bool plain = !q->img->backing_name && how != ERASE_KEEP;
	struct qcow2_entry zero = subclusters(q) ? (struct qcow2_entry){0, QCOW2_SUB_ZERO}
	                                         : (struct qcow2_entry){QCOW2_ZERO, 0};
	if (how == ERASE_FORGET || (plain && e.word == 0 && e.bits == 0))
		return (struct qcow2_entry){0, 0};
	if (q->version < 3) /* without a backing file, as erase_clusters() made sure */
		return (struct qcow2_entry){0, 0};
	if (how == ERASE_KEEP && state_of(q, e) != NEEDED)
		zero.word |= (e.word & QCOW2_OFFSET) | QCOW2_COPIED;
	return zero;
}

/* Whole clusters in one L2 table. */
static int erase_in_table(
    struct qcow2 *q, uint64_t guest, uint64_t clusters, enum erase how, struct err *err)
{
	uint8_t *table;
	if (qcow2_table_look(q, guest, &table, err) != 0)
		return -1;
	if (!table && (how == ERASE_FORGET || !q->img->backing_name))
		return 0;
	table = qcow2_table_own(q, guest, err);
	if (!table)
		return -1;
	uint64_t i = qcow2_table_index(q, guest);
	for (uint64_t n = 0; n < clusters; n++) {
		struct qcow2_entry old = qcow2_table_get(q, table, i + n);
		struct qcow2_entry new = erased(q, old, how);
		if (new.word == old.word &&new.bits == old.bits)
			continue;
		qcow2_table_put(q, table, i + n, new);
		qcow2_cache_dirty(q->l2_cache, table);
		bool keeps = (new.word &QCOW2_OFFSET) != 0;
		if (!keeps && qcow2_table_count(q, old.word, -1, err) != 0)
			return -1;
	}
	return 0;
}

static int erase_clusters(
    struct qcow2 *q, uint64_t guest, uint64_t bytes, enum erase how, struct err *err)
{
	uint64_t table_bytes = q->cluster << q->l2_bits;
	if (q->data != q->file && bytes && how != ERASE_FORGET &&
	    disk_io_zero(q->data, guest, bytes, how != ERASE_KEEP, err) != 0)
		return -1;
	while (bytes) {
		uint64_t n = least(bytes, table_bytes - guest % table_bytes);
		if (erase_in_table(q, guest, n >> q->cluster_bits, how, err) != 0)
			return -1;
		if (q->refs->drops.n > DROPS_MOST && qcow2_table_flush(q, err) != 0)
			return -1;
		guest += n;
		bytes -= n;
	}
	return 0;
}

/* Less than a cluster: nothing where it reads as zeroes already. */
static int zero_part(struct qcow2 *q, uint64_t guest, uint64_t n, struct err *err)
{
	if (n == 0)
		return 0;
	struct img_extent e;
	if (img_map_chain(q->img, guest, n, &e, err) != 0)
		return -1;
	bool zero = e.kind == IMG_ZERO ||
	            (e.kind == IMG_ABSENT && (!q->img->backing_name || q->img->backing));
	if (zero && e.bytes >= n)
		return 0;
	CLEANUP_FREE uint8_t *zeroes = xcalloc(1, n);
	return qcow2_write(q->img, guest, zeroes, n, err);
}

static int write_zeroes(struct qcow2 *q, uint64_t guest, uint64_t bytes, struct err *err)
{
	uint64_t most = 1u << 20;
	CLEANUP_FREE uint8_t *zeroes = xcalloc(1, least(bytes, most));
	while (bytes) {
		uint64_t n = least(bytes, most);
		if (qcow2_write(q->img, guest, zeroes, n, err) != 0)
			return -1;
		guest += n;
		bytes -= n;
	}
	return 0;
}

/* [offset, +bytes) as the part of a first cluster, whole ones, the part of a last; the disk's own end makes whole. */
static void cut(const struct qcow2 *q, uint64_t offset, uint64_t bytes, uint64_t part[3])
{
	uint64_t mask = q->cluster - 1, end = offset + bytes;
	uint64_t first = (offset + mask) & ~mask;
	uint64_t last = end == q->img->size ? (end + mask) & ~mask : end & ~mask;
	if (first >= last) { /* inside of one or two clusters, none whole */
		part[0] = bytes;
		part[1] = part[2] = 0;
		return;
	}
	part[0] = first - offset;
	part[1] = last - first;
	part[2] = end > last ? end - last : 0;
}

int qcow2_zero(struct img *im, uint64_t offset, uint64_t bytes, bool keep, struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	uint64_t part[3];
	if (qcow2_table_begin(q, true, err) != 0)
		return -1;
	if (q->version < 3 && im->backing_name)
		return write_zeroes(q, offset, bytes, err);
	cut(q, offset, bytes, part);
	int rc = zero_part(q, offset, part[0], err);
	if (rc == 0)
		rc = erase_clusters(
		    q, offset + part[0], part[1], keep ? ERASE_KEEP : ERASE_ZERO, err);
	if (rc == 0)
		rc = zero_part(q, offset + part[0] + part[1], part[2], err);
	return finish(q, rc, err);
}

int qcow2_discard(struct img *im, uint64_t offset, uint64_t bytes, struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	uint64_t part[3];
	if (qcow2_table_begin(q, true, err) != 0)
		return -1;
	if (q->version < 3 && im->backing_name)
		return 0; /* nothing but bytes could hide what lies below */
	cut(q, offset, bytes, part);
	if (part[1] == 0)
		return 0;
	return finish(q, erase_clusters(q, offset + part[0], part[1], ERASE_ZERO, err), err);
}

int qcow2_forget(struct qcow2 *q, uint64_t offset, uint64_t bytes, struct err *err)
{
	if (qcow2_table_begin(q, true, err) != 0)
		return -1;
	return finish(q, erase_clusters(q, offset, bytes, ERASE_FORGET, err), err);
}

int qcow2_flush(struct img *im, struct err *err)
{
	return qcow2_table_flush(qcow2_of(im), err);
}
