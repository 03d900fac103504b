/* imgcmd_create: `img create`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/img_options.h"
#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/img.h"
#include "disk/img_create.h"

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the new image's format: raw (unless told), qcow2"},
    {'o', NULL, "OPTIONS", "name=value,… of the format; -o help lists them"},
    {'b', NULL, "FILE", "the image that it starts from, which is not copied"},
    {'F', NULL, "FMT", "the format of that one"},
    {'u', NULL, NULL, "do not look at that one; SIZE is needed then"},
    {'q', NULL, NULL, "say nothing but errors"},
    IMGCMD_OPT_OBJECT,
    {0},
};

struct request {
	const char *format, *path;
	char **texts; /* of -o, borrowed */
	size_t n_texts;
	const char *size; /* in bytes; NULL not told */
	const char *backing, *backing_format;
	bool unchecked, quiet;
};

static int read_words(struct imgcmd_call *c, struct request *r)
{
	*r = (struct request){.format = "raw"};
	r->texts = xcalloc((size_t)c->argc, sizeof(*r->texts));
	for (int code; (code = imgcmd_next(c)) != -1;)
		switch (code) {
		case 'f':
			r->format = c->value;
			break;
		case 'o':
			r->texts[r->n_texts++] = c->value;
			break;
		case 'b':
			r->backing = c->value;
			break;
		case 'F':
			r->backing_format = c->value;
			break;
		case 'u':
			r->unchecked = true;
			break;
		case 'q':
			r->quiet = true;
			break;
		default:
			return -1;
		}
	return 0;
}

static bool asks_options(const struct imgcmd_call *c, const struct request *r)
{
	struct buf out = BUF_INIT;
	for (size_t i = 0; i < r->n_texts; i++) {
		if (!img_options_ask(r->texts[i]))
			continue;
		img_options_help(r->format, c->at < c->argc, &out);
		fwrite(out.data, 1, out.len, stdout);
		buf_fini(&out);
		return true;
	}
	return false;
}

static int read_options(const struct request *r, struct img_options *o, struct err *err)
{
	for (size_t i = 0; i < r->n_texts; i++)
		if (img_options_add(o, r->format, r->texts[i], err) < 0)
			return -1;
	if (r->backing != NULL && strcmp(r->format, "raw") == 0)
		return err_set(
		    err, ERR_INVALID, "Backing file not supported for file format '%s'", r->format);
	if (r->backing != NULL)
		img_options_set(o, IMG_OPTION_BACKING_FILE, r->backing);
	if (r->backing_format != NULL)
		img_options_set(o, IMG_OPTION_BACKING_FMT, r->backing_format);
	if (r->size != NULL && o->values[IMG_OPTION_SIZE] != NULL)
		return err_set(err, ERR_INVALID, "The image size must be specified only once");
	if (r->size != NULL)
		img_options_set(o, IMG_OPTION_SIZE, r->size);
	return img_options_read(o, err);
}

/* What the backing file looks like, for who did not tell: never taken for granted, as a guest may have written it. */
static void add_hint(const struct img_create *create, const char *path, struct err *err)
{
	if (create->qcow2.backing == NULL || create->qcow2.backing_format != NULL ||
	    create->backing_as_told)
		return;
	CLEANUP_FREE char *name = img_resolve(path, create->qcow2.backing);
	CLEANUP(img_drop)
	struct img *im =
	    name != NULL ? img_open(name, NULL, IMG_NO_BACKING | IMG_FORCE_SHARE, NULL) : NULL;
	if (im == NULL)
		return;
	CLEANUP_FREE char *words = xstrdup(err->msg);
	const char *format = disk_format_name(im->driver->format);
	err_set(err, err->code, "%s\nDetected format of %s. If that is right: -F %s", words, format,
	    format);
}

static int make(const struct request *r, struct img_options *o, struct err *err)
{
	struct img_create create = {.format = r->format,
	    .with_size = o->with_size,
	    .backing_as_told = r->unchecked,
	    .qcow2 = o->qcow2};
	if (img_create_prepare(r->path, &create, err) < 0) {
		add_hint(&create, r->path, err);
		return -1;
	}
	if (!r->quiet) {
		struct buf line = BUF_INIT;
		if (!o->with_size) {
			CLEANUP_FREE char *size =
			    xasprintf("%llu", (unsigned long long)create.qcow2.size);
			img_options_set(o, IMG_OPTION_SIZE, size);
		}
		img_options_print(o, r->format, &line);
		CLEANUP_FREE char *name = str_printable_lines(r->path);
		CLEANUP_FREE char *words = str_printable_lines(line.data);
		printf("Formatting '%s', fmt=%s %s\n", name, r->format, words);
		fflush(stdout);
		buf_fini(&line);
	}
	return img_create(r->path, &create, err);
}

static int fail(const struct imgcmd_call *c, const struct request *r, struct err *err)
{
	if (err->code == ERR_UNSUPPORTED)
		return imgcmd_hand_over(c, err);
	/* Some name the file already, and a list that is none is nobody's. */
	if (strstr(err->msg, r->path) == NULL && !str_prefix(err->msg, "Invalid option list"))
		err_wrap(err, "%s", r->path);
	return imgcmd_fail(c, err);
}

static int run_options(struct imgcmd_call *c, const struct request *r)
{
	struct err err = {0};
	struct img_options o = {0};
	int status = 0;
	if (read_options(r, &o, &err) < 0 || make(r, &o, &err) < 0)
		status = fail(c, r, &err);
	img_options_fini(&o);
	return status;
}

static int run_request(struct imgcmd_call *c, struct request *r)
{
	uint64_t size = 0;
	if (strcmp(r->format, "raw") != 0 && strcmp(r->format, "qcow2") != 0) {
		struct err err;
		err_set(&err, ERR_UNSUPPORTED, "images of format '%s' are made by QEMU alone",
		    r->format);
		return imgcmd_hand_over(c, &err);
	}
	if (asks_options(c, r))
		return 0;
	if (c->at >= c->argc)
		return imgcmd_usage(c, "Expecting image file name");
	if (c->argc - c->at > 2)
		return imgcmd_usage(c, "Unexpected argument: %s", c->argv[c->at + 2]);
	r->path = c->argv[c->at];
	if (c->argc - c->at == 1)
		return run_options(c, r);
	if (imgcmd_number(c, "image size", c->argv[c->at + 1], 0, INT64_MAX, &size) < 0)
		return 1;
	CLEANUP_FREE char *bytes = xasprintf("%llu", (unsigned long long)size);
	r->size = bytes;
	return run_options(c, r);
}

static int run(struct imgcmd_call *c)
{
	struct request r;
	int status = read_words(c, &r) < 0 ? 1 : run_request(c, &r);
	free(r.texts);
	return status;
}

const struct imgcmd imgcmd_create = {
    .name = "create",
    .args = "[-q] [-f FMT] [-b FILE [-u]] [-F FMT] [-o OPTIONS] FILE [SIZE]",
    .summary = "make a new image",
    .text = "Makes an image FILE of SIZE bytes (suffixes k, M, G, T, P, E). With -b it starts "
            "from another image and only holds what differs; SIZE is that one's then, unless "
            "told, and -F must say which format that one has.\n"
            "FILE gets its name when it is whole: an older file of the name stays as it was "
            "until then, and no interruption leaves half an image.",
    .opts = opts,
    .run = run,
};
