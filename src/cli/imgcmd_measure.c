/* imgcmd_measure: `img measure`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/img_dump.h"
#include "cli/img_options.h"
#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/measure.h"

enum { OPT_OUTPUT = IMGCMD_LONG, OPT_SIZE };

static const struct imgcmd_opt opts[] = {
    {'O', NULL, "FMT", "the new image's format: raw (unless told), qcow2"},
    {'o', NULL, "OPTIONS", "name=value,… of the format; -o help lists them"},
    {OPT_SIZE, "size", "SIZE", "of an empty disk, instead of FILE"},
    {'f', NULL, "FMT", "FILE's format; found out by its contents unless told"},
    {'l', NULL, "SNAPSHOT", "a snapshot of FILE: QEMU's qemu-img measures it"},
    {OPT_OUTPUT, "output", "FORM", "human (unless told) or json"},
    {'U', "force-share", NULL, "read FILE although a running VM may be writing to it"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

struct request {
	const char *path, *from_format, *to_format, *snapshot;
	bool json, with_size;
	uint64_t size;
	unsigned flags;
	char **texts; /* of -o, borrowed */
	size_t n_texts;
};

static int read_words(struct imgcmd_call *c, struct request *r)
{
	for (int code; (code = imgcmd_next(c)) != -1;)
		switch (code) {
		case 'O':
			r->to_format = c->value;
			break;
		case 'o':
			r->texts[r->n_texts++] = c->value;
			break;
		case 'f':
			r->from_format = c->value;
			break;
		case 'l':
			r->snapshot = c->value;
			break;
		case 'U':
			r->flags |= IMG_FORCE_SHARE;
			break;
		case OPT_OUTPUT:
			if (imgcmd_form(c, &r->json) < 0)
				return 1;
			break;
		case OPT_SIZE:
			if (imgcmd_number(c, "image size", c->value, 0, INT64_MAX, &r->size) < 0)
				return 1;
			r->with_size = true;
			break;
		default:
			return 1;
		}
	return 0;
}

static int fail_words(const struct imgcmd_call *c, const char *words)
{
	struct err err;
	err_set(&err, ERR_USAGE, "%s", words);
	return imgcmd_fail(c, &err);
}

static int read_path(const struct imgcmd_call *c, struct request *r)
{
	int n = c->argc - c->at;
	if (n > 1)
		return fail_words(c, "At most one filename argument is allowed.");
	if (n == 0 && !r->with_size)
		return fail_words(c, "Either --size N or one filename must be specified.");
	if (n == 1 && r->with_size)
		return fail_words(c, "--size N cannot be used together with a filename.");
	r->path = n == 1 ? c->argv[c->at] : NULL;
	return 0;
}

static void print(const struct request *r, const struct measure *m)
{
	struct img_dump d;
	if (!r->json) {
		printf("required size: %" PRIu64 "\nfully allocated size: %" PRIu64 "\n",
		    m->required, m->full);
		if (m->with_bitmaps)
			printf("bitmaps size: %" PRIu64 "\n", m->bitmaps);
		return;
	}
	img_dump_init(&d, true, 0);
	img_dump_object(&d, NULL);
	if (m->with_bitmaps)
		img_dump_u64(&d, "bitmaps", m->bitmaps);
	img_dump_u64(&d, "required", m->required);
	img_dump_u64(&d, "fully-allocated", m->full);
	img_dump_end(&d);
	fwrite(d.text.data, 1, d.text.len, stdout);
	img_dump_fini(&d);
}

static int measure(const struct request *r, struct img_options *o, struct err *err)
{
	struct measure m;
	CLEANUP(img_drop) struct img *from = NULL;
	for (size_t i = 0; i < r->n_texts; i++)
		if (img_options_add(o, r->to_format, r->texts[i], err) < 0)
			return -1;
	if (img_options_read(o, err) < 0)
		return -1;
	o->qcow2.size = r->size;
	if (r->path != NULL) {
		from = img_open(r->path, r->from_format, r->flags, err);
		if (from == NULL)
			return -1;
		o->qcow2.size = from->size;
	}
	if (strcmp(r->to_format, "raw") == 0)
		measure_raw(o->qcow2.size, &m);
	else if (measure_qcow2(&o->qcow2, from, &m, err) < 0)
		return -1;
	print(r, &m);
	return 0;
}

static int run_request(struct imgcmd_call *c, struct request *r)
{
	struct err err = {0};
	struct img_options o = {0};
	struct buf help = BUF_INIT;
	bool known = strcmp(r->to_format, "raw") == 0 || strcmp(r->to_format, "qcow2") == 0;
	if (!known || r->snapshot != NULL) {
		err_set(&err, ERR_UNSUPPORTED,
		    known ? "snapshots are measured by QEMU alone"
		          : "images of this format are measured by QEMU "
		            "alone");
		return imgcmd_hand_over(c, &err);
	}
	for (size_t i = 0; i < r->n_texts; i++)
		if (img_options_ask(r->texts[i])) {
			img_options_help(r->to_format, true, &help);
			fwrite(help.data, 1, help.len, stdout);
			buf_fini(&help);
			return 0;
		}
	if (read_path(c, r) != 0)
		return 1;
	int result = measure(r, &o, &err);
	img_options_fini(&o);
	if (result == 0)
		return 0;
	return err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err) : imgcmd_fail(c, &err);
}

static int run(struct imgcmd_call *c)
{
	struct request r = {.to_format = "raw"};
	r.texts = xcalloc((size_t)c->argc, sizeof(*r.texts));
	int status = read_words(c, &r) != 0 ? 1 : run_request(c, &r);
	free(r.texts);
	return status;
}

const struct imgcmd imgcmd_measure = {
    .name = "measure",
    .args = "[--output=FORM] [-O FMT] [-o OPTIONS] [--size SIZE | [-f FMT] [-U] FILE]",
    .summary = "how large a new image would be",
    .text = "Tells how many bytes an image of format FMT takes that holds what FILE holds, or "
            "an empty disk of SIZE, and how many once everything in it is written: what a "
            "logical volume for it has to have.",
    .opts = opts,
    .run = run,
    .reads = true,
};
