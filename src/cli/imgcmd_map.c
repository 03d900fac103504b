/* imgcmd_map: `img map`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/img_dump.h"
#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/img.h"

enum { OPT_OUTPUT = IMGCMD_LONG };

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the image's format; found out by its contents unless told"},
    {'s', "start-offset", "OFFSET", "begin there"},
    {'l', "max-length", "LENGTH", "so many bytes at most"},
    {'U', "force-share", NULL, "read it although a running VM may be writing to it"},
    {OPT_OUTPUT, "output", "FORM", "human (unless told) or json"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

struct request {
	const char *path, *format;
	unsigned flags;
	bool json, limited;
	uint64_t start, length;
};
/* A line of the output: neighbours that differ in nothing else are one. */
struct entry {
	uint64_t start, length;
	unsigned depth;
	bool present, zero, data, hosted;
	uint64_t host;
	const char *file; /* NULL not hosted */
};

/* Down to the image that decides, which for what a shorter one below does not reach is the one above that. */
static int look_up(
    struct img *im, uint64_t at, uint64_t bytes, struct img_extent *e, struct err *err)
{
	for (unsigned depth = 0;; depth++, im = im->backing) {
		if (img_map(im, at, bytes, e, err) < 0)
			return -1;
		e->depth = depth;
		if (e->kind != IMG_ABSENT || !im->backing || at >= im->backing->size)
			return 0;
		uint64_t left = im->backing->size - at;
		bytes = e->bytes < left ? e->bytes : left;
	}
}

static void make_entry(struct entry *to, const struct img_extent *e)
{
	bool data = e->kind == IMG_DATA || e->kind == IMG_PACKED;
	*to = (struct entry){.start = e->offset,
	    .length = e->bytes,
	    .depth = e->depth,
	    .present = e->kind != IMG_ABSENT,
	    .zero = !data || e->hole,
	    .data = data,
	    .hosted = e->hosted && e->kind != IMG_PACKED};
	if (to->hosted) {
		to->host = e->host;
		to->file = e->file->path;
	}
}

static bool are_one(const struct entry *a, const struct entry *b)
{
	return a->depth == b->depth && a->present == b->present && a->zero == b->zero &&
	       a->data == b->data && a->hosted == b->hosted && str_eq(a->file, b->file) &&
	       (!a->hosted || a->host + a->length == b->host);
}

static const char *word(bool b)
{
	return b ? "true" : "false";
}

static void print_json(const struct entry *e, bool last)
{
	printf("{ \"start\": %" PRIu64 ", \"length\": %" PRIu64 ", \"depth\": %u, \"present\": %s, "
	       "\"zero\": %s, \"data\": %s",
	    e->start, e->length, e->depth, word(e->present), word(e->zero), word(e->data));
	if (e->hosted)
		printf(", \"offset\": %" PRIu64, e->host);
	fputs(last ? "}]\n" : "},\n", stdout);
}

static int print_line(const struct entry *e, struct err *err)
{
	if (!e->data || e->zero)
		return 0;
	if (!e->hosted)
		return err_set(
		    err, ERR_INVALID, "File contains external, encrypted or compressed clusters.");
	CLEANUP_FREE char *safe = str_printable(e->file, strlen(e->file), SIZE_MAX);
	printf("%#-16" PRIx64 "%#-16" PRIx64 "%#-16" PRIx64 "%s\n", e->start, e->length, e->host,
	    safe);
	return 0;
}

static int print_entry(const struct request *r, const struct entry *e, bool last, struct err *err)
{
	if (!r->json)
		return print_line(e, err);
	print_json(e, last);
	return 0;
}

static int print_map(struct img *im, const struct request *r, struct err *err)
{
	struct img_extent e;
	struct entry now = {.start = r->start}, next;
	uint64_t end = im->size;
	if (r->limited && r->start <= end && r->length < end - r->start)
		end = r->start + r->length;
	fputs(r->json ? "[" : "Offset          Length          Mapped to       File\n", stdout);
	for (uint64_t at = r->start; at < end; at += e.bytes) {
		if (look_up(im, at, end - at, &e, err) < 0)
			return -1;
		make_entry(&next, &e);
		if (are_one(&now, &next)) {
			now.length += next.length;
			continue;
		}
		if (now.length > 0 && print_entry(r, &now, false, err) < 0)
			return -1;
		now = next;
	}
	return print_entry(r, &now, true, err);
}

static int read_words(struct imgcmd_call *c, struct request *r)
{
	*r = (struct request){0};
	for (int code; (code = imgcmd_next(c)) != -1;)
		switch (code) {
		case 'f':
			r->format = c->value;
			break;
		case 's':
			if (imgcmd_number(c, "start offset", c->value, 0, INT64_MAX, &r->start) < 0)
				return 1;
			break;
		case 'l':
			if (imgcmd_number(c, "max length", c->value, 0, INT64_MAX, &r->length) < 0)
				return 1;
			r->limited = true;
			break;
		case 'U':
			r->flags |= IMG_FORCE_SHARE;
			break;
		case OPT_OUTPUT:
			if (imgcmd_form(c, &r->json) < 0)
				return 1;
			break;
		default:
			return 1;
		}
	if (c->argc - c->at != 1)
		return imgcmd_usage(c, "Expecting one image file name");
	r->path = c->argv[c->at];
	return 0;
}

static int run(struct imgcmd_call *c)
{
	struct request r;
	struct err err = {0};
	if (read_words(c, &r) != 0)
		return 1;
	CLEANUP(img_drop) struct img *im = img_open(r.path, r.format, r.flags, &err);
	if (!im)
		return err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err)
		                                   : imgcmd_fail(c, &err);
	return print_map(im, &r, &err) < 0 ? imgcmd_fail(c, &err) : 0;
}

const struct imgcmd imgcmd_map = {
    .name = "map",
    .args = "[-f FMT] [-s OFFSET] [-l LENGTH] [--output=FORM] [-U] FILE",
    .summary = "which parts of the guest's disk lie where, in the image and those below it",
    .opts = opts,
    .run = run,
    .reads = true,
};
