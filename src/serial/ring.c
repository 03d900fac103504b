#include "serial/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"

#define RING_MAGIC 0x474e495258554d56ull /* "VMUXRING" in memory on a little-endian host */
#define RING_VERSION 2
#define RING_HEADER 4096u /* a page, so that what follows is page-aligned */
#define RING_OFFSET_MAX \
	(UINT64_MAX / 4)      /* a header beyond it is rubbish: 4 EiB of console output */
#define RING_STEP (64u << 10) /* of blocks allocated at a time */
#define RING_READ_TRIES 8     /* a writer that laps a reader this often leaves it nothing to read */
#define RING_PAGE 4096u       /* of notes that get blocks at a time */

/* The notes lie between header and data in two rings of their own, so that a chatty guest's times never push out the
 * boots: marks (all kinds but TIME), then times. */
enum { LANE_MARKS, LANE_TIMES, LANES };
static const uint64_t lane_size[LANES] = {[LANE_MARKS] = 256, [LANE_TIMES] = RING_NOTES - 256};
static const uint64_t lane_begin[LANES] = {[LANE_MARKS] = 0, [LANE_TIMES] = 256};

#define RING_DATA (RING_HEADER + RING_NOTES * (uint32_t)sizeof(struct ring_note))
_Static_assert(sizeof(struct ring_note) == 24, "notes are part of the file");
_Static_assert(RING_DATA % RING_PAGE == 0, "data is page-aligned");

struct ring_lane {      /* counts of notes; note k is in slot k % size */
	uint64_t claim; /* note claim - 1 may be being written; >= end */
	uint64_t end;
	uint64_t logged; /* notes before it are in the log's index */
};

struct ring_header {
	uint64_t magic;
	uint32_t version, data; /* data: where it begins */
	uint64_t size;
	uint64_t run; /* never 0 */
	/* Only through __atomic from here on. */
	uint64_t first; /* bytes before it were dropped by ring_clear or by a crash in the middle of
	                   a write */
	uint64_t claim; /* bytes before claim - size may be overwritten at this moment; >= end */
	uint64_t end;   /* bytes before it are whole */
	uint64_t logged; /* bytes before it are in the log */
	struct ring_lane lanes[LANES];
	uint64_t missing; /* bytes that the log could not take */
};

struct ring {
	struct ring_header *h;
	struct ring_note *notes;
	uint8_t *data;
	size_t size;
	size_t mapped;
	/* The writer of a file only: */
	int fd; /* -1: none, or in memory */
	char *path;
	size_t backed; /* bytes of data that have blocks: as far as the first lap came */
	size_t
	    head; /* bytes before the data that have: header, marks, times as far as their first lap came */
};

static uint64_t get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void set(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static bool lanes_valid(const struct ring_header *h)
{
	for (int i = 0; i < LANES; i++) {
		uint64_t end = get(&h->lanes[i].end), claim = get(&h->lanes[i].claim);

		if (end > RING_OFFSET_MAX || claim < end || claim > RING_OFFSET_MAX + 1)
			return false;
	}
	return true;
}

static bool header_valid(const struct ring_header *h, uint64_t file_size)
{
	uint64_t first, end, claim;

	if (h->magic != RING_MAGIC || h->version != RING_VERSION || h->data != RING_DATA)
		return false;
	if (h->size < RING_SIZE_MIN || h->size > RING_SIZE_MAX || (h->size & (h->size - 1)) != 0 ||
	    file_size != RING_DATA + h->size)
		return false;
	/* The writer may be at work: what grows is looked at last. */
	first = get(&h->first);
	end = get(&h->end);
	claim = get(&h->claim);
	return end <= RING_OFFSET_MAX && first <= end && claim >= end && claim - end <= h->size;
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
	r->notes = (struct ring_note *)((uint8_t *)m + RING_HEADER);
	r->data = (uint8_t *)m + RING_DATA;
	r->size = mapped - RING_DATA;
	r->mapped = mapped;
	r->fd = -1;
	r->backed = r->size;
	r->head = RING_DATA;
	return r;
}

/* Bytes before the data that hold `times` notes in the lane of times, in whole pages. */
static size_t head_bytes(uint64_t times)
{
	uint64_t n = lane_begin[LANE_TIMES] +
	             (times < lane_size[LANE_TIMES] ? times : lane_size[LANE_TIMES]);
	uint64_t bytes = RING_HEADER + n * sizeof(struct ring_note);

	return (size_t)((bytes + RING_PAGE - 1) / RING_PAGE * RING_PAGE);
}

/* Takes fd over: from now on r is its writer, with blocks for what it holds and some more. An errno, or 0. */
static int ring_become_writer(struct ring *r, const char *path, int *fd)
{
	uint64_t used = get(&r->h->end);
	int e;

	r->backed = used < r->size ? (size_t)(used / RING_STEP + 1) * RING_STEP : r->size;
	if (r->backed > r->size)
		r->backed = r->size;
	r->head = head_bytes(get(&r->h->lanes[LANE_TIMES].end));
	e = posix_fallocate(*fd, 0, (off_t)r->head);
	if (!e)
		e = posix_fallocate(*fd, (off_t)RING_DATA, (off_t)r->backed);
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
	memcpy(m, r->h, r->head);
	memcpy((uint8_t *)m + RING_DATA, r->data, r->backed);
	munmap(r->h, r->mapped);
	r->h = m;
	r->notes = (struct ring_note *)((uint8_t *)m + RING_HEADER);
	r->data = (uint8_t *)m + RING_DATA;
	r->backed = r->size;
	r->head = RING_DATA;
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
	if (posix_fallocate(r->fd, (off_t)(RING_DATA + r->backed), (off_t)(want - r->backed)) == 0)
		r->backed = want;
	else
		ring_leave_file(r);
}

/* The same for one more note of time. */
static void ring_grow_times(struct ring *r)
{
	size_t want = head_bytes(get(&r->h->lanes[LANE_TIMES].end) + 1);

	if (want <= r->head)
		return;
	if (posix_fallocate(r->fd, (off_t)r->head, (off_t)(want - r->head)) == 0)
		r->head = want;
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
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)(RING_DATA + RING_SIZE_MIN) ||
	    st.st_size > (off_t)(RING_DATA + (size_t)RING_SIZE_MAX)) {
		err_set(err, ERR_INVALID,
		    "console history %s: not a ring file of this version of hvmux", path);
		return NULL;
	}
	r = ring_map(fd, (size_t)st.st_size, writer ? PROT_READ | PROT_WRITE : PROT_READ);
	if (!r) {
		err_errno(err, errno, "mapping console history %s", path);
		return NULL;
	}
	if (!header_valid(r->h, (uint64_t)st.st_size) || !lanes_valid(r->h)) {
		err_set(err, ERR_INVALID,
		    "console history %s: damaged, or made by another version of hvmux: 'hvmux log' has what was logged",
		    path);
		ring_free(r);
		return NULL;
	}
	if (writer && (e = ring_become_writer(r, path, &fd)) != 0) {
		err_errno(err, e, "console history %s", path);
		ring_free(r);
		return NULL;
	}
	return r;
}

static void header_init(struct ring *r)
{
	struct timespec ts;

	r->h->magic = RING_MAGIC;
	r->h->version = RING_VERSION;
	r->h->data = RING_DATA;
	r->h->size = r->size;
	if (getrandom(&r->h->run, sizeof(r->h->run), GRND_NONBLOCK) != sizeof(r->h->run)) {
		clock_gettime(CLOCK_REALTIME, &ts);
		r->h->run = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	}
	r->h->run |= 1;
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
	e = ftruncate(fd, (off_t)(RING_DATA + size)) < 0 ? errno : 0;
	r = e ? NULL : ring_map(fd, RING_DATA + size, PROT_READ | PROT_WRITE);
	if (!e)
		e = r ? ring_become_writer(r, path, &fd) : errno;
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
	for (int i = 0; i < LANES; i++) {
		struct ring_lane *l = &r->h->lanes[i];

		/* A note that may be half written is one of no kind: nobody reads it. */
		if (get(&l->claim) != get(&l->end)) {
			r->notes[lane_begin[i] + get(&l->end) % lane_size[i]] =
			    (struct ring_note){0};
			set(&l->end, get(&l->claim));
		}
		if (get(&l->logged) > get(&l->end))
			set(&l->logged, get(&l->end));
	}
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
		r = ring_map(-1, RING_DATA + size, PROT_READ | PROT_WRITE);
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

uint64_t ring_run(const struct ring *r)
{
	return r->h->run;
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

void ring_set_missing(struct ring *r, uint64_t bytes)
{
	set(&r->h->missing, bytes);
}

uint64_t ring_missing(const struct ring *r)
{
	return get(&r->h->missing);
}

/* --- notes --- */

void ring_note(struct ring *r, enum ring_note_kind kind, uint32_t value, uint64_t time_ns)
{
	int lane = kind == RING_NOTE_TIME ? LANE_TIMES : LANE_MARKS;
	struct ring_lane *l;
	uint64_t k;

	if (lane == LANE_TIMES)
		ring_grow_times(r);
	l = &r->h->lanes[lane];
	k = get(&l->end);
	set(&l->claim, k + 1);
	/* As with the bytes. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r->notes[lane_begin[lane] + k % lane_size[lane]] = (struct ring_note){
	    .offset = get(&r->h->end), .time_ns = time_ns, .kind = (uint32_t)kind, .value = value};
	set(&l->end, k + 1);
}

/* The oldest note of a lane that is not, and is not being, overwritten. */
static uint64_t lane_first(const struct ring *r, int lane)
{
	uint64_t claim = get(&r->h->lanes[lane].claim);

	return claim > lane_size[lane] ? claim - lane_size[lane] : 0;
}

/* Note *k, or the next one that can be had. False: there is none (yet). */
static bool lane_get(const struct ring *r, int lane, uint64_t *k, struct ring_note *out)
{
	for (;; ++*k) {
		uint64_t first = lane_first(r, lane);

		if (*k < first)
			*k = first;
		if (*k >= get(&r->h->lanes[lane].end))
			return false;
		*out = r->notes[lane_begin[lane] + *k % lane_size[lane]];
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (*k < lane_first(r, lane))
			continue; /* overtaken: what was copied may be half of it */
		if (out->offset <= get(&r->h->end) && out->kind >= RING_NOTE_TIME &&
		    out->kind <= RING_NOTE_END &&
		    (out->kind == RING_NOTE_TIME) == (lane == LANE_TIMES))
			return true;
	}
}

/* The first note of a lane with an offset from `offset` on. */
static uint64_t lane_seek(const struct ring *r, int lane, uint64_t offset)
{
	uint64_t low = lane_first(r, lane), high = get(&r->h->lanes[lane].end);

	while (low < high) {
		uint64_t k = low + (high - low) / 2;
		struct ring_note n;

		if (lane_get(r, lane, &k, &n) && n.offset < offset)
			low = k + 1;
		else
			high = low + (high - low) / 2;
	}
	return low;
}

/* The time that the byte at offset came at: the last one up to it. */
static uint64_t times_seek(const struct ring *r, uint64_t offset)
{
	uint64_t k = lane_seek(r, LANE_TIMES, offset + 1);

	return k > lane_first(r, LANE_TIMES) ? k - 1 : k;
}

void ring_note_seek(const struct ring *r, struct ring_note_cursor *c, uint64_t offset)
{
	c->at[LANE_MARKS] = lane_seek(r, LANE_MARKS, offset);
	c->at[LANE_TIMES] = times_seek(r, offset);
	c->floor = 0;
}

void ring_note_skip_times(const struct ring *r, struct ring_note_cursor *c, uint64_t offset)
{
	uint64_t k = times_seek(r, offset);

	if (k > c->at[LANE_TIMES])
		c->at[LANE_TIMES] = k;
}

bool ring_note_next(const struct ring *r, struct ring_note_cursor *c, struct ring_note *out)
{
	struct ring_note n[LANES];
	bool have[LANES];

	for (;;) {
		int lane;

		for (int i = 0; i < LANES; i++)
			have[i] = lane_get(r, i, &c->at[i], &n[i]);
		if (!have[LANE_MARKS] && !have[LANE_TIMES])
			return false;
		/* A time is noted when its byte is there: at the same offset, a mark came first. */
		lane = !have[LANE_TIMES] ||
		               (have[LANE_MARKS] && n[LANE_MARKS].offset <= n[LANE_TIMES].offset)
		           ? LANE_MARKS
		           : LANE_TIMES;
		c->at[lane]++;
		if (n[lane].offset < c->floor)
			continue; /* the other lane was lapped meanwhile, or the file is damaged */
		c->floor = n[lane].offset;
		*out = n[lane];
		return true;
	}
}

size_t ring_notes(const struct ring *r, uint64_t from, struct ring_note *out, size_t max)
{
	struct ring_note_cursor c;
	size_t n = 0;

	ring_note_seek(r, &c, from);
	while (n < max && ring_note_next(r, &c, &out[n]))
		n += out[n].offset >= from;
	return n;
}

void ring_set_notes_logged(struct ring *r, const struct ring_note_cursor *c)
{
	for (int i = 0; i < LANES; i++)
		set(&r->h->lanes[i].logged, c->at[i]);
}

void ring_notes_logged(const struct ring *r, struct ring_note_cursor *c)
{
	for (int i = 0; i < LANES; i++)
		c->at[i] = get(&r->h->lanes[i].logged);
	c->floor = 0;
}
