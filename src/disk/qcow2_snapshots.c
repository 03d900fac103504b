/* The table of internal snapshots, read (spec., "Snapshots"). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/qcow2.h"

#define ENTRY_BYTES 40u      /* before the parts whose lengths it tells */
#define EXTRA_KNOWN 24u      /* size of the VM's state, of the disk, icount */
#define PIECE (256u << 10)   /* read at once: more than any entry */
#define PIECE_PER_ENTRY 256u /* what one takes as a rule */

/* A part of the file in memory, that moves forward. */
struct window {
	const struct qcow2 *q;
	uint64_t at;     /* of buf[0] */
	size_t n, piece; /* piece: how much is read at once */
	uint8_t *buf;
};

/* n bytes at `at`, or what is left of the file; NULL on error. */
static const uint8_t *window_at(struct window *w, uint64_t at, size_t n, struct err *err)
{
	if (at < w->at || at + n > w->at + w->n) {
		uint64_t size = w->q->file->size;
		if (at > size || n > size - at) {
			err_set(err, ERR_INVALID,
			    "'%s': its table of snapshots at offset %" PRIu64
			    " goes on behind the end of the file",
			    w->q->file->path, w->q->snapshots_offset);
			return NULL;
		}
		size_t want = n > w->piece ? n : w->piece;
		w->piece = PIECE;
		w->at = at;
		w->n = size - at < want ? (size_t)(size - at) : want;
		w->buf = xrealloc(w->buf, w->n);
		if (disk_io_read(w->q->file, at, w->buf, w->n, err) < 0)
			return NULL;
	}
	return w->buf + (at - w->at);
}

static void fill(const struct qcow2 *q, struct qcow2_snapshot *s, const uint8_t *p)
{
	uint32_t extra = be32_get(p + 36), id = be16_get(p + 12), name = be16_get(p + 14);
	const uint8_t *x = p + ENTRY_BYTES;
	*s = (struct qcow2_snapshot){.l1_offset = be64_get(p), .l1_entries = be32_get(p + 8)};
	s->what.date = be32_get(p + 16);
	s->what.date_ns = be32_get(p + 20);
	s->what.clock_ns = be64_get(p + 24);
	s->what.vm_state = extra >= 8 ? be64_get(x) : be32_get(p + 32);
	s->what.disk_size = extra >= 16 ? be64_get(x + 8) : q->img->size;
	s->what.icount = extra >= 24 ? be64_get(x + 16) : UINT64_MAX;
	if (extra > EXTRA_KNOWN) {
		s->extra_bytes = extra - EXTRA_KNOWN;
		s->extra = xmalloc(s->extra_bytes);
		memcpy(s->extra, x + EXTRA_KNOWN, s->extra_bytes);
	}
	s->what.id = xstrndup((const char *)x + extra, id);
	s->what.name = xstrndup((const char *)x + extra + id, name);
}

/* One entry; *at moves behind it. */
static int read_entry(struct window *w, uint64_t *at, struct qcow2_snapshot *s, struct err *err)
{
	const uint8_t *p = window_at(w, *at, ENTRY_BYTES, err);
	if (!p)
		return -1;
	uint32_t extra = be32_get(p + 36);
	if (extra > QCOW2_SNAPSHOT_EXTRA_MAX)
		return err_set(err, ERR_INVALID,
		    "'%s': the snapshot at offset %" PRIu64 " has %" PRIu32
		    " bytes of extra data; the limit is %u",
		    w->q->file->path, *at, extra, QCOW2_SNAPSHOT_EXTRA_MAX);
	size_t n = ENTRY_BYTES + extra + be16_get(p + 12) + be16_get(p + 14);
	p = window_at(w, *at, n, err);
	if (!p)
		return -1;
	fill(w->q, s, p);
	*at += (n + 7) & ~(size_t)7;
	return 0;
}

int qcow2_snapshots_load(struct qcow2 *q, struct err *err)
{
	uint32_t n = q->n_snapshots;
	struct window w = {
	    .q = q, .piece = n < PIECE / PIECE_PER_ENTRY ? n * PIECE_PER_ENTRY : PIECE};
	uint64_t at = q->snapshots_offset;
	int result = 0;
	/* While it is incomplete it holds what was read, which is what close frees. */
	q->n_snapshots = 0;
	if (n == 0)
		return 0;
	if (qcow2_check_table(q, at, n, ENTRY_BYTES, (uint64_t)QCOW2_SNAPSHOTS_MAX * ENTRY_BYTES,
	        "table of snapshots", err) < 0)
		return -1;
	if (n > q->file->size / ENTRY_BYTES)
		return err_set(err, ERR_INVALID, "'%s': %" PRIu32 " snapshots are more than fit",
		    q->file->path, n);
	q->snapshots = xcalloc(n, sizeof(*q->snapshots));
	for (uint32_t i = 0; result == 0 && i < n; i++) {
		result = read_entry(&w, &at, &q->snapshots[i], err);
		if (result == 0)
			q->n_snapshots = i + 1;
		if (result == 0 && at - q->snapshots_offset > QCOW2_SNAPSHOTS_BYTES_MAX)
			result = err_set(err, ERR_INVALID,
			    "'%s': its table of snapshots is longer than %u bytes", q->file->path,
			    QCOW2_SNAPSHOTS_BYTES_MAX);
	}
	free(w.buf);
	q->snapshots_bytes = at - q->snapshots_offset;
	return result;
}
