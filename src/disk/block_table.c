#include "disk/block_table.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/mem.h"

void block_table_fini(struct block_table *t)
{
	for (size_t i = 0; i < BLOCK_TABLE_WINDOWS; i++)
		free(t->windows[i].data);
	*t = (struct block_table){0};
}

const uint8_t *block_table_entry(
    struct block_table *t, const struct disk_io *file, uint64_t at, size_t bytes, struct err *err)
{
	uint64_t first = at - at % BLOCK_TABLE_WINDOW;
	size_t slot = (size_t)(at / BLOCK_TABLE_WINDOW % BLOCK_TABLE_WINDOWS),
	       in = (size_t)(at - first);
	__auto_type w = &t->windows[slot];
	if (at > file->size || bytes > file->size - at) {
		err_set(err, ERR_INVALID,
		    "'%s': an entry of its table lies at offset %" PRIu64 ", behind its end",
		    file->path, at);
		return NULL;
	}
	if (w->file == file && w->at == first && in + bytes <= w->bytes)
		return w->data + in;
	if (!w->data)
		w->data = xmalloc(BLOCK_TABLE_WINDOW);
	w->bytes = file->size - first < BLOCK_TABLE_WINDOW ? (size_t)(file->size - first)
	                                                   : BLOCK_TABLE_WINDOW;
	w->file = NULL;
	if (disk_io_read(file, first, w->data, w->bytes, err) < 0)
		return NULL;
	w->file = file;
	w->at = first;
	return w->data + in;
}

int block_table_check(const struct img *im, const struct disk_io *file, uint64_t host,
    const char *what, uint64_t number, struct err *err)
{
	if (host < file->size)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': its %s %" PRIu64 " is said to lie at offset %" PRIu64
	    " of '%s', which has %" PRIu64 " bytes",
	    im->name, what, number, host, file->path, file->size);
}

static bool continues(const struct img_extent *e, const struct block *b, const struct img *im)
{
	if (b->kind != e->kind || b->kind == IMG_PACKED)
		return false;
	return b->kind != IMG_DATA ||
	       (b->host == e->host + e->bytes && (b->file ? b->file : im->file) == e->file);
}

int block_table_map(struct img *im, uint64_t size, block_lookup *lookup, uint64_t offset,
    uint64_t bytes, struct img_extent *e, struct err *err)
{
	uint64_t number = offset / size, in = offset % size;
	struct block b = {0};
	if (lookup(im, number, &b, err) < 0)
		return -1;
	*e = (struct img_extent){.offset = offset,
	    .bytes = bytes < size - in ? bytes : size - in,
	    .kind = b.kind,
	    .hosted = b.kind == IMG_DATA || b.kind == IMG_PACKED};
	if (e->hosted)
		e->file = b.file ? b.file : im->file;
	if (b.kind == IMG_DATA)
		e->host = b.host + in;
	if (b.kind == IMG_PACKED) {
		e->host = b.host;
		e->packed = b.packed;
		e->packed_start = offset - in;
	}
	/* A neighbour that cannot be looked up is told when it is asked for. */
	for (unsigned i = 1; i < BLOCK_TABLE_RUN && e->bytes < bytes; i++) {
		b = (struct block){0};
		if (lookup(im, number + i, &b, NULL) < 0 || !continues(e, &b, im))
			break;
		uint64_t more = bytes - e->bytes;
		e->bytes += more < size ? more : size;
	}
	return 0;
}

int block_table_holes(struct img_extent *e, struct err *err)
{
	uint64_t from, to;
	if (e->kind != IMG_DATA)
		return 0;
	if (disk_io_next_data(e->file, e->host, e->host + e->bytes, &from, &to, err) < 0)
		return -1;
	e->hole = from > e->host;
	e->bytes = (e->hole ? from : to) - e->host;
	return 0;
}
