/* imgcmd_amend: `img amend`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/img_options.h"
#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/str.h"
#include "disk/amend.h"

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the image's format, instead of finding out"},
    {'o', NULL, "OPTIONS", "name=value,… of the format; -o help lists them"},
    {'t', NULL, "CACHE", "QEMU's cache mode: accepted"},
    {'p', NULL, NULL, "tell how far it is"},
    {'q', NULL, NULL, "say nothing when all is well"},
    {IMGCMD_LONG, "force", NULL, "QEMU's, for keys of encrypted images"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

/* What can be amended, in qemu-img's order. */
static const struct {
	const char *name, *value, *help;
} known[] = {
    {"backing_file", "str", "File name of a base image"},
    {"backing_fmt", "str", "Image format of the base image"},
    {"compat", "str", "Compatibility level (v2 [0.10] or v3 [1.1])"},
    {"data_file", "str", "File name of an external data file"},
    {"data_file_raw", "bool (on/off)", "The external data file must stay valid as a raw image"},
    {"lazy_refcounts", "bool (on/off)", "Postpone refcount updates"},
    {"refcount_bits", "num", "Width of a reference count entry in bits"},
    {"size", "size", "Virtual disk size"},
};

struct amend {
	const char *format, *file;
	char **texts; /* of -o, borrowed */
	size_t n_texts;
	bool progress, quiet;
};

static int read_words(struct imgcmd_call *c, struct amend *a)
{
	a->texts = xcalloc((size_t)c->argc, sizeof(*a->texts));
	for (int code; (code = imgcmd_next(c)) != -1;) {
		switch (code) {
		case 'f':
			a->format = c->value;
			break;
		case 'o':
			a->texts[a->n_texts++] = c->value;
			break;
		case 'p':
			a->progress = true;
			break;
		case 'q':
			a->quiet = true;
			break;
		case 't':
		case IMGCMD_LONG:
			break;
		default:
			return -1;
		}
	}
	if (a->n_texts == 0) {
		imgcmd_usage(c, "Must specify options (-o)");
		return -1;
	}
	return 0;
}

static bool asks_options(const struct amend *a)
{
	for (size_t i = 0; i < a->n_texts; i++) {
		if (!img_options_ask(a->texts[i]))
			continue;
		puts("Amend options for 'qcow2':");
		for (size_t k = 0; k < ARRAY_LEN(known); k++) {
			CLEANUP_FREE char *left =
			    xasprintf("%s=<%s>", known[k].name, known[k].value);
			printf("  %-22s - %s\n", left, known[k].help);
		}
		return true;
	}
	return false;
}

static bool amendable(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(known[i].name, name))
			return true;
	return false;
}

#define NAME(id, text, kind, implied) [IMG_OPTION_##id] = text,
static const char *const names[] = {IMG_OPTIONS(NAME)};
#undef NAME

/* What was told, and is not what the image has already. */
static int check_options(const struct img *im, const struct img_options *o, struct err *err)
{
	for (unsigned i = 0; i < IMG_OPTION_COUNT; i++)
		if (o->values[i] && !amendable(names[i]))
			return err_set(err, ERR_INVALID,
			    "Invalid parameter '%s'\nThis option is only supported for image creation",
			    names[i]);
	const char *backing = o->values[IMG_OPTION_BACKING_FILE];
	const char *format = o->values[IMG_OPTION_BACKING_FMT];
	if ((backing && !str_eq(backing, im->backing_name ? im->backing_name : "")) ||
	    (format && !str_eq(format, im->backing_format ? im->backing_format : "")))
		return err_set(err, ERR_INVALID,
		    "Cannot amend the backing file\nYou can use 'qemu-img rebase' instead.");
	return 0;
}

static int amend(struct img *im, const struct img_options *o, struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	const struct qcow2_options *to = &o->qcow2;
	if (check_options(im, o, err) != 0)
		return -1;
	if (o->foreign || o->values[IMG_OPTION_DATA_FILE] || o->values[IMG_OPTION_DATA_FILE_RAW])
		return err_set(
		    err, ERR_UNSUPPORTED, "encryption and data files are not amended here");
	unsigned version = o->values[IMG_OPTION_COMPAT] ? to->version : q->version;
	if (version < q->version)
		return err_set(err, ERR_UNSUPPORTED, "version 3 is not turned into version 2 here");
	if (version > q->version && amend_upgrade(q, err) != 0)
		return -1;
	if (o->values[IMG_OPTION_REFCOUNT_BITS] &&
	    amend_refcount_bits(q, (unsigned)to->refcount_bits, err) != 0)
		return -1;
	if (o->values[IMG_OPTION_LAZY_REFCOUNTS] &&
	    amend_lazy_refcounts(q, to->lazy_refcounts, err) != 0)
		return -1;
	return o->values[IMG_OPTION_SIZE] ? img_resize(im, to->size, err) : 0;
}

static int run_on(const struct amend *a, struct img_options *o, struct err *err)
{
	struct progress p;
	CLEANUP(img_drop) struct img *im = img_open(a->file, a->format, IMG_WRITE, err);
	if (!im)
		return -1;
	if (im->driver != &img_qcow2)
		return err_set(err, im->driver == &img_raw ? ERR_INVALID : ERR_UNSUPPORTED,
		    "Format driver '%s' does not support option amendment",
		    disk_format_name(im->driver->format));
	for (size_t i = 0; i < a->n_texts; i++)
		if (img_options_add(o, "qcow2", a->texts[i], err) != 0)
			return -1;
	if (img_options_read(o, err) != 0)
		return -1;
	progress_start(&p, progress_form_of(a->progress, true), STDOUT_FILENO, 1);
	int rc = amend(im, o, err);
	progress_stop(&p, rc == 0);
	return rc == 0 ? img_close(TAKE_PTR(im), err) : -1;
}

static int run(struct imgcmd_call *c)
{
	struct amend a = {0};
	struct img_options o = {0};
	struct err err = {0};
	int status = 1;
	if (read_words(c, &a) == 0) {
		if (asks_options(&a)) {
			status = 0;
		} else if (c->argc - c->at != 1) {
			err_set(&err, ERR_USAGE, "Expecting one image file name");
			imgcmd_fail(c, &err);
		} else {
			a.file = c->argv[c->at];
			if (run_on(&a, &o, &err) == 0)
				status = 0;
			else
				status = err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err)
				                                     : imgcmd_fail(c, &err);
		}
	}
	free(a.texts);
	img_options_fini(&o);
	return status;
}

const struct imgcmd imgcmd_amend = {
    .name = "amend",
    .args = "[-f FMT] [-t CACHE] [-p] [-q] -o OPTIONS FILE",
    .summary = "change what was chosen when a qcow2 image was made",
    .text =
        "compat=1.1, lazy_refcounts, refcount_bits and size are done here; compat=0.10, data files and "
        "keys are handed over to QEMU's qemu-img. Whatever interrupts it, the image is as it was "
        "or as it is to be.",
    .opts = opts,
    .run = run,
};
