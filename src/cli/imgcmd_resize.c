/* imgcmd_resize: `img resize`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/img.h"
#include "disk/img_create.h"
#include "disk/qcow2_create.h"
#include "disk/qcow2_resize.h"

enum { OPT_PREALLOCATION = IMGCMD_LONG, OPT_SHRINK };

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the image's format, instead of finding out"},
    {OPT_PREALLOCATION, "preallocation", "MODE",
        "room for what is new: off, metadata, falloc, full"},
    {OPT_SHRINK, "shrink", NULL, "allow a smaller size: what is behind it is lost"},
    {'q', NULL, NULL, "say nothing when all is well"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

struct resize {
	const char *format, *file, *size;
	enum img_prealloc prealloc;
	bool shrink, quiet;
};

static int parse_prealloc(struct imgcmd_call *c, struct resize *r)
{
	static const char *const names[] = {"off", "metadata", "falloc", "full"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(names[i], c->value)) {
			r->prealloc = (enum img_prealloc)i;
			return 0;
		}
	struct err err = {0};
	err_set(&err, ERR_USAGE, "Invalid preallocation mode '%s'", c->value);
	imgcmd_fail(c, &err);
	return -1;
}

static int parse(struct imgcmd_call *c, struct resize *r)
{
	for (int code; (code = imgcmd_next(c)) != -1;) {
		switch (code) {
		case 'f':
			r->format = c->value;
			break;
		case OPT_PREALLOCATION:
			if (parse_prealloc(c, r) != 0)
				return -1;
			break;
		case OPT_SHRINK:
			r->shrink = true;
			break;
		case 'q':
			r->quiet = true;
			break;
		default:
			return -1;
		}
	}
	if (c->argc < 3) {
		imgcmd_usage(c, "Not enough arguments");
		return -1;
	}
	if (c->argc - c->at != 2) {
		imgcmd_usage(c, "Expecting image file name and size");
		return -1;
	}
	r->file = c->argv[c->at];
	r->size = c->argv[c->at + 1];
	return 0;
}

/* "+4G" and "-4G" count from the size as it is. */
static int new_size(const struct resize *r, uint64_t old, uint64_t *size, struct err *err)
{
	bool plus = r->size[0] == '+', minus = r->size[0] == '-';
	if (imgcmd_size(r->size + (plus || minus), size, err) != 0)
		return -1;
	if (plus && *size > IMG_SIZE_MAX - old)
		return err_set(err, ERR_INVALID, "Image size is too large");
	if (plus)
		*size += old;
	if (minus)
		*size = *size < old ? old - *size : 0;
	if (*size == 0)
		return err_set(err, ERR_INVALID, "New image size must be positive");
	if (*size > IMG_SIZE_MAX)
		return err_set(err, ERR_INVALID, "Image size is too large");
	return 0;
}

static int check_direction(
    const struct imgcmd_call *c, const struct resize *r, uint64_t old, uint64_t size)
{
	struct err err = {0};
	if (size < old && !r->shrink) {
		err_set(&err, ERR_USAGE, "Use the --shrink option to perform a shrink operation.");
		imgcmd_fail(c, &err);
		err_set(&err, ERR_USAGE,
		    "warning: Shrinking an image will delete all data beyond the shrunken image's "
		    "end. Before performing such an operation, make sure there is no important "
		    "data there.");
		return imgcmd_fail(c, &err);
	}
	if (size <= old && r->prealloc != IMG_PREALLOC_OFF) {
		err_set(&err, ERR_USAGE, "Preallocation can only be used for growing images");
		return imgcmd_fail(c, &err);
	}
	return 0;
}

static int preallocate(struct img *im, const struct resize *r, uint64_t old, struct err *err)
{
	if (r->prealloc == IMG_PREALLOC_OFF || im->size <= old)
		return 0;
	if (im->driver == &img_qcow2)
		return qcow2_resize_preallocate(im, old, im->size, r->prealloc, err);
	return qcow2_create_space(im->file, old, im->size - old, r->prealloc, err);
}

static int resize(struct img *im, const struct resize *r, uint64_t size, struct err *err)
{
	uint64_t old = im->size;
	if (im->driver != &img_qcow2 && r->prealloc == IMG_PREALLOC_METADATA)
		return err_set(err, ERR_INVALID, "Unsupported preallocation mode 'metadata'");
	if (im->driver == &img_qcow2 && size % IMG_SECTOR)
		return err_set(
		    err, ERR_INVALID, "The new size must be a multiple of %u", IMG_SECTOR);
	/* a raw file may end inside of a sector */
	int rc = im->driver == &img_raw ? disk_io_resize(im->file, size, err)
	                                : img_resize(im, size, err);
	if (rc != 0)
		return -1;
	im->size = size;
	return preallocate(im, r, old, err);
}

static int run(struct imgcmd_call *c)
{
	struct resize r = {0};
	struct err err = {0};
	uint64_t size;
	if (parse(c, &r) != 0)
		return 1;
	CLEANUP(img_drop) struct img *im = img_open(r.file, r.format, IMG_WRITE, &err);
	if (!im)
		return err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err)
		                                   : imgcmd_fail(c, &err);
	if (!im->driver->resize) {
		err_set(&err, ERR_UNSUPPORTED, "images of this format are not resized here");
		return imgcmd_hand_over(c, &err);
	}
	if (new_size(&r, im->size, &size, &err) != 0)
		return imgcmd_fail(c, &err);
	if (check_direction(c, &r, im->size, size) != 0)
		return 1;
	int rc = resize(im, &r, size, &err);
	if (rc == 0)
		rc = img_close(TAKE_PTR(im), &err);
	else if (err.code == ERR_UNSUPPORTED)
		return imgcmd_hand_over(c, &err);
	if (rc != 0)
		return imgcmd_fail(c, &err);
	if (!r.quiet)
		puts("Image resized.");
	return 0;
}

const struct imgcmd imgcmd_resize = {
    .name = "resize",
    .args = "[-f FMT] [--preallocation=MODE] [-q] [--shrink] FILE [+|-]SIZE",
    .summary = "change the size of the disk that an image holds",
    .text =
        "SIZE is what the disk is to have, or with a sign in front what it is to get or to lose. "
        "A smaller disk loses what is behind its new end: the guest's partitions and file "
        "systems have to be made smaller before, and --shrink says that they were. A larger one "
        "has zeroes there, which the guest sees as free space behind its last partition.",
    .opts = opts,
    .run = run,
    .last_word = true,
};
