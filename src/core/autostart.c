#include "core/autostart.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"

static char *folder_path(const struct home *h)
{
	return xasprintf("%s/autostart", h->conf);
}

static char *link_path(const struct home *h, const char *name)
{
	return xasprintf("%s/autostart/%s.xml", h->conf, name);
}

static int sync_folder(const struct home *h, struct err *err)
{
	CLEANUP_FREE char *dir = folder_path(h);
	CLEANUP_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "cannot sync '%s'", dir);
	return 0;
}

static bool is_defined(const struct home *h, const char *name)
{
	CLEANUP_FREE char *path = home_domain_xml(h, name);
	return access(path, F_OK) == 0;
}

static int mark(const struct home *h, const char *name, struct err *err)
{
	CLEANUP_FREE char *dir = folder_path(h), *path = link_path(h, name);
	CLEANUP_FREE char *target = xasprintf("../domains/%s.xml", name);
	if (!is_defined(h, name))
		return err_set(err, ERR_NOT_FOUND, "failed to get domain '%s'", name);
	if (home_mkdir(h, dir, err) < 0)
		return -1;
	if (symlink(target, path) < 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the link '%s'", path);
	return sync_folder(h, err);
}

static int unmark(const struct home *h, const char *name, struct err *err)
{
	CLEANUP_FREE char *path = link_path(h, name);
	if (unlink(path) == 0)
		return sync_folder(h, err);
	return errno == ENOENT || errno == ENOTDIR
	           ? 0
	           : err_errno(err, errno, "cannot remove the link '%s'", path);
}

int autostart_set(const struct home *h, const char *name, bool on, struct err *err)
{
	if (name_check("domain", name, err) < 0)
		return -1;
	return on ? mark(h, name, err) : unmark(h, name, err);
}

bool autostart_get(const struct home *h, const char *name)
{
	struct stat st;
	CLEANUP_FREE char *path = link_path(h, name);
	return lstat(path, &st) == 0 && is_defined(h, name);
}

int autostart_names(const struct home *h, char ***names, size_t *n, struct err *err)
{
	size_t all, kept = 0;
	if (store_names(h, names, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all; i++) {
		if (autostart_get(h, (*names)[i]))
			(*names)[kept++] = (*names)[i];
		else
			free((*names)[i]);
	}
	(*names)[kept] = NULL;
	*n = kept;
	return 0;
}
