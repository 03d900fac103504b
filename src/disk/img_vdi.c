/* img_vdi: VirtualBox's disk images, dynamic and static, read only. One table tells for each block of 1 MiB (any power of two is
 * taken) where it lies. Source: the format as VirtualBox documents it; little-endian. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/mem.h"
#include "disk/block_table.h"
#include "disk/img.h"
#include "disk/le.h"

#define SIGNATURE 0xbeda107fu
#define VERSION 0x00010001u
#define HEADER_BYTES 0x1c8u
#define ENTRY_FREE 0xffffffffu /* never written */
#define ENTRY_ZERO 0xfffffffeu /* discarded */
#define BLOCK_MIN (4u << 10)
#define BLOCK_MAX (256u << 20)

enum { TYPE_DYNAMIC = 1, TYPE_STATIC, TYPE_UNDO, TYPE_DIFFERENCING };
enum { /* offsets in the header */
	AT_SIGNATURE = 0x40,
	AT_VERSION = 0x44,
	AT_TYPE = 0x4c,
	AT_TABLE = 0x154,
	AT_DATA = 0x158,
	AT_SECTOR = 0x168,
	AT_SIZE = 0x170,
	AT_BLOCK = 0x178,
	AT_EXTRA = 0x17c,
	AT_BLOCKS = 0x180,
	AT_LINK = 0x1a8,
	AT_PARENT = 0x1b8,
};

struct vdi {
	uint64_t table_at, data_at;
	uint32_t block, blocks; /* bytes of one; how many */
	bool whole;             /* static: the file was made with all of them */
	struct block_table table;
};

static int vdi_probe(const uint8_t *head, size_t n, const char *name)
{
	(void)name;
	return n >= AT_SIGNATURE + 4 && le32_get(head + AT_SIGNATURE) == SIGNATURE ? 100 : 0;
}

static int invalid(const struct img *im, struct err *err, const char *what, uint64_t value)
{
	return err_set(err, ERR_INVALID, "'%s': a broken VDI image: its %s is %" PRIu64, im->name,
	    what, value);
}

static bool has_uuid(const uint8_t *p)
{
	static const uint8_t none[16];
	return memcmp(p, none, sizeof(none)) != 0;
}

static int check_kind(const struct img *im, const uint8_t *h, struct err *err)
{
	uint32_t type = le32_get(h + AT_TYPE);
	if (le32_get(h + AT_SIGNATURE) != SIGNATURE)
		return err_set(err, ERR_INVALID, "'%s' is no VDI image", im->name);
	if (le32_get(h + AT_VERSION) != VERSION)
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s': a VDI image of version %u.%u, only 1.1 is read", im->name,
		    le32_get(h + AT_VERSION) >> 16, le32_get(h + AT_VERSION) & 0xffff);
	/* To read it without what lies below would show wrong data, so it is nobody else's to try, either. */
	if (type == TYPE_UNDO || type == TYPE_DIFFERENCING || has_uuid(h + AT_LINK) ||
	    has_uuid(h + AT_PARENT))
		return err_set(err, ERR_INVALID,
		    "'%s' is a differencing VDI image: merge it with its parent first ('VBoxManage clonemedium' "
		    "makes one whole image)",
		    im->name);
	if (type != TYPE_DYNAMIC && type != TYPE_STATIC)
		return invalid(im, err, "type", type);
	return 0;
}

static int check_layout(struct img *im, const struct vdi *v, const uint8_t *h, struct err *err)
{
	uint32_t sector = le32_get(h + AT_SECTOR), extra = le32_get(h + AT_EXTRA);
	if (sector != IMG_SECTOR)
		return invalid(im, err, "sector size", sector);
	if (v->block < BLOCK_MIN || v->block > BLOCK_MAX || (v->block & (v->block - 1)))
		return invalid(im, err, "block size", v->block);
	if (extra != 0)
		return invalid(im, err, "extra data of a block", extra);
	if (v->table_at % IMG_SECTOR || v->table_at < IMG_SECTOR)
		return invalid(im, err, "offset of the block table", v->table_at);
	if (v->data_at % IMG_SECTOR || v->data_at < IMG_SECTOR)
		return invalid(im, err, "offset of the data", v->data_at);
	if (im->size > (uint64_t)v->blocks * v->block)
		return invalid(im, err, "size, more than its blocks hold,", im->size);
	if (v->table_at > im->file->size || (uint64_t)v->blocks * 4 > im->file->size - v->table_at)
		return invalid(im, err, "number of blocks, whose table does not fit into the file,",
		    v->blocks);
	return 0;
}

static int vdi_open(struct img *im, struct err *err)
{
	uint8_t h[HEADER_BYTES];
	if (disk_io_read(im->file, 0, h, sizeof(h), err) < 0 || check_kind(im, h, err) < 0)
		return -1;
	struct vdi *v = im->state = xcalloc(1, sizeof(*v));
	v->table_at = le32_get(h + AT_TABLE);
	v->data_at = le32_get(h + AT_DATA);
	v->block = im->cluster = le32_get(h + AT_BLOCK);
	v->blocks = le32_get(h + AT_BLOCKS);
	v->whole = le32_get(h + AT_TYPE) == TYPE_STATIC;
	uint64_t size = le64_get(h + AT_SIZE);
	if (size > IMG_SIZE_MAX)
		return invalid(im, err, "size", size);
	/* VirtualBox writes sizes that are no whole sectors; QEMU shows the rest of the last one, too. */
	im->size = (size + IMG_SECTOR - 1) / IMG_SECTOR * IMG_SECTOR;
	return check_layout(im, v, h, err);
}

static void vdi_close(struct img *im)
{
	struct vdi *v = im->state;
	if (v)
		block_table_fini(&v->table);
	free(v);
}

static int lookup(struct img *im, uint64_t number, struct block *b, struct err *err)
{
	struct vdi *v = im->state;
	const uint8_t *p = block_table_entry(&v->table, im->file, v->table_at + number * 4, 4, err);
	if (!p)
		return -1;
	uint32_t entry = le32_get(p);
	b->kind = entry == ENTRY_FREE || entry == ENTRY_ZERO ? IMG_ZERO : IMG_DATA;
	if (b->kind != IMG_DATA)
		return 0;
	b->host = v->data_at + (uint64_t)entry * v->block;
	return block_table_check(im, im->file, b->host, "block", number, err);
}

static int vdi_map(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err)
{
	const struct vdi *v = im->state;
	if (block_table_map(im, v->block, lookup, offset, bytes, e, err) < 0)
		return -1;
	return v->whole ? block_table_holes(e, err) : 0;
}

const struct img_driver img_vdi = {
    .format = DISK_VDI,
    .probe = vdi_probe,
    .open = vdi_open,
    .close = vdi_close,
    .map = vdi_map,
};
