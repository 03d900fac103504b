#include "disk/rebase.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/mem.h"
#include "disk/qcow2.h"
#include "disk/qcow2_head.h"
#include "disk/qcow2_table.h"

#define PIECE (2u << 20) /* compared at once */
#define UNIT_MIN \
	(64u << 10) /* what is written when a part of it differs, for formats without clusters */
#define STEP (64u << 20) /* bytes of the disk between two looks at who wants to stop */

struct rebase {
	struct img *im, *below;
	uint8_t *old, *new;
	uint64_t unit;
};

/* What a chain says, zeroes behind its end; NULL: zeroes everywhere. */
static int map_below(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err)
{
	if (im && offset < im->size) {
		uint64_t there = im->size - offset;
		if (img_map_chain(im, offset, bytes < there ? bytes : there, e, err) != 0)
			return -1;
		if (e->kind == IMG_ABSENT)
			e->kind = IMG_ZERO;
		return 0;
	}
	*e = (struct img_extent){.offset = offset, .bytes = bytes, .kind = IMG_ZERO};
	return 0;
}

static bool same_bytes(const struct img_extent *a, const struct img_extent *b)
{
	struct stat x, y;
	if (a->kind == IMG_ZERO && b->kind == IMG_ZERO)
		return true;
	return a->kind == IMG_DATA && b->kind == IMG_DATA && a->host == b->host &&
	       fstat(a->file->fd, &x) == 0 && fstat(b->file->fd, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static int keep_old(struct rebase *r, uint64_t at, const uint8_t *old, size_t n, struct err *err)
{
	return all_zero(old, n) ? img_zero(r->im, at, n, false, err)
	                        : img_write(r->im, at, old, n, err);
}

/* Of a piece in memory, the rows of units that differ. */
static int keep_different(struct rebase *r, uint64_t offset, size_t n, struct err *err)
{
	size_t from = 0; /* of a row that differs, up to `at` */
	bool row = false, zero = false;
	for (size_t at = 0, unit; at < n; at += unit) {
		unit = (size_t)(r->unit - (offset + at) % r->unit);
		if (unit > n - at)
			unit = n - at;
		bool differs = memcmp(r->old + at, r->new + at, unit) != 0;
		bool is_zero = differs && all_zero(r->old + at, unit);
		if (row && (!differs || is_zero != zero)) {
			if (keep_old(r, offset + from, r->old + from, at - from, err) != 0)
				return -1;
			row = false;
		}
		if (differs && !row)
			from = at;
		row = differs;
		zero = is_zero;
	}
	return row ? keep_old(r, offset + from, r->old + from, n - from, err) : 0;
}

/* Bytes that the image itself does not hold: looked up in both chains. */
static int move_absent(struct rebase *r, uint64_t at, uint64_t end, struct err *err)
{
	while (at < end) {
		struct img_extent a, b;
		if (map_below(r->im->backing, at, end - at, &a, err) != 0 ||
		    map_below(r->below, at, a.bytes, &b, err) != 0)
			return -1;
		uint64_t n = a.bytes < b.bytes ? a.bytes : b.bytes;
		bool same = same_bytes(&a, &b);
		for (uint64_t done = 0; !same && done < n;) {
			size_t part = n - done < PIECE ? (size_t)(n - done) : PIECE;
			if (img_read_extent(&a, at + done, r->old, part, err) != 0 ||
			    img_read_extent(&b, at + done, r->new, part, err) != 0 ||
			    keep_different(r, at + done, part, err) != 0)
				return -1;
			done += part;
		}
		at += n;
	}
	return 0;
}

static int move_all(struct rebase *r, struct progress *p, struct err *err)
{
	uint64_t size = r->im->size;
	progress_total(p, size);
	for (uint64_t at = 0; at < size;) {
		struct img_extent e;
		if (progress_check(err) != 0 ||
		    img_map(r->im, at, size - at < STEP ? size - at : STEP, &e, err) != 0)
			return -1;
		/* what is written below changes the table that e speaks of, not e */
		if (e.kind == IMG_ABSENT && move_absent(r, at, at + e.bytes, err) != 0)
			return -1;
		at += e.bytes;
		progress_add(p, e.bytes);
	}
	return img_flush(r->im, err);
}

int rebase_data(struct img *im, struct img *below, struct progress *p, struct err *err)
{
	struct rebase r = {.im = im, .below = below};
	r.unit = im->cluster > UNIT_MIN ? im->cluster : UNIT_MIN;
	r.old = xmalloc(PIECE);
	r.new = xmalloc(PIECE);
	int rc = move_all(&r, p, err);
	free(r.old);
	free(r.new);
	return rc;
}

int rebase_name(struct img *im, const char *backing, const char *format, struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	if (im->driver != &img_qcow2)
		return err_set(err, ERR_UNSUPPORTED,
		    "Could not change the backing file to '%s': Operation not supported",
		    backing ? backing : "");
	if (backing && !format)
		return err_set(err, ERR_USAGE,
		    "Could not change the backing file to '%s': backing format must be specified",
		    backing);
	if (backing && q->autoclear & QCOW2_AUTOCLEAR_RAW)
		return err_set(err, ERR_INVALID,
		    "'%s': an image whose data file is to be valid as a raw image has no backing file",
		    im->name);
	if (qcow2_table_begin(q, false, err) != 0)
		return -1;
	return qcow2_head_set_backing(q, backing, format, err);
}
