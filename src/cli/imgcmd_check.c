/* imgcmd_check: `img check`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/img_dump.h"
#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/img.h"
#include "disk/qcow2_check.h"

#define LINES_MAX 10000u /* of what is wrong: nobody reads more */

enum { /* exit statuses */
	CHECK_SOUND = 0,
	CHECK_FAILED = 1,
	CHECK_CORRUPT = 2,
	CHECK_LEAKS = 3,
	CHECK_CANNOT = 63
};
enum { OPT_OUTPUT = IMGCMD_LONG };

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the image's format; found out by its contents unless told"},
    {'r', "repair", "WHAT", "repair: leaks, or all that can be"},
    {OPT_OUTPUT, "output", "FORM", "human (unless told) or json"},
    {'q', NULL, NULL, "say nothing but errors"},
    {'T', NULL, "CACHE", "accepted, as qemu-img's"},
    {'U', "force-share", NULL, "read it although a running VM may be writing to it"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

struct request {
	const char *path, *format;
	unsigned flags;
	enum qcow2_repair repair;
	bool json, quiet;
	unsigned lines;
};

static void tell(void *arg, const char *line)
{
	struct request *r = arg;
	if (r->quiet || r->lines > LINES_MAX)
		return;
	CLEANUP_FREE char *safe = str_printable_lines(line);
	fprintf(stderr, "%s\n", r->lines++ < LINES_MAX ? safe : "… and more");
}

static void tell_repaired(const struct qcow2_check *c)
{
	if (c->corruptions_fixed + c->leaks_fixed == 0)
		return;
	printf("The following inconsistencies were found and repaired:\n\n"
	       "    %" PRIu64 " leaked clusters\n    %" PRIu64 " corruptions\n\n"
	       "Double checking the fixed image now...\n",
	    c->leaks_fixed, c->corruptions_fixed);
}

static double percent(uint64_t n, uint64_t of)
{
	return of == 0 ? 0 : (double)n * 100 / (double)of;
}

static void print_human(const struct qcow2_check *c)
{
	if (c->corruptions + c->leaks + c->errors == 0)
		printf("No errors were found on the image.\n");
	if (c->corruptions > 0)
		printf("\n%" PRIu64 " errors were found on the image.\n"
		       "Data may be corrupted, or further writes to the image may corrupt it.\n",
		    c->corruptions);
	if (c->leaks > 0)
		printf("\n%" PRIu64 " leaked clusters were found on the image.\n"
		       "This means waste of disk space, but no harm to data.\n",
		    c->leaks);
	if (c->total > 0 && c->allocated > 0)
		printf("%" PRIu64 "/%" PRIu64
		       " = %0.2f%% allocated, %0.2f%% fragmented, %0.2f%% compressed clusters\n",
		    c->allocated, c->total, percent(c->allocated, c->total),
		    percent(c->fragmented, c->allocated), percent(c->compressed, c->allocated));
	printf("Image end offset: %" PRIu64 "\n", c->end);
}

static void dump_some(struct img_dump *d, const char *key, uint64_t n)
{
	if (n > 0)
		img_dump_u64(d, key, n);
}

/* The order of members is qemu-img's. */
static void print_json(const struct request *r, const struct qcow2_check *c)
{
	struct img_dump d;
	img_dump_init(&d, true, 0);
	img_dump_object(&d, NULL);
	dump_some(&d, "image-end-offset", c->end);
	dump_some(&d, "compressed-clusters", c->compressed);
	dump_some(&d, "total-clusters", c->total);
	dump_some(&d, "corruptions", c->corruptions);
	dump_some(&d, "corruptions-fixed", c->corruptions_fixed);
	img_dump_u64(&d, "check-errors", c->errors);
	dump_some(&d, "leaks", c->leaks);
	dump_some(&d, "leaks-fixed", c->leaks_fixed);
	dump_some(&d, "allocated-clusters", c->allocated);
	img_dump_text(&d, "filename", r->path);
	img_dump_text(&d, "format", "qcow2");
	dump_some(&d, "fragmented-clusters", c->fragmented);
	img_dump_end(&d);
	fwrite(d.text.data, 1, d.text.len, stdout);
	img_dump_fini(&d);
}

static int status_of(const struct qcow2_check *c)
{
	if (c->errors > 0)
		return CHECK_FAILED;
	return c->corruptions > 0 ? CHECK_CORRUPT : c->leaks > 0 ? CHECK_LEAKS : CHECK_SOUND;
}

static int check_qcow2(
    const struct imgcmd_call *call, struct request *r, struct img *im, struct err *err)
{
	struct qcow2_check c = {.tell = tell, .arg = r};
	bool speak = !r->json && !r->quiet;
	if (qcow2_check(im, r->repair, &c, speak ? tell_repaired : NULL, err) < 0) {
		err_wrap(err, "Check failed");
		return imgcmd_fail(call, err);
	}
	if (r->json)
		print_json(r, &c);
	else if (!r->quiet)
		print_human(&c);
	return status_of(&c);
}

static int run_check(const struct imgcmd_call *call, struct request *r)
{
	struct err err = {0};
	CLEANUP(img_drop)
	struct img *im = img_open(r->path, r->format,
	    r->flags | IMG_REPAIR | IMG_NO_BACKING |
	        (r->repair != QCOW2_REPAIR_NONE ? IMG_WRITE : 0u),
	    &err);
	if (im == NULL)
		return err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(call, &err)
		                                   : imgcmd_fail(call, &err);
	switch (im->driver->format) {
	case DISK_QCOW2:
		return check_qcow2(call, r, im, &err);
	case DISK_RAW:
	case DISK_VPC:
		err_set(&err, ERR_UNSUPPORTED, "This image format does not support checks");
		imgcmd_fail(call, &err);
		return CHECK_CANNOT;
	default:
		err_set(&err, ERR_UNSUPPORTED, "images of format '%s' are checked by QEMU alone",
		    disk_format_name(im->driver->format));
		img_drop(&im);
		im = NULL;
		return imgcmd_hand_over(call, &err);
	}
}

static int read_repair(const struct imgcmd_call *c, struct request *r)
{
	if (strcmp(c->value, "leaks") == 0)
		r->repair = QCOW2_REPAIR_LEAKS;
	else if (strcmp(c->value, "all") == 0)
		r->repair = QCOW2_REPAIR_ALL;
	else
		return imgcmd_usage(
		    c, "Unknown option value for -r (expecting 'leaks' or 'all'): %s", c->value);
	return 0;
}

static int run(struct imgcmd_call *c)
{
	struct request r = {0};
	for (int code; (code = imgcmd_next(c)) != -1;)
		switch (code) {
		case 'f':
			r.format = c->value;
			break;
		case 'r':
			if (read_repair(c, &r) != 0)
				return CHECK_FAILED;
			break;
		case OPT_OUTPUT:
			if (imgcmd_form(c, &r.json) < 0)
				return CHECK_FAILED;
			break;
		case 'q':
			r.quiet = true;
			break;
		case 'U':
			r.flags |= IMG_FORCE_SHARE;
			break;
		case 'T':
			break;
		default:
			return CHECK_FAILED;
		}
	if (c->argc - c->at != 1)
		return imgcmd_usage(c, "Expecting one image file name");
	r.path = c->argv[c->at];
	return run_check(c, &r);
}

const struct imgcmd imgcmd_check = {
    .name = "check",
    .args = "[-q] [-f FMT] [--output=FORM] [-r leaks|all] [-T CACHE] [-U] FILE",
    .summary = "look for damage in an image, and repair it",
    .text = "Holds the reference counts of a qcow2 image against its tables. Leaks waste space "
            "and harm nothing; corruptions may destroy data with the next write. -r leaks "
            "gives back the space, -r all also corrects counts that are too low, or damaged "
            "altogether. What a table no longer tells cannot be brought back.\n"
            "The exit status is 0 for a sound image, 1 when it could not be checked, 2 when it "
            "is corrupt, 3 when it only has leaks, 63 when its format has nothing to check.",
    .opts = opts,
    .run = run,
};
