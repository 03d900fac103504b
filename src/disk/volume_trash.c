#include "disk/volume_trash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/hostconf.h"
#include "core/mem.h"
#include "core/str.h"

#define STAMP_BYTES 16 /* "20261121T201512Z" */
#define ITEMS_MAX 65536u
#define DRAFT_SECONDS 86400 /* since it was written to last */
#define NAMES_TRIED 100     /* of one name within as many seconds */

/* The owner of what root made on a file server that does not believe in root. */
#define NOBODY 65534u

char *volume_trash_folder(const struct pool *pool, bool make, struct err *err)
{
	struct stat st;
	CLEANUP_FREE char *folder = xasprintf("%s/" VOLUME_TRASH, pool->def.target);
	if (make && mkdir(folder, 0700) < 0 && errno != EEXIST) {
		err_errno(err, errno, "cannot make the folder '%s'", folder);
		return NULL;
	}
	if (lstat(folder, &st) < 0) {
		if (errno == ENOENT && !make)
			return TAKE_PTR(folder);
		err_errno(err, errno, "cannot look at '%s'", folder);
		return NULL;
	}
	if (S_ISDIR(st.st_mode) && (st.st_uid == geteuid() || st.st_uid == NOBODY) &&
	    !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return TAKE_PTR(folder);
	err_set(err, ERR_DENIED,
	    "'%s' is no folder of ours alone: somebody else made it, or may write to it; look at what is in it, then "
	    "remove it",
	    folder);
	return NULL;
}

static int sync_folder(const char *dir, struct err *err)
{
	CLEANUP_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "cannot sync '%s'", dir);
	return 0;
}

static int need_files(const struct pool *pool, struct err *err)
{
	if (pool_holds_files(pool))
		return 0;
	return err_set(err, ERR_UNSUPPORTED, "pool '%s' of type %s has no trash", pool->def.name,
	    pool_type_name(pool->def.type));
}

/* Digits alone, before strptime may take blanks and signs. */
static bool read_stamp(const char *file, time_t *when)
{
	struct tm tm = {0};
	if (strlen(file) < STAMP_BYTES + 2 || file[STAMP_BYTES] != '-' || file[8] != 'T' ||
	    file[15] != 'Z' || strspn(file, "0123456789") != 8 ||
	    strspn(file + 9, "0123456789") != 6)
		return false;
	if (sscanf(file, "%4d%2d%2dT%2d%2d%2dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
	        &tm.tm_min, &tm.tm_sec) != 6)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*when = timegm(&tm);
	return true;
}

static char *make_name(time_t when, const char *name)
{
	char stamp[STAMP_BYTES + 1];
	struct tm tm;
	gmtime_r(&when, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
	return xasprintf("%s-%s", stamp, name);
}

int volume_trash_put(const struct pool *pool, const struct volume *vol, struct err *err)
{
	time_t now = time(NULL);
	CLEANUP_FREE char *folder =
	    need_files(pool, err) < 0 ? NULL : volume_trash_folder(pool, true, err);
	if (folder == NULL)
		return -1;
	for (time_t t = now; t < now + NAMES_TRIED; t++) {
		CLEANUP_FREE char *file = make_name(t, vol->name);
		CLEANUP_FREE char *to = xasprintf("%s/%s", folder, file);
		/* Not every file system knows RENAME_NOREPLACE: the folder is ours alone, and names
		 * hold the time. */
		if (access(to, F_OK) == 0)
			continue;
		if (rename(vol->path, to) < 0)
			return err_errno(err, errno, "cannot move '%s' to the trash", vol->path);
		/* When it was thrown away is in the name; what it was last used is kept. */
		return sync_folder(folder, err) < 0 ? -1 : sync_folder(pool->def.target, err);
	}
	return err_set(err, ERR_EXISTS, "the trash '%s' is full of '%s'", folder, vol->name);
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(((const struct trashed *)b)->file, ((const struct trashed *)a)->file);
}

static void add(struct trashed **items, size_t *n, int dir, const char *file)
{
	struct stat st;
	struct trashed item = {0};
	if (*n == ITEMS_MAX || !read_stamp(file, &item.deleted) ||
	    fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	item.file = xstrdup(file);
	item.name = xstrdup(file + STAMP_BYTES + 1);
	item.size = (uint64_t)st.st_size;
	item.allocation = (uint64_t)st.st_blocks * 512;
	*items = xreallocarray(*items, *n + 1, sizeof **items);
	(*items)[(*n)++] = item;
}

int volume_trash_list(const struct pool *pool, struct trashed **items, size_t *n, struct err *err)
{
	*items = NULL;
	*n = 0;
	if (!pool_holds_files(pool))
		return 0;
	CLEANUP_FREE char *folder = volume_trash_folder(pool, false, err);
	if (folder == NULL)
		return -1;
	DIR *d = opendir(folder);
	if (d == NULL)
		return errno == ENOENT
		           ? 0
		           : err_errno(err, errno, "cannot read the trash '%s'", folder);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		add(items, n, dirfd(d), e->d_name);
	closedir(d);
	if (*n > 0)
		qsort(*items, *n, sizeof **items, newest_first);
	return 0;
}

void volume_trash_list_free(struct trashed *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(items[i].file);
		free(items[i].name);
	}
	free(items);
}

int volume_trash_take(
    const struct pool *pool, const struct trashed *item, const char *name, struct err *err)
{
	CLEANUP_FREE char *folder = volume_trash_folder(pool, false, err);
	if (folder == NULL)
		return -1;
	CLEANUP_FREE char *from = xasprintf("%s/%s", folder, item->file);
	if (name == NULL)
		name = item->name;
	CLEANUP_FREE char *to = volume_path(pool, name);
	if (volume_name_check(pool, name, err) < 0)
		return -1;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0) {
		/* EINVAL: the file system (NFS) cannot; then the check and the step are two. */
		if (errno == EEXIST || (errno == EINVAL && access(to, F_OK) == 0))
			return err_set(err, ERR_EXISTS,
			    "storage volume '%s' exists already; give it another name: --name",
			    name);
		if (errno != EINVAL || rename(from, to) < 0)
			return err_errno(err, errno, "cannot take '%s' out of the trash", from);
	}
	return sync_folder(pool->def.target, err);
}

static int remove_item(const struct pool *pool, const struct trashed *item, struct err *err)
{
	CLEANUP_FREE char *folder = volume_trash_folder(pool, false, err);
	if (folder == NULL)
		return -1;
	CLEANUP_FREE char *path = xasprintf("%s/%s", folder, item->file);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, errno, "cannot remove '%s'", path);
	return 0;
}

int volume_trash_empty(const struct pool *pool, const struct trashed *only, struct err *err)
{
	size_t n;
	struct trashed *items;
	int rc = 0;
	if (only != NULL)
		return remove_item(pool, only, err);
	if (need_files(pool, err) < 0 || volume_trash_list(pool, &items, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (remove_item(pool, &items[i], rc == 0 ? err : NULL) < 0)
			rc = -1;
	volume_trash_list_free(items, n);
	return rc;
}

/* Volumes that were never finished: whoever wrote them was killed. */
static void remove_drafts(const struct pool *pool)
{
	CLEANUP_FREE char *folder = volume_trash_folder(pool, false, NULL);
	DIR *d = folder != NULL ? opendir(folder) : NULL;
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		struct stat st;
		if (str_prefix(e->d_name, VOLUME_DRAFT) &&
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime < time(NULL) - DRAFT_SECONDS)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
}

int volume_trash_expire(const struct home *h, const struct pool *pool, struct err *err)
{
	size_t n;
	struct trashed *items;
	struct hostconf conf;
	int rc = 0;
	if (!pool->active || !pool_holds_files(pool))
		return 0;
	if (hostconf_load(h, &conf, err) < 0)
		return -1;
	time_t limit = time(NULL) - (time_t)conf.trash_days * 86400;
	hostconf_fini(&conf);
	remove_drafts(pool);
	if (volume_trash_list(pool, &items, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (items[i].deleted < limit &&
		    remove_item(pool, &items[i], rc == 0 ? err : NULL) < 0)
			rc = -1;
	volume_trash_list_free(items, n);
	return rc;
}
