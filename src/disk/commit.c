#include "disk/commit.h"

#include <sys/stat.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/qcow2_resize.h"
#include "disk/qcow2_write.h"
#include "disk/transfer.h"

#define STEP (64u << 20) /* bytes of the disk between two looks at who wants to stop */

/* --- opening --------------------------------------------------------------------------------------- */
static bool same_file(const struct img *im, const char *path)
{
	struct stat a, b;
	return fstat(im->file->fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static bool is_base(const struct img *above, const char *path, const char *base_name)
{
	struct stat a, b;
	if (!base_name || str_eq(base_name, above->backing_name) || str_eq(base_name, path))
		return true;
	return stat(path, &a) == 0 && stat(base_name, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* The image below `above`; *base is set when it is the one to commit into. */
static int open_below(const struct img *top, struct img *above, const char *base_name,
    struct img **base, struct err *err)
{
	CLEANUP_FREE char *path = img_resolve(above->name, above->backing_name);
	if (!path)
		return err_set(
		    err, ERR_UNSUPPORTED, "the backing file '%s' is no file", above->backing_name);
	if (!above->backing_format)
		return err_set(err, ERR_INVALID,
		    "'%s' does not tell the format of its backing file '%s': say it with "
		    "'rebase -u -b %s -F FORMAT'",
		    above->name, above->backing_name, above->backing_name);
	for (const struct img *im = top; im; im = im->backing)
		if (same_file(im, path))
			return err_set(err, ERR_INVALID,
			    "'%s' stands twice in its own chain of backing files", path);
	bool found = is_base(above, path, base_name);
	above->backing =
	    img_open(path, above->backing_format, found ? IMG_WRITE : IMG_NO_BACKING, err);
	if (found)
		*base = above->backing;
	return above->backing ? 0
	                      : err_wrap(err, "cannot open the backing file of '%s'", above->name);
}

struct img *commit_open(
    const char *name, const char *format, const char *base_name, struct img **base, struct err *err)
{
	*base = NULL;
	CLEANUP(img_drop)
	struct img *top = img_open(name, format, IMG_WRITE | IMG_NO_BACKING, err);
	if (!top)
		return NULL;
	unsigned depth = 0;
	for (struct img *im = top; !*base; im = im->backing) {
		if (!im->backing_name || ++depth > IMG_CHAIN_MAX) {
			if (base_name)
				err_set(err, ERR_NOT_FOUND,
				    "Did not find '%s' in the backing chain of '%s'", base_name,
				    name);
			else
				err_set(err, ERR_STATE, "Image does not have a backing file");
			return NULL;
		}
		if (open_below(top, im, base_name, base, err) != 0)
			return NULL;
	}
	return TAKE_PTR(top);
}

/* --- moving ---------------------------------------------------------------------------------------- */
/* What the layers above base say of `offset`; ABSENT: nothing. */
static int map_above(struct img *top, const struct img *base, uint64_t offset, uint64_t bytes,
    struct img_extent *e, struct err *err)
{
	for (struct img *im = top; im != base; im = im->backing) {
		if (offset >= im->size) { /* a shorter layer reads as zeroes behind its end */
			*e = (struct img_extent){
			    .offset = offset, .bytes = bytes, .kind = IMG_ZERO, .layer = im};
			return 0;
		}
		if (bytes > im->size - offset)
			bytes = im->size - offset;
		if (img_map(im, offset, bytes, e, err) != 0)
			return -1;
		if (e->kind != IMG_ABSENT)
			return 0;
		bytes = e->bytes;
	}
	return 0;
}

int commit_run(struct img *top, struct img *base, struct progress *p, struct err *err)
{
	struct transfer t = {.to = base};
	int rc = base->size < top->size ? img_resize(base, top->size, err) : 0;
	progress_total(p, top->size);
	for (uint64_t at = 0; rc == 0 && at < top->size;) {
		struct img_extent e;
		uint64_t most = top->size - at < STEP ? top->size - at : STEP;
		rc = progress_check(err);
		if (rc == 0)
			rc = map_above(top, base, at, most, &e, err);
		if (rc == 0 && e.kind != IMG_ABSENT)
			rc = transfer_extent(&t, &e, err);
		if (rc != 0)
			break;
		at += e.bytes;
		progress_add(p, e.bytes);
	}
	transfer_fini(&t);
	return rc == 0 ? img_flush(base, err) : -1;
}

int commit_can_empty(const struct img *top, struct err *err)
{
	if (top->driver == &img_qcow2)
		return 0;
	return err_set(err, ERR_UNSUPPORTED, "'%s': only qcow2 images are emptied here", top->name);
}

int commit_empty(struct img *top, struct err *err)
{
	return commit_can_empty(top, err) < 0 ? -1 : qcow2_resize_empty(qcow2_of(top), err);
}
