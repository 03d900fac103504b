#include "disk/qcow2_bitmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/be.h"
#include "disk/qcow2_alloc.h"
#include "disk/qcow2_head.h"
#include "disk/qcow2_refcount.h"
#include "disk/qcow2_table.h"

#define EXT_BYTES 24u
#define ENTRY_BYTES 24u /* before extra data and name */
#define TYPE_DIRTY 1u
#define DIRECTORY_MAX ((uint64_t)QCOW2_BITMAPS_MAX * (ENTRY_BYTES + QCOW2_BITMAP_NAME_MAX + 1))

/* --- reading --------------------------------------------------------------------------------------- */
static int bad(const struct qcow2 *q, uint64_t at, const char *what, struct err *err)
{
	return err_set(err, ERR_INVALID,
	    "'%s': in its directory of bitmaps, at offset %" PRIu64 ": %s", q->img->name, at, what);
}

/* One entry at `at` of the directory; its length, 0 with an error. */
static uint64_t read_entry(const struct qcow2 *q, const uint8_t *dir, uint64_t at, uint64_t bytes,
    struct qcow2_bitmap *b, struct err *err)
{
	const uint8_t *p = dir + at;
	if (bytes - at < ENTRY_BYTES) {
		bad(q, at, "it is cut off", err);
		return 0;
	}
	uint32_t name = be16_get(p + 18), extra = be32_get(p + 20);
	uint64_t n = (ENTRY_BYTES + (uint64_t)name + extra + 7) & ~UINT64_C(7);
	const char *what = NULL;
	if (name == 0 || name > QCOW2_BITMAP_NAME_MAX || extra > QCOW2_BITMAP_EXTRA_MAX ||
	    n > bytes - at)
		what = "a name or extra data are too long, or none";
	else if (p[17] < QCOW2_BITMAP_GRANULARITY_BITS_MIN ||
	         p[17] > QCOW2_BITMAP_GRANULARITY_BITS_MAX)
		what = "a granularity is out of range";
	else if (be64_get(p) & (q->cluster - 1) || be64_get(p) > QCOW2_OFFSET ||
	         be32_get(p + 8) > QCOW2_BITMAP_TABLE_MAX)
		what = "a table is out of range";
	if (what) {
		bad(q, at, what, err);
		return 0;
	}
	*b = (struct qcow2_bitmap){.table = be64_get(p),
	    .entries = be32_get(p + 8),
	    .flags = be32_get(p + 12),
	    .type = p[16],
	    .granularity_bits = p[17],
	    .name = xstrndup((const char *)p + ENTRY_BYTES + extra, name),
	    .extra_bytes = extra};
	if (extra) {
		b->extra = xmalloc(extra);
		memcpy(b->extra, p + ENTRY_BYTES, extra);
	}
	return n;
}

static int read_directory(struct qcow2 *q, struct qcow2_bitmaps *b, uint32_t n, struct err *err)
{
	CLEANUP_FREE uint8_t *dir = xmalloc(b->bytes + 1);
	if (disk_io_read(q->file, b->offset, dir, b->bytes, err) != 0)
		return err_wrap(err, "directory of bitmaps");
	b->list = xcalloc(n, sizeof(*b->list));
	for (uint64_t at = 0; b->n < n; b->n++) {
		uint64_t bytes = read_entry(q, dir, at, b->bytes, &b->list[b->n], err);
		if (bytes == 0)
			return -1;
		at += bytes;
	}
	return 0;
}

int qcow2_bitmaps_load(struct qcow2 *q, struct qcow2_bitmaps *b, struct err *err)
{
	const struct qcow2_extension *x = qcow2_extension_find(q, QCOW2_EXT_BITMAPS);
	*b = (struct qcow2_bitmaps){0};
	if (!x || !(q->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return 0;
	if (x->bytes != EXT_BYTES)
		return bad(q, 0, "the header extension has the wrong length", err);
	uint32_t n = be32_get(x->data);
	b->bytes = be64_get(x->data + 8);
	b->offset = be64_get(x->data + 16);
	if (n == 0 || n > QCOW2_BITMAPS_MAX || b->bytes > DIRECTORY_MAX ||
	    b->bytes / ENTRY_BYTES < n || b->offset & (q->cluster - 1) ||
	    b->offset > q->file->size || b->bytes > q->file->size - b->offset)
		return bad(q, b->offset, "its place, size or their number is out of range", err);
	return read_directory(q, b, n, err);
}

static void fini_one(struct qcow2_bitmap *one)
{
	free(one->name);
	free(one->extra);
}

void qcow2_bitmaps_fini(struct qcow2_bitmaps *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		fini_one(&b->list[i]);
	free(b->list);
	*b = (struct qcow2_bitmaps){0};
}

int qcow2_bitmap_check_write(struct qcow2 *q, bool any, struct err *err)
{
	struct qcow2_bitmaps b;
	int rc = qcow2_bitmaps_load(q, &b, err);
	for (uint32_t i = 0; rc == 0 && i < b.n; i++)
		if (any || b.list[i].flags & QCOW2_BITMAP_AUTO)
			rc = err_set(err, ERR_UNSUPPORTED,
			    "'%s': its dirty bitmap '%s' would have to record the change",
			    q->img->name, b.list[i].name);
	qcow2_bitmaps_fini(&b);
	return rc;
}

/* --- tables ---------------------------------------------------------------------------------------- */
/* A table of a bitmap that is all zeroes, as long as the disk needs. */
static int new_table(struct qcow2 *q, struct qcow2_bitmap *one, struct err *err)
{
	uint64_t bits = (q->img->size >> one->granularity_bits) +
	                ((q->img->size & ((UINT64_C(1) << one->granularity_bits) - 1)) != 0);
	uint64_t entries = ((bits + 7) / 8 + q->cluster - 1) >> q->cluster_bits;
	if (entries > QCOW2_BITMAP_TABLE_MAX)
		return err_set(err, ERR_INVALID,
		    "Too much space will be occupied by the bitmap. Use larger granularity");
	if (entries == 0)
		entries = 1;
	CLEANUP_FREE uint8_t *zeroes = xcalloc(entries, 8);
	if (qcow2_alloc_bytes(q, 8 * entries, &one->table, err) != 0 ||
	    disk_io_write(q->file, one->table, zeroes, 8 * entries, err) != 0)
		return -1;
	one->entries = (uint32_t)entries;
	return 0;
}

/* The table and what it points to are no longer used when the directory is stored. */
static int drop_table(struct qcow2 *q, const struct qcow2_bitmap *one, struct err *err)
{
	CLEANUP_FREE uint8_t *table = xcalloc(one->entries + 1ul, 8);
	if (one->entries == 0)
		return 0;
	if (disk_io_read(q->file, one->table, table, 8 * (size_t)one->entries, err) != 0)
		return err_wrap(err, "table of the bitmap '%s'", one->name);
	for (uint32_t i = 0; i < one->entries; i++) {
		uint64_t at = be64_get(table + 8 * (size_t)i) & QCOW2_OFFSET;
		if (at && qcow2_refcount_drop_bytes(q, at, q->cluster, err) != 0)
			return -1;
	}
	return qcow2_refcount_drop_bytes(q, one->table, 8 * (uint64_t)one->entries, err);
}

/* --- the list -------------------------------------------------------------------------------------- */
static struct qcow2_bitmap *find(struct qcow2_bitmaps *b, const char *name, struct err *err)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (str_eq(b->list[i].name, name))
			return &b->list[i];
	err_set(err, ERR_NOT_FOUND, "Dirty bitmap '%s' not found", name);
	return NULL;
}

static struct qcow2_bitmap *find_sound(struct qcow2_bitmaps *b, const char *name, struct err *err)
{
	struct qcow2_bitmap *one = find(b, name, err);
	if (!one || !(one->flags & QCOW2_BITMAP_IN_USE))
		return one;
	err_set(err, ERR_STATE,
	    "Bitmap '%s' is inconsistent and cannot be used\n"
	    "Try block-dirty-bitmap-remove to delete this bitmap from disk",
	    name);
	return NULL;
}

static unsigned default_granularity_bits(const struct qcow2 *q)
{
	return q->cluster_bits < 12 ? 12 : q->cluster_bits > 16 ? 16 : q->cluster_bits;
}

int qcow2_bitmaps_add(struct qcow2 *q, struct qcow2_bitmaps *b, const char *name,
    uint64_t granularity, struct err *err)
{
	struct qcow2_bitmap one = {.type = TYPE_DIRTY, .flags = QCOW2_BITMAP_AUTO};
	one.granularity_bits = (uint8_t)default_granularity_bits(q);
	if (granularity)
		one.granularity_bits = (uint8_t)__builtin_ctzll(granularity);
	if (granularity & (granularity - 1) ||
	    one.granularity_bits < QCOW2_BITMAP_GRANULARITY_BITS_MIN)
		return err_set(err, ERR_INVALID, "Granularity must be power of 2 and at least 512");
	if (one.granularity_bits > QCOW2_BITMAP_GRANULARITY_BITS_MAX)
		return err_set(err, ERR_INVALID, "Granularity exceeds maximum (2147483648 bytes)");
	if (name[0] == '\0')
		return err_set(err, ERR_INVALID, "Bitmap name cannot be empty");
	if (strlen(name) > QCOW2_BITMAP_NAME_MAX)
		return err_set(err, ERR_INVALID, "Bitmap name is too long");
	if (find(b, name, NULL))
		return err_set(err, ERR_EXISTS, "Bitmap already exists: %s", name);
	if (q->version < 3)
		return err_set(err, ERR_INVALID,
		    "Can't make bitmap '%s' persistent: Cannot store dirty bitmaps in qcow2 v2 files",
		    name);
	if (b->n >= QCOW2_BITMAPS_MAX)
		return err_set(
		    err, ERR_INVALID, "Maximum number of persistent bitmaps is already reached");
	if (new_table(q, &one, err) != 0)
		return -1;
	one.name = xstrdup(name);
	b->list = xreallocarray(b->list, b->n + 1ul, sizeof(*b->list));
	b->list[b->n++] = one;
	return 0;
}

int qcow2_bitmaps_remove(
    struct qcow2 *q, struct qcow2_bitmaps *b, const char *name, struct err *err)
{
	struct qcow2_bitmap *one = find(b, name, err);
	if (!one || drop_table(q, one, err) != 0)
		return -1;
	fini_one(one);
	memmove(one, one + 1, (size_t)(b->list + b->n - one - 1) * sizeof(*one));
	b->n--;
	return 0;
}

int qcow2_bitmaps_clear(struct qcow2 *q, struct qcow2_bitmaps *b, const char *name, struct err *err)
{
	struct qcow2_bitmap *one = find_sound(b, name, err);
	if (!one || drop_table(q, one, err) != 0)
		return -1;
	return new_table(q, one, err);
}

int qcow2_bitmaps_enable(struct qcow2_bitmaps *b, const char *name, bool enable, struct err *err)
{
	struct qcow2_bitmap *one = find_sound(b, name, err);
	if (!one)
		return -1;
	one->flags =
	    enable ? one->flags | QCOW2_BITMAP_AUTO : one->flags & ~(uint32_t)QCOW2_BITMAP_AUTO;
	return 0;
}

/* --- writing --------------------------------------------------------------------------------------- */
static void add_entry(struct buf *dir, const struct qcow2_bitmap *one)
{
	uint8_t h[ENTRY_BYTES], pad[8] = {0};
	size_t name = strlen(one->name), from = dir->len;
	be64_put(h, one->table);
	be32_put(h + 8, one->entries);
	be32_put(h + 12, one->flags);
	h[16] = one->type;
	h[17] = one->granularity_bits;
	be16_put(h + 18, (uint16_t)name);
	be32_put(h + 20, one->extra_bytes);
	buf_add(dir, h, sizeof(h));
	if (one->extra_bytes)
		buf_add(dir, one->extra, one->extra_bytes);
	buf_add(dir, one->name, name);
	buf_add(dir, pad, -(dir->len - from) & 7);
}

/* The header's extension in memory, or none of it. */
static void set_extension(struct qcow2 *q, uint32_t n, uint64_t offset, uint64_t bytes)
{
	uint8_t x[EXT_BYTES] = {0};
	be32_put(x, n);
	be64_put(x + 8, bytes);
	be64_put(x + 16, offset);
	qcow2_head_extension(q, QCOW2_EXT_BITMAPS, n ? x : NULL, EXT_BYTES);
	if (n)
		q->autoclear |= QCOW2_AUTOCLEAR_BITMAPS;
	else
		q->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_BITMAPS;
}

static int store(struct qcow2 *q, struct qcow2_bitmaps *b, struct err *err)
{
	CLEANUP_BUF struct buf dir = BUF_INIT;
	uint64_t at = 0;
	for (uint32_t i = 0; i < b->n; i++)
		add_entry(&dir, &b->list[i]);
	if (b->n && (qcow2_alloc_bytes(q, dir.len, &at, err) != 0 ||
	                disk_io_write(q->file, at, dir.data, dir.len, err) != 0))
		return err_wrap(err, "directory of bitmaps");
	if (qcow2_refcount_write(q, err) != 0 || disk_io_sync(q->file, err) != 0)
		return -1;
	set_extension(q, b->n, at, dir.len);
	if (qcow2_head_write(q, err) != 0 || disk_io_sync(q->file, err) != 0)
		return -1;
	if (b->bytes && qcow2_refcount_drop_bytes(q, b->offset, b->bytes, err) != 0)
		return -1;
	b->offset = at;
	b->bytes = dir.len;
	return qcow2_refcount_settle(q, err);
}

int qcow2_bitmaps_store(struct qcow2 *q, struct qcow2_bitmaps *b, struct err *err)
{
	if (store(q, b, err) == 0)
		return 0;
	q->broken = true;
	return -1;
}
