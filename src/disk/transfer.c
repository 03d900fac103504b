#include "disk/transfer.h"

#include <stdlib.h>

#include "core/mem.h"
#include "disk/qcow2.h"
#include "disk/qcow2_table.h"
#include "disk/qcow2_write.h"

static int through_memory(
    struct transfer *t, const struct img_extent *e, uint64_t at, uint64_t end, struct err *err)
{
	if (!t->buf)
		t->buf = xmalloc(TRANSFER_BYTES);
	while (at < end) {
		size_t n = end - at < TRANSFER_BYTES ? (size_t)(end - at) : TRANSFER_BYTES;
		if (img_read_extent(e, at, t->buf, n, err) != 0 ||
		    img_write(t->to, at, t->buf, n, err) != 0)
			return -1;
		at += n;
	}
	return 0;
}

/* 1 done, 0 the kernel cannot, -1. */
static int by_kernel(struct transfer *t, const struct img_extent *e, uint64_t at, uint64_t n,
    struct disk_io *to, uint64_t to_at, struct err *err)
{
	uint64_t from = e->host + (at - e->offset);
	if (t->by_hand || from > e->file->size || n > e->file->size - from)
		return 0;
	int rc = disk_io_copy(e->file, from, to, to_at, n, err);
	if (rc == 0)
		t->by_hand = true;
	return rc;
}

/* Whole clusters into a qcow2 image, whose room is filled before anything points to it. */
static int into_rooms(
    struct transfer *t, const struct img_extent *e, uint64_t at, uint64_t end, struct err *err)
{
	struct qcow2 *q = qcow2_of(t->to);
	while (at < end) {
		struct qcow2_room r;
		if (qcow2_room_take(q, at, end - at, &r, err) != 0)
			return -1;
		int rc = by_kernel(t, e, at, r.bytes, q->data, r.host, err);
		if (rc < 0)
			return -1;
		for (uint64_t done = 0; rc == 0 && done < r.bytes;) {
			uint64_t n = r.bytes - done;
			n = n < TRANSFER_BYTES ? n : TRANSFER_BYTES;
			if (!t->buf)
				t->buf = xmalloc(TRANSFER_BYTES);
			if (img_read_extent(e, at + done, t->buf, n, err) != 0 ||
			    disk_io_write(q->data, r.host + done, t->buf, n, err) != 0)
				return -1;
			done += n;
		}
		if (qcow2_room_use(q, &r, err) != 0)
			return -1;
		at += r.bytes;
	}
	return 0;
}

static int into_qcow2(struct transfer *t, const struct img_extent *e, struct err *err)
{
	struct qcow2 *q = qcow2_of(t->to);
	uint64_t mask = q->cluster - 1, end = e->offset + e->bytes;
	uint64_t first = (e->offset + mask) & ~mask, last = end & ~mask;
	if (first >= last)
		return through_memory(t, e, e->offset, end, err);
	if (through_memory(t, e, e->offset, first, err) != 0 ||
	    qcow2_table_begin(q, true, err) != 0)
		return -1;
	if (into_rooms(t, e, first, last, err) != 0) {
		q->broken = true;
		return -1;
	}
	return through_memory(t, e, last, end, err);
}

int transfer_extent(struct transfer *t, const struct img_extent *e, struct err *err)
{
	if (e->kind == IMG_ZERO || e->kind == IMG_ABSENT)
		return img_zero(t->to, e->offset, e->bytes, false, err);
	if (e->kind == IMG_PACKED)
		return through_memory(t, e, e->offset, e->offset + e->bytes, err);
	if (t->to->driver == &img_qcow2)
		return into_qcow2(t, e, err);
	if (t->to->driver == &img_raw) {
		int rc = by_kernel(t, e, e->offset, e->bytes, t->to->file, e->offset, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
	return through_memory(t, e, e->offset, e->offset + e->bytes, err);
}

void transfer_fini(struct transfer *t)
{
	free(t->buf);
	t->buf = NULL;
}
