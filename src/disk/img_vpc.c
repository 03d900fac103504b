/* img_vpc: VHD images (Virtual PC, Hyper-V), fixed and dynamic, read only. A footer of 512 bytes ends the file; a dynamic image
 * has a copy in front, and a table that tells for each block at which sector it lies, behind a bitmap of its sectors (which,
 * as in QEMU, says nothing: all of a block that exists is data). Source: Microsoft's Virtual Hard Disk Image Format
 * Specification; big-endian. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/block_table.h"
#include "disk/img.h"

#define FOOTER_BYTES 512u
#define FOOTER_COOKIE "conectix"
#define DYNAMIC_BYTES 1024u
#define DYNAMIC_COOKIE "cxsparse"
#define ENTRY_FREE 0xffffffffu
#define BLOCK_MAX (256u << 20) /* what is written is 512 KiB and 2 MiB */
/* What cylinders, heads and sectors can tell at most: an image with all of them is larger. */
#define GEOMETRY_MAX (65535ull * 16 * 255)

enum { TYPE_FIXED = 2, TYPE_DYNAMIC, TYPE_DIFFERENCING };
enum { /* offsets in the footer */
	AT_DYNAMIC = 16,
	AT_CREATOR = 28,
	AT_SIZE = 48,
	AT_CYLINDERS = 56,
	AT_HEADS = 58,
	AT_SECTORS = 59,
	AT_TYPE = 60,
};
enum { AT_TABLE = 16, AT_ENTRIES = 28, AT_BLOCK = 32 }; /* in the dynamic header */

struct vpc {
	bool fixed;
	uint64_t table_at;
	uint32_t block, entries, bitmap; /* bytes of a block; how many; bytes of a block's bitmap */
	struct block_table table;
};

static int vpc_probe(const uint8_t *head, size_t n, const char *name)
{
	(void)name;
	return n >= FOOTER_BYTES && memcmp(head, FOOTER_COOKIE, 8) == 0 ? 100 : 0;
}

static int invalid(const struct img *im, struct err *err, const char *what, uint64_t value)
{
	return err_set(err, ERR_INVALID, "'%s': a broken VHD image: its %s is %" PRIu64, im->name,
	    what, value);
}

/* The footer, or its copy where the end is cut off. */
static int read_footer(const struct img *im, uint8_t footer[FOOTER_BYTES], struct err *err)
{
	uint64_t size = im->file->size;
	if (size < FOOTER_BYTES)
		return err_set(err, ERR_INVALID, "'%s' is no VHD image: it is too short", im->name);
	if (disk_io_read(im->file, size - FOOTER_BYTES, footer, FOOTER_BYTES, err) < 0)
		return -1;
	if (memcmp(footer, FOOTER_COOKIE, 8) == 0)
		return 0;
	if (disk_io_read(im->file, 0, footer, FOOTER_BYTES, err) < 0)
		return -1;
	if (memcmp(footer, FOOTER_COOKIE, 8) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is no VHD image: it has no footer", im->name);
}

/* Who goes by the size that is told; the others (Virtual PC, and QEMU unless told otherwise) go by the geometry. */
static bool size_counts(const uint8_t *creator)
{
	static const char makers[][5] = {"win ", "qem2", "d2v ", "tap\0", "CTXS", "wa\0\0"};
	for (size_t i = 0; i < ARRAY_LEN(makers); i++)
		if (memcmp(creator, makers[i], 4) == 0)
			return true;
	return false;
}

static uint64_t disk_size(const uint8_t *footer)
{
	uint64_t sectors =
	    (uint64_t)be16_get(footer + AT_CYLINDERS) * footer[AT_HEADS] * footer[AT_SECTORS];
	if (size_counts(footer + AT_CREATOR) || sectors == GEOMETRY_MAX)
		sectors = be64_get(footer + AT_SIZE) / IMG_SECTOR;
	return sectors <= IMG_SIZE_MAX / IMG_SECTOR ? sectors * IMG_SECTOR : UINT64_MAX;
}

static int open_dynamic(struct img *im, struct vpc *v, uint64_t at, struct err *err)
{
	uint8_t h[DYNAMIC_BYTES];
	if (disk_io_read(im->file, at, h, sizeof(h), err) < 0)
		return err_wrap(err, "the header of a dynamic VHD image");
	if (memcmp(h, DYNAMIC_COOKIE, 8) != 0)
		return err_set(err, ERR_INVALID,
		    "'%s': no header of a dynamic VHD image at offset %" PRIu64, im->name, at);
	v->table_at = be64_get(h + AT_TABLE);
	v->entries = be32_get(h + AT_ENTRIES);
	v->block = im->cluster = be32_get(h + AT_BLOCK);
	if (v->block < IMG_SECTOR || v->block > BLOCK_MAX || (v->block & (v->block - 1)))
		return invalid(im, err, "block size", v->block);
	if (v->table_at % IMG_SECTOR)
		return invalid(im, err, "offset of the block table", v->table_at);
	if ((uint64_t)v->entries * v->block < im->size)
		return invalid(im, err, "number of blocks, too few for its size,", v->entries);
	if (v->table_at > im->file->size || (uint64_t)v->entries * 4 > im->file->size - v->table_at)
		return invalid(im, err, "number of blocks, whose table does not fit into the file,",
		    v->entries);
	/* A bit per sector, in whole sectors. */
	uint32_t bits = v->block / IMG_SECTOR;
	v->bitmap = ((bits + 7) / 8 + IMG_SECTOR - 1) / IMG_SECTOR * IMG_SECTOR;
	return 0;
}

static int vpc_open(struct img *im, struct err *err)
{
	uint8_t footer[FOOTER_BYTES];
	if (read_footer(im, footer, err) < 0)
		return -1;
	uint32_t type = be32_get(footer + AT_TYPE);
	struct vpc *v = im->state = xcalloc(1, sizeof(*v));
	im->size = disk_size(footer);
	if (im->size > IMG_SIZE_MAX)
		return invalid(im, err, "size", be64_get(footer + AT_SIZE));
	v->fixed = type == TYPE_FIXED;
	/* To read it without its parent would show wrong data, so it is nobody else's to try, either. */
	if (type == TYPE_DIFFERENCING)
		return err_set(err, ERR_INVALID,
		    "'%s' is a differencing VHD image: merge it with its parent first, where it was made",
		    im->name);
	if (type == TYPE_DYNAMIC)
		return open_dynamic(im, v, be64_get(footer + AT_DYNAMIC), err);
	if (type != TYPE_FIXED)
		return invalid(im, err, "type", type);
	if (im->size > im->file->size - FOOTER_BYTES)
		return invalid(im, err, "size, more than the file holds,", im->size);
	return 0;
}

static void vpc_close(struct img *im)
{
	struct vpc *v = im->state;
	if (v)
		block_table_fini(&v->table);
	free(v);
}

static int lookup(struct img *im, uint64_t number, struct block *b, struct err *err)
{
	struct vpc *v = im->state;
	const uint8_t *p = block_table_entry(&v->table, im->file, v->table_at + number * 4, 4, err);
	if (!p)
		return -1;
	uint32_t entry = be32_get(p);
	b->kind = entry == ENTRY_FREE ? IMG_ZERO : IMG_DATA;
	if (b->kind == IMG_ZERO)
		return 0;
	b->host = (uint64_t)entry * IMG_SECTOR + v->bitmap;
	return block_table_check(im, im->file, b->host, "block", number, err);
}

static int vpc_map(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err)
{
	const struct vpc *v = im->state;
	if (!v->fixed)
		return block_table_map(im, v->block, lookup, offset, bytes, e, err);
	*e = (struct img_extent){.offset = offset,
	    .bytes = bytes,
	    .kind = IMG_DATA,
	    .hosted = true,
	    .host = offset,
	    .file = im->file};
	return block_table_holes(e, err);
}

const struct img_driver img_vpc = {
    .format = DISK_VPC,
    .probe = vpc_probe,
    .open = vpc_open,
    .close = vpc_close,
    .map = vpc_map,
};
