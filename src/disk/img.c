#include "disk/img.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/img_lock.h"

/* Each format adds its line when it comes. */
const struct img_driver *const img_drivers[] = {
    &img_qcow2,
    &img_vmdk,
    &img_vdi,
    &img_vpc,
    &img_vhdx,
    &img_qed,
    &img_qcow,
    &img_unread,
    &img_raw,
    NULL,
};

const struct img_driver *img_driver_find(const char *format)
{
	if (strcmp(format, "vhd") == 0)
		format = "vpc";
	for (size_t i = 0; img_drivers[i]; i++)
		if (strcmp(disk_format_name(img_drivers[i]->format), format) == 0)
			return img_drivers[i];
	return NULL;
}

const struct img_driver *img_probe(const struct disk_io *io, const char *name, struct err *err)
{
	uint8_t head[IMG_HEAD];
	const struct img_driver *best = &img_raw;
	int sure = 0;
	size_t n = io->size < sizeof(head) ? (size_t)io->size : sizeof(head);
	if (disk_io_read_padded(io, 0, head, n, err) < 0)
		return best;
	for (size_t i = 0; img_drivers[i]; i++) {
		int says = img_drivers[i]->probe(head, n, name);
		if (says > sure) {
			sure = says;
			best = img_drivers[i];
		}
	}
	return best;
}

static bool has_protocol(const char *name)
{
	const char *colon = strchr(name, ':'), *slash = strchr(name, '/');
	return colon && (!slash || colon < slash);
}

char *img_resolve(const char *image, const char *name)
{
	if (str_prefix(name, "file:"))
		name += strlen("file:");
	else if (has_protocol(name))
		return NULL;
	const char *folder = strrchr(image, '/');
	if (name[0] == '/' || !folder)
		return xstrdup(name);
	return xasprintf("%.*s/%s", (int)(folder - image), image, name);
}

/* --- opening --------------------------------------------------------------------------------------- */
/* Which files a chain holds so far. */
struct seen {
	unsigned flags; /* that the chain is opened with */
	size_t n;
	struct {
		dev_t dev;
		ino_t ino;
	} files[IMG_CHAIN_MAX];
};

static int note_file(struct seen *seen, const struct img *im, struct err *err)
{
	struct stat st;
	if (fstat(im->file->fd, &st) < 0)
		return err_set(err, ERR_IO, "cannot look at '%s'", im->name);
	for (size_t i = 0; i < seen->n; i++)
		if (seen->files[i].dev == st.st_dev && seen->files[i].ino == st.st_ino)
			return err_set(err, ERR_INVALID,
			    "'%s' stands twice in its own chain of backing files", im->name);
	if (seen->n == IMG_CHAIN_MAX)
		return err_set(err, ERR_INVALID,
		    "'%s': its chain of backing files is longer than %d", im->name, IMG_CHAIN_MAX);
	seen->files[seen->n].dev = st.st_dev;
	seen->files[seen->n++].ino = st.st_ino;
	return 0;
}

static int choose_driver(struct img *im, const char *format, struct err *err)
{
	struct err why = {0};
	if (format) {
		im->driver = img_driver_find(format);
		return im->driver ? 0
		                  : err_set(err, ERR_UNSUPPORTED,
		                        "'%s': images of the format '%s' are not read here",
		                        im->name, format);
	}
	im->driver = img_probe(im->file, im->name, &why);
	return why.code == ERR_NONE ? 0 : err_set(err, why.code, "%s", why.msg);
}

/* One image, without what backs it. */
static struct img *open_one(
    const char *path, const char *format, unsigned flags, struct seen *seen, struct err *err)
{
	CLEANUP(img_drop) struct img *im = xcalloc(1, sizeof(*im));
	im->name = xstrdup(path);
	im->flags = flags;
	im->file = disk_io_open(path,
	    (flags & IMG_WRITE ? DISK_IO_WRITE : 0) | (flags & IMG_DIRECT ? DISK_IO_DIRECT : 0),
	    err);
	if (!im->file || note_file(seen, im, err) < 0 ||
	    img_lock_for(im->file, seen->flags, seen->n > 1, err) < 0)
		return NULL;
	if (choose_driver(im, format, err) < 0 || im->driver->open(im, err) < 0)
		return NULL;
	if (im->size > IMG_SIZE_MAX) {
		err_set(err, ERR_INVALID, "'%s': no disk is that large", im->name);
		return NULL;
	}
	return TAKE_PTR(im);
}

static struct img *open_backing(
    const struct img *im, unsigned flags, struct seen *seen, struct err *err)
{
	CLEANUP_FREE char *path = img_resolve(im->name, im->backing_name);
	if (!path) {
		err_set(err, ERR_UNSUPPORTED,
		    "'%s': its backing file '%s' is no file, and nothing else is read here",
		    im->name, im->backing_name);
		return NULL;
	}
	if (!im->backing_format) {
		err_set(err, ERR_INVALID,
		    "'%s' does not tell the format of its backing file '%s', and guessing it would "
		    "let a guest choose: say it with 'img rebase -u -F FORMAT -b %s'",
		    im->name, im->backing_name, im->backing_name);
		return NULL;
	}
	struct img *below = open_one(path, im->backing_format, flags, seen, err);
	if (!below)
		err_wrap(err, "cannot open the backing file of '%s'", im->name);
	return below;
}

struct img *img_open(const char *name, const char *format, unsigned flags, struct err *err)
{
	struct seen seen = {.flags = flags};
	CLEANUP_FREE char *path = img_resolve("", name);
	if (!path) {
		err_set(
		    err, ERR_UNSUPPORTED, "'%s' is no file, and nothing else is read here", name);
		return NULL;
	}
	CLEANUP(img_drop) struct img *top = open_one(path, format, flags, &seen, err);
	if (!top)
		return NULL;
	unsigned below = flags & ~(unsigned)(IMG_WRITE | IMG_REPAIR);
	for (struct img *im = top; im->backing_name && !(flags & IMG_NO_BACKING);
	     im = im->backing) {
		im->backing = open_backing(im, below, &seen, err);
		if (!im->backing)
			return NULL;
	}
	return TAKE_PTR(top);
}

struct img *img_look(const char *name, const char *format, struct err *err)
{
	return img_open(
	    name, format, IMG_INFO | IMG_NO_BACKING | IMG_FORCE_SHARE | IMG_NO_LOCK, err);
}

static void free_one(struct img *im)
{
	if (im->driver)
		im->driver->close(im);
	disk_io_close(im->file);
	free(im->name);
	free(im->backing_name);
	free(im->backing_format);
	free(im);
}

int img_close(struct img *im, struct err *err)
{
	int result = im->flags & IMG_WRITE ? img_flush(im, err) : 0;
	while (im) {
		struct img *below = im->backing;
		free_one(im);
		im = below;
	}
	return result;
}

void img_drop(struct img **im)
{
	for (struct img *one = *im, *below; one; one = below) {
		below = one->backing;
		free_one(one);
	}
	*im = NULL;
}

/* --- what it holds --------------------------------------------------------------------------------- */
static int check_range(
    const struct img *im, uint64_t offset, uint64_t bytes, const char *verb, struct err *err)
{
	if (offset <= im->size && bytes <= im->size - offset)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': cannot %s %" PRIu64 " bytes at offset %" PRIu64 ": the disk ends at %" PRIu64,
	    im->name, verb, bytes, offset, im->size);
}

int img_map(struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err)
{
	if (check_range(im, offset, bytes, "look up", err) < 0)
		return -1;
	if (im->driver->map(im, offset, bytes, e, err) < 0)
		return -1;
	e->layer = im;
	e->depth = 0;
	return 0;
}

int img_map_chain(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err)
{
	for (unsigned depth = 0;; depth++) {
		if (img_map(im, offset, bytes, e, err) < 0)
			return -1;
		e->depth = depth;
		if (e->kind != IMG_ABSENT || !im->backing)
			return 0;
		im = im->backing;
		bytes = e->bytes;
		if (offset < im->size) {
			bytes = bytes < im->size - offset ? bytes : im->size - offset;
			continue;
		}
		*e = (struct img_extent){.offset = offset,
		    .bytes = bytes,
		    .kind = IMG_ZERO,
		    .layer = im,
		    .depth = depth + 1};
		return 0;
	}
}

int img_read_extent(
    const struct img_extent *e, uint64_t offset, void *buf, size_t n, struct err *err)
{
	switch (e->kind) {
	case IMG_DATA:
		if (e->hole)
			break;
		return disk_io_read_padded(e->file, e->host + (offset - e->offset), buf, n, err);
	case IMG_PACKED:
		return e->layer->driver->unpack(e->layer, e, offset, buf, n, err);
	case IMG_ABSENT:
	case IMG_ZERO:
		break;
	}
	memset(buf, 0, n);
	return 0;
}

int img_read(struct img *im, uint64_t offset, void *buf, size_t n, struct err *err)
{
	struct img_extent e;
	if (check_range(im, offset, n, "read", err) < 0)
		return -1;
	while (n > 0) {
		if (img_map_chain(im, offset, n, &e, err) < 0)
			return -1;
		size_t part = (size_t)(e.bytes < n ? e.bytes : n);
		if (img_read_extent(&e, offset, buf, part, err) < 0)
			return -1;
		buf = (char *)buf + part;
		offset += part;
		n -= part;
	}
	return 0;
}

/* --- changing it ----------------------------------------------------------------------------------- */
static int check_change(const struct img *im, bool can, const char *verb, struct err *err)
{
	if (!can)
		return err_set(err, ERR_UNSUPPORTED, "'%s': cannot %s an image of the format %s",
		    im->name, verb, disk_format_name(im->driver->format));
	if (!(im->flags & IMG_WRITE))
		return err_set(err, ERR_STATE, "'%s' is open for reading alone", im->name);
	return 0;
}

int img_write(struct img *im, uint64_t offset, const void *buf, size_t n, struct err *err)
{
	if (check_change(im, im->driver->write != NULL, "write into", err) < 0 ||
	    check_range(im, offset, n, "write", err) < 0)
		return -1;
	return n == 0 ? 0 : im->driver->write(im, offset, buf, n, err);
}

int img_zero(struct img *im, uint64_t offset, uint64_t bytes, bool keep, struct err *err)
{
	if (check_change(im, im->driver->zero != NULL, "zero parts of", err) < 0 ||
	    check_range(im, offset, bytes, "zero", err) < 0)
		return -1;
	return bytes == 0 ? 0 : im->driver->zero(im, offset, bytes, keep, err);
}

int img_discard(struct img *im, uint64_t offset, uint64_t bytes, struct err *err)
{
	if (check_change(im, im->driver->discard != NULL, "discard parts of", err) < 0 ||
	    check_range(im, offset, bytes, "discard", err) < 0)
		return -1;
	return bytes == 0 ? 0 : im->driver->discard(im, offset, bytes, err);
}

int img_resize(struct img *im, uint64_t size, struct err *err)
{
	if (check_change(im, im->driver->resize != NULL, "resize", err) < 0)
		return -1;
	if (size > IMG_SIZE_MAX || size % IMG_SECTOR != 0)
		return err_set(err, ERR_INVALID,
		    "'%s': %" PRIu64 " bytes are no size of a disk: it has whole sectors of %u",
		    im->name, size, IMG_SECTOR);
	if (im->driver->resize(im, size, err) < 0)
		return -1;
	im->size = size;
	return 0;
}

int img_flush(struct img *im, struct err *err)
{
	return im->driver->flush && (im->flags & IMG_WRITE) ? im->driver->flush(im, err) : 0;
}
