/* imgcmd_snapshot: `img snapshot`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/img_dump.h"
#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/img.h"
#include "disk/img_info.h"
#include "disk/qcow2_snapshot.h"

static const struct imgcmd_opt opts[] = {
    {'l', NULL, NULL, "list them; this is what it does when nothing is said"},
    {'a', NULL, "SNAPSHOT", "the disk as it was then; what it is now is lost"},
    {'c', NULL, "SNAPSHOT", "make one of the disk as it is"},
    {'d', NULL, "SNAPSHOT", "delete one"},
    {'q', NULL, NULL, "say nothing"},
    {'U', "force-share", NULL, "list them even if somebody is writing to the image"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

struct snapshot {
	int what; /* the option's letter; 0 none */
	const char *name, *file;
	bool force_share;
};

static int parse(struct imgcmd_call *c, struct snapshot *s)
{
	for (int code; (code = imgcmd_next(c)) != -1;) {
		switch (code) {
		case 'l':
		case 'a':
		case 'c':
		case 'd':
			if (s->what) {
				imgcmd_usage(c, "Cannot mix '-l', '-a', '-c', '-d'");
				return -1;
			}
			s->what = code;
			s->name = code == 'l' ? NULL : c->value;
			break;
		case 'q':
			break;
		case 'U':
			s->force_share = true;
			break;
		default:
			return -1;
		}
	}
	if (c->argc - c->at != 1) {
		imgcmd_usage(c, "Expecting one image file name");
		return -1;
	}
	s->file = c->argv[c->at];
	return 0;
}

static int list(struct imgcmd_call *c, const struct img *im)
{
	struct err err = {0};
	struct img_info info = {0};
	if (img_info(im, &info, &err) != 0)
		return imgcmd_fail(c, &err);
	CLEANUP_BUF struct buf out = BUF_INIT;
	img_dump_snapshots(info.snapshots, info.n_snapshots, &out);
	fwrite(out.data, 1, out.len, stdout);
	img_info_fini(&info);
	return 0;
}

static int change(struct img *im, const struct snapshot *s, struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	if (s->what == 'c')
		return qcow2_snapshot_create(q, s->name, err) == 0
		           ? 0
		           : err_wrap(err, "Could not create snapshot '%s'", s->name);
	bool apply = s->what == 'a';
	uint32_t which = qcow2_snapshot_find(q, s->name, apply);
	if (which == UINT32_MAX)
		return apply
		           ? err_set(err, ERR_NOT_FOUND,
		                 "Could not apply snapshot '%s': Failed to load snapshot: No such "
		                 "file or directory",
		                 s->name)
		           : err_set(err, ERR_NOT_FOUND,
		                 "Could not delete snapshot '%s': snapshot not found", s->name);
	int rc = apply ? qcow2_snapshot_apply(q, which, err) : qcow2_snapshot_delete(q, which, err);
	return rc == 0 ? 0
	               : err_wrap(err, "Could not %s snapshot '%s'", apply ? "apply" : "delete",
	                     s->name);
}

static int run(struct imgcmd_call *c)
{
	struct snapshot s = {0};
	struct err err = {0};
	if (parse(c, &s) != 0)
		return 1;
	bool reads = s.what == 'l' || s.what == 0;
	CLEANUP(img_drop)
	struct img *im = img_open(s.file, NULL,
	    IMG_NO_BACKING | (reads ? 0 : IMG_WRITE) | (s.force_share ? IMG_FORCE_SHARE : 0), &err);
	if (!im)
		return err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err)
		                                   : imgcmd_fail(c, &err);
	if (s.what == 0)
		return 0;
	if (reads)
		return list(c, im);
	if (im->driver != &img_qcow2) {
		err_set(&err, ERR_UNSUPPORTED,
		    "images of the format %s have no snapshots in themselves",
		    disk_format_name(im->driver->format));
		return imgcmd_hand_over(c, &err);
	}
	int rc = change(im, &s, &err);
	if (rc == 0)
		rc = img_close(TAKE_PTR(im), &err);
	else if (err.code == ERR_UNSUPPORTED)
		return imgcmd_hand_over(c, &err);
	return rc == 0 ? 0 : imgcmd_fail(c, &err);
}

const struct imgcmd imgcmd_snapshot = {
    .name = "snapshot",
    .args = "[-U] [-q] [-l | -a SNAPSHOT | -c SNAPSHOT | -d SNAPSHOT] FILE",
    .summary = "list, make, take back to, or delete snapshots inside of an image",
    .text =
        "Snapshots inside of a qcow2 image are of its own disk alone, and only while no guest runs on "
        "it. Each change is seen as a whole: whenever it is interrupted, the image is as it "
        "was, or as it is to be.",
    .opts = opts,
    .run = run,
};
