/* vmdk_sparse: VMware's hosted sparse extents: a directory of grain tables, which tell for each grain at which sector it lies;
 * in a stream-optimized extent the grains are compressed, each behind a marker, and the header is repeated at the end. */
#include <inttypes.h>
#include <stdlib.h>
#include <zlib.h>

#include "core/mem.h"
#include "disk/le.h"
#include "disk/vmdk.h"

#define HEADER_BYTES 512u
#define VERSION_MAX 3u
#define DIRECTORY_AT_END UINT64_MAX
#define MARKER_BYTES 12u /* u64 sector of the guest, u32 bytes that follow */
#define MARKER_FOOTER 3u
#define PIECE (64u << 10)

enum { /* offsets in the header */
	AT_VERSION = 4,
	AT_FLAGS = 8,
	AT_CAPACITY = 12,
	AT_GRAIN = 20,
	AT_DESCRIPTOR = 28,
	AT_DESCRIPTOR_SECTORS = 36,
	AT_GTES = 44,
	AT_DIRECTORY = 56,
	AT_COMPRESSION = 77,
};
enum { FLAG_ZERO_GRAINS = 1 << 2, FLAG_COMPRESSED = 1 << 16, FLAG_MARKERS = 1 << 17 };
enum { COMPRESSION_NONE, COMPRESSION_DEFLATE };
enum { ENTRY_FREE = 0, ENTRY_ZERO = 1 };

static int invalid(const struct disk_io *file, struct err *err, const char *what, uint64_t value)
{
	return err_set(err, ERR_INVALID, "'%s': a broken VMDK extent: its %s is %" PRIu64,
	    file->path, what, value);
}

/* The header that tells where the directory is: of a file that was written as a stream, the one at the end, behind a marker and
 * in front of an empty one. */
static int read_header(const struct disk_io *file, uint8_t h[HEADER_BYTES], struct err *err)
{
	uint8_t end[3 * HEADER_BYTES];
	if (disk_io_read(file, 0, h, HEADER_BYTES, err) < 0)
		return -1;
	if (le32_get(h) != VMDK_SPARSE_MAGIC)
		return err_set(err, ERR_INVALID, "'%s' is no sparse VMDK extent", file->path);
	if (le64_get(h + AT_DIRECTORY) != DIRECTORY_AT_END)
		return 0;
	if (file->size < sizeof(end) + HEADER_BYTES)
		return invalid(file, err, "size, too short for a footer,", file->size);
	if (disk_io_read(file, file->size - sizeof(end), end, sizeof(end), err) < 0)
		return -1;
	if (le32_get(end + 8) != 0 || le32_get(end + 12) != MARKER_FOOTER ||
	    le32_get(end + HEADER_BYTES) != VMDK_SPARSE_MAGIC)
		return err_set(err, ERR_INVALID,
		    "'%s': a stream-optimized VMDK without its footer: it was cut off, fetch it again",
		    file->path);
	memcpy(h, end + HEADER_BYTES, HEADER_BYTES);
	return 0;
}

static int read_grains(
    const struct disk_io *file, struct vmdk_sparse *s, const uint8_t *h, struct err *err)
{
	uint64_t grain = le64_get(h + AT_GRAIN), directory = le64_get(h + AT_DIRECTORY);
	uint32_t flags = le32_get(h + AT_FLAGS);
	uint16_t compression = le16_get(h + AT_COMPRESSION);
	s->zero_grains = flags & FLAG_ZERO_GRAINS;
	s->markers = flags & FLAG_MARKERS;
	s->packed = flags & FLAG_COMPRESSED;
	if (s->packed && compression != COMPRESSION_DEFLATE)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': a VMDK extent compressed by method %u, only deflate is read", file->path,
		    compression);
	if (grain == 0 || grain > (s->packed ? VMDK_PACKED_MAX : VMDK_GRAIN_MAX) / IMG_SECTOR)
		return invalid(file, err, "number of sectors per grain", grain);
	s->grain = (uint32_t)grain * IMG_SECTOR;
	s->gtes = le32_get(h + AT_GTES);
	if (s->gtes == 0 || s->gtes > VMDK_GTES_MAX)
		return invalid(file, err, "number of entries of a grain table", s->gtes);
	uint64_t covered = grain * s->gtes, tables = (s->sectors + covered - 1) / covered;
	if (directory == 0 || directory > file->size / IMG_SECTOR)
		return invalid(file, err, "grain directory's sector", directory);
	s->directory_at = directory * IMG_SECTOR;
	if (tables * 4 > file->size - s->directory_at)
		return invalid(file, err,
		    "capacity, whose grain directory does not fit into the file,", s->sectors);
	return 0;
}

int vmdk_sparse_open(const struct disk_io *file, struct vmdk_sparse *s, struct err *err)
{
	uint8_t h[HEADER_BYTES];
	*s = (struct vmdk_sparse){0};
	if (read_header(file, h, err) < 0)
		return -1;
	uint32_t version = le32_get(h + AT_VERSION);
	if (version == 0 || version > VERSION_MAX)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': a VMDK extent of version %u, only 1 to %u are read", file->path, version,
		    VERSION_MAX);
	s->sectors = le64_get(h + AT_CAPACITY);
	if (s->sectors > IMG_SIZE_MAX / IMG_SECTOR)
		return invalid(file, err, "capacity", s->sectors);
	uint64_t at = le64_get(h + AT_DESCRIPTOR), n = le64_get(h + AT_DESCRIPTOR_SECTORS);
	if (at > file->size / IMG_SECTOR)
		return invalid(file, err, "descriptor's sector", at);
	s->descriptor_at = at * IMG_SECTOR;
	uint64_t left = file->size - s->descriptor_at;
	if (at > 0)
		s->descriptor_bytes = n < left / IMG_SECTOR ? n * IMG_SECTOR : left;
	if (s->descriptor_bytes > VMDK_DESCRIPTOR_MAX)
		return invalid(file, err, "descriptor's length", s->descriptor_bytes);
	/* Without a capacity it is a descriptor alone, and the grains are elsewhere. */
	return s->sectors == 0 ? 0 : read_grains(file, s, h, err);
}

int vmdk_sparse_lookup(const struct img *im, const struct vmdk_sparse *s,
    const struct disk_io *file, struct block_table *table, uint64_t number, struct block *b,
    struct err *err)
{
	const uint8_t *p =
	    block_table_entry(table, file, s->directory_at + number / s->gtes * 4, 4, err);
	if (!p)
		return -1;
	uint64_t gt = le32_get(p);
	*b = (struct block){.kind = IMG_ABSENT, .file = file};
	if (gt == ENTRY_FREE)
		return 0;
	p = block_table_entry(table, file, gt * IMG_SECTOR + number % s->gtes * 4, 4, err);
	if (!p)
		return -1;
	uint64_t grain = le32_get(p);
	if (grain == ENTRY_FREE)
		return 0;
	if (grain == ENTRY_ZERO && s->zero_grains) {
		b->kind = IMG_ZERO;
		return 0;
	}
	b->kind = s->packed ? IMG_PACKED : IMG_DATA;
	b->host = grain * IMG_SECTOR;
	if (block_table_check(im, file, b->host, "grain", number, err) < 0)
		return -1;
	/* Deflate can make it longer than it was; nobody would keep twice as much. */
	uint64_t most = 2ull * s->grain + MARKER_BYTES, left = file->size - b->host;
	b->packed = !s->packed ? 0 : most < left ? most : left;
	return 0;
}

/* --- compressed grains ----------------------------------------------------------------------------- */

static int broken(const struct img_extent *e, const char *what, struct err *err)
{
	return err_set(err, ERR_INVALID, "'%s': the compressed grain at offset %" PRIu64 " %s",
	    e->file->path, e->host, what);
}

/* Its bytes without the marker; on the heap. */
static uint8_t *read_packed(const struct img_extent *e, bool markers, size_t *n, struct err *err)
{
	uint8_t marker[MARKER_BYTES];
	uint64_t at = e->host, most = e->packed;
	*n = (size_t)most;
	if (markers) {
		if (most <= MARKER_BYTES) {
			broken(e, "is cut off", err);
			return NULL;
		}
		if (disk_io_read(e->file, at, marker, sizeof(marker), err) < 0)
			return NULL;
		*n = le32_get(marker + 8);
		at += MARKER_BYTES;
		if (*n == 0 || *n > most - MARKER_BYTES) {
			broken(e, "has a wrong length", err);
			return NULL;
		}
	}
	uint8_t *data = xmalloc(*n);
	if (disk_io_read(e->file, at, data, *n, err) == 0)
		return data;
	free(data);
	return NULL;
}

/* Inflates what is wanted and throws away what comes before it; false: it ends before, or is broken. */
static bool inflate_part(z_stream *z, uint64_t skip, void *buf, size_t n)
{
	CLEANUP_FREE uint8_t *dropped = skip ? xmalloc(PIECE) : NULL;
	while (skip > 0 || n > 0) {
		size_t want = skip == 0 ? n : skip < PIECE ? (size_t)skip : PIECE;
		z->next_out = skip ? dropped : buf;
		z->avail_out = (uInt)want;
		int r = inflate(z, Z_SYNC_FLUSH);
		if ((r != Z_OK && r != Z_STREAM_END) || z->avail_out > 0)
			return false;
		if (skip == 0)
			return true;
		skip -= want;
	}
	return true;
}

int vmdk_sparse_unpack(
    const struct img_extent *e, bool markers, uint64_t skip, void *buf, size_t n, struct err *err)
{
	size_t packed;
	z_stream z = {0};
	if (n > VMDK_PACKED_MAX)
		return broken(e, "is not that large", err);
	CLEANUP_FREE uint8_t *data = read_packed(e, markers, &packed, err);
	if (!data)
		return -1;
	z.next_in = data;
	z.avail_in = (uInt)packed;
	if (inflateInit(&z) != Z_OK)
		return err_set(err, ERR_FAIL, "zlib cannot begin");
	bool whole = inflate_part(&z, skip, buf, n);
	inflateEnd(&z);
	return whole ? 0 : broken(e, "cannot be inflated", err);
}
