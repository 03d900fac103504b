/* imgcmd_rebase: `img rebase`. */
#include <stdio.h>
#include <unistd.h>

#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/str.h"
#include "disk/rebase.h"

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the image's format, instead of finding out"},
    {'F', NULL, "FMT", "the format of the new backing file"},
    {'b', NULL, "FILE", "the new backing file; \"\" none"},
    {'u', NULL, NULL, "change the name alone: the new file is known to hold the same"},
    {'t', NULL, "CACHE", "QEMU's cache mode: accepted"},
    {'T', NULL, "CACHE", "the same for what is read"},
    {'U', "force-share", NULL, "read the backing files even if somebody writes to them"},
    {'p', NULL, NULL, "tell how far it is"},
    {'q', NULL, NULL, "say nothing when all is well"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

struct change {
	const char *format, *backing, *backing_format, *file;
	bool unsafe, force_share, progress, quiet;
};

static int parse_one(const struct imgcmd_call *c, int code, struct change *r)
{
	switch (code) {
	case 'f':
		r->format = c->value;
		return 0;
	case 'F':
		r->backing_format = c->value;
		return 0;
	case 'b':
		r->backing = c->value;
		return 0;
	case 'u':
		r->unsafe = true;
		return 0;
	case 'U':
		r->force_share = true;
		return 0;
	case 'p':
		r->progress = true;
		return 0;
	case 'q':
		r->quiet = true;
		return 0;
	case 't':
	case 'T':
		return 0;
	default:
		return -1;
	}
}

static int parse(struct imgcmd_call *c, struct change *r)
{
	for (int code; (code = imgcmd_next(c)) != -1;)
		if (parse_one(c, code, r) != 0)
			return -1;
	if (c->argc - c->at != 1) {
		imgcmd_usage(c, "Expecting one image file name");
		return -1;
	}
	if (!r->unsafe && !r->backing) {
		imgcmd_usage(c, "Must specify backing file (-b) or use unsafe mode (-u)");
		return -1;
	}
	r->file = c->argv[c->at];
	if (r->backing && r->backing[0] == '\0')
		r->backing = NULL;
	return 0;
}

static struct img *open_below(const struct img *im, const struct change *r, struct err *err)
{
	CLEANUP_FREE char *path = img_resolve(im->name, r->backing);
	if (!path) {
		err_set(err, ERR_UNSUPPORTED, "the backing file '%s' is no file", r->backing);
		return NULL;
	}
	struct img *below =
	    img_open(path, r->backing_format, r->force_share ? IMG_FORCE_SHARE : 0, err);
	if (!below)
		err_wrap(err, "Could not open new backing file '%s'", r->backing);
	return below;
}

static int move(struct img *im, const struct change *r, struct err *err)
{
	CLEANUP(img_drop) struct img *below = NULL;
	if (r->backing && !(below = open_below(im, r, err)))
		return -1;
	struct progress p;
	progress_start(&p, progress_form_of(r->progress, r->quiet), STDOUT_FILENO, im->size);
	int rc = rebase_data(im, below, &p, err);
	progress_stop(&p, rc == 0);
	return rc;
}

static int check_format(const struct change *r, struct err *err)
{
	if (!r->backing_format || img_driver_find(r->backing_format))
		return 0;
	/* QEMU may know more of them */
	return err_set(err, ERR_UNSUPPORTED, "Invalid format name: '%s'", r->backing_format);
}

static int change(const struct change *r, struct err *err)
{
	unsigned flags =
	    IMG_WRITE | (r->unsafe ? IMG_NO_BACKING : 0) | (r->force_share ? IMG_FORCE_SHARE : 0);
	if (check_format(r, err) != 0)
		return -1;
	CLEANUP(img_drop) struct img *im = img_open(r->file, r->format, flags, err);
	if (!im)
		return -1;
	if (im->driver != &img_qcow2)
		return err_set(err, ERR_UNSUPPORTED,
		    "Could not change the backing file to '%s': Operation not supported",
		    r->backing ? r->backing : "");
	/* told before the work, not after it */
	if (r->backing && !r->backing_format)
		return err_set(err, ERR_USAGE,
		    "Could not change the backing file to '%s': backing format must be specified",
		    r->backing);
	if (!r->unsafe && move(im, r, err) != 0)
		return -1;
	if (rebase_name(im, r->backing, r->backing_format, err) != 0)
		return -1;
	return img_close(TAKE_PTR(im), err);
}

static int run(struct imgcmd_call *c)
{
	struct change r = {0};
	struct err err = {0};
	if (parse(c, &r) != 0)
		return 1;
	if (change(&r, &err) == 0)
		return 0;
	progress_die();
	return err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err) : imgcmd_fail(c, &err);
}

const struct imgcmd imgcmd_rebase = {
    .name = "rebase",
    .args = "[-f FMT] [-t CACHE] [-T CACHE] [-U] [-p] [-q] [-u] -b FILE [-F FMT] IMAGE",
    .summary = "give an overlay another backing file",
    .text =
        "Both the old chain and the new one are read, and what differs is written into the image, so "
        "that its guest sees the same as before. With -u only the name changes: right when a "
        "file was moved or is known to hold the same, wrong otherwise. The format must be told "
        "with -F: finding it out would let a guest choose. Interrupted, the image still has "
        "its old backing file.",
    .opts = opts,
    .run = run,
};
