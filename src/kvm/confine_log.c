#include "kvm/confine_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"

static bool is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

static bool is_qemus(const struct confine *c, const struct stat *st)
{
	return c->other_user && st->st_uid == c->uid;
}

/* --- the folder --- */

static int refuse_folder(const char *path, const char *name, const char *why, struct err *err)
{
	return err_set(err, ERR_DENIED,
	    "cannot write to '%s' for QEMU: '%s' on the way to it %s; logs go to folders of root's, /var/log/…",
	    path, name, why);
}

/* One name further. The descriptor of the folder, -1. */
static int enter(
    int dir, const char *path, const char *name, const struct confine *c, struct err *err)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) &&
	    !is_ours(&st))
		return refuse_folder(path, name, "is another user's symbolic link", err);
	CLEANUP_CLOSE int next = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (next < 0 || fstat(next, &st) < 0)
		return err_errno(err, errno, "cannot open '%s' for QEMU", path);
	if (!is_ours(&st) && !is_qemus(c, &st))
		return refuse_folder(path, name, "belongs to another user", err);
	if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
		return refuse_folder(path, name, "may be written by everybody", err);
	return TAKE_FD(next);
}

/* The folder of the path, whose last name is *last. */
static int walk(char *path, const struct confine *c, const char **last, struct err *err)
{
	CLEANUP_FREE char *whole = xstrdup(path);
	char *at = NULL, *name = strtok_r(path, "/", &at);
	CLEANUP_CLOSE int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, errno, "cannot open '/'");
	for (char *next; name != NULL && (next = strtok_r(NULL, "/", &at)) != NULL; name = next) {
		int fd = enter(dir, whole, name, c, err);
		if (fd < 0)
			return -1;
		close(dir);
		dir = fd;
	}
	if (name == NULL || whole[strlen(whole) - 1] == '/')
		return err_set(
		    err, ERR_INVALID, "cannot write to '%s' for QEMU: it names no file", whole);
	*last = name;
	return TAKE_FD(dir);
}

/* --- the file --- */

/* May others put a file there? */
static bool is_shared(int dir)
{
	struct stat st;
	return fstat(dir, &st) < 0 || !is_ours(&st) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/* What is in a shared folder was perhaps put there for us: it has to be a file of ours, whose one name is this one. A second name
 * that was taken away while we opened it shows in that the first is another file now. */
static const char *why_not(int dir, const char *name, int fd, const struct confine *c)
{
	struct stat st, again;
	if (fstat(fd, &st) < 0)
		return "it cannot be looked at";
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return "it is neither a file, nor a fifo, nor a character device";
	if (S_ISREG(st.st_mode) && st.st_nlink > 1)
		return "the file has other names too (hard links): what it is may be something else";
	if (!is_shared(dir))
		return NULL;
	if (!S_ISREG(st.st_mode))
		return "others may write to its folder, and it is no regular file";
	if (!is_ours(&st) && !is_qemus(c, &st))
		return "others may write to its folder, and it belongs to another user";
	if (fstatat(dir, name, &again, AT_SYMLINK_NOFOLLOW) < 0 || again.st_ino != st.st_ino ||
	    again.st_dev != st.st_dev || again.st_nlink != 1)
		return "another file took its name just now";
	return NULL;
}

int confine_log_open(const struct confine *c, const char *path, bool append, struct err *err)
{
	const int flags = O_WRONLY | (append ? O_APPEND : 0);
	const char *last = NULL, *why;
	struct stat st;
	CLEANUP_FREE char *names = xstrdup(path);
	CLEANUP_CLOSE int dir = walk(names, c, &last, err);
	if (dir < 0)
		return -1;
	/* O_NONBLOCK: a fifo of that name must not stop us. It is emptied once it is known what it is. */
	CLEANUP_CLOSE int fd = openat(
	    dir, last, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd < 0 && errno == ELOOP)
		return err_set(err, ERR_DENIED,
		    "cannot write to '%s' for QEMU: it is a symbolic link; name the file itself",
		    path);
	if (fd < 0 && errno == ENXIO)
		return err_set(err, ERR_STATE,
		    "cannot write to '%s' for QEMU: nobody reads from that fifo", path);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s' for QEMU", path);
	if ((why = why_not(dir, last, fd, c)) != NULL)
		return err_set(err, ERR_DENIED, "cannot write to '%s' for QEMU: %s", path, why);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (!append && ftruncate(fd, 0) < 0)
			return err_errno(err, errno, "cannot empty '%s' for QEMU", path);
		fcntl(fd, F_SETFL, flags & O_APPEND);
	}
	return TAKE_FD(fd);
}
