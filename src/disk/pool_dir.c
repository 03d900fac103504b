/* Pools that are folders: type dir, and what the mounted ones share with it. */
#include "disk/pool_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/reach.h"

int pool_dir_look(const struct pool_def *def, struct pool_facts *facts, struct err *err)
{
	struct stat st;
	struct statvfs fs;
	if (reach(def->target, POOL_WAIT_MS, &st, &fs, err) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, "'%s' is not a folder", def->target);
	/* As libvirt counts: what is kept for root is not available, and not allocated either. */
	facts->capacity = (uint64_t)fs.f_blocks * fs.f_frsize;
	facts->available = (uint64_t)fs.f_bavail * fs.f_frsize;
	facts->allocation = facts->capacity - (uint64_t)fs.f_bfree * fs.f_frsize;
	facts->access = (struct storage_access){
	    (long)(st.st_mode & 07777), (long)st.st_uid, (long)st.st_gid, NULL};
	return 0;
}

/* Also checks, at its start, that the folder is there. */
static int start_dir(const struct pool_def *def, struct err *err)
{
	struct pool_facts facts;
	if (pool_dir_look(def, &facts, err) == 0)
		return 0;
	if (err != NULL && err->code == ERR_NOT_FOUND)
		err_wrap(err, "make it first: hvmux pool-build '%s'", def->name);
	return -1;
}

static int make_levels(const char *dir, struct err *err)
{
	CLEANUP_FREE char *path = xstrdup(dir);
	for (char *p = path + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		int rc = mkdir(path, 0755);
		*p = '/';
		/* Levels that are there may not even be readable. */
		if (rc < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
			return err_errno(err, errno, "cannot make the folder '%s'", path);
	}
	return 0;
}

int pool_dir_make(const struct pool_def *def, struct err *err)
{
	const struct storage_access *a = &def->access;
	struct stat st;
	if (make_levels(def->target, err) < 0)
		return -1;
	if (mkdir(def->target, 0711) < 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the folder '%s'", def->target);
	if (stat(def->target, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, "'%s' is not a folder", def->target);
	if ((a->owner >= 0 || a->group >= 0) &&
	    chown(def->target, a->owner < 0 ? (uid_t)-1 : (uid_t)a->owner,
	        a->group < 0 ? (gid_t)-1 : (gid_t)a->group) < 0)
		return err_errno(err, errno, "cannot give away the folder '%s'", def->target);
	if (a->mode >= 0 && chmod(def->target, (mode_t)a->mode) < 0)
		return err_errno(err, errno, "cannot set the mode of '%s'", def->target);
	return 0;
}

static int build_dir(const struct pool_def *def, unsigned flags, struct err *err)
{
	if (flags != 0)
		return err_set(err, ERR_USAGE,
		    "--overwrite and --no-overwrite are for fs, disk and logical pools");
	return pool_dir_make(def, err);
}

/* An empty one only; a trash that is empty does not count. */
int pool_dir_remove(const struct pool_def *def, struct err *err)
{
	CLEANUP_FREE char *trash = xasprintf("%s/" VOLUME_TRASH, def->target);
	rmdir(trash);
	if (rmdir(def->target) < 0)
		return err_errno(err, errno, "failed to remove pool '%s'", def->target);
	return 0;
}

/* --- volumes --- */
static int add_entry(
    const struct pool_def *def, const char *name, struct volume_set *set, struct err *err)
{
	struct volume vol;
	struct err why = {0};
	CLEANUP_FREE char *path = xasprintf("%s/%s", def->target, name);
	/* Hidden files are nobody's volumes; nor is a name that would lead a terminal astray. */
	if (name[0] == '.' || !str_utf8_valid(name, strlen(name)) ||
	    strpbrk(name, "\n\r\t\033") != NULL)
		return 0;
	/* Sockets and pipes, and what was removed meanwhile. */
	if (volume_look(path, set->facts, &vol, &why) < 0)
		return 0;
	return volume_set_add(set, &vol, err);
}

int pool_dir_scan(const struct pool_def *def, struct volume_set *set, struct err *err)
{
	int rc = 0;
	DIR *d = opendir(def->target);
	if (d == NULL)
		return err_errno(err, errno, "cannot open path '%s'", def->target);
	for (struct dirent *e; rc == 0 && (e = readdir(d)) != NULL;)
		rc = add_entry(def, e->d_name, set, err);
	closedir(d);
	return rc;
}

const struct pool_backend pool_backend_dir = {
    .start = start_dir,
    .build = build_dir,
    .remove = pool_dir_remove,
    .look = pool_dir_look,
    .scan = pool_dir_scan,
};
