/* What plans about snapshots do on the host: documents, overlays, the firmware's variables. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/snapshots.h"
#include "core/str.h"
#include "disk/img_create.h"
#include "disk/img_lock.h"
#include "kvm/plan_host.h"

#define NVRAM_MAX (64u << 20) /* bytes; flash chips have 4 MiB at most, qcow2 some more */

static int op_write(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	struct snapshot s;
	const char *xml = json_get_str(args, "xml");
	if (xml == NULL || snapshot_parse(xml, strlen(xml), "snapshot", &s, err) < 0)
		return -1;
	/* Not `fresh`: carried out once more by the next supervisor, it finds what it has written. */
	int rc = snapshots_write(
	    c->home, c->name, &s, false, json_get_bool(args, "current", 0) != 0, err);
	snapshot_fini(&s);
	return rc;
}

static int op_drop(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	struct snapshot s;
	const char *was = json_get_str(args, "was");
	if (snapshots_remove(c->home, c->name, json_get_str(args, "name"), err) < 0)
		return -1;
	if (was == NULL || snapshots_read(c->home, c->name, was, &s, NULL) < 0)
		return 0;
	snapshot_fini(&s);
	return snapshots_set_current(c->home, c->name, was, err);
}

static int op_current(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	return snapshots_set_current(c->home, c->name, json_get_str(args, "name"), err);
}

/* The firmware's variables, to a snapshot's copy or back from it. */
static int op_nvram(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *from = json_get_str(args, "from"), *to = json_get_str(args, "to");
	CLEANUP_FREE char *dir = snapshots_dir(c->home, c->name);
	CLEANUP_BUF struct buf data = BUF_INIT;
	if (from == NULL || to == NULL)
		return err_set(err, ERR_INVALID, "a copy without a file");
	if (home_mkdir(c->home, dir, err) < 0 || file_read(from, NVRAM_MAX, &data, err) < 0)
		return -1;
	return file_write_atomic(to, data.data == NULL ? "" : data.data, data.len, 0600, err);
}

/* What backs it is open in QEMU, and is taken at its word. */
static int op_overlay(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *path = json_get_str(args, "path");
	int64_t size = json_get_int(args, "size", 0);
	(void)c;
	if (path == NULL || size <= 0)
		return err_set(err, ERR_INVALID, "an overlay without a path or a size");
	struct img_create o = {.format = "qcow2",
	    .with_size = true,
	    .fresh = true,
	    .backing_as_told = true,
	    .qcow2 = {.size = (uint64_t)size,
	        .backing = json_get_str(args, "backing"),
	        .backing_format = json_get_str(args, "backing_format")}};
	return img_create_now(path, &o, err);
}

/* Never one that a QEMU writes to: whoever takes a plan back may not know how far it came. */
static int op_overlay_drop(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *path = json_get_str(args, "path");
	if (path == NULL || access(path, F_OK) < 0)
		return 0;
	if (json_get_bool(args, "only_new", 0) && !plan_host_is_new(c, path))
		return 0; /* another's, for whose sake the overlay was not made */
	if (img_lock_check(path, err) < 0)
		return err_wrap(err, "overlay '%s' stays", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, errno, "cannot remove '%s'", path);
	return 0;
}

/* Every one waits for the disk. */
const struct plan_host_op plan_host_ops_snapshot[] = {
    {"snapshot-write", true, op_write},
    {"snapshot-drop", true, op_drop},
    {"snapshot-current", true, op_current},
    {"snapshot-nvram", true, op_nvram},
    {"overlay", true, op_overlay},
    {"overlay-drop", true, op_overlay_drop},
    {0},
};
