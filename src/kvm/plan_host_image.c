/* What plans do to images that no QEMU has open. Each takes QEMU's locks while it works: an image that another machine uses is
 * ERR_BUSY.
 *
 *	op              args                         what it does
 *	image-keep      path, format, name           makes the snapshot `name` inside of the qcow2 image
 *	image-forget    path, format, name, only_new deletes it; only_new (bool): only one that is not older than this plan
 *	image-restore   path, format, name           the disk as it was in it; what it is now is lost
 *	image-commit    path, format, base           all that the chain from `path` down to above `base` holds, into `base`
 *	image-rename-base path, format, base, base_format   its header names another backing file, which reads the same
 *
 * None of them fails for what is so already. */
#include <string.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/commit.h"
#include "disk/qcow2.h"
#include "disk/qcow2_snapshot.h"
#include "disk/rebase.h"
#include "kvm/plan_host.h"

/* What every one of them is told. */
struct image_args {
	const char *path, *format, *name;
};

static int take_args(
    struct json_object *args, const char *third, struct image_args *a, struct err *err)
{
	*a = (struct image_args){
	    json_get_str(args, "path"), json_get_str(args, "format"), json_get_str(args, third)};
	if (a->path == NULL || a->path[0] != '/' || a->name == NULL)
		return err_set(
		    err, ERR_INVALID, "a step on an image lacks its path or its '%s'", third);
	return 0;
}

/* For writing, alone; NULL with an error, also when it keeps no snapshots. */
static struct img *open_image(const struct image_args *a, struct err *err)
{
	struct img *im = img_open(a->path, a->format, IMG_WRITE | IMG_NO_BACKING, err);
	if (im == NULL || im->driver == &img_qcow2)
		return im;
	err_set(err, ERR_UNSUPPORTED, "'%s' is %s, which keeps no snapshots inside", a->path,
	    disk_format_name(im->driver->format));
	img_drop(&im);
	return NULL;
}

static bool is_new(const struct plan_host_ctx *c, const struct qcow2 *q, uint32_t which)
{
	const struct img_snapshot *s = &q->snapshots[which].what;
	return s->date * 1000000000u + s->date_ns >= c->began_ns;
}

/* --- snapshots inside --- */
static int op_keep(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	struct image_args a;
	CLEANUP(img_drop) struct img *im = NULL;
	if (take_args(args, "name", &a, err) < 0 || (im = open_image(&a, err)) == NULL)
		return -1;
	struct qcow2 *q = qcow2_of(im);
	uint32_t which = qcow2_snapshot_find(q, a.name, false);
	if (which != UINT32_MAX)
		return is_new(c, q, which)
		           ? 0
		           : err_set(err, ERR_EXISTS, "'%s' has a snapshot '%s' already", a.path,
		                 a.name);
	if (qcow2_snapshot_create(q, a.name, err) < 0)
		return err_wrap(err, "snapshot '%s'", a.name);
	return img_close(TAKE_PTR(im), err);
}

static int op_forget(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	struct image_args a;
	CLEANUP(img_drop) struct img *im = NULL;
	bool only_new = json_get_bool(args, "only_new", 0) != 0;
	if (take_args(args, "name", &a, err) < 0)
		return -1;
	if (access(a.path, F_OK) < 0)
		return 0;
	im = open_image(&a, err);
	if (im == NULL)
		return -1;
	uint32_t which = qcow2_snapshot_find(qcow2_of(im), a.name, false);
	if (which == UINT32_MAX || (only_new && !is_new(c, qcow2_of(im), which)))
		return 0;
	if (qcow2_snapshot_delete(qcow2_of(im), which, err) < 0)
		return err_wrap(err, "snapshot '%s'", a.name);
	return img_close(TAKE_PTR(im), err);
}

static int op_restore(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	(void)c;
	struct image_args a;
	CLEANUP(img_drop) struct img *im = NULL;
	if (take_args(args, "name", &a, err) < 0 || (im = open_image(&a, err)) == NULL)
		return -1;
	uint32_t which = qcow2_snapshot_find(qcow2_of(im), a.name, false);
	if (which == UINT32_MAX)
		return err_set(err, ERR_NOT_FOUND, "'%s' holds no snapshot '%s'", a.path, a.name);
	if (qcow2_snapshot_apply(qcow2_of(im), which, err) < 0)
		return err_wrap(err, "snapshot '%s'", a.name);
	return img_close(TAKE_PTR(im), err);
}

/* --- chains --- */
static int op_commit(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	(void)c;
	struct image_args a;
	struct img *base = NULL;
	if (take_args(args, "base", &a, err) < 0)
		return -1;
	/* Committed and removed before a power cut. */
	if (access(a.path, F_OK) < 0)
		return 0;
	CLEANUP(img_drop) struct img *top = commit_open(a.path, a.format, a.name, &base, err);
	if (top == NULL || commit_run(top, base, NULL, err) < 0)
		return -1;
	return img_close(TAKE_PTR(top), err);
}

static int op_rename_base(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	(void)c;
	struct image_args a;
	CLEANUP(img_drop) struct img *im = NULL;
	if (take_args(args, "base", &a, err) < 0 || (im = open_image(&a, err)) == NULL)
		return -1;
	if (rebase_name(im, a.name, json_get_str(args, "base_format"), err) < 0)
		return -1;
	return img_close(TAKE_PTR(im), err);
}

const struct plan_host_op plan_host_ops_image[] = {
    {"image-keep", true, op_keep},
    {"image-forget", true, op_forget},
    {"image-restore", true, op_restore},
    {"image-commit", true, op_commit},
    {"image-rename-base", true, op_rename_base},
    {0},
};
