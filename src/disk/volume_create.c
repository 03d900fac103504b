#include "disk/volume_create.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/program.h"
#include "core/store.h"
#include "core/str.h"
#include "disk/bases.h"
#include "disk/img_create.h"
#include "disk/pool_backend.h"
#include "disk/reach.h"
#include "disk/volume_trash.h"
#include "disk/volume_uses.h"

#define QEMU_IMG_MS 600000
#define VOLUME_MODE 0600 /* libvirt's */

/* --- files: drafts --- */
static int exists(const char *name, struct err *err)
{
	return err_set(err, ERR_EXISTS, "storage volume '%s' exists already", name);
}

int volume_check_free(const struct pool *pool, const char *name, struct err *err)
{
	struct stat st;
	CLEANUP_FREE char *path = volume_path(pool, name);
	if (volume_name_check(pool, name, err) < 0)
		return -1;
	if (lstat(path, &st) == 0)
		return exists(name, err);
	return errno == ENOENT ? 0 : err_errno(err, errno, "cannot look at '%s'", path);
}

char *volume_draft(const struct pool *pool, const char *name, struct err *err)
{
	CLEANUP_FREE char *folder = volume_trash_folder(pool, true, err);
	if (folder == NULL)
		return NULL;
	return xasprintf("%s/" VOLUME_DRAFT "%d-%s", folder, (int)getpid(), name);
}

static int give_access(const char *path, const struct storage_access *a, struct err *err)
{
	if ((a->owner >= 0 || a->group >= 0) &&
	    chown(path, a->owner < 0 ? (uid_t)-1 : (uid_t)a->owner,
	        a->group < 0 ? (gid_t)-1 : (gid_t)a->group) < 0)
		return err_errno(err, errno, "cannot give away '%s'", path);
	if (chmod(path, a->mode < 0 ? VOLUME_MODE : (mode_t)a->mode) < 0)
		return err_errno(err, errno, "cannot set the mode of '%s'", path);
	return 0;
}

/* EINVAL: the file system (NFS) cannot rename without replacing. A second name that the first one is taken from can all. */
static int name_draft(const char *draft, const char *path)
{
	if (renameat2(AT_FDCWD, draft, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL || link(draft, path) < 0)
		return -1;
	return unlink(draft);
}

int volume_publish(const struct pool *pool, const char *draft, const char *name,
    const struct storage_access *access, struct err *err)
{
	CLEANUP_FREE char *path = volume_path(pool, name);
	int rc = give_access(draft, access, err);
	if (rc == 0 && name_draft(draft, path) < 0)
		rc = errno == EEXIST ? exists(name, err)
		                     : err_errno(err, errno, "cannot give '%s' its name", path);
	if (rc < 0) {
		unlink(draft);
		return -1;
	}
	CLEANUP_CLOSE int fd = open(pool->def.target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "cannot sync '%s'", pool->def.target);
	return 0;
}

/* --- files: what is in them --- */
/* libvirt's rule: raw takes its space at once unless told otherwise; qcow2 when it is told to. */
static enum img_prealloc prealloc_of(const struct volume_spec *spec, bool raw)
{
	bool all = spec->allocation == VOLUME_UNSAID || spec->allocation >= spec->capacity;
	if (raw)
		return all && spec->capacity > 0 ? IMG_PREALLOC_FALLOC : IMG_PREALLOC_OFF;
	if (!spec->preallocate_metadata || spec->backing != NULL)
		return IMG_PREALLOC_OFF;
	return all ? IMG_PREALLOC_FALLOC : IMG_PREALLOC_METADATA;
}

/* raw between thin and thick: the beginning is there. */
static int allocate_part(const char *path, const struct volume_spec *spec, struct err *err)
{
	if (spec->allocation == VOLUME_UNSAID || spec->allocation == 0 ||
	    spec->allocation >= spec->capacity)
		return 0;
	struct disk_io *io = disk_io_open(path, DISK_IO_WRITE, err);
	int rc = io != NULL ? disk_io_allocate(io, 0, spec->allocation, err) : -1;
	disk_io_close(io);
	return rc;
}

static int check_compat(const struct volume_spec *spec, unsigned *version, struct err *err)
{
	*version = 0;
	if (spec->compat == NULL || str_eq(spec->compat, "1.1"))
		return 0;
	if (!str_eq(spec->compat, "0.10"))
		return err_set(
		    err, ERR_INVALID, "XML error: forbidden characters in 'compat' attribute");
	*version = 2;
	if (spec->lazy_refcounts || spec->extended_l2)
		return err_set(err, ERR_INVALID,
		    "unsupported configuration: %s not supported with compat level 0.10",
		    spec->lazy_refcounts ? "lazy_refcounts" : "extended_l2");
	return 0;
}

static int write_native(const char *draft, struct volume_spec *spec, struct err *err)
{
	unsigned version;
	bool raw = !str_eq(spec->format, "qcow2");
	if (check_compat(spec, &version, err) < 0)
		return -1;
	struct img_create c = {.format = raw ? "raw" : "qcow2",
	    .with_size = spec->has_capacity,
	    .qcow2 = {.size = spec->capacity,
	        .cluster = spec->cluster,
	        .version = version,
	        .lazy_refcounts = spec->lazy_refcounts,
	        .extended_l2 = spec->extended_l2,
	        .prealloc = prealloc_of(spec, raw),
	        .backing = spec->backing,
	        .backing_format = spec->backing_format}};
	if (img_create_prepare(draft, &c, err) < 0)
		return -1;
	spec->capacity = c.qcow2.size;
	spec->has_capacity = true;
	if (img_create(draft, &c, err) < 0)
		return -1;
	return raw ? allocate_part(draft, spec, err) : 0;
}

/* Formats of others are made by QEMU's own program. */
static int write_foreign(const char *draft, const struct volume_spec *spec, struct err *err)
{
	static const char *const formats[] = {
	    "vmdk", "vdi", "vpc", "vhdx", "qed", "qcow", "parallels"};
	bool known = false;
	CLEANUP_FREE char *size = xasprintf("%" PRIu64, spec->capacity);
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		known = known || str_eq(formats[i], spec->format);
	if (!known)
		return err_set(err, ERR_INVALID,
		    "unsupported configuration: unknown volume format type %s", spec->format);
	if (spec->backing != NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "volumes of format '%s' with a backing file are not made here", spec->format);
	if (program_run((const char *const[]){"qemu-img", "create", "-q", "-f", spec->format, draft,
	                    size, NULL},
	        QEMU_IMG_MS, NULL, err) == 0)
		return 0;
	return err_wrap(err, "volumes of format '%s' are made by qemu-img", spec->format);
}

/* A base that does not say its format would be taken for raw by libvirt, and the clone be garbage. */
static int complete_backing(const struct home *h, struct volume_spec *spec, struct err *err)
{
	CLEANUP(volume_fini) struct volume base = {.access = STORAGE_ACCESS_NONE};
	if (spec->backing == NULL)
		return 0;
	if (volume_look(spec->backing, NULL, &base, err) < 0)
		return err_wrap(err, "the backing volume");
	if (spec->backing_format == NULL)
		spec->backing_format = xstrdup(disk_format_name(base.format));
	if (str_eq(spec->backing_format, disk_format_name(base.format)) &&
	    volume_uses_check_format(h, spec->backing, base.format, err) < 0)
		return err_wrap(err, "the backing volume");
	if (!str_eq(spec->format, "qcow2"))
		return err_set(err, ERR_INVALID,
		    "a volume of format '%s' cannot have a backing volume: --format qcow2",
		    spec->format != NULL ? spec->format : "raw");
	return 0;
}

/* Who reads the message looks for the volume, not for the draft that is gone by then. */
static void name_volume(struct err *err, const char *draft, const char *path)
{
	char *at = strstr(err->msg, draft);
	if (at == NULL)
		return;
	CLEANUP_FREE char *said =
	    xasprintf("%.*s%s%s", (int)(at - err->msg), err->msg, path, at + strlen(draft));
	err_set(err, err->code, "%s", said);
}

static int create_file(
    const struct home *h, const struct pool *pool, struct volume_spec *spec, struct err *err)
{
	struct stat st;
	struct statvfs fs;
	if (reach(pool->def.target, POOL_WAIT_MS, &st, &fs, err) < 0 ||
	    volume_check_free(pool, spec->name, err) < 0 || complete_backing(h, spec, err) < 0)
		return -1;
	CLEANUP_FREE char *draft = volume_draft(pool, spec->name, err);
	if (draft == NULL)
		return -1;
	bool native =
	    spec->format == NULL || str_eq(spec->format, "raw") || str_eq(spec->format, "qcow2");
	int rc = native ? write_native(draft, spec, err) : write_foreign(draft, spec, err);
	CLEANUP_FREE char *path = xasprintf("%s/%s", pool->def.target, spec->name);
	if (rc < 0) {
		unlink(draft);
		name_volume(err, draft, path);
		return -1;
	}
	if (spec->backing != NULL && bases_note(h, spec->backing, path, err) < 0) {
		unlink(draft);
		return -1;
	}
	/* Who deletes a base looks for its clones under this lock. */
	CLEANUP_CLOSE int lock = spec->backing != NULL ? store_lock(h, err) : -1;
	if (spec->backing != NULL && (lock < 0 || access(spec->backing, F_OK) < 0)) {
		unlink(draft);
		return lock < 0
		           ? -1
		           : err_set(err, ERR_NOT_FOUND,
		                 "the backing volume '%s' was deleted meanwhile", spec->backing);
	}
	return volume_publish(pool, draft, spec->name, &spec->access, err);
}

/* --- others --- */
static int create_other(const struct pool *pool, struct volume_spec *spec, struct err *err)
{
	const struct pool_backend *backend = pool_backend(pool->def.type, err);
	const char *slash = spec->backing != NULL ? strrchr(spec->backing, '/') : NULL;
	size_t n = strlen(pool->def.target);
	if (backend == NULL)
		return -1;
	if (spec->format != NULL && !str_eq(spec->format, "raw"))
		return err_set(err, ERR_UNSUPPORTED,
		    "a volume of a %s pool is a disk as it is; for an image in it: hvmux img create -f %s PATH",
		    pool_type_name(pool->def.type), spec->format);
	if (spec->backing != NULL &&
	    (pool->def.type != POOL_LOGICAL || (size_t)(slash - spec->backing) != n ||
	        strncmp(spec->backing, pool->def.target, n) != 0))
		return err_set(err, ERR_UNSUPPORTED,
		    "only a logical volume can be the origin of one, in the same volume group");
	struct volume_wish wish = {
	    spec->name, spec->capacity, spec->allocation, spec->backing != NULL ? slash + 1 : NULL};
	return backend->create(&pool->def, &wish, err);
}

int volume_create(
    const struct home *h, const struct pool *pool, struct volume_spec *spec, struct err *err)
{
	if (!pool->active)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: storage pool '%s' is not active",
		    pool->def.name);
	if (volume_name_check(pool, spec->name, err) < 0)
		return -1;
	return pool_holds_files(pool) ? create_file(h, pool, spec, err)
	                              : create_other(pool, spec, err);
}
