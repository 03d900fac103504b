/* imgcmd_compare: `img compare`. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/str.h"
#include "disk/compare.h"

enum { SAME = 0, DIFFERENT = 1, FAILED = 2 }; /* the exit status: qemu-img's */

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the first image's format, when it is not to be found out"},
    {'F', NULL, "FMT", "the second one's"},
    {'s', NULL, NULL, "strictly: size and holes have to be the same, too"},
    {'p', NULL, NULL, "show the progress as qemu-img does"},
    {'q', NULL, NULL, "say nothing but errors"},
    {'T', NULL, "CACHE", "the images' cache"},
    {'U', "force-share", NULL, "read although somebody may be writing"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

struct request {
	const char *format[2];
	unsigned flags;
	bool strict, percent, quiet;
};

static int read_words(struct imgcmd_call *c, struct request *r)
{
	for (int code; (code = imgcmd_next(c)) != -1;)
		switch (code) {
		case 0:
			return -1;
		case 'f':
			r->format[0] = c->value;
			break;
		case 'F':
			r->format[1] = c->value;
			break;
		case 's':
			r->strict = true;
			break;
		case 'p':
			r->percent = true;
			break;
		case 'q':
			r->quiet = true;
			break;
		case 'U':
			r->flags |= IMG_FORCE_SHARE;
			break;
		default: /* -T: a hint */
			break;
		}
	return 0;
}

static int tell(const struct request *r, int result, uint64_t offset)
{
	if (r->quiet)
		return result == COMPARE_SAME ? SAME : DIFFERENT;
	if (result == COMPARE_CONTENT)
		printf("Content mismatch at offset %" PRIu64 "!\n", offset);
	else if (result == COMPARE_STATUS)
		printf("Strict mode: Offset %" PRIu64 " block status mismatch!\n", offset);
	else if (result == COMPARE_SIZE)
		printf("Strict mode: Image size mismatch!\n");
	else
		printf("Images are identical.\n");
	return result == COMPARE_SAME ? SAME : DIFFERENT;
}

static int compare(struct imgcmd_call *c, const struct request *r, struct img *a, struct img *b)
{
	struct progress progress;
	struct err err = {0};
	uint64_t offset = 0;
	progress_start(&progress, progress_form_of(r->percent, r->quiet),
	    r->percent ? STDOUT_FILENO : STDERR_FILENO, 0);
	int result = compare_images(a, b, r->strict, &progress, &offset, &err);
	progress_stop(&progress, result == COMPARE_SAME);
	progress_die();
	if (result < 0) {
		(void)imgcmd_fail(c, &err);
		return 4; /* qemu-img's, of what cannot be read */
	}
	if (result != COMPARE_SIZE && a->size != b->size && !r->quiet &&
	    (result == COMPARE_SAME || offset >= (a->size < b->size ? a->size : b->size)))
		printf("Warning: Image size mismatch!\n");
	return tell(r, result, offset);
}

static int run(struct imgcmd_call *c)
{
	struct request r = {0};
	struct err err = {0};
	if (read_words(c, &r) < 0)
		return FAILED;
	if (c->argc - c->at != 2) {
		(void)imgcmd_usage(c, "Expecting two image file names");
		return DIFFERENT; /* as qemu-img does */
	}
	CLEANUP(img_drop) struct img *a = img_open(c->argv[c->at], r.format[0], r.flags, &err);
	CLEANUP(img_drop)
	struct img *b = a ? img_open(c->argv[c->at + 1], r.format[1], r.flags, &err) : NULL;
	if (a && b)
		return compare(c, &r, a, b);
	if (err.code == ERR_UNSUPPORTED)
		return imgcmd_hand_over(c, &err);
	(void)imgcmd_fail(c, &err);
	return FAILED;
}

const struct imgcmd imgcmd_compare = {
    .name = "compare",
    .args = "[-f FMT] [-F FMT] [-s] [-p] [-q] [-U] [-T CACHE] FILE1 FILE2",
    .summary = "do two images hold the same?",
    .text = "Whether a guest would read the same in both. A longer one is the same when what it "
            "has more is zero. The exit status is 0 when they are the same, 1 when not, and 2 or "
            "more for errors.",
    .opts = opts,
    .run = run,
    .reads = true,
};
