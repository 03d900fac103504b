#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"

/* Open-file-description locks: not lost when any other descriptor of the file is closed, not
 * inherited by QEMU (the descriptor is close-on-exec), and they can be asked for without being
 * taken. */

static bool is_locked(int fd)
{
	/* What only keeps a start away (vm_lock_shared) is no supervisor's. */
	struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

static int take_lock(const struct home *h, const char *name, short type, struct err *err)
{
	CLEANUP_FREE char *dir = home_run_dir(h, name), *path = home_run_file(h, name, "lock");
	struct stat mine, there;
	if (home_mkdir(h, dir, err) < 0)
		return -1;
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	home_share(
	    h, path, 0640); /* who may not ask would take a running domain for one that is off */
	struct flock l = {.l_type = type, .l_whence = SEEK_SET};
	if (fcntl(fd, F_OFD_SETLK, &l) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			return err_set(err, ERR_BUSY,
			    is_locked(fd)
			        ? "domain '%s' is already running"
			        : "domain '%s' is being cloned: its disks must not change until that is done",
			    name);
		return err_errno(err, errno, "cannot lock '%s'", path);
	}
	/* undefine may have removed the folder between open and lock: then this lock guards
	 * nothing. */
	if (fstat(fd, &mine) < 0 || stat(path, &there) < 0 || mine.st_ino != there.st_ino)
		return err_set(err, ERR_BUSY,
		    "the run directory of domain '%s' was just removed: try again", name);
	return TAKE_FD(fd);
}

int vm_lock(const struct home *h, const char *name, struct err *err)
{
	return take_lock(h, name, F_WRLCK, err);
}

int vm_lock_shared(const struct home *h, const char *name, struct err *err)
{
	return take_lock(h, name, F_RDLCK, err);
}

/* A QEMU that was killed gives its memory back before it closes its descriptors, and has left the list
 * of processes' names by then: seconds for a big guest, when there is nothing to do but to wait. */
#define DYING_MS 5000
#define DYING_LOOK_US 5000

static int lock_when_dead(int fd)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int rc;
	for (unsigned us = 0; (rc = fcntl(fd, F_OFD_SETLK, &l)) < 0; us += DYING_LOOK_US) {
		if ((errno != EAGAIN && errno != EACCES) || us >= DYING_MS * 1000)
			break;
		usleep(DYING_LOOK_US);
	}
	return rc;
}

int vm_lock_qemu(const struct home *h, const char *name, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(h, name, "qemu.lock");
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	if (lock_when_dead(fd) == 0)
		return TAKE_FD(fd);
	if (errno != EAGAIN && errno != EACCES)
		return err_errno(err, errno, "cannot lock '%s'", path);
	return err_set(err, ERR_BUSY,
	    "a QEMU of domain '%s' still runs, of which nothing else is known: a second one would destroy its "
	    "disks; find it with: pgrep -af 'guest=%s,'",
	    name, name);
}

bool vm_locked(const struct home *h, const char *name)
{
	CLEANUP_FREE char *path = home_run_file(h, name, "lock");
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	return is_locked(fd);
}

bool vm_locked_at(int run_fd, const char *name, int status_fd)
{
	char path[STATUS_NAME_MAX + sizeof("/lock")];
	if (is_locked(status_fd))
		return true;
	snprintf(path, sizeof(path), "%s/lock", name);
	CLEANUP_CLOSE int fd = openat(run_fd, path, O_RDONLY | O_CLOEXEC);
	return is_locked(fd);
}

unsigned vm_next_id(const struct home *h)
{
	CLEANUP_FREE char *path = xasprintf("%s/.next-id", h->run);
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char text[16] = "";
	uint64_t id = 0;
	if (fd < 0 || flock(fd, LOCK_EX) < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return 0;
	if (str_u64(text, 1u << 30, &id) < 0)
		id = 0;
	int n = snprintf(text, sizeof(text), "%u", (unsigned)++id);
	if (pwrite(fd, text, (size_t)n, 0) != n || ftruncate(fd, n) < 0)
		return 0;
	return (unsigned)id;
}
