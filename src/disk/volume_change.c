#include "disk/volume_change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/hostconf.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "disk/img.h"
#include "disk/pool_backend.h"
#include "disk/volume_trash.h"
#include "disk/volume_uses.h"

/* A program that is not ours may have it, too: QEMU's locks tell. */
static int check_locks(const struct volume *vol, struct err *err)
{
	if (vol->type != VOLUME_FILE)
		return 0;
	struct err why = {0};
	struct img *im = img_open(vol->path, "raw", IMG_WRITE | IMG_NO_BACKING, &why);
	if (im == NULL && why.code == ERR_BUSY)
		return err_set(err, why.code, "%s", why.msg);
	img_drop(&im);
	return 0;
}

static int refuse(
    const struct volume *vol, const struct volume_uses *uses, const char *why, struct err *err)
{
	CLEANUP_BUF struct buf words = BUF_INIT;
	volume_uses_words(uses, &words);
	return err_set(err, ERR_BUSY, "'%s' %s: %s", vol->path, why, words.data);
}

/* base: others that are based on it lose by the change. */
static int check_free(
    const struct home *h, const struct volume *vol, bool base, struct buf *owners, struct err *err)
{
	CLEANUP(volume_uses_fini) struct volume_uses uses = {0};
	if (volume_uses_find(h, vol, &uses, err) < 0)
		return -1;
	if (volume_uses_running(&uses))
		return refuse(vol, &uses, "is in use", err);
	if (base && volume_uses_base(&uses))
		return refuse(vol, &uses, "is needed by what is based on it", err);
	if (owners != NULL && uses.n_by > 0)
		volume_uses_words(&uses, owners);
	return check_locks(vol, err);
}

/* --- deleting --- */
static bool has_trash(const struct home *h, const struct pool *pool)
{
	struct hostconf conf;
	if (!pool_holds_files(pool) || hostconf_load(h, &conf, NULL) < 0)
		return false;
	bool has = conf.trash_days > 0;
	hostconf_fini(&conf);
	return has;
}

static int delete_other(const struct pool *pool, const struct volume *vol, struct err *err)
{
	const struct pool_backend *backend = pool_backend(pool->def.type, err);
	return backend != NULL ? backend->drop(&pool->def, vol, err) : -1;
}

int volume_delete(const struct home *h, const struct pool *pool, const struct volume *vol,
    bool for_good, bool *kept, struct buf *owners, struct err *err)
{
	*kept = false;
	/* From the look for clones to the deletion no clone is made: volume_create asks for the lock. */
	CLEANUP_CLOSE int lock = store_lock(h, err);
	if (lock < 0 || check_free(h, vol, true, owners, err) < 0)
		return -1;
	if (!pool_holds_files(pool))
		return delete_other(pool, vol, err);
	if (vol->type == VOLUME_DIR)
		return rmdir(vol->path) == 0
		           ? 0
		           : err_errno(err, errno, "cannot remove the folder '%s'", vol->path);
	*kept = !for_good && has_trash(h, pool);
	if (*kept)
		return volume_trash_put(pool, vol, err);
	return unlink(vol->path) == 0 ? 0 : err_errno(err, errno, "cannot remove '%s'", vol->path);
}

/* --- resizing --- */
static int resize_file(const struct volume *vol, uint64_t capacity, unsigned flags, struct err *err)
{
	/* With what backs it: an image that grows must not show what lies there. */
	struct img *im = img_open(vol->path, disk_format_name(vol->format), IMG_WRITE, err);
	if (im == NULL)
		return -1;
	uint64_t before = im->size;
	int rc = img_resize(im, capacity, err);
	if (rc == 0 && (flags & VOLUME_ALLOCATE) && capacity > before)
		rc = vol->format == DISK_RAW
		         ? disk_io_allocate(im->file, before, capacity - before, err)
		         : err_set(err, ERR_UNSUPPORTED,
		               "--allocate is for raw volumes; '%s' was resized without it",
		               vol->path);
	return img_close(im, rc == 0 ? err : NULL) < 0 ? -1 : rc;
}

static int check_resize(
    const struct volume *vol, uint64_t capacity, unsigned flags, struct err *err)
{
	if (vol->trouble != NULL)
		return err_set(err, ERR_INVALID, "%s", vol->trouble);
	if (vol->type == VOLUME_DIR)
		return err_set(err, ERR_INVALID, "'%s' is a folder", vol->path);
	if (capacity < vol->capacity && !(flags & VOLUME_SHRINK))
		return err_set(err, ERR_INVALID,
		    "invalid argument: Can't shrink capacity below current capacity unless shrink flag explicitly "
		    "specified");
	return 0;
}

int volume_resize(const struct home *h, const struct pool *pool, const struct volume *vol,
    uint64_t capacity, unsigned flags, struct err *err)
{
	const struct pool_backend *backend = pool_backend(pool->def.type, err);
	bool shrink = capacity < vol->capacity;
	if (backend == NULL || check_resize(vol, capacity, flags, err) < 0 ||
	    volume_uses_check_format(h, vol->path, vol->format, err) < 0 ||
	    check_free(h, vol, shrink, NULL, err) < 0)
		return -1;
	if (pool_holds_files(pool))
		return resize_file(vol, capacity, flags, err);
	if (backend->resize == NULL)
		return err_set(err, ERR_UNSUPPORTED, "volumes of a %s pool are not resized here",
		    pool_type_name(pool->def.type));
	return capacity == vol->capacity ? 0
	                                 : backend->resize(&pool->def, vol, capacity, shrink, err);
}
