/* img_vhdx: Hyper-V's VHDX images, fixed and dynamic, read only. Two headers (the one with the higher number counts), two copies
 * of a table of regions, of which one holds the block table and one the metadata. Source: MS-VHDX; little-endian. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/mem.h"
#include "disk/block_table.h"
#include "disk/crc32c.h"
#include "disk/img.h"
#include "disk/le.h"
#include "disk/vhdx_log.h"

#define SIGNATURE "vhdxfile"
#define HEADER_SIGNATURE 0x64616568u  /* "head" */
#define REGIONS_SIGNATURE 0x69676572u /* "regi" */
#define METADATA_SIGNATURE "metadata"
#define HEADER_BYTES 4096u
#define TABLE_BYTES (64u << 10) /* of regions, and of metadata */
#define TABLE_ENTRIES 2047u
#define ENTRY_BYTES 32u /* of both tables */
#define MIB (1ull << 20)
#define BLOCK_MIN (1u << 20)
#define BLOCK_MAX (256u << 20)
#define DISK_MAX (64ull << 40) /* bytes of a disk */

static const uint64_t headers_at[] = {64 << 10, 128 << 10};
static const uint64_t regions_at[] = {192 << 10, 256 << 10};

enum { /* offsets in a header */
	AT_CHECKSUM = 4,
	AT_SEQUENCE = 8,
	AT_LOG_GUID = 48,
	AT_VERSION = 66,
	AT_LOG_BYTES = 68,
	AT_LOG = 72,
};
enum { /* of payload blocks */
	STATE_ABSENT,
	STATE_UNDEFINED,
	STATE_ZERO,
	STATE_UNMAPPED,
	STATE_PRESENT = 6,
};
#define STATE_MASK 7u

/* As they lie on the disk. */
static const uint8_t guid_none[VHDX_GUID];
static const uint8_t guid_table[VHDX_GUID] = {
    0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08};
static const uint8_t guid_metadata[VHDX_GUID] = {
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e};

enum item {
	ITEM_PARAMETERS,
	ITEM_SIZE,
	ITEM_SECTOR,
	ITEM_PHYSICAL,
	ITEM_PAGE83,
	ITEM_PARENT,
	ITEMS
};
static const struct {
	uint8_t guid[VHDX_GUID];
	uint32_t bytes; /* 0: not looked at */
	const char *what;
} items[ITEMS] = {
    [ITEM_PARAMETERS] = {{0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0,
                             0xaa, 0x44, 0xe7, 0x6b},
        8, "file parameters"},
    [ITEM_SIZE] = {{0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8,
                       0x3b, 0xf4, 0xb8},
        8, "size"},
    [ITEM_SECTOR] = {{0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8,
                         0xfa, 0xab, 0x5f},
        4, "logical sector size"},
    [ITEM_PHYSICAL] = {{0xc7, 0x48, 0xa3, 0xcd, 0x5d, 0x44, 0x71, 0x44, 0x9c, 0xc9, 0xe9, 0x88,
                           0x52, 0x51, 0xc5, 0x56},
        0, "physical sector size"},
    [ITEM_PAGE83] = {{0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, 0x93, 0xef, 0xc3, 0x09, 0xe0,
                         0x00, 0xc7, 0x46},
        0, "page 83 data"},
    [ITEM_PARENT] = {{0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab, 0xf7, 0xd3, 0xd8, 0x48,
                         0x34, 0xab, 0x0c},
        0, "parent"},
};

struct vhdx {
	uint64_t table_at, table_bytes, metadata_at, metadata_bytes;
	uint32_t block,
	    chunk; /* bytes of a block; blocks before the table has an entry of another kind */
	struct block_table table;
};

static int vhdx_probe(const uint8_t *head, size_t n, const char *name)
{
	(void)name;
	return n >= 8 && memcmp(head, SIGNATURE, 8) == 0 ? 100 : 0;
}

static int invalid(const struct img *im, struct err *err, const char *what, uint64_t value)
{
	return err_set(err, ERR_INVALID, "'%s': a broken VHDX image: its %s is %" PRIu64, im->name,
	    what, value);
}

/* Its own checksum counts as zeroes. */
static bool sum_right(uint8_t *data, size_t n)
{
	uint32_t want = le32_get(data + AT_CHECKSUM);
	le32_put(data + AT_CHECKSUM, 0);
	bool right = crc32c(0, data, n) == want;
	le32_put(data + AT_CHECKSUM, want);
	return right;
}

/* --- headers and log ------------------------------------------------------------------------------- */

static int read_header(const struct img *im, uint8_t header[HEADER_BYTES], struct err *err)
{
	uint8_t h[HEADER_BYTES];
	uint64_t best = 0;
	bool found = false;
	for (size_t i = 0; i < ARRAY_LEN(headers_at); i++) {
		if (disk_io_read(im->file, headers_at[i], h, sizeof(h), err) < 0)
			return -1;
		uint64_t sequence = le64_get(h + AT_SEQUENCE);
		if (le32_get(h) != HEADER_SIGNATURE || !sum_right(h, sizeof(h)) ||
		    (found && sequence <= best))
			continue;
		memcpy(header, h, sizeof(h));
		best = sequence;
		found = true;
	}
	return found ? 0
	             : err_set(err, ERR_INVALID, "'%s': neither of its VHDX headers is whole",
	                   im->name);
}

static int check_header(const struct img *im, const uint8_t *h, struct err *err)
{
	uint64_t at = le64_get(h + AT_LOG), bytes = le32_get(h + AT_LOG_BYTES);
	if (le16_get(h + AT_VERSION) != 1)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': a VHDX image of version %u, only 1 is read", im->name,
		    le16_get(h + AT_VERSION));
	if (memcmp(h + AT_LOG_GUID, guid_none, VHDX_GUID) == 0)
		return 0;
	if (at < MIB || at % MIB || at > im->file->size)
		return invalid(im, err, "offset of the log", at);
	if (bytes == 0 || bytes % MIB || bytes > im->file->size - at)
		return invalid(im, err, "length of the log", bytes);
	int dirty = vhdx_log_dirty(im->file, at, bytes, h + AT_LOG_GUID, err);
	if (dirty <= 0)
		return dirty;
	return err_set(err, ERR_UNSUPPORTED,
	    "'%s' was not closed: the last changes are in its VHDX log, which is not replayed here; QEMU's "
	    "'qemu-img check -r all' brings them in",
	    im->name);
}

/* --- regions --------------------------------------------------------------------------------------- */

static int take_region(const struct img *im, struct vhdx *v, const uint8_t *entry, struct err *err)
{
	uint64_t at = le64_get(entry + 16), bytes = le32_get(entry + 24);
	bool required = le32_get(entry + 28) & 1, table = memcmp(entry, guid_table, VHDX_GUID) == 0,
	     metadata = memcmp(entry, guid_metadata, VHDX_GUID) == 0;
	if (!table && !metadata)
		return required ? err_set(err, ERR_UNSUPPORTED,
		                      "'%s': a VHDX image with an unknown region", im->name)
		                : 0;
	if (at < MIB || at % MIB || at > im->file->size)
		return invalid(
		    im, err, table ? "offset of the block table" : "offset of the metadata", at);
	if (bytes == 0 || bytes % MIB || bytes > im->file->size - at)
		return invalid(
		    im, err, table ? "length of the block table" : "length of the metadata", bytes);
	if (table ? v->table_bytes : v->metadata_bytes)
		return err_set(err, ERR_INVALID, "'%s': a VHDX image with two %s", im->name,
		    table ? "block tables" : "regions of metadata");
	if (table) {
		v->table_at = at;
		v->table_bytes = bytes;
	} else {
		v->metadata_at = at;
		v->metadata_bytes = bytes;
	}
	return 0;
}

static int read_regions(const struct img *im, struct vhdx *v, struct err *err)
{
	CLEANUP_FREE uint8_t *t = xmalloc(TABLE_BYTES);
	bool whole = false;
	for (size_t i = 0; !whole && i < ARRAY_LEN(regions_at); i++) {
		if (disk_io_read(im->file, regions_at[i], t, TABLE_BYTES, err) < 0)
			return -1;
		whole = le32_get(t) == REGIONS_SIGNATURE && sum_right(t, TABLE_BYTES);
	}
	if (!whole)
		return err_set(
		    err, ERR_INVALID, "'%s': neither of its tables of regions is whole", im->name);
	uint32_t n = le32_get(t + 8);
	if (n > TABLE_ENTRIES)
		return invalid(im, err, "number of regions", n);
	for (uint32_t i = 0; i < n; i++)
		if (take_region(im, v, t + 16 + (size_t)i * ENTRY_BYTES, err) < 0)
			return -1;
	if (v->table_bytes && v->metadata_bytes)
		return 0;
	return err_set(err, ERR_INVALID, "'%s': a VHDX image without %s", im->name,
	    v->table_bytes ? "metadata" : "a block table");
}

/* --- metadata -------------------------------------------------------------------------------------- */

static int find_item(const struct img *im, const uint8_t *entry, struct err *err)
{
	for (int i = 0; i < ITEMS; i++)
		if (memcmp(entry, items[i].guid, VHDX_GUID) == 0)
			return i;
	if (le32_get(entry + 24) & 4)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': a VHDX image with unknown required metadata", im->name);
	return ITEMS;
}

static int read_item(const struct img *im, const struct vhdx *v, const uint8_t *entry, int item,
    uint8_t out[8], struct err *err)
{
	uint64_t at = le32_get(entry + 16), bytes = le32_get(entry + 20);
	if (at < TABLE_BYTES || at > v->metadata_bytes || bytes > v->metadata_bytes - at ||
	    bytes < items[item].bytes)
		return err_set(err, ERR_INVALID,
		    "'%s': a broken VHDX image: its %s lies at offset %" PRIu64
		    " of the metadata, %" PRIu64 " bytes long",
		    im->name, items[item].what, at, bytes);
	return disk_io_read(im->file, v->metadata_at + at, out, items[item].bytes, err);
}

static int read_items(
    const struct img *im, const struct vhdx *v, uint8_t values[ITEMS][8], struct err *err)
{
	CLEANUP_FREE uint8_t *t = xmalloc(TABLE_BYTES);
	bool seen[ITEMS] = {false};
	if (disk_io_read(im->file, v->metadata_at, t, TABLE_BYTES, err) < 0)
		return -1;
	if (memcmp(t, METADATA_SIGNATURE, 8) != 0)
		return err_set(err, ERR_INVALID,
		    "'%s': a broken VHDX image: no metadata at offset %" PRIu64, im->name,
		    v->metadata_at);
	uint16_t n = le16_get(t + 10);
	if (n > TABLE_ENTRIES)
		return invalid(im, err, "number of metadata", n);
	for (uint16_t i = 0; i < n; i++) {
		const uint8_t *entry = t + 32 + (size_t)i * ENTRY_BYTES;
		int item = find_item(im, entry, err);
		if (item < 0)
			return -1;
		if (item == ITEMS || items[item].bytes == 0)
			continue;
		seen[item] = true;
		if (read_item(im, v, entry, item, values[item], err) < 0)
			return -1;
	}
	for (int i = 0; i < ITEMS; i++)
		if (items[i].bytes && !seen[i])
			return err_set(err, ERR_INVALID,
			    "'%s': a VHDX image that does not tell its %s", im->name,
			    items[i].what);
	return 0;
}

static int read_metadata(struct img *im, struct vhdx *v, struct err *err)
{
	uint8_t values[ITEMS][8] = {{0}};
	if (read_items(im, v, values, err) < 0)
		return -1;
	uint32_t sector = le32_get(values[ITEM_SECTOR]);
	v->block = im->cluster = le32_get(values[ITEM_PARAMETERS]);
	im->size = le64_get(values[ITEM_SIZE]);
	/* To read it without its parent would show wrong data, so it is nobody else's to try, either. */
	if (le32_get(values[ITEM_PARAMETERS] + 4) & 2)
		return err_set(err, ERR_INVALID,
		    "'%s' is a differencing VHDX image: merge it with its parent first, where it was made",
		    im->name);
	if (v->block < BLOCK_MIN || v->block > BLOCK_MAX || (v->block & (v->block - 1)))
		return invalid(im, err, "block size", v->block);
	if (sector != 512 && sector != 4096)
		return invalid(im, err, "logical sector size", sector);
	if (im->size > DISK_MAX || im->size % sector)
		return invalid(im, err, "size", im->size);
	v->chunk = (uint32_t)((8ull << 20) * sector / v->block);
	uint64_t blocks = (im->size + v->block - 1) / v->block;
	if (blocks > 0 && blocks + (blocks - 1) / v->chunk > v->table_bytes / 8)
		return invalid(im, err, "size, more than its block table holds,", im->size);
	return 0;
}

static int vhdx_open(struct img *im, struct err *err)
{
	uint8_t head[8], header[HEADER_BYTES];
	if (disk_io_read(im->file, 0, head, sizeof(head), err) < 0)
		return -1;
	if (memcmp(head, SIGNATURE, 8) != 0)
		return err_set(err, ERR_INVALID, "'%s' is no VHDX image", im->name);
	struct vhdx *v = im->state = xcalloc(1, sizeof(*v));
	if (read_header(im, header, err) < 0 || check_header(im, header, err) < 0 ||
	    read_regions(im, v, err) < 0)
		return -1;
	return read_metadata(im, v, err);
}

static void vhdx_close(struct img *im)
{
	struct vhdx *v = im->state;
	if (v)
		block_table_fini(&v->table);
	free(v);
}

/* --- blocks ---------------------------------------------------------------------------------------- */

static int lookup(struct img *im, uint64_t number, struct block *b, struct err *err)
{
	struct vhdx *v = im->state;
	uint64_t at = v->table_at + (number + number / v->chunk) * 8;
	const uint8_t *p = block_table_entry(&v->table, im->file, at, 8, err);
	if (!p)
		return -1;
	uint64_t entry = le64_get(p);
	switch (entry & STATE_MASK) {
	case STATE_ABSENT:
	case STATE_UNDEFINED:
	case STATE_UNMAPPED:
		b->kind = IMG_ABSENT;
		return 0;
	case STATE_ZERO:
		b->kind = IMG_ZERO;
		return 0;
	case STATE_PRESENT:
		b->kind = IMG_DATA;
		b->host = entry / MIB * MIB;
		return block_table_check(im, im->file, b->host, "block", number, err);
	default:
		return err_set(err, ERR_INVALID, "'%s': the state of its block %" PRIu64 " is %u",
		    im->name, number, (unsigned)(entry & STATE_MASK));
	}
}

static int vhdx_map(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err)
{
	const struct vhdx *v = im->state;
	return block_table_map(im, v->block, lookup, offset, bytes, e, err);
}

const struct img_driver img_vhdx = {
    .format = DISK_VHDX,
    .probe = vhdx_probe,
    .open = vhdx_open,
    .close = vhdx_close,
    .map = vhdx_map,
};
