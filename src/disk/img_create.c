#include "disk/img_create.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/img.h"
#include "disk/img_target.h"
#include "disk/qcow2_create.h"

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;
	return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	                                x.st_ino == y.st_ino);
}

/* Opened with all that is below: a chain that does not work is told now, not when a guest is to start. */
static int look_at_backing(const char *path, struct img_create *c, struct err *err)
{
	CLEANUP_FREE char *backing = img_resolve(path, c->qcow2.backing);
	if (backing == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "the backing file '%s' is not the name of a file", c->qcow2.backing);
	if (same_file(path, backing))
		return err_set(err, ERR_INVALID,
		    "Error: Trying to create an image with the same filename as the backing file");
	CLEANUP(img_drop)
	struct img *im = img_open(backing, c->qcow2.backing_format, 0, err);
	if (im == NULL) {
		if (err->code != ERR_UNSUPPORTED)
			err_wrap(err, "Could not open backing image");
		return -1;
	}
	if (!c->with_size)
		c->qcow2.size = im->size;
	c->with_size = true;
	return 0;
}

static int prepare_backing(const char *path, struct img_create *c, struct err *err)
{
	if (c->qcow2.backing == NULL)
		return 0;
	if (c->qcow2.backing_format == NULL)
		return err_set(err, ERR_INVALID, "Backing file specified without backing format");
	return c->backing_as_told ? 0 : look_at_backing(path, c, err);
}

static int prepare_raw(const struct img_create *c, struct err *err)
{
	const struct qcow2_options *o = &c->qcow2;
	if (o->backing != NULL)
		return err_set(
		    err, ERR_INVALID, "Backing file not supported for file format '%s'", c->format);
	if (o->prealloc == IMG_PREALLOC_METADATA)
		return err_set(err, ERR_INVALID, "Unsupported preallocation mode: metadata");
	if (o->size > IMG_SIZE_MAX)
		return err_set(
		    err, ERR_INVALID, "the image size is larger than a disk of QEMU's can be");
	return 0;
}

int img_create_prepare(const char *path, struct img_create *c, struct err *err)
{
	struct qcow2_layout l;
	bool raw = strcmp(c->format, "raw") == 0;
	if (!raw && strcmp(c->format, "qcow2") != 0)
		return err_set(
		    err, ERR_UNSUPPORTED, "images of format '%s' are not made here", c->format);
	const char *file = img_target_path(path, err);
	if (file == NULL || (!raw && prepare_backing(file, c, err) < 0))
		return -1;
	if (!c->with_size)
		return err_set(err, ERR_INVALID, "Image creation needs a size parameter");
	return raw ? prepare_raw(c, err) : qcow2_layout_plan(&c->qcow2, &l, err);
}

static int create_raw(const struct img_create *c, struct img_target *t, struct err *err)
{
	uint64_t size = (c->qcow2.size + IMG_SECTOR - 1) / IMG_SECTOR * IMG_SECTOR;
	if (disk_io_resize(t->io, size, err) < 0)
		return -1;
	/* A device keeps what it holds, as with qemu-img: it may be a disk that is wanted again. */
	if (c->qcow2.prealloc == IMG_PREALLOC_OFF)
		return 0;
	return qcow2_create_space(t->io, 0, size, c->qcow2.prealloc, err);
}

/* The data file first: the image names it. */
static int create_qcow2(
    const char *path, const struct img_create *c, struct img_target *t, struct err *err)
{
	if (c->qcow2.data_file == NULL)
		return qcow2_create(&c->qcow2, t->io, NULL, err);
	CLEANUP_FREE char *name = img_resolve(path, c->qcow2.data_file);
	if (name == NULL)
		return err_set(err, ERR_UNSUPPORTED, "the data file '%s' is not the name of a file",
		    c->qcow2.data_file);
	if (same_file(path, name))
		return err_set(err, ERR_INVALID, "'%s' cannot be its own data file", path);
	struct img_target data;
	int r = img_target_open(&data, name, err);
	if (r == 0)
		r = qcow2_create(&c->qcow2, t->io, data.io, err);
	if (r == 0)
		r = img_target_keep(&data, err);
	img_target_close(&data);
	return r;
}

int img_create(const char *path, const struct img_create *c, struct err *err)
{
	struct img_target t;
	path = img_target_path(path, err);
	if (path == NULL || (c->fresh ? img_target_open_fresh : img_target_open)(&t, path, err) < 0)
		return -1;
	int r =
	    strcmp(c->format, "raw") == 0 ? create_raw(c, &t, err) : create_qcow2(path, c, &t, err);
	if (r == 0)
		r = img_target_keep(&t, err);
	img_target_close(&t);
	return r;
}

int img_create_now(const char *path, const struct img_create *c, struct err *err)
{
	struct img_create copy = *c;
	return img_create_prepare(path, &copy, err) < 0 ? -1 : img_create(path, &copy, err);
}
