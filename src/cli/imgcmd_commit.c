/* imgcmd_commit: `img commit`. */
#include <stdio.h>
#include <unistd.h>

#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/progress.h"
#include "disk/commit.h"

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the image's format, instead of finding out"},
    {'t', NULL, "CACHE", "QEMU's cache mode: accepted, all is written out before it is over"},
    {'b', NULL, "BASE", "the image of the chain to commit into; the overlay is then not emptied"},
    {'d', NULL, NULL, "leave the overlay as it is: it is not needed any more"},
    {'r', NULL, "RATE", "bytes in a second: handed over to QEMU's qemu-img"},
    {'p', NULL, NULL, "tell how far it is"},
    {'q', NULL, NULL, "say nothing when all is well"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

struct commit {
	const char *format, *base, *file, *rate;
	bool drop, progress, quiet;
};

static int parse(struct imgcmd_call *c, struct commit *m)
{
	for (int code; (code = imgcmd_next(c)) != -1;) {
		switch (code) {
		case 'f':
			m->format = c->value;
			break;
		case 't':
			break;
		case 'b':
			m->base = c->value;
			m->drop = true;
			break;
		case 'd':
			m->drop = true;
			break;
		case 'r':
			m->rate = c->value;
			break;
		case 'p':
			m->progress = true;
			break;
		case 'q':
			m->quiet = true;
			break;
		default:
			return -1;
		}
	}
	if (c->argc - c->at != 1) {
		imgcmd_usage(c, "Expecting one image file name");
		return -1;
	}
	m->file = c->argv[c->at];
	return 0;
}

static int commit(const struct commit *m, struct err *err)
{
	struct img *base;
	struct progress p;
	CLEANUP(img_drop) struct img *top = commit_open(m->file, m->format, m->base, &base, err);
	if (!top || (!m->drop && commit_can_empty(top, err) < 0))
		return -1;
	progress_start(&p, progress_form_of(m->progress, m->quiet), STDOUT_FILENO, top->size);
	int rc = commit_run(top, base, &p, err);
	/* its guest sees the same whether it holds something or not */
	if (rc == 0 && !m->drop)
		rc = commit_empty(top, err);
	progress_stop(&p, rc == 0);
	return rc == 0 ? img_close(TAKE_PTR(top), err) : -1;
}

static int run(struct imgcmd_call *c)
{
	struct commit m = {0};
	struct err err = {0};
	if (parse(c, &m) != 0)
		return 1;
	if (m.rate) {
		err_set(&err, ERR_UNSUPPORTED, "-r is QEMU's own");
		return imgcmd_hand_over(c, &err);
	}
	if (commit(&m, &err) != 0) {
		progress_die();
		return err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err)
		                                   : imgcmd_fail(c, &err);
	}
	if (!m.quiet)
		puts("Image committed.");
	return 0;
}

const struct imgcmd imgcmd_commit = {
    .name = "commit",
    .args = "[-f FMT] [-t CACHE] [-b BASE] [-r RATE] [-d] [-p] [-q] FILE",
    .summary = "write what an overlay holds into the image below it",
    .text =
        "Afterwards the overlay is empty, and its guest sees the same as before; with -d, or -b, it is "
        "left as it is. A base that is smaller than the overlay grows. Interrupted, the overlay "
        "still holds everything, and the command can be given again; other overlays of the same "
        "base, and the layers between BASE and FILE, no longer show what they did.",
    .opts = opts,
    .run = run,
};
