#include "disk/qcow2_create.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define PIECE_BYTES (1u << 20) /* of a table or of zeroes, written at once */

typedef uint64_t word_at(const struct qcow2_layout *l, uint64_t i);

static int write_words(struct disk_io *io, uint64_t at, uint64_t bytes, word_at *word,
    const struct qcow2_layout *l, struct err *err)
{
	CLEANUP_FREE uint64_t *piece = xmalloc(bytes < PIECE_BYTES ? bytes : PIECE_BYTES);
	for (uint64_t done = 0, n; done < bytes; done += n) {
		n = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
		for (uint64_t i = 0; i < n / 8; i++)
			piece[i] = __builtin_bswap64(word(l, done / 8 + i));
		if (disk_io_write(io, at + done, piece, n, err) < 0)
			return -1;
	}
	return 0;
}

static int write_zeroes(struct disk_io *io, uint64_t at, uint64_t bytes, struct err *err)
{
	CLEANUP_FREE uint8_t *piece = xcalloc(1, PIECE_BYTES);
	for (uint64_t done = 0, n; done < bytes; done += n) {
		n = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
		if (disk_io_write(io, at + done, piece, n, err) < 0)
			return -1;
	}
	return 0;
}

int qcow2_create_space(
    struct disk_io *io, uint64_t at, uint64_t bytes, enum img_prealloc prealloc, struct err *err)
{
	if (bytes == 0)
		return 0;
	if (prealloc == IMG_PREALLOC_FULL)
		return write_zeroes(io, at, bytes, err);
	/* What a block device held before is not for the guest. */
	if (io->block)
		return disk_io_zero(io, at, bytes, true, err);
	if (prealloc == IMG_PREALLOC_FALLOC)
		return disk_io_allocate(io, at, bytes, err);
	return at + bytes > io->size ? disk_io_resize(io, at + bytes, err) : 0;
}

static int write_tables(const struct qcow2_layout *l, struct disk_io *io, struct err *err)
{
	uint64_t l1_bytes = l->l1 != 0 ? l->l2 - l->l1 : 0;
	if (write_words(io, l->reftable, l->reftable_clusters * l->cluster, qcow2_layout_reftable,
	        l, err) < 0 ||
	    write_words(
	        io, l->refblocks, l->n_refblocks * l->cluster, qcow2_layout_refblocks, l, err) < 0)
		return -1;
	if (l->n_l2 == 0)
		return l1_bytes == 0 ? 0 : disk_io_zero(io, l->l1, l1_bytes, true, err);
	if (write_words(io, l->l1, l1_bytes, qcow2_layout_l1, l, err) < 0)
		return -1;
	return write_words(io, l->l2, l->n_l2 * l->cluster, qcow2_layout_l2, l, err);
}

static int make_space(const struct qcow2_options *o, const struct qcow2_layout *l,
    struct disk_io *io, struct disk_io *data, struct err *err)
{
	if (disk_io_resize(io, l->end, err) < 0)
		return -1;
	if (data != NULL && disk_io_resize(data, l->size, err) < 0)
		return -1;
	if (l->n_data == 0)
		return 0;
	return qcow2_create_space(data != NULL ? data : io, l->data,
	    data != NULL ? l->size : l->n_data * l->cluster, o->prealloc, err);
}

int qcow2_create(
    const struct qcow2_options *o, struct disk_io *io, struct disk_io *data, struct err *err)
{
	struct qcow2_layout l;
	if (qcow2_layout_plan(o, &l, err) < 0)
		return -1;
	CLEANUP_FREE uint8_t *header = xcalloc(1, l.cluster);
	if (qcow2_layout_header(o, &l, header, err) < 0)
		return -1;
	/* The image that a device held until now is gone before its tables are written over. */
	if (io->block &&
	    (disk_io_zero(io, 0, IMG_HEAD, false, err) < 0 || disk_io_sync(io, err) < 0))
		return -1;
	if (make_space(o, &l, io, data, err) < 0 || write_tables(&l, io, err) < 0)
		return -1;
	if (io->block && disk_io_sync(io, err) < 0)
		return -1;
	return disk_io_write(io, 0, header, l.cluster, err);
}
