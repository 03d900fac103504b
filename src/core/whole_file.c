#include "core/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/mem.h"

#define TRIES 16 /* of a random name */

/* "DIR/.tmp-…" beside the path: the same file system. */
static char *temp_name(const char *path)
{
	uint32_t r = 0;
	const char *slash = strrchr(path, '/');
	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != (ssize_t)sizeof(r))
		r = (uint32_t)getpid();
	return xasprintf(
	    "%.*s.tmp-%08x", slash == NULL ? 0 : (int)(slash - path + 1), path, (unsigned)r);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (slash == NULL)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

int whole_file_open(struct whole_file *f, const char *path, mode_t mode, struct err *err)
{
	CLEANUP_FREE char *folder = folder_of(path);
	*f = (struct whole_file){.path = xstrdup(path)};
	f->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	bool cannot = f->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL);
	for (unsigned i = 0; cannot && f->fd < 0 && i < TRIES; i++) {
		free(f->temp);
		f->temp = temp_name(path);
		f->fd = open(f->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		cannot = errno == EEXIST;
	}
	if (f->fd >= 0)
		return 0;
	int e = errno;
	free(TAKE_PTR(f->temp)); /* not ours */
	free(TAKE_PTR(f->path));
	return err_errno(err, e, "cannot make '%s'", path);
}

/* What has no name gets it at once where none is to be replaced, as link(2) cannot; else one of its own first. */
static int give_name(struct whole_file *f)
{
	CLEANUP_FREE char *self = xasprintf("/proc/self/fd/%d", f->fd);
	if (f->temp == NULL && linkat(AT_FDCWD, self, AT_FDCWD, f->path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (f->temp == NULL && (f->fresh || errno != EEXIST))
		return -1;
	for (unsigned i = 0; i < TRIES && f->temp == NULL; i++) {
		CLEANUP_FREE char *name = temp_name(f->path);
		if (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0)
			f->temp = TAKE_PTR(name);
		else if (errno != EEXIST)
			return -1;
	}
	if (f->temp == NULL || (f->fresh && link(f->temp, f->path) < 0) ||
	    (f->fresh ? unlink(f->temp) : rename(f->temp, f->path)) < 0)
		return -1;
	free(TAKE_PTR(f->temp));
	return 0;
}

int whole_file_name(struct whole_file *f, struct err *err)
{
	if (give_name(f) == 0)
		return 0;
	return f->fresh && errno == EEXIST
	           ? err_set(err, ERR_EXISTS, "'%s' was made by somebody else meanwhile", f->path)
	           : err_errno(err, errno, "cannot write '%s'", f->path);
}

int whole_file_keep(struct whole_file *f, struct err *err)
{
	if (fsync(f->fd) < 0)
		return err_errno(err, errno, "cannot write '%s'", f->path);
	if (whole_file_name(f, err) < 0)
		return -1;
	CLEANUP_FREE char *folder = folder_of(f->path);
	CLEANUP_CLOSE int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		(void)fsync(dir);
	return 0;
}

void whole_file_close(struct whole_file *f)
{
	if (f->temp != NULL)
		unlink(f->temp);
	if (f->fd >= 0)
		close(f->fd);
	free(f->temp);
	free(f->path);
	*f = (struct whole_file){.fd = -1};
}
