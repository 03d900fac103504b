/* record: loaded before the C library (LD_PRELOAD), writes down every change of the files below a folder, in order, and
 * makes the system calls fail that a disk may make fail.
 *
 *	RECORD_UNDER=DIR   the files that are meant
 *	RECORD_LOG=FILE    struct record (tests/disk/record.h), appended
 *	RECORD_FAIL=N      the Nth change, and each one after it, fails with …
 *	RECORD_ERRNO=E     … this (EIO unless told)
 *	RECORD_KILL=N      the Nth change is made by half and ends the process, as kill -9 does
 *	RECORD_SHORT=1     reads and writes do less than they were asked for
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "disk/record.h"

/* The C library's own. */
#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

static unsigned long changes;

/* A conversion writes by several threads: a change and what is written down of it go together. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void unlock(int *unused)
{
	(void)unused;
	pthread_mutex_unlock(&one_at_a_time);
}
#define ONE_AT_A_TIME()                                                                   \
	int locked __attribute__((cleanup(unlock))) = pthread_mutex_lock(&one_at_a_time); \
	(void)locked

static unsigned long number(const char *name)
{
	const char *text = getenv(name);
	return text != NULL ? strtoul(text, NULL, 10) : 0;
}

/* The file's path when it is meant; else false. */
static bool meant(int fd, char path[PATH_MAX])
{
	char link[64];
	const char *under = getenv("RECORD_UNDER");
	if (under == NULL)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	return strncmp(path, under, strlen(under)) == 0;
}

static void put(const char *path, enum record_op op, off_t offset, size_t bytes, const void *data)
{
	struct record r = {op, (uint32_t)strlen(path), (uint64_t)offset, bytes};
	const char *log = getenv("RECORD_LOG");
	if (log == NULL)
		return;
	int fd = REAL(open)(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	size_t n = data != NULL ? bytes : 0;
	if (fd < 0 || REAL(write)(fd, &r, sizeof(r)) != (ssize_t)sizeof(r) ||
	    REAL(write)(fd, path, r.path) != (ssize_t)r.path ||
	    (n > 0 && REAL(write)(fd, data, n) != (ssize_t)n))
		abort();
	close(fd);
}

/* Is this change to fail? errno is set. */
static bool fails(void)
{
	unsigned long fail = number("RECORD_FAIL"), code = number("RECORD_ERRNO");
	changes++;
	if (fail == 0 || changes < fail)
		return false;
	errno = code != 0 ? (int)code : EIO;
	return true;
}

static bool dies(void)
{
	return number("RECORD_KILL") != 0 && changes == number("RECORD_KILL");
}

static size_t shorter(size_t n)
{
	return number("RECORD_SHORT") != 0 && n > 1 ? (n + 2) / 3 : n;
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	char path[PATH_MAX];
	if (!meant(fd, path))
		return REAL(pwrite)(fd, buf, n, offset);
	ONE_AT_A_TIME();
	if (fails())
		return -1;
	if (dies()) {
		(void)!REAL(pwrite)(fd, buf, record_half((uint64_t)offset, n), offset);
		raise(SIGKILL);
	}
	ssize_t done = REAL(pwrite)(fd, buf, shorter(n), offset);
	if (done > 0)
		put(path, RECORD_WRITE, offset, (size_t)done, buf);
	return done;
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off_t offset)
{
	return pwrite(fd, buf, n, offset);
}

ssize_t pread(int fd, void *buf, size_t n, off_t offset)
{
	char path[PATH_MAX];
	return REAL(pread)(fd, buf, meant(fd, path) ? shorter(n) : n, offset);
}

ssize_t pread64(int fd, void *buf, size_t n, off_t offset)
{
	return pread(fd, buf, n, offset);
}

ssize_t __pread_chk(int fd, void *buf, size_t n, off_t offset, size_t room);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t offset, size_t room)
{
	if (n > room)
		abort();
	return pread(fd, buf, n, offset);
}

int fallocate(int fd, int mode, off_t offset, off_t n)
{
	char path[PATH_MAX];
	if (!meant(fd, path))
		return REAL(fallocate)(fd, mode, offset, n);
	ONE_AT_A_TIME();
	if (fails())
		return -1;
	if (dies())
		raise(SIGKILL);
	int r = REAL(fallocate)(fd, mode, offset, n);
	bool zeroes = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
	if (r == 0)
		put(path, zeroes ? RECORD_PUNCH : RECORD_ALLOCATE, offset, (size_t)n, NULL);
	/* A hole with KEEP_SIZE does not grow the file, zeroes without it do. */
	if (r == 0 && zeroes && !(mode & FALLOC_FL_KEEP_SIZE))
		put(path, RECORD_ALLOCATE, offset, (size_t)n, NULL);
	return r;
}

int ftruncate(int fd, off_t size)
{
	char path[PATH_MAX];
	if (!meant(fd, path))
		return REAL(ftruncate)(fd, size);
	ONE_AT_A_TIME();
	if (fails())
		return -1;
	if (dies())
		raise(SIGKILL);
	int r = REAL(ftruncate)(fd, size);
	if (r == 0)
		put(path, RECORD_TRUNCATE, size, 0, NULL);
	return r;
}

/* Into a file that is meant: by hand, so that the bytes are seen. */
ssize_t copy_file_range(int in, off_t *from, int out, off_t *to, size_t n, unsigned flags)
{
	char path[PATH_MAX];
	if (!meant(out, path))
		return REAL(copy_file_range)(in, from, out, to, n, flags);
	errno = EOPNOTSUPP;
	return -1;
}

int fdatasync(int fd)
{
	char path[PATH_MAX];
	if (!meant(fd, path))
		return REAL(fdatasync)(fd);
	ONE_AT_A_TIME();
	if (fails())
		return -1;
	if (dies())
		raise(SIGKILL);
	put(path, RECORD_SYNC, 0, 0, NULL);
	return 0;
}

int fsync(int fd)
{
	char path[PATH_MAX];
	return meant(fd, path) ? fdatasync(fd) : REAL(fsync)(fd);
}
