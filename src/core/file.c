#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"

#define TREE_DEPTH_MAX 64 /* folders in folders that are removed: a descriptor for each */

int fd_set_cloexec(int fd, bool on)
{
	int f = fcntl(fd, F_GETFD);
	return f < 0 ? -1 : fcntl(fd, F_SETFD, on ? f | FD_CLOEXEC : f & ~FD_CLOEXEC);
}

int fd_set_nonblock(int fd, bool on)
{
	int f = fcntl(fd, F_GETFL);
	return f < 0 ? -1 : fcntl(fd, F_SETFL, on ? f | O_NONBLOCK : f & ~O_NONBLOCK);
}

bool fd_wait(int fd, int ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	int64_t now = t.tv_sec * 1000 + t.tv_nsec / 1000000, end = now + ms;
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int n = poll(&p, 1, now < end ? (int)(end - now) : 0);
		if (n >= 0 || errno != EINTR)
			return n > 0;
		clock_gettime(CLOCK_MONOTONIC, &t);
		now = t.tv_sec * 1000 + t.tv_nsec / 1000000;
	}
}

int fd_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
	/* O_NONBLOCK: a fifo of that name must not stop us. */
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "cannot read '%s': not a regular file", path);
	size_t got = 0;
	for (;;) {
		size_t want = max - got + 1 < 65536 ? max - got + 1 : 65536;
		ssize_t n = read(fd, buf_reserve(out, want), want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "cannot read '%s'", path);
		if (n == 0)
			break;
		got += (size_t)n;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (got > max)
			return err_set(
			    err, ERR_INVALID, "'%s' is larger than %zu bytes", path, max);
	}
	return 0;
}

/* Makes path.RANDOM.tmp beside path; the descriptor, and its name in *tmp. */
static int temp_open(const char *path, mode_t mode, char **tmp)
{
	for (int tries = 0; tries < 16; tries++) {
		uint32_t r = 0;
		if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
			r = (uint32_t)getpid() * 2654435761u + (uint32_t)tries;
		const char *base = strrchr(path, '/');
		base = base ? base + 1 : path;
		/* The base may be as long as a file name can be: keep the temporary one short. */
		*tmp = xasprintf("%.*s.tmp-%08x", (int)(base - path), path, r);
		int fd = open(*tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (fd >= 0 || errno != EEXIST)
			return fd;
		free(*tmp);
		*tmp = NULL;
	}
	return -1;
}

static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *dir =
	    slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	CLEANUP_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

static int write_replace(
    const char *path, const void *data, size_t n, mode_t mode, bool fresh, struct err *err)
{
	CLEANUP_FREE char *tmp = NULL;
	CLEANUP_CLOSE int fd = temp_open(path, mode, &tmp);
	if (fd < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	int rc = fd_write_all(fd, data, n);
	if (rc == 0)
		rc = fsync(fd);
	if (rc == 0)
		rc = fresh ? link(tmp, path) : rename(tmp, path);
	int saved = errno;
	if (rc < 0 || fresh)
		unlink(tmp);
	if (rc < 0)
		return err_errno(err, saved, "cannot write '%s'", path);
	if (sync_folder(path) < 0)
		return err_errno(err, errno, "cannot sync the folder of '%s'", path);
	return 0;
}

int file_stage(const char *path, const void *data, size_t n, mode_t mode, struct file_staged *s,
    struct err *err)
{
	*s = (struct file_staged){.fd = -1};
	s->fd = temp_open(path, mode, &s->tmp);
	if (s->fd >= 0 && fd_write_all(s->fd, data, n) == 0) {
		/* Begins what file_commit waits for; a file system that cannot loses nothing but time. */
		(void)sync_file_range(s->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		s->path = xstrdup(path);
		return 0;
	}
	int saved = errno;
	if (s->fd >= 0) {
		unlink(s->tmp);
		close(s->fd);
	}
	free(TAKE_PTR(s->tmp));
	s->fd = -1;
	return err_errno(err, saved, "cannot write '%s'", path);
}

int file_commit(struct file_staged *s, size_t n, struct err *errs)
{
	int rc = 0;
	bool renamed = false;
	for (size_t i = 0; i < n; i++)
		if (fsync(s[i].fd) < 0)
			err_errno(&errs[i], errno, "cannot write '%s'", s[i].path);
	for (size_t i = 0; i < n; i++) {
		if (errs[i].code == ERR_NONE && rename(s[i].tmp, s[i].path) < 0)
			err_errno(&errs[i], errno, "cannot write '%s'", s[i].path);
		renamed |= errs[i].code == ERR_NONE;
		if (errs[i].code != ERR_NONE)
			unlink(s[i].tmp);
	}
	if (renamed && sync_folder(s[0].path) < 0)
		for (size_t i = 0; i < n; i++)
			if (errs[i].code == ERR_NONE)
				err_errno(
				    &errs[i], errno, "cannot sync the folder of '%s'", s[i].path);
	for (size_t i = 0; i < n; i++) {
		rc = errs[i].code == ERR_NONE ? rc : -1;
		close(s[i].fd);
		free(s[i].tmp);
		free(s[i].path);
	}
	return rc;
}

int file_write_atomic(const char *path, const void *data, size_t n, mode_t mode, struct err *err)
{
	return write_replace(path, data, n, mode, false, err);
}

int file_write_swap(const char *path, const void *data, size_t n, mode_t mode, struct err *err)
{
	CLEANUP_FREE char *tmp = NULL;
	CLEANUP_CLOSE int fd = temp_open(path, mode, &tmp);
	if (fd >= 0 && fd_write_all(fd, data, n) == 0 && rename(tmp, path) == 0)
		return 0;
	int saved = errno;
	if (fd >= 0)
		unlink(tmp);
	return err_errno(err, saved, "cannot write '%s'", path);
}

int file_write_new(const char *path, const void *data, size_t n, mode_t mode, struct err *err)
{
	return write_replace(path, data, n, mode, true, err);
}

/* By descriptors: whoever owns a folder in the tree may put a link in the place of another while we walk, and as root we
 * would empty what it points to. */
static int remove_below(int parent, const char *name, dev_t dev, unsigned depth)
{
	struct stat st;
	struct dirent *e;
	int rc = 0, fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (fstat(fd, &st) < 0 || st.st_dev != dev || depth == TREE_DEPTH_MAX) {
		closedir(d);
		errno = depth == TREE_DEPTH_MAX ? ENAMETOOLONG : EXDEV;
		return -1;
	}
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    unlinkat(fd, e->d_name, 0) == 0 || errno == ENOENT)
			continue;
		rc = errno == EISDIR ? remove_below(fd, e->d_name, dev, depth + 1) : -1;
	}
	int why = errno;
	closedir(d);
	errno = why;
	return rc == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : rc;
}

int file_remove_tree(const char *path, struct err *err)
{
	struct stat st;
	int rc = lstat(path, &st);
	if (rc == 0)
		rc =
		    S_ISDIR(st.st_mode) ? remove_below(AT_FDCWD, path, st.st_dev, 0) : unlink(path);
	if (rc < 0 && errno != ENOENT)
		return err_errno(err, errno, "cannot remove '%s'", path);
	return 0;
}

char *file_find_program(const char *program)
{
	const char *path = getenv("PATH");
	if (path == NULL || path[0] == '\0')
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path != '\0') {
		size_t n = strcspn(path, ":");
		CLEANUP_FREE char *file = xasprintf("%.*s/%s", (int)n, path, program);
		if (file[0] == '/' && access(file, X_OK) == 0)
			return TAKE_PTR(file);
		path += n + (path[n] == ':');
	}
	return NULL;
}
