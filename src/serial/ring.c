#include "serial/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"

#define RING_MAGIC 0x474e495258554d56ull /* "VMUXRING" in memory on a little-endian host */
#define RING_VERSION 1
#define RING_HEADER 4096u /* a page, so that the data is page-aligned */
#define RING_OFFSET_MAX \
	(UINT64_MAX / 4)      /* a header beyond it is rubbish: 4 EiB of console output */
#define RING_STEP (64u << 10) /* of blocks allocated at a time */
#define RING_READ_TRIES 8     /* a writer that laps a reader this often leaves it nothing to read */

struct ring_header {
	uint64_t magic;
	uint32_t version, header_size;
	uint64_t size;
	/* Only through __atomic from here on. */
	uint64_t first; /* bytes before it were dropped by ring_clear or by a crash in the middle of
	                   a write */
	uint64_t claim; /* bytes before claim - size may be overwritten at this moment; >= end */
	uint64_t end;   /* bytes before it are whole */
	uint64_t logged; /* bytes before it are in the log */
};

struct ring {
	struct ring_header *h;
	uint8_t *data;
	size_t size;
	size_t mapped;
	/* The writer of a file only: */
	int fd; /* -1: none, or in memory */
	char *path;
	size_t backed; /* bytes of data that have blocks: as far as the first lap came */
};

static uint64_t get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void set(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static bool header_valid(const struct ring_header *h, uint64_t file_size)
{
	uint64_t first = get(&h->first), end = get(&h->end), claim = get(&h->claim);

	return h->magic == RING_MAGIC && h->version == RING_VERSION &&
	       h->header_size == RING_HEADER && h->size >= RING_SIZE_MIN &&
	       h->size <= RING_SIZE_MAX && (h->size & (h->size - 1)) == 0 &&
	       file_size == RING_HEADER + h->size && end <= RING_OFFSET_MAX && first <= end &&
	       claim >= end && claim - end <= h->size;
}

/* Maps fd (-1: private memory) and returns a ring whose header nobody has looked at. */
static struct ring *ring_map(int fd, size_t mapped, int prot)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *m = mmap(NULL, mapped, prot, flags, fd, 0);
	struct ring *r;

	if (m == MAP_FAILED)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->h = m;
	r->data = (uint8_t *)m + RING_HEADER;
	r->size = mapped - RING_HEADER;
	r->mapped = mapped;
	r->fd = -1;
	r->backed = r->size;
	return r;
}

/* Takes fd over: from now on r is its writer, with blocks for the first `used` bytes and some more. An errno, or 0. */
static int ring_become_writer(struct ring *r, const char *path, int *fd, uint64_t used)
{
	int e;

	r->backed = used < r->size ? (size_t)(used / RING_STEP + 1) * RING_STEP : r->size;
	if (r->backed > r->size)
		r->backed = r->size;
	e = posix_fallocate(*fd, 0, (off_t)(RING_HEADER + r->backed));
	if (e)
		return e;
	r->fd = TAKE_FD(*fd);
	r->path = xstrdup(path);
	return 0;
}

/* The file system is full: what the file held goes on in private memory. */
static void ring_leave_file(struct ring *r)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *m = mmap(NULL, r->mapped, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (m == MAP_FAILED)
		abort(); /* out of memory, as in core/mem */
	memcpy(m, r->h, RING_HEADER + r->backed);
	munmap(r->h, r->mapped);
	r->h = m;
	r->data = (uint8_t *)m + RING_HEADER;
	r->backed = r->size;
	close(TAKE_FD(r->fd));
	unlink(r->path);
}

/* Blocks for the data up to `to`, before anything is written there. */
static void ring_grow(struct ring *r, uint64_t to)
{
	size_t want =
	    to < r->size ? (size_t)((to + RING_STEP - 1) / RING_STEP) * RING_STEP : r->size;

	if (want > r->size)
		want = r->size;
	if (posix_fallocate(r->fd, (off_t)(RING_HEADER + r->backed), (off_t)(want - r->backed)) ==
	    0)
		r->backed = want;
	else
		ring_leave_file(r);
}

/* An existing file, checked; NULL with *err when it cannot be used. The size is checked before it
 * is mapped. */
static struct ring *ring_open_file(const char *path, bool writer, struct err *err)
{
	CLEANUP_CLOSE int fd = -1;
	struct ring *r;
	struct stat st;
	int e;

	fd = open(path, (writer ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(err, errno, "console history %s", path);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)(RING_HEADER + RING_SIZE_MIN) ||
	    st.st_size > (off_t)(RING_HEADER + (size_t)RING_SIZE_MAX)) {
		err_set(
		    err, ERR_INVALID, "console history %s: not a ring file of this version", path);
		return NULL;
	}
	r = ring_map(fd, (size_t)st.st_size, writer ? PROT_READ | PROT_WRITE : PROT_READ);
	if (!r) {
		err_errno(err, errno, "mapping console history %s", path);
		return NULL;
	}
	if (!header_valid(r->h, (uint64_t)st.st_size)) {
		err_set(err, ERR_INVALID,
		    "console history %s: not a ring file of this version, or damaged", path);
		ring_free(r);
		return NULL;
	}
	if (writer && (e = ring_become_writer(r, path, &fd, get(&r->h->end))) != 0) {
		err_errno(err, e, "console history %s", path);
		ring_free(r);
		return NULL;
	}
	return r;
}

static void header_init(struct ring *r)
{
	r->h->magic = RING_MAGIC;
	r->h->version = RING_VERSION;
	r->h->header_size = RING_HEADER;
	r->h->size = r->size;
}

/* A new file takes the old one's place whole: readers of the old one keep theirs. */
static struct ring *ring_create(const char *path, size_t size, struct err *err)
{
	CLEANUP_FREE char *tmp = xasprintf("%s.new", path);
	CLEANUP_CLOSE int fd = -1;
	struct ring *r;
	int e;

	unlink(tmp);
	fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err_errno(err, errno, "creating console history %s", tmp);
		return NULL;
	}
	e = ftruncate(fd, (off_t)(RING_HEADER + size)) < 0 ? errno : 0;
	r = e ? NULL : ring_map(fd, RING_HEADER + size, PROT_READ | PROT_WRITE);
	if (!e)
		e = r ? ring_become_writer(r, path, &fd, 0) : errno;
	if (e) {
		err_errno(err, e, "creating console history %s (%zu KiB)", path, size / 1024);
		ring_free(r);
		unlink(tmp);
		return NULL;
	}
	header_init(r);
	if (rename(tmp, path) < 0) {
		err_errno(err, errno, "creating console history %s", path);
		unlink(tmp);
		ring_free(r);
		return NULL;
	}
	return r;
}

/* The last writer may have been killed between claim and end: what it had claimed may be half new,
 * half old. */
static void ring_recover(struct ring *r)
{
	uint64_t claim = get(&r->h->claim), end = get(&r->h->end);

	if (claim > r->size && claim - r->size > get(&r->h->first))
		set(&r->h->first, claim - r->size < end ? claim - r->size : end);
	set(&r->h->claim, end);
	if (get(&r->h->logged) > end)
		set(&r->h->logged, end);
}

struct ring *ring_open(const char *path, size_t size, bool keep, struct err *err)
{
	struct ring *r;

	if (size < RING_SIZE_MIN || size > RING_SIZE_MAX || (size & (size - 1)) != 0) {
		err_set(err, ERR_INVALID,
		    "console ring of %zu bytes: must be a power of two from %u to %u", size,
		    RING_SIZE_MIN, RING_SIZE_MAX);
		return NULL;
	}
	if (!path) {
		r = ring_map(-1, RING_HEADER + size, PROT_READ | PROT_WRITE);
		if (!r) {
			err_errno(err, errno, "console ring of %zu bytes", size);
			return NULL;
		}
		header_init(r);
		return r;
	}
	if (keep) {
		r = ring_open_file(path, true, NULL);
		if (r && r->size == size) {
			ring_recover(r);
			return r;
		}
		ring_free(r);
	}
	return ring_create(path, size, err);
}

struct ring *ring_open_reader(const char *path, struct err *err)
{
	return ring_open_file(path, false, err);
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	munmap(r->h, r->mapped);
	if (r->fd >= 0)
		close(r->fd);
	free(r->path);
	free(r);
}

bool ring_in_memory(const struct ring *r)
{
	return r->fd < 0;
}

/* The two parts of [offset, offset + n) in the data. */
static int ring_parts(const struct ring *r, uint64_t offset, size_t n, struct iovec iov[2])
{
	size_t at = (size_t)(offset & (r->size - 1));
	size_t head = n < r->size - at ? n : r->size - at;

	iov[0] = (struct iovec){.iov_base = r->data + at, .iov_len = head};
	iov[1] = (struct iovec){.iov_base = r->data, .iov_len = n - head};
	return n == 0 ? 0 : n == head ? 1 : 2;
}

int ring_reserve(struct ring *r, size_t n, struct iovec iov[2])
{
	uint64_t end = get(&r->h->end);

	if (n > r->size / 2)
		n = r->size / 2;
	if (end + n > r->backed && r->backed < r->size)
		ring_grow(r, end + n);
	set(&r->h->claim, end + n);
	/* The claim must be seen before any byte changes. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_parts(r, end, n, iov);
}

void ring_commit(struct ring *r, size_t n)
{
	uint64_t end = get(&r->h->end) + n;

	/* end never passes claim, not even for a moment: a reader takes claim - size for the oldest
	 * valid byte. */
	set(&r->h->end, end);
	set(&r->h->claim, end);
}

void ring_write(struct ring *r, const void *p, size_t n)
{
	const uint8_t *from = p;
	struct iovec iov[2];

	while (n > 0) {
		size_t step = n < r->size / 2 ? n : r->size / 2;
		int parts = ring_reserve(r, step, iov);

		for (int i = 0; i < parts; i++) {
			memcpy(iov[i].iov_base, from, iov[i].iov_len);
			from += iov[i].iov_len;
		}
		ring_commit(r, step);
		n -= step;
	}
}

uint64_t ring_start(const struct ring *r)
{
	uint64_t first = get(&r->h->first), claim = get(&r->h->claim);
	uint64_t left = claim > r->size ? claim - r->size : 0;

	return left > first ? left : first;
}

uint64_t ring_end(const struct ring *r)
{
	return get(&r->h->end);
}

int ring_peek(const struct ring *r, uint64_t offset, size_t n, struct iovec iov[2])
{
	uint64_t end = ring_end(r);

	if (offset < ring_start(r) || offset > end)
		return 0;
	return ring_parts(r, offset, n < end - offset ? n : (size_t)(end - offset), iov);
}

size_t ring_read(const struct ring *r, uint64_t *offset, void *out, size_t n)
{
	uint8_t *to = out;
	struct iovec iov[2];

	for (int tries = 0; tries < RING_READ_TRIES; tries++) {
		uint64_t start = ring_start(r), end = ring_end(r);
		size_t k, lost;

		if (*offset < start)
			*offset = start;
		if (*offset >= end) /* also when the writer moved on between the two loads: the next
		                       try sees it */
			return 0;
		k = n < end - *offset ? n : (size_t)(end - *offset);
		if (k > r->size)
			k = r->size;
		ring_parts(r, *offset, k, iov);
		memcpy(to, iov[0].iov_base, iov[0].iov_len);
		memcpy(to + iov[0].iov_len, iov[1].iov_base, iov[1].iov_len);
		/* The copy must be finished before the claim is looked at. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		start = ring_start(r);
		if (start <= *offset)
			return k;
		lost = start - *offset < k ? (size_t)(start - *offset) : k;
		*offset += lost;
		if (lost < k) {
			memmove(to, to + lost, k - lost);
			return k - lost;
		}
	}
	return 0;
}

void ring_clear(struct ring *r)
{
	set(&r->h->first, get(&r->h->end));
}

void ring_set_logged(struct ring *r, uint64_t offset)
{
	set(&r->h->logged, offset);
}

uint64_t ring_logged(const struct ring *r)
{
	return get(&r->h->logged);
}
