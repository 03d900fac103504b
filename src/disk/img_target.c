#include "disk/img_target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/img_lock.h"

#define LINKS_MAX 40 /* the kernel's limit */

const char *img_target_path(const char *name, struct err *err)
{
	if (str_prefix(name, "file:"))
		return name + strlen("file:");
	size_t n = strcspn(name, ":/");
	if (name[n] != ':')
		return name;
	err_set(
	    err, ERR_UNSUPPORTED, "'%s' is not the name of a file ('./%s' would be)", name, name);
	return NULL;
}

/* Where a link leads, also when there is nothing yet: it is not to be replaced itself. */
static char *follow(const char *path, struct err *err)
{
	char *at = xstrdup(path);
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		char to[PATH_MAX];
		ssize_t n = readlink(at, to, sizeof(to));
		if (n < 0 || n == (ssize_t)sizeof(to))
			return at;
		const char *slash = to[0] == '/' ? NULL : strrchr(at, '/');
		char *next = xasprintf(
		    "%.*s%.*s", slash == NULL ? 0 : (int)(slash - at + 1), at, (int)n, to);
		free(at);
		at = next;
	}
	free(at);
	err_set(err, ERR_INVALID, "'%s': more than %d links", path, LINKS_MAX);
	return NULL;
}

/* With t->old nobody else has it: emptied under that lock, as another of ours would be in its way. */
static int open_in_place(struct img_target *t, const char *path, struct err *err)
{
	t->in_place = true;
	t->io = disk_io_open(path, DISK_IO_WRITE, err);
	if (t->io == NULL)
		return -1;
	if (t->old != NULL)
		return disk_io_resize(t->io, 0, err);
	return img_lock(t->io, IMG_LOCK_CREATE, err);
}

/* Whoever uses what is there would go on with a file that has no name. Held until the new one has it. */
static int lock_old(struct img_target *t, const char *path, struct err *err)
{
	t->old = disk_io_open(path, 0, NULL);
	return t->old == NULL ? 0 : img_lock(t->old, IMG_LOCK_CREATE, err);
}

static int open_whole(
    struct img_target *t, const char *path, const struct stat *old, struct err *err)
{
	struct err why = {0};
	if (whole_file_open(&t->whole, path, 0644, &why) < 0) {
		/* Another's folder, our file. */
		if (t->old != NULL && why.code == ERR_DENIED)
			return open_in_place(t, path, err);
		return err_set(err, why.code, "%s", why.msg);
	}
	if (old != NULL) {
		/* Only root may give away; who may not keeps it. */
		if (fchown(t->whole.fd, old->st_uid, old->st_gid) < 0 && errno != EPERM)
			return err_errno(err, errno, "cannot make '%s'", path);
		if (fchmod(t->whole.fd, old->st_mode & 07777) < 0)
			return err_errno(err, errno, "cannot make '%s'", path);
	}
	int fd = fcntl(t->whole.fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_errno(err, errno, "cannot make '%s'", path);
	t->io = disk_io_take(fd, path, true, err);
	return t->io == NULL ? -1 : 0;
}

int img_target_open(struct img_target *t, const char *path, struct err *err)
{
	struct stat st;
	*t = (struct img_target){.whole = {.fd = -1}};
	CLEANUP_FREE char *real = follow(path, err);
	if (real == NULL)
		return -1;
	bool there = stat(real, &st) == 0;
	if (!there && errno != ENOENT)
		return err_errno(err, errno, "cannot make '%s'", path);
	int r;
	if (there && !S_ISREG(st.st_mode))
		r = open_in_place(t, real, err); /* refuses what is no disk */
	else
		r = there && lock_old(t, real, err) < 0
		        ? -1
		        : open_whole(t, real, there ? &st : NULL, err);
	if (r == 0)
		return 0;
	img_target_close(t);
	return -1;
}

int img_target_open_fresh(struct img_target *t, const char *path, struct err *err)
{
	if (img_target_open(t, path, err) < 0)
		return -1;
	if (t->old != NULL) {
		img_target_close(t);
		return err_set(err, ERR_EXISTS, "'%s' exists already", path);
	}
	t->whole.fresh = true;
	return 0;
}

int img_target_keep(struct img_target *t, struct err *err)
{
	return t->in_place ? disk_io_sync(t->io, err) : whole_file_keep(&t->whole, err);
}

int img_target_name(struct img_target *t, struct err *err)
{
	return t->in_place ? 0 : whole_file_name(&t->whole, err);
}

void img_target_close(struct img_target *t)
{
	disk_io_close(t->io);
	disk_io_close(t->old);
	whole_file_close(&t->whole);
	*t = (struct img_target){.whole = {.fd = -1}};
}

int img_target_access(const char *from, const char *to, struct err *err)
{
	struct stat st, made;
	if (stat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	CLEANUP_CLOSE int fd = open(to, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno != ELOOP)
		return err_errno(err, errno, "cannot give '%s' the owner of '%s'", to, from);
	if (fd < 0 || fstat(fd, &made) < 0 || !S_ISREG(made.st_mode) || made.st_nlink != 1 ||
	    made.st_uid != geteuid())
		return err_set(err, ERR_DENIED,
		    "'%s' is not given the owner of '%s': somebody put another file in its place",
		    to, from);
	if (fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM)
		return err_errno(err, errno, "cannot give '%s' the owner of '%s'", to, from);
	if (fchmod(fd, st.st_mode & 07777) < 0)
		return err_errno(err, errno, "cannot give '%s' the mode of '%s'", to, from);
	return 0;
}
