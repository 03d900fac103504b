/* imgcmd_bitmap: `img bitmap`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/imgcmd.h"
#include "core/mem.h"
#include "disk/img.h"
#include "disk/qcow2_bitmap.h"
#include "disk/qcow2_table.h"

enum { OPT_ADD = IMGCMD_LONG, OPT_REMOVE, OPT_CLEAR, OPT_ENABLE, OPT_DISABLE, OPT_MERGE };

static const struct imgcmd_opt opts[] = {
    {OPT_ADD, "add", NULL, "make it; it records what is written from now on"},
    {OPT_REMOVE, "remove", NULL, "delete it"},
    {OPT_CLEAR, "clear", NULL, "forget what it recorded"},
    {OPT_ENABLE, "enable", NULL, "record from now on"},
    {OPT_DISABLE, "disable", NULL, "record nothing more"},
    {OPT_MERGE, "merge", "SOURCE", "add what SOURCE recorded: handed over to QEMU's qemu-img"},
    {'b', NULL, "FILE", "the image that SOURCE is in"},
    {'F', NULL, "FMT", "its format"},
    {'f', NULL, "FMT", "the image's format, instead of finding out"},
    {'g', NULL, "GRANULARITY", "--add: how many bytes one bit stands for"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

struct bitmap {
	int *steps; /* options, in their order */
	size_t n;
	const char *format, *file, *name, *source_file, *source_format;
	uint64_t granularity;
	bool add, merge;
};

static int parse_one(struct imgcmd_call *c, int code, struct bitmap *b)
{
	switch (code) {
	case OPT_ADD:
	case OPT_REMOVE:
	case OPT_CLEAR:
	case OPT_ENABLE:
	case OPT_DISABLE:
	case OPT_MERGE:
		b->steps[b->n++] = code;
		b->add |= code == OPT_ADD;
		b->merge |= code == OPT_MERGE;
		return 0;
	case 'b':
		b->source_file = c->value;
		return 0;
	case 'F':
		b->source_format = c->value;
		return 0;
	case 'f':
		b->format = c->value;
		return 0;
	case 'g':
		return imgcmd_number(c, "granularity", c->value, 1, UINT64_MAX, &b->granularity);
	default:
		return -1;
	}
}

static int refuse(struct imgcmd_call *c, const char *why)
{
	struct err err = {0};
	err_set(&err, ERR_USAGE, "%s", why);
	imgcmd_fail(c, &err);
	return -1;
}

static int parse(struct imgcmd_call *c, struct bitmap *b)
{
	for (int code; (code = imgcmd_next(c)) != -1;)
		if (parse_one(c, code, b) != 0)
			return -1;
	if (c->argc - c->at != 2 && b->n)
		return refuse(c, "Expecting filename and bitmap name");
	if (b->n == 0)
		return refuse(c,
		    "Need at least one of --add, --remove, --clear, --enable, --disable, "
		    "or --merge");
	if (b->granularity && !b->add)
		return refuse(c, "granularity only supported with --add");
	if (b->source_format && !b->source_file)
		return refuse(c, "-F only supported with -b");
	if (b->source_file && !b->merge)
		return refuse(c, "Merge bitmap source file only supported with --merge");
	b->file = c->argv[c->at];
	b->name = c->argv[c->at + 1];
	return 0;
}

static int take_step(
    struct qcow2 *q, struct qcow2_bitmaps *all, const struct bitmap *b, int step, struct err *err)
{
	static const char *const words[] = {"add", "remove", "clear", "enable", "disable"};
	int rc;
	switch (step) {
	case OPT_ADD:
		rc = qcow2_bitmaps_add(q, all, b->name, b->granularity, err);
		break;
	case OPT_REMOVE:
		rc = qcow2_bitmaps_remove(q, all, b->name, err);
		break;
	case OPT_CLEAR:
		rc = qcow2_bitmaps_clear(q, all, b->name, err);
		break;
	default:
		rc = qcow2_bitmaps_enable(all, b->name, step == OPT_ENABLE, err);
		break;
	}
	if (rc == 0)
		return 0;
	return err_wrap(err, "Operation %s on bitmap %s failed", words[step - OPT_ADD], b->name);
}

/* One switch of the header for all steps. */
static int change(struct img *im, const struct bitmap *b, struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	struct qcow2_bitmaps all = {0};
	int rc = qcow2_table_begin(q, false, err);
	if (rc == 0)
		rc = qcow2_bitmaps_load(q, &all, err);
	for (size_t i = 0; rc == 0 && i < b->n; i++)
		rc = take_step(q, &all, b, b->steps[i], err);
	if (rc == 0)
		rc = qcow2_bitmaps_store(q, &all, err);
	qcow2_bitmaps_fini(&all);
	return rc;
}

static int run_on(const struct bitmap *b, struct err *err)
{
	CLEANUP(img_drop)
	struct img *im = img_open(b->file, b->format, IMG_WRITE | IMG_NO_BACKING, err);
	if (!im)
		return -1;
	if (im->driver != &img_qcow2)
		return err_set(err, ERR_UNSUPPORTED, "images of the format %s have no bitmaps",
		    disk_format_name(im->driver->format));
	if (change(im, b, err) != 0)
		return -1;
	return img_close(TAKE_PTR(im), err);
}

static int run(struct imgcmd_call *c)
{
	struct bitmap b = {0};
	struct err err = {0};
	int status = 1;
	b.steps = xcalloc((size_t)c->argc, sizeof(*b.steps));
	if (parse(c, &b) == 0) {
		int rc = b.merge ? err_set(&err, ERR_UNSUPPORTED, "merging bitmaps is QEMU's own")
		                 : run_on(&b, &err);
		if (rc == 0)
			status = 0;
		else
			status = err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err)
			                                     : imgcmd_fail(c, &err);
	}
	free(b.steps);
	return status;
}

const struct imgcmd imgcmd_bitmap = {
    .name = "bitmap",
    .args =
        "(--add | --remove | --clear | --enable | --disable | --merge SOURCE)… [-b FILE [-F FMT]] "
        "[-f FMT] [-g GRANULARITY] FILE BITMAP",
    .summary = "make, delete or change a dirty bitmap of an image",
    .text =
        "A dirty bitmap records which parts of the disk were written, for incremental backups. Several "
        "changes in one command are seen together or not at all.",
    .opts = opts,
    .run = run,
};
