#include "disk/disk_io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "core/mem.h"
#include "disk/img_lock.h"

#define END_MAX ((uint64_t)INT64_MAX) /* off_t */
#define PIECE (1u << 30)              /* the kernel moves less than 2 GiB by one call */
#define RESERVE_MIN (64u << 10)
#define ZEROES (64u << 10)
#define ALIGN 4096u /* of block devices; a multiple of every logical sector */

/* Page-aligned, for descriptors opened with O_DIRECT. */
static const char zeroes[ZEROES] __attribute__((aligned(4096)));

static int fail(const struct disk_io *io, struct err *err, int errnum, const char *verb, uint64_t n,
    uint64_t at)
{
	return err_errno(err, errnum, "'%s': cannot %s %" PRIu64 " bytes at offset %" PRIu64,
	    io->path, verb, n, at);
}

static int check_range(
    const struct disk_io *io, uint64_t at, uint64_t n, const char *verb, struct err *err)
{
	if (at <= END_MAX && n <= END_MAX - at)
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': cannot %s %" PRIu64 " bytes at offset %" PRIu64 ": no file is that long",
	    io->path, verb, n, at);
}

static int check_kind(const char *path, mode_t mode, struct err *err)
{
	if (S_ISREG(mode) || S_ISBLK(mode))
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is %s, no file and no block device", path,
	    S_ISDIR(mode) ? "a folder" : "a device or a pipe");
}

static int find_size(struct disk_io *io, struct err *err)
{
	struct stat st;
	struct statfs fs;
	if (fstat(io->fd, &st) < 0)
		return err_errno(err, errno, "cannot look at '%s'", io->path);
	if (S_ISREG(st.st_mode)) {
		io->size = (uint64_t)st.st_size;
		io->reserve =
		    io->writable && fstatfs(io->fd, &fs) == 0 && fs.f_type == EXT4_SUPER_MAGIC;
		return 0;
	}
	if (check_kind(io->path, st.st_mode, err) < 0)
		return -1;
	off_t end = lseek(io->fd, 0, SEEK_END);
	if (end < 0)
		return err_errno(err, errno, "cannot tell the size of '%s'", io->path);
	io->block = true;
	io->size = (uint64_t)end;
	return 0;
}

struct disk_io *disk_io_take(int fd, const char *path, bool writable, struct err *err)
{
	struct disk_io *io = xcalloc(1, sizeof(*io));
	*io = (struct disk_io){.fd = fd, .path = xstrdup(path), .writable = writable};
	if (find_size(io, err) == 0)
		return io;
	disk_io_close(io);
	return NULL;
}

int disk_io_look_again(struct disk_io *io, struct err *err)
{
	return find_size(io, err);
}

/* Looked at before it is opened, and what was looked at is what is opened: a link cannot come in between. -1 and errno. */
static int open_disk(const char *path, int how, struct err *err)
{
	char self[64];
	struct stat st;
	CLEANUP_CLOSE int seen = open(path, O_PATH | O_CLOEXEC);
	if (seen < 0) /* there is nothing yet, or the reason why not is told by the same again */
		return open(path, how, 0644);
	if (fstat(seen, &st) < 0)
		return -1;
	if (check_kind(path, st.st_mode, err) < 0) {
		errno = 0;
		return -1;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", seen);
	int fd = open(self, how & ~O_CREAT);
	/* Without /proc, or where it is closed to us, by its name. */
	return fd < 0 && (errno == ENOENT || errno == EACCES) ? open(path, how, 0644) : fd;
}

struct disk_io *disk_io_open(const char *path, unsigned flags, struct err *err)
{
	bool create = flags & DISK_IO_CREATE, writable = create || (flags & DISK_IO_WRITE);
	int how = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
	          (create ? O_CREAT : 0) | (flags & DISK_IO_DIRECT ? O_DIRECT : 0);
	int fd = open_disk(path, how, err);
	if (fd < 0 && errno == 0)
		return NULL;
	if (fd < 0) {
		err_errno(err, errno, "cannot %s '%s'", create ? "create" : "open", path);
		return NULL;
	}
	struct disk_io *io = disk_io_take(fd, path, writable, err);
	if (!io || !create || io->block || io->size == 0)
		return io;
	if (img_lock_check(path, err) == 0 && disk_io_resize(io, 0, err) == 0)
		return io;
	disk_io_close(io);
	return NULL;
}

void disk_io_close(struct disk_io *io)
{
	if (!io)
		return;
	if (io->fd >= 0)
		close(io->fd);
	free(io->path);
	free(io);
}

/* How much could be read, less than n at the end of the file; -1 with an error. */
static ssize_t read_some(
    const struct disk_io *io, uint64_t at, void *buf, size_t n, struct err *err)
{
	size_t done = 0;
	if (check_range(io, at, n, "read", err) < 0)
		return -1;
	while (done < n) {
		size_t want = n - done < PIECE ? n - done : PIECE;
		ssize_t got = pread(io->fd, (char *)buf + done, want, (off_t)(at + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(io, err, errno, "read", n - done, at + done);
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int disk_io_read(const struct disk_io *io, uint64_t at, void *buf, size_t n, struct err *err)
{
	ssize_t got = read_some(io, at, buf, n, err);
	if (got < 0)
		return -1;
	if ((size_t)got < n)
		return err_set(err, ERR_INVALID,
		    "'%s': %zu bytes at offset %" PRIu64 " lie behind its end: it is cut off, or "
		    "what points there is wrong",
		    io->path, n, at);
	return 0;
}

int disk_io_read_padded(const struct disk_io *io, uint64_t at, void *buf, size_t n, struct err *err)
{
	ssize_t got = read_some(io, at, buf, n, err);
	if (got < 0)
		return -1;
	memset((char *)buf + got, 0, n - (size_t)got);
	return 0;
}

/* Threads that write behind the end do so at the same time. */
static void note_end(struct disk_io *io, uint64_t end)
{
	uint64_t size = __atomic_load_n(&io->size, __ATOMIC_RELAXED);
	while (!io->block && size < end &&
	       !__atomic_compare_exchange_n(
	           &io->size, &size, end, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static uint64_t size_now(const struct disk_io *io)
{
	return __atomic_load_n(&io->size, __ATOMIC_RELAXED);
}

int disk_io_write(struct disk_io *io, uint64_t at, const void *buf, size_t n, struct err *err)
{
	size_t done = 0;
	if (check_range(io, at, n, "write", err) < 0)
		return -1;
	while (done < n) {
		size_t want = n - done < PIECE ? n - done : PIECE;
		ssize_t put = pwrite(io->fd, (const char *)buf + done, want, (off_t)(at + done));
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return fail(
			    io, err, put < 0 ? errno : ENOSPC, "write", n - done, at + done);
		done += (size_t)put;
	}
	if (n > 0)
		note_end(io, at + n);
	return 0;
}

/* fallocate until it is done; 0 or errno. */
static int allocate(const struct disk_io *io, int mode, uint64_t at, uint64_t n)
{
	while (fallocate(io->fd, mode, (off_t)at, (off_t)n) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

int disk_io_write_fresh(struct disk_io *io, uint64_t at, const void *buf, size_t n, struct err *err)
{
	/* What fails here fails again by writing, with its reason. */
	if (io->reserve && n >= RESERVE_MIN && at <= END_MAX && n <= END_MAX - at)
		(void)allocate(io, FALLOC_FL_KEEP_SIZE, at, n);
	return disk_io_write(io, at, buf, n, err);
}

static int write_zeroes(struct disk_io *io, uint64_t at, uint64_t n, struct err *err)
{
	while (n > 0) {
		size_t piece = n < ZEROES ? (size_t)n : ZEROES;
		if (disk_io_write(io, at, zeroes, piece, err) < 0)
			return -1;
		at += piece;
		n -= piece;
	}
	return 0;
}

/* Zeroes only over what is no hole (data), or only into holes (!data). */
static int write_zeroes_where(
    struct disk_io *io, uint64_t at, uint64_t end, bool data, struct err *err)
{
	uint64_t from, to;
	for (; at < end; at = to) {
		if (disk_io_next_data(io, at, end, &from, &to, err) < 0)
			return -1;
		uint64_t first = data ? from : at, last = data ? to : from;
		if (write_zeroes(io, first, last - first, err) < 0)
			return -1;
	}
	return 0;
}

/* The file becomes at least that long, and never shorter, whatever other threads do. */
static int extend(struct disk_io *io, uint64_t end, struct err *err)
{
	if (io->block || size_now(io) >= end)
		return 0;
	if (allocate(io, 0, end - 1, 1) != 0)
		return disk_io_write(io, end - 1, zeroes, 1, err);
	note_end(io, end);
	return 0;
}

static int zero_inner(struct disk_io *io, uint64_t at, uint64_t n, bool punch, struct err *err)
{
	if (punch && allocate(io, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n) == 0)
		return 0;
	if (punch && !io->block)
		return write_zeroes_where(io, at, at + n, true, err);
	int e = allocate(io, FALLOC_FL_ZERO_RANGE, at, n);
	if (e == ENOSPC || e == EDQUOT || e == EFBIG)
		return fail(io, err, e, "zero", n, at);
	return e == 0 ? 0 : write_zeroes(io, at, n, err);
}

int disk_io_zero(struct disk_io *io, uint64_t at, uint64_t n, bool punch, struct err *err)
{
	uint64_t head = 0, tail = 0;
	if (n == 0)
		return 0;
	if (check_range(io, at, n, "zero", err) < 0)
		return -1;
	if (io->block) { /* the kernel zeroes whole sectors of a device, or nothing */
		head = (ALIGN - at % ALIGN) % ALIGN;
		head = head < n ? head : n;
		tail = (n - head) % ALIGN;
	} else if (punch && extend(io, at + n, err) < 0) {
		return -1;
	}
	if (write_zeroes(io, at, head, err) < 0 ||
	    (n > head + tail && zero_inner(io, at + head, n - head - tail, punch, err) < 0) ||
	    write_zeroes(io, at + n - tail, tail, err) < 0)
		return -1;
	note_end(io, at + n);
	return 0;
}

void disk_io_discard(struct disk_io *io, uint64_t at, uint64_t n)
{
	uint64_t size = size_now(io);
	if (at >= size)
		return;
	n = n < size - at ? n : size - at;
	uint64_t range[2] = {at, n};
	if (io->block)
		(void)ioctl(io->fd, BLKDISCARD, range);
	else
		(void)allocate(io, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n);
}

int disk_io_allocate(struct disk_io *io, uint64_t at, uint64_t n, struct err *err)
{
	if (n == 0 || io->block)
		return 0;
	if (check_range(io, at, n, "allocate", err) < 0)
		return -1;
	int e = allocate(io, 0, at, n);
	if (e == EOPNOTSUPP || e == ENOSYS)
		return write_zeroes_where(io, at, at + n, false, err);
	if (e != 0)
		return fail(io, err, e, "allocate", n, at);
	note_end(io, at + n);
	return 0;
}

int disk_io_copy(const struct disk_io *from, uint64_t from_at, struct disk_io *to, uint64_t to_at,
    uint64_t n, struct err *err)
{
	off_t in = (off_t)from_at, out = (off_t)to_at;
	if (check_range(from, from_at, n, "read", err) < 0 ||
	    check_range(to, to_at, n, "write", err) < 0)
		return -1;
	while (n > 0) {
		ssize_t got =
		    copy_file_range(from->fd, &in, to->fd, &out, n < PIECE ? n : PIECE, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
			return err_errno(err, errno,
			    "cannot copy %" PRIu64 " bytes from '%s' to '%s'", n, from->path,
			    to->path);
		if (got <= 0)
			return 0;
		note_end(to, (uint64_t)out);
		n -= (uint64_t)got;
	}
	return 1;
}

int disk_io_resize(struct disk_io *io, uint64_t size, struct err *err)
{
	if (check_range(io, size, 0, "reach", err) < 0)
		return -1;
	if (io->block && size > io->size)
		return err_set(err, ERR_INVALID,
		    "'%s' is a device of %" PRIu64 " bytes: %" PRIu64 " do not fit", io->path,
		    io->size, size);
	if (io->block)
		return 0;
	while (ftruncate(io->fd, (off_t)size) < 0)
		if (errno != EINTR)
			return err_errno(err, errno, "'%s': cannot become %" PRIu64 " bytes long",
			    io->path, size);
	__atomic_store_n(&io->size, size, __ATOMIC_RELAXED);
	return 0;
}

int disk_io_sync(struct disk_io *io, struct err *err)
{
	if (fdatasync(io->fd) < 0)
		return err_errno(err, errno, "'%s': cannot bring it to the disk", io->path);
	return 0;
}

int disk_io_next_data(const struct disk_io *io, uint64_t at, uint64_t end, uint64_t *from,
    uint64_t *to, struct err *err)
{
	uint64_t size = size_now(io);
	*from = *to = end;
	if (at >= end || at >= size)
		return 0;
	*from = at;
	*to = end < size ? end : size;
	if (io->block)
		return 0;
	off_t data = lseek(io->fd, (off_t)at, SEEK_DATA);
	if (data < 0 && errno == ENXIO) {
		*from = *to = end;
		return 0;
	}
	if (data < 0) /* a file system that cannot tell */
		return errno == EIO ? fail(io, err, EIO, "read", end - at, at) : 0;
	if ((uint64_t)data >= *to) {
		*from = *to = end;
		return 0;
	}
	*from = (uint64_t)data < at ? at : (uint64_t)data;
	off_t hole = lseek(io->fd, (off_t)*from, SEEK_HOLE);
	if (hole > 0 && (uint64_t)hole > *from && (uint64_t)hole < *to)
		*to = (uint64_t)hole;
	return 0;
}

uint64_t disk_io_allocated(const struct disk_io *io)
{
	struct stat st;
	return io->block || fstat(io->fd, &st) < 0 ? 0 : (uint64_t)st.st_blocks * 512;
}
