/* img_qed: QEMU's enhanced disk format, read only. Two levels of tables of 64-bit offsets. Source: QEMU's
 * docs/interop/qed_spec; little-endian. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/mem.h"
#include "disk/block_table.h"
#include "disk/img.h"
#include "disk/img_info.h"
#include "disk/le.h"

#define MAGIC 0x00444551u /* "QED\0" */
#define HEADER_BYTES 64u
#define CLUSTER_MIN (4u << 10)
#define CLUSTER_MAX (64u << 20)
#define TABLE_MAX 16u     /* clusters of a table */
#define BACKING_MAX 1023u /* bytes of its name */

enum { BACKING_FILE = 1, NEED_CHECK = 2, BACKING_RAW = 4, FEATURES_KNOWN = 7 };
enum { /* offsets in the header */
	AT_CLUSTER = 4,
	AT_TABLE = 8,
	AT_HEADER = 12,
	AT_FEATURES = 16,
	AT_L1 = 40,
	AT_SIZE = 48,
	AT_BACKING = 56,
	AT_BACKING_BYTES = 60,
};
enum { ENTRY_FREE = 0, ENTRY_ZERO = 1 };

struct qed {
	uint64_t features, l1_at, entries, header; /* entries of a table; bytes of the header */
	uint32_t cluster;
	struct block_table table;
};

static int qed_probe(const uint8_t *head, size_t n, const char *name)
{
	(void)name;
	return n >= HEADER_BYTES && le32_get(head) == MAGIC ? 100 : 0;
}

static int invalid(const struct img *im, struct err *err, const char *what, uint64_t value)
{
	return err_set(err, ERR_INVALID, "'%s': a broken QED image: its %s is %" PRIu64, im->name,
	    what, value);
}

static bool power_within(uint32_t n, uint32_t min, uint32_t max)
{
	return n >= min && n <= max && (n & (n - 1)) == 0;
}

/* May a table or a cluster lie there? */
static bool place_ok(const struct img *im, const struct qed *q, uint64_t at, uint64_t bytes)
{
	return at % q->cluster == 0 && at >= q->header && at <= im->file->size &&
	       bytes <= im->file->size - at;
}

static int read_backing(struct img *im, const struct qed *q, const uint8_t *h, struct err *err)
{
	uint32_t at = le32_get(h + AT_BACKING), n = le32_get(h + AT_BACKING_BYTES);
	if (!(q->features & BACKING_FILE))
		return 0;
	if (n == 0 || n > BACKING_MAX)
		return invalid(im, err, "length of the backing file's name", n);
	if (at < HEADER_BYTES || at > q->header || n > q->header - at)
		return invalid(im, err, "offset of the backing file's name", at);
	im->backing_name = xcalloc(n + 1, 1);
	if (disk_io_read(im->file, at, im->backing_name, n, err) < 0)
		return -1;
	if (strlen(im->backing_name) != n)
		return err_set(
		    err, ERR_INVALID, "'%s': the name of its backing file holds a NUL", im->name);
	if (q->features & BACKING_RAW)
		im->backing_format = xstrdup("raw");
	return 0;
}

static int check_layout(struct img *im, struct qed *q, const uint8_t *h, struct err *err)
{
	uint32_t clusters = le32_get(h + AT_TABLE), header = le32_get(h + AT_HEADER);
	if (!power_within(q->cluster, CLUSTER_MIN, CLUSTER_MAX))
		return invalid(im, err, "cluster size", q->cluster);
	if (!power_within(clusters, 1, TABLE_MAX))
		return invalid(im, err, "table size", clusters);
	q->header = (uint64_t)header * q->cluster;
	if (header == 0 || q->header > im->file->size)
		return invalid(im, err, "header size", header);
	q->entries = (uint64_t)clusters * q->cluster / 8;
	if (im->size % IMG_SECTOR || im->size > IMG_SIZE_MAX ||
	    im->size / q->cluster / q->entries > q->entries ||
	    (im->size / q->cluster / q->entries == q->entries &&
	        im->size % (q->cluster * q->entries) != 0))
		return invalid(im, err, "size", im->size);
	if (!place_ok(im, q, q->l1_at, q->entries * 8))
		return invalid(im, err, "offset of the L1 table", q->l1_at);
	return 0;
}

static int qed_open(struct img *im, struct err *err)
{
	uint8_t h[HEADER_BYTES];
	if (disk_io_read(im->file, 0, h, sizeof(h), err) < 0)
		return -1;
	if (le32_get(h) != MAGIC)
		return err_set(err, ERR_INVALID, "'%s' is no QED image", im->name);
	struct qed *q = im->state = xcalloc(1, sizeof(*q));
	q->features = le64_get(h + AT_FEATURES);
	if (q->features & ~(uint64_t)FEATURES_KNOWN)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': a QED image with unknown features: %#" PRIx64, im->name,
		    q->features & ~(uint64_t)FEATURES_KNOWN);
	q->cluster = im->cluster = le32_get(h + AT_CLUSTER);
	q->l1_at = le64_get(h + AT_L1);
	im->size = le64_get(h + AT_SIZE);
	return check_layout(im, q, h, err) < 0 || read_backing(im, q, h, err) < 0 ? -1 : 0;
}

static void qed_close(struct img *im)
{
	struct qed *q = im->state;
	if (q)
		block_table_fini(&q->table);
	free(q);
}

static int lookup(struct img *im, uint64_t number, struct block *b, struct err *err)
{
	struct qed *q = im->state;
	const uint8_t *p =
	    block_table_entry(&q->table, im->file, q->l1_at + number / q->entries * 8, 8, err);
	if (!p)
		return -1;
	uint64_t l2 = le64_get(p);
	b->kind = IMG_ABSENT;
	if (l2 == ENTRY_FREE)
		return 0;
	if (!place_ok(im, q, l2, 0))
		return invalid(im, err, "offset of an L2 table", l2);
	p = block_table_entry(&q->table, im->file, l2 + number % q->entries * 8, 8, err);
	if (!p)
		return -1;
	b->host = le64_get(p);
	b->kind = b->host == ENTRY_FREE ? IMG_ABSENT : b->host == ENTRY_ZERO ? IMG_ZERO : IMG_DATA;
	if (b->kind != IMG_DATA)
		return 0;
	if (!place_ok(im, q, b->host, 0))
		return invalid(im, err, "offset of a cluster", b->host);
	return block_table_check(im, im->file, b->host, "cluster", number, err);
}

static int qed_map(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err)
{
	const struct qed *q = im->state;
	return block_table_map(im, q->cluster, lookup, offset, bytes, e, err);
}

static int qed_info(const struct img *im, struct img_info *info, struct err *err)
{
	const struct qed *q = im->state;
	(void)err;
	info->dirty = q->features & NEED_CHECK;
	return 0;
}

const struct img_driver img_qed = {
    .format = DISK_QED,
    .probe = qed_probe,
    .open = qed_open,
    .close = qed_close,
    .map = qed_map,
    .info = qed_info,
};
