/* Pools that are mounted: a block device (fs), a file server's folder (netfs). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/program.h"
#include "core/str.h"
#include "disk/blank.h"
#include "disk/mounts.h"
#include "disk/pool_dir.h"

#define MOUNT_MS 60000 /* a file server may take its time at boot */
#define MKFS_MS 600000

static char *source_of(const struct pool_def *def)
{
	if (def->type == POOL_FS)
		return xstrdup(def->devices[0]);
	const char *host = def->hosts[0].name;
	if (str_eq(def->format, "cifs"))
		return xasprintf("//%s/%s", host, def->dir[0] == '/' ? def->dir + 1 : def->dir);
	return xasprintf(strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, def->dir);
}

/* libvirt mounts what it does not know as NFS: "auto" of a file server. */
static const char *type_of(const struct pool_def *def)
{
	if (def->type == POOL_NETFS && (def->format == NULL || str_eq(def->format, "auto")))
		return "nfs";
	return def->format != NULL ? def->format : "auto";
}

static int start_mount(const struct pool_def *def, struct err *err)
{
	CLEANUP_FREE char *source = source_of(def);
	CLEANUP_FREE char *options =
	    def->protocol_version != NULL
	        ? xasprintf("nodev,nosuid,noexec,nfsvers=%s", def->protocol_version)
	        : xstrdup("nodev,nosuid,noexec");
	/* Mounted by /etc/fstab or by hand: that is what is wanted. */
	if (mounts_at(def->target))
		return 0;
	return program_run((const char *const[]){"mount", "-o", options, "-t", type_of(def), "--",
	                       source, def->target, NULL},
	    MOUNT_MS, NULL, err);
}

static int stop_mount(const struct pool_def *def, struct err *err)
{
	if (!mounts_at(def->target))
		return 0;
	return program_run(
	    (const char *const[]){"umount", "--", def->target, NULL}, MOUNT_MS, NULL, err);
}

/* What lies under a mount point that is not mounted is another file system's. */
static int check_mounted(const struct pool_def *def, struct err *err)
{
	if (mounts_at(def->target))
		return 0;
	return err_set(err, ERR_STATE,
	    "nothing is mounted at '%s' any more; mount it again: hvmux pool-destroy '%s'; hvmux "
	    "pool-start '%s'",
	    def->target, def->name, def->name);
}

static int look_mount(const struct pool_def *def, struct pool_facts *facts, struct err *err)
{
	return check_mounted(def, err) < 0 ? -1 : pool_dir_look(def, facts, err);
}

static int scan_mount(const struct pool_def *def, struct volume_set *set, struct err *err)
{
	return check_mounted(def, err) < 0 ? -1 : pool_dir_scan(def, set, err);
}

static int make_file_system(const struct pool_def *def, unsigned flags, struct err *err)
{
	const char *device = def->devices[0];
	if ((flags & POOL_NO_OVERWRITE) && blank_check(device, err) < 0)
		return -1;
	if (str_eq(def->format, "auto"))
		return err_set(err, ERR_INVALID,
		    "pool '%s' does not say which file system to make: <format type='ext4'/> in its <source>",
		    def->name);
	if (str_eq(def->format, "xfs"))
		return program_run((const char *const[]){"mkfs", "-t", "xfs", "-f", device, NULL},
		    MKFS_MS, NULL, err);
	/* ext's asks when there is something, and gets no answer. */
	bool force = str_prefix(def->format, "ext");
	return program_run((const char *const[]){"mkfs", "-t", def->format, force ? "-F" : device,
	                       force ? device : NULL, NULL},
	    MKFS_MS, NULL, err);
}

static int build_mount(const struct pool_def *def, unsigned flags, struct err *err)
{
	if (def->type == POOL_NETFS && flags != 0)
		return err_set(err, ERR_USAGE,
		    "--overwrite and --no-overwrite are for fs, disk and logical pools");
	if (mounts_at(def->target))
		return flags == 0 ? 0 : err_set(err, ERR_BUSY, "'%s' is mounted", def->target);
	if (pool_dir_make(def, err) < 0)
		return -1;
	return flags == 0 ? 0 : make_file_system(def, flags, err);
}

/* The mount point; the file system stays. */
static int remove_mount(const struct pool_def *def, struct err *err)
{
	if (mounts_at(def->target))
		return err_set(err, ERR_BUSY, "'%s' is mounted", def->target);
	return pool_dir_remove(def, err);
}

const struct pool_backend pool_backend_mount = {
    .start = start_mount,
    .stop = stop_mount,
    .build = build_mount,
    .remove = remove_mount,
    .look = look_mount,
    .scan = scan_mount,
};
