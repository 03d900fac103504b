/* What an image tells of itself: features, snapshots, and the directory of its bitmaps (spec., "Bitmaps"). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/be.h"
#include "disk/qcow2.h"

#define BITMAPS_EXT_BYTES 24u
#define BITMAP_ENTRY_BYTES 24u /* before extra data and name */
#define BITMAP_NAME_MAX 1023u  /* QEMU's limits */
#define BITMAP_EXTRA_MAX 1024u
#define BITMAP_DIRECTORY_MAX \
	((uint64_t)QCOW2_BITMAPS_MAX * (BITMAP_ENTRY_BYTES + BITMAP_NAME_MAX + 1))
#define BITMAP_IN_USE 1u
#define BITMAP_AUTO 2u
#define BITMAP_GRANULARITY_BITS_MIN 9u
#define BITMAP_GRANULARITY_BITS_MAX 31u

static int bad_bitmap(const struct qcow2 *q, uint64_t at, const char *what, struct err *err)
{
	return err_set(err, ERR_INVALID,
	    "'%s': in its directory of bitmaps, at offset %" PRIu64 ": %s", q->file->path, at,
	    what);
}

/* One entry at `at` of the directory; its length, 0 with an error. */
static uint64_t read_bitmap(const struct qcow2 *q, const uint8_t *dir, uint64_t at, uint64_t bytes,
    struct img_bitmap *b, struct err *err)
{
	const uint8_t *p = dir + at;
	const char *what = NULL;
	uint64_t n = 0;
	if (bytes - at < BITMAP_ENTRY_BYTES)
		what = "it is cut off";
	if (!what) {
		uint32_t name = be16_get(p + 18), extra = be32_get(p + 20);
		n = (BITMAP_ENTRY_BYTES + (uint64_t)name + extra + 7) & ~7ull;
		if (name == 0 || name > BITMAP_NAME_MAX || extra > BITMAP_EXTRA_MAX ||
		    n > bytes - at)
			what = "a name or extra data are too long, or none";
		else if (p[17] < BITMAP_GRANULARITY_BITS_MIN || p[17] > BITMAP_GRANULARITY_BITS_MAX)
			what = "a granularity is out of range";
		else
			*b = (struct img_bitmap){.granularity = 1ull << p[17],
			    .automatic = be32_get(p + 12) & BITMAP_AUTO,
			    .in_use = be32_get(p + 12) & BITMAP_IN_USE,
			    .name = xstrndup((const char *)p + BITMAP_ENTRY_BYTES + extra, name)};
	}
	if (!what)
		return n;
	bad_bitmap(q, at, what, err);
	return 0;
}

static int list_bitmaps(const struct qcow2 *q, struct img_info *info, struct err *err)
{
	const struct qcow2_extension *x = qcow2_extension_find(q, QCOW2_EXT_BITMAPS);
	/* Without the bit they are left-overs: somebody wrote who does not know bitmaps. */
	if (!x || !(q->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return 0;
	if (x->bytes != BITMAPS_EXT_BYTES)
		return bad_bitmap(q, 0, "the header extension has the wrong length", err);
	uint32_t n = be32_get(x->data);
	uint64_t bytes = be64_get(x->data + 8), offset = be64_get(x->data + 16), at = 0;
	if (n == 0 || n > QCOW2_BITMAPS_MAX || bytes < (uint64_t)n * BITMAP_ENTRY_BYTES ||
	    bytes > BITMAP_DIRECTORY_MAX)
		return bad_bitmap(q, offset, "its size or their number is out of range", err);
	if (qcow2_check_table(
	        q, offset, bytes, 1, BITMAP_DIRECTORY_MAX, "directory of bitmaps", err) < 0)
		return -1;
	if (offset > q->file->size || bytes > q->file->size - offset)
		return bad_bitmap(q, offset, "it goes on behind the end of the file", err);
	CLEANUP_FREE uint8_t *dir = xmalloc(bytes);
	if (disk_io_read(q->file, offset, dir, bytes, err) < 0)
		return -1;
	info->bitmaps = xcalloc(n, sizeof(*info->bitmaps));
	for (; info->n_bitmaps < n; info->n_bitmaps++) {
		uint64_t used =
		    read_bitmap(q, dir, at, bytes, &info->bitmaps[info->n_bitmaps], err);
		if (used == 0)
			return -1;
		at += used;
	}
	return 0;
}

static void list_snapshots(const struct qcow2 *q, struct img_info *info)
{
	info->snapshots = xcalloc(q->n_snapshots ? q->n_snapshots : 1, sizeof(*info->snapshots));
	info->n_snapshots = q->n_snapshots;
	for (uint32_t i = 0; i < q->n_snapshots; i++) {
		info->snapshots[i] = q->snapshots[i].what;
		info->snapshots[i].id = xstrdup(q->snapshots[i].what.id);
		info->snapshots[i].name = xstrdup(q->snapshots[i].what.name);
	}
}

int qcow2_info(const struct img *im, struct img_info *info, struct err *err)
{
	static const char *const methods[] = {NULL, "aes", "luks"};
	static const char *const compressions[] = {"zlib", "zstd"};
	const struct qcow2 *q = qcow2_of(im);
	info->compat = q->version >= 3 ? "1.1" : "0.10";
	info->compression = compressions[q->compression];
	info->encryption = methods[q->crypt_method];
	info->encrypted = q->crypt_method != 0;
	info->lazy_refcounts = q->compatible & QCOW2_LAZY_REFCOUNTS;
	info->dirty = q->incompatible & QCOW2_DIRTY;
	info->corrupt = q->incompatible & QCOW2_CORRUPT;
	info->extended_l2 = q->incompatible & QCOW2_EXTENDED_L2;
	info->data_file_raw = q->autoclear & QCOW2_AUTOCLEAR_RAW;
	info->refcount_bits = q->refcount_bits;
	info->data_file = xstrdup0(q->data_name);
	list_snapshots(q, info);
	return list_bitmaps(q, info, err);
}
