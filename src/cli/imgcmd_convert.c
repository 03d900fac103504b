/* imgcmd_convert: `img convert`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/img_options.h"
#include "cli/imgcmd.h"
#include "cli/imgcmd_copy.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/convert_file.h"

#define SPARSE_MAX (16u << 20) /* qemu-img's */
#define THREADS_MAX 16u        /* qemu-img's */

enum { OPT_ZEROED = IMGCMD_LONG, OPT_BITMAPS, OPT_SALVAGE };

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the sources' format, when it is not to be found out"},
    {'O', NULL, "FMT", "the output's format: raw (unless told), qcow2"},
    {'o', NULL, "OPTIONS", "name=value,… of the output's format; -o help lists them"},
    {'B', NULL, "FILE", "the output holds only what differs from this backing file"},
    {'F', NULL, "FMT", "the backing file's format"},
    {'c', NULL, NULL, "compress the output (qcow2)"},
    {'S', NULL, "SIZE", "so many zeroes become a hole (4k); 0 allocates everything"},
    {'n', NULL, NULL, "write into an image that exists"},
    {OPT_ZEROED, "target-is-zero", NULL, "with -n: that image is all zeroes already"},
    {'l', "snapshot", "SNAPSHOT", "convert an internal snapshot"},
    {OPT_BITMAPS, "bitmaps", NULL, "copy persistent bitmaps, too"},
    {OPT_SALVAGE, "salvage", NULL, "zeroes for what cannot be read, and go on"},
    {'p', NULL, NULL, "show the progress as qemu-img does"},
    {'q', NULL, NULL, "say nothing but errors"},
    {'U', "force-share", NULL, "read although somebody may be writing"},
    {'t', NULL, "CACHE", "the output's cache; all but \"unsafe\" wait for the disk at the end"},
    {'T', NULL, "CACHE", "the sources' cache"},
    {'m', NULL, "N", "at most N processors (8)"},
    {'r', NULL, "RATE", "at most so many bytes a second"},
    {'W', NULL, NULL, "the output may be written out of order (it always may)"},
    {'C', NULL, NULL, "copy inside the kernel where that is possible"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {IMGCMD_TARGET_IMAGE_OPTS, "target-image-opts", NULL,
        "OUTPUT is a list of options that describes an image"},
    {0},
};

struct request {
	struct convert_file f;
	struct img_options options;
	char **texts; /* of -o, borrowed */
	size_t n_texts;
	const char *backing, *backing_format;
	const char *foreign; /* what QEMU alone does; NULL nothing */
	bool percent, quiet;
};

/* --- options ------------------------------------------------------------------------------------------ */

static int read_sparse(struct imgcmd_call *c, uint64_t *sparse)
{
	if (imgcmd_size(c->value, sparse, NULL) == 0 && *sparse % IMG_SECTOR == 0 &&
	    *sparse <= SPARSE_MAX)
		return 0;
	struct err err;
	err_set(&err, ERR_USAGE,
	    "Invalid buffer size for sparse output specified. Valid sizes are multiples of %u up "
	    "to %u. Select 0 to disable sparse detection (fully allocates output).",
	    IMG_SECTOR, SPARSE_MAX);
	return -imgcmd_fail(c, &err);
}

static int read_threads(struct imgcmd_call *c, unsigned *threads)
{
	uint64_t n;
	if (str_u64(c->value, THREADS_MAX, &n) == 0 && n >= 1) {
		*threads = (unsigned)n;
		return 0;
	}
	struct err err;
	err_set(&err, ERR_USAGE,
	    "Invalid number of coroutines. Allowed number of coroutines is between 1 and %u",
	    THREADS_MAX);
	return -imgcmd_fail(c, &err);
}

static int read_cache(struct imgcmd_call *c, bool output, bool *sync)
{
	static const char *const modes[] = {
	    "none", "off", "directsync", "writeback", "writethrough", "unsafe"};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (str_eq(modes[i], c->value)) {
			if (output)
				*sync = !str_eq(c->value, "unsafe");
			return 0;
		}
	struct err err;
	err_set(&err, ERR_USAGE, "Invalid %scache option: %s", output ? "" : "source ", c->value);
	return -imgcmd_fail(c, &err);
}

static int read_option(struct imgcmd_call *c, struct request *r, int code)
{
	struct convert_file *f = &r->f;
	switch (code) {
	case 'f':
		f->source_format = c->value;
		return 0;
	case 'O':
		f->format = c->value;
		return 0;
	case 'o':
		r->texts[r->n_texts++] = c->value;
		return 0;
	case 'B':
		r->backing = c->value;
		return 0;
	case 'F':
		r->backing_format = c->value;
		return 0;
	case 'c':
		f->pack = true;
		return 0;
	case 'S':
		return read_sparse(c, &f->copy.sparse);
	case 'n':
		f->existing = true;
		return 0;
	case OPT_ZEROED:
		f->zeroed = true;
		return 0;
	case 'l':
		f->snapshot = c->value;
		return 0;
	case OPT_BITMAPS:
		r->foreign = "copying bitmaps";
		return 0;
	case OPT_SALVAGE:
		f->copy.lost = imgcmd_copy_lost;
		f->copy.lost_arg = c;
		return 0;
	case 'p':
		r->percent = true;
		return 0;
	case 'q':
		r->quiet = true;
		return 0;
	case 'U':
		f->source_flags |= IMG_FORCE_SHARE;
		return 0;
	case 't':
		return read_cache(c, true, &f->sync);
	case 'T':
		return read_cache(c, false, NULL);
	case 'm':
		return read_threads(c, &f->copy.threads);
	case 'r':
		return imgcmd_number(c, "rate limit", c->value, 1, INT64_MAX, &f->copy.rate);
	default: /* -W, -C: what is done anyway */
		return 0;
	}
}

static int read_words(struct imgcmd_call *c, struct request *r)
{
	r->texts = xcalloc((size_t)c->argc, sizeof(*r->texts));
	for (int code; (code = imgcmd_next(c)) != -1;)
		if (code == 0 || read_option(c, r, code) < 0)
			return -1;
	return 0;
}

static bool asks_options(const struct imgcmd_call *c, const struct request *r)
{
	for (size_t i = 0; i < r->n_texts; i++) {
		CLEANUP_BUF struct buf out = BUF_INIT;
		if (!img_options_ask(r->texts[i]))
			continue;
		img_options_help(r->f.format, c->at < c->argc, &out);
		fwrite(out.data, 1, out.len, stdout);
		return true;
	}
	return false;
}

/* --- running ------------------------------------------------------------------------------------------ */

static int take_options(struct request *r, struct err *err)
{
	struct img_options *o = &r->options;
	for (size_t i = 0; i < r->n_texts; i++)
		if (img_options_add(o, r->f.format, r->texts[i], err) < 0)
			return -1;
	if (r->backing && strcmp(r->f.format, "raw") == 0)
		return err_set(err, ERR_INVALID, "Backing file not supported for file format '%s'",
		    r->f.format);
	if (r->backing)
		img_options_set(o, IMG_OPTION_BACKING_FILE, r->backing);
	if (r->backing_format)
		img_options_set(o, IMG_OPTION_BACKING_FMT, r->backing_format);
	if (img_options_read(o, err) < 0)
		return -1;
	r->f.options = o->qcow2;
	r->f.with_size = o->with_size;
	return 0;
}

/* What does not go together, in qemu-img's words. */
static int check_request(const struct request *r, struct err *err)
{
	const struct convert_file *f = &r->f;
	if (f->pack && f->format && strcmp(f->format, "raw") == 0)
		return err_set(err, ERR_INVALID, "Compression not supported for this file format");
	if (f->zeroed && !f->existing)
		return err_set(err, ERR_USAGE, "--target-is-zero requires use of -n flag");
	if (r->backing_format && !r->backing)
		return err_set(err, ERR_USAGE, "-F can only be used with -B");
	if (f->options.backing && f->n_sources > 1)
		return err_set(err, ERR_USAGE,
		    "Having a backing file for the target makes no sense when concatenating "
		    "multiple input images");
	return 0;
}

static int convert(struct imgcmd_call *c, struct request *r, struct err *err)
{
	struct convert_file *f = &r->f;
	bool ours = f->existing || str_eq(f->format, "raw") || str_eq(f->format, "qcow2");
	if (r->foreign || !ours)
		return err_set(err, ERR_UNSUPPORTED, "%s%s%s is done by QEMU alone",
		    ours ? r->foreign : "writing the format '", ours ? "" : f->format,
		    ours ? "" : "'");
	if (!f->existing && take_options(r, err) < 0)
		return -1;
	if (f->existing && r->n_texts > 0 && !r->quiet)
		fprintf(stderr, "%s: warning: -o has no effect when skipping image creation\n",
		    c->program);
	if (r->quiet)
		f->copy.lost_arg = NULL;
	return check_request(r, err) < 0 ? -1 : convert_file(f, err);
}

static int run_request(struct imgcmd_call *c, struct request *r)
{
	struct progress progress;
	struct err err = {0};
	if (asks_options(c, r))
		return 0;
	if (c->argc - c->at < 2) {
		err_set(&err, ERR_USAGE, "Must specify image file name");
		return imgcmd_fail(c, &err);
	}
	r->f.sources = (const char *const *)(c->argv + c->at);
	r->f.n_sources = (size_t)(c->argc - c->at - 1);
	r->f.target = c->argv[c->argc - 1];
	r->f.copy.progress = &progress;
	progress_start(&progress, progress_form_of(r->percent, r->quiet),
	    r->percent ? STDOUT_FILENO : STDERR_FILENO, 0);
	int done = convert(c, r, &err);
	progress_stop(&progress, done == 0);
	progress_die();
	if (done == 0)
		return 0;
	return err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err) : imgcmd_fail(c, &err);
}

static int run(struct imgcmd_call *c)
{
	struct request r = {.f = {.format = "raw", .copy = {.sparse = CONVERT_SPARSE}}};
	int status = read_words(c, &r) < 0 ? 1 : run_request(c, &r);
	img_options_fini(&r.options);
	free(r.texts);
	return status;
}

const struct imgcmd imgcmd_convert = {
    .name = "convert",
    .args = "[-c] [-p] [-q] [-n] [-U] [-f FMT] [-O FMT] [-o OPTIONS] [-B FILE [-F FMT]] [-S SIZE] "
            "[-t CACHE] [-T CACHE] [-m N] [-r RATE] [-W] [-C] [--target-is-zero] [--salvage] "
            "FILE… OUTPUT",
    .summary = "copy an image into another format",
    .text = "Writes what a guest sees of FILE, with all that backs it, into OUTPUT. Several FILEs "
            "are put one behind the other. OUTPUT gets its name when it is whole: an older file "
            "of the name stays as it was until then, and no interruption leaves half an image. A "
            "device is written in place.\n"
            "All processors read, inflate, look for zeroes and compress. On a terminal a bar "
            "shows how far it is; SIGUSR1 asks for it elsewhere.",
    .opts = opts,
    .run = run,
};
