/* img_raw: the guest's bytes as they are, in a file or on a device. */
#include "disk/img.h"

static int raw_probe(const uint8_t *head, size_t n, const char *name)
{
	(void)head, (void)n, (void)name;
	return 1;
}

static int raw_open(struct img *im, struct err *err)
{
	uint64_t size = im->file->size;
	if (size > IMG_SIZE_MAX)
		return err_set(err, ERR_INVALID, "'%s': no disk is that large", im->name);
	/* Disks have whole sectors: what the file lacks of its last one is zero, as in QEMU. */
	im->size = (size + IMG_SECTOR - 1) / IMG_SECTOR * IMG_SECTOR;
	return 0;
}

static void raw_close(struct img *im)
{
	(void)im;
}

static int raw_map(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err)
{
	uint64_t from, to;
	if (disk_io_next_data(im->file, offset, offset + bytes, &from, &to, err) < 0)
		return -1;
	bool data = from == offset && to > from;
	*e = (struct img_extent){.offset = offset,
	    .bytes = (data ? to : from) - offset,
	    .kind = data ? IMG_DATA : IMG_ZERO,
	    .hosted = true,
	    .host = offset,
	    .file = im->file};
	return 0;
}

static int raw_write(struct img *im, uint64_t offset, const void *buf, size_t n, struct err *err)
{
	return disk_io_write(im->file, offset, buf, n, err);
}

static int raw_zero(struct img *im, uint64_t offset, uint64_t bytes, bool keep, struct err *err)
{
	return disk_io_zero(im->file, offset, bytes, !keep, err);
}

static int raw_discard(struct img *im, uint64_t offset, uint64_t bytes, struct err *err)
{
	(void)err;
	disk_io_discard(im->file, offset, bytes);
	return 0;
}

static int raw_resize(struct img *im, uint64_t size, struct err *err)
{
	return disk_io_resize(im->file, size, err);
}

static int raw_flush(struct img *im, struct err *err)
{
	return disk_io_sync(im->file, err);
}

const struct img_driver img_raw = {
    .format = DISK_RAW,
    .probe = raw_probe,
    .open = raw_open,
    .close = raw_close,
    .map = raw_map,
    .write = raw_write,
    .zero = raw_zero,
    .discard = raw_discard,
    .resize = raw_resize,
    .flush = raw_flush,
};
