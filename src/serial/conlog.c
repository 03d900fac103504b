#include "serial/conlog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/mem.h"
#include "core/timestamp.h"
#include "serial/conlog_files.h"
#include "serial/conlog_gzip.h"
#include "serial/conlog_index.h"

/* Notes kept while the disk takes nothing: a guest that reboots for ever has to be bounded. */
#define PENDING_MAX 16u
#define NS_PER_S 1000000000ull

struct conlog {
	char *path;
	struct conlog_limits limits;
	int fd;         /* live file, -1 not open */
	uint64_t bytes; /* in the live file */
	struct conlog_index_writer index;
	uint64_t index_retry_ms; /* when it could not be made, as the disk was full */
	uint64_t run, next;
	uint64_t resumed;  /* up to there it is what another writer wrote that was killed */
	uint64_t time_ns;  /* the last one that a note told */
	bool replaced;     /* somebody took the live file away, or cut it */
	bool line_open;    /* the last byte written was no line end, as far as we know */
	char trouble[128]; /* the last error's words, kept for the gap's mark */
	bool stopped;
	uint64_t retry_ms;
	struct ring_note pending[PENDING_MAX];
	unsigned n_pending;
	uint64_t calm_ms;         /* when what is plain gets compressed; 0: nothing is */
	struct conlog_gzip *gzip; /* the compression that runs, NULL none */
	unsigned gzip_slot;       /* which file it reads: a rotation moves it up */
};

static char *tmp_path(const struct conlog *c)
{
	return conlog_file_path(c->path, 0, ".gz.tmp");
}

/* e: errno; 0 the same trouble as before. */
static int stop(struct conlog *c, int e)
{
	if (e)
		snprintf(c->trouble, sizeof(c->trouble), "%s", strerror(e));
	c->stopped = true;
	c->retry_ms = loop_now_ms() + CONLOG_RETRY_MS;
	return -1;
}

static bool resting(const struct conlog *c)
{
	return c->stopped && loop_now_ms() < c->retry_ms;
}

/* --- compression --- */

static void calm_arm(struct conlog *c)
{
	c->calm_ms = loop_now_ms() + CONLOG_CALM_MS;
}

static void gzip_drop(struct conlog *c)
{
	CLEANUP_FREE char *tmp = tmp_path(c);

	conlog_gzip_free(c->gzip);
	c->gzip = NULL;
	unlink(tmp);
}

static void gzip_start(struct conlog *c)
{
	CLEANUP_FREE char *tmp = tmp_path(c);
	CLEANUP_FREE char *from = NULL;

	c->gzip_slot = c->gzip ? 0 : conlog_files_plain(c->path, c->limits.files);
	if (c->gzip_slot == 0)
		return;
	from = conlog_file_path(c->path, c->gzip_slot, "");
	c->gzip = conlog_gzip_new(from, tmp);
}

static void gzip_done(struct conlog *c)
{
	bool ok = conlog_gzip_ok(c->gzip);
	CLEANUP_FREE char *tmp = tmp_path(c);
	CLEANUP_FREE char *from = conlog_file_path(c->path, c->gzip_slot, "");
	CLEANUP_FREE char *to = conlog_file_path(c->path, c->gzip_slot, ".gz");

	/* A failure (no space) leaves the plain file; the next rotation tries again. */
	ok = ok && access(from, F_OK) == 0 && rename(tmp, to) == 0 && unlink(from) == 0;
	gzip_drop(c);
	if (ok)
		gzip_start(c);
}

/* Until the next thing is to be done, at most `left`; -1 for ever. */
static int calm_left(const struct conlog *c, int left)
{
	uint64_t now = loop_now_ms();
	int calm = c->calm_ms > now ? (int)(c->calm_ms - now) : 0;

	return c->calm_ms && (left < 0 || calm < left) ? calm : left;
}

bool conlog_turn(struct conlog *c, int fd, int ms)
{
	uint64_t until = loop_now_ms() + (ms > 0 ? (unsigned)ms : 0);
	int left = ms;

	for (;;) {
		struct pollfd p[] = {{.fd = fd, .events = POLLIN},
		    {.fd = c->gzip ? conlog_gzip_fd(c->gzip) : -1, .events = POLLIN}};

		if (poll(p, ARRAY_LEN(p), calm_left(c, left)) < 0)
			p[0].revents = p[1].revents = 0;
		if (p[1].revents)
			gzip_done(c);
		if (c->calm_ms && loop_now_ms() >= c->calm_ms) {
			c->calm_ms = 0;
			if (!c->gzip)
				gzip_start(c);
		}
		if (p[0].revents)
			return true;
		if (ms >= 0 && loop_now_ms() >= until)
			return false;
		left = ms < 0 ? -1 : (int)(until - loop_now_ms());
	}
}

/* --- the live file --- */

static uint64_t bytes_time(const struct conlog *c)
{
	return c->time_ns ? c->time_ns : timestamp_ns();
}

/* The index of a file that was opened just now. Without one the log goes on all the same. */
static void index_open(struct conlog *c, const struct stat *st)
{
	CLEANUP_FREE char *path = conlog_file_path(c->path, 0, ".idx");

	if (st->st_size == 0 ||
	    conlog_index_resume(&c->index, path, st->st_ino, (uint64_t)st->st_size) < 0)
		conlog_index_begin(&c->index, path, st->st_ino);
	c->index_retry_ms = loop_now_ms() + CONLOG_RETRY_MS;
}

/* The offset of the byte that will be written next, as the index has it. */
static bool index_next(const struct conlog *c, uint64_t *next)
{
	const struct conlog_record *last = &c->index.last;

	if (c->index.fd < 0 || last->kind == 0 || c->index.run != c->run || c->run == 0 ||
	    c->bytes < last->pos + last->length)
		return false;
	*next = last->offset + (c->bytes - last->pos - last->length);
	return true;
}

/* Whatever was done to the file: from here on positions and offsets agree. */
static void index_sync(struct conlog *c)
{
	struct conlog_record r = {.pos = c->bytes,
	    .offset = c->next,
	    .time_ns = bytes_time(c),
	    .number = c->run,
	    .kind = CONLOG_BEGIN};
	uint64_t next;
	struct stat st;

	if (c->index.fd < 0 && loop_now_ms() >= c->index_retry_ms && fstat(c->fd, &st) == 0)
		index_open(c, &st);
	if (!index_next(c, &next) || next != c->next)
		conlog_index_add(&c->index, &r);
}

/* Is the last line without its end? */
static bool ends_open(const struct conlog *c)
{
	char last = '\0';

	return c->bytes > 0 && (pread(c->fd, &last, 1, (off_t)(c->bytes - 1)) != 1 || last != '\n');
}

/* A link in its place is removed, not followed: what it points to is not ours. */
static int live_create(struct conlog *c, int flags, struct stat *st)
{
	if (lstat(c->path, st) == 0 && S_ISLNK(st->st_mode)) {
		unlink(c->path);
		c->replaced = true;
	}
	c->fd =
	    open(c->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
	if (c->fd < 0 || fstat(c->fd, st) < 0)
		return -1;
	if (!S_ISREG(st->st_mode)) {
		close(TAKE_FD(c->fd));
		errno = ENOTSUP;
		return -1;
	}
	c->bytes = (uint64_t)st->st_size;
	c->line_open = ends_open(c);
	index_open(c, st);
	return 0;
}

/* Is the path still the file that is open? */
static bool live_same(const struct conlog *c)
{
	struct stat ours, there;

	return fstat(c->fd, &ours) == 0 && lstat(c->path, &there) == 0 &&
	       ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

static int rotate(struct conlog *c)
{
	CLEANUP_FREE char *first = conlog_file_path(c->path, 1, "");
	CLEANUP_FREE char *index = conlog_file_path(c->path, 0, ".idx");
	CLEANUP_FREE char *first_index = conlog_file_path(c->path, 1, ".idx");

	if (c->limits.files == 1) {
		struct stat st;

		if (ftruncate(c->fd, 0) < 0 || fstat(c->fd, &st) < 0)
			return stop(c, errno);
		c->bytes = 0;
		index_open(c, &st);
		return 0;
	}
	conlog_files_shift(c->path, c->limits.files);
	if (c->gzip && ++c->gzip_slot >= c->limits.files)
		gzip_drop(c);
	if (rename(c->path, first) < 0)
		return stop(c, errno);
	if (rename(index, first_index) < 0)
		unlink(first_index);
	conlog_index_close(&c->index);
	close(TAKE_FD(c->fd));
	if (c->limits.total)
		conlog_files_limit(c->path, c->limits.total, c->limits.size);
	calm_arm(c);
	return 0;
}

static bool is_old(const struct conlog *c)
{
	uint64_t now = timestamp_ns(), began = c->index.began_ns;

	return c->limits.age && c->index.fd >= 0 && began && now > began &&
	       (now - began) / NS_PER_S >= c->limits.age;
}

/* Somebody cut the file, or wrote to it. */
static void live_look(struct conlog *c, const struct stat *st)
{
	uint64_t size = (uint64_t)st->st_size;

	if (size < c->bytes) {
		c->replaced = true;
		c->bytes = size;
		c->line_open = ends_open(c);
		index_open(c, st);
	}
	if (size != c->bytes) {
		c->bytes = size;
		c->line_open = ends_open(c);
	}
}

/* Makes fd the live file with room in it. Somebody may have removed or cut it: it is looked at each
 * time. */
static int live_open(struct conlog *c)
{
	struct stat st;

	for (;;) {
		if (c->fd >= 0 && !live_same(c)) {
			close(TAKE_FD(c->fd));
			c->replaced = true;
		}
		if (c->fd < 0 && live_create(c, O_CREAT, &st) < 0)
			return stop(c, errno);
		if (fstat(c->fd, &st) < 0)
			return stop(c, errno);
		live_look(c, &st);
		if (c->bytes == 0 || (c->bytes < c->limits.size && !is_old(c)))
			return 0;
		if (rotate(c) < 0)
			return -1;
	}
}

/* --- marks --- */

/* A mark is written whole or not at all, then known to the index. r->offset is given, its place not. */
static int mark_write(struct conlog *c, struct conlog_record *r, const char *text)
{
	CLEANUP_FREE char *mark = xasprintf("%s[hvmux: %s]\n", c->line_open ? "\n" : "", text);
	size_t n = strlen(mark);
	ssize_t k;

	index_sync(c);
	k = write(c->fd, mark, n);
	if (k == (ssize_t)n) {
		r->pos = c->bytes;
		r->length = (uint16_t)n;
		conlog_index_add(&c->index, r);
		c->bytes += n;
		c->line_open = false;
		return 0;
	}
	if (k > 0 && ftruncate(c->fd, (off_t)c->bytes) < 0)
		return stop(c, errno);
	/* A short write does not say why: 0 keeps what was said before. */
	return stop(c, k < 0 ? errno : c->trouble[0] ? 0 : ENOSPC);
}

static int mark_gap(struct conlog *c, uint64_t offset)
{
	uint64_t lost = offset - c->next;
	struct conlog_record r = {
	    .offset = offset, .time_ns = timestamp_ns(), .number = lost, .kind = CONLOG_HOLE};
	CLEANUP_FREE char *text = xasprintf("%llu bytes are missing here%s%s",
	    (unsigned long long)lost, c->trouble[0] ? ": " : "", c->trouble);

	if (mark_write(c, &r, text) < 0)
		return -1;
	c->next = offset;
	return 0;
}

static int mark_replaced(struct conlog *c)
{
	struct conlog_record r = {
	    .offset = c->next, .time_ns = timestamp_ns(), .kind = CONLOG_REPLACED};

	if (c->replaced &&
	    mark_write(c, &r, "what was in this file before was removed by somebody") < 0)
		return -1;
	c->replaced = false;
	return 0;
}

static const struct {
	uint8_t kind;
	const char *words[2]; /* by the note's value */
} note_marks[] = {
    [RING_NOTE_TIME] = {CONLOG_TIME, {NULL, NULL}},
    [RING_NOTE_BOOT] = {CONLOG_BOOT, {"the guest was started", "the guest was reset"}},
    [RING_NOTE_RECONNECT] = {CONLOG_RECONNECT,
        {"connected to the guest anew, something may be missing here",
            "connected to the guest anew, something may be missing here"}},
    [RING_NOTE_END] = {CONLOG_END, {"the guest ended", "the guest ended"}},
};

static int note_write(struct conlog *c, const struct ring_note *n)
{
	const char *words = note_marks[n->kind].words[n->value != 0];
	struct conlog_record r = {.offset = c->next,
	    .pos = c->bytes,
	    .time_ns = n->time_ns,
	    .kind = note_marks[n->kind].kind,
	    .value = n->value != 0};
	CLEANUP_FREE char *text = NULL;
	char when[TIMESTAMP_MAX];

	c->time_ns = n->time_ns;
	if (!words) {
		index_sync(c);
		conlog_index_add(&c->index, &r);
		return 0;
	}
	if (n->kind == RING_NOTE_BOOT)
		r.number = c->index.boots + 1;
	timestamp_format(n->time_ns, when);
	text = xasprintf("%s, %s", words, when);
	if (mark_write(c, &r, text) < 0)
		return -1;
	c->index.boots = r.number ? r.number : c->index.boots;
	return 0;
}

/* Those that belong before the byte at offset. */
static int pending_write(struct conlog *c, uint64_t offset)
{
	while (c->n_pending > 0 && c->pending[0].offset <= offset) {
		if (note_write(c, &c->pending[0]) < 0)
			return -1;
		memmove(c->pending, c->pending + 1, --c->n_pending * sizeof(c->pending[0]));
	}
	return 0;
}

/* Told again, by the next supervisor of one that was killed. */
static bool note_known(const struct conlog *c, const struct ring_note *n)
{
	const struct conlog_index_writer *x = &c->index;

	if (c->run == 0 || x->run != c->run)
		return false;
	if (n->offset < c->resumed)
		return true; /* it stands before bytes that were written */
	for (unsigned i = 0; i < CONLOG_INDEX_MARKS; i++)
		if (x->marks[i].kind == note_marks[n->kind].kind &&
		    x->marks[i].time_ns == n->time_ns && x->marks[i].offset == n->offset)
			return true;
	return false;
}

void conlog_note(struct conlog *c, const struct ring_note *note)
{
	struct ring_note *last = c->n_pending ? &c->pending[c->n_pending - 1] : NULL;

	if (note->kind < RING_NOTE_TIME || note->kind > RING_NOTE_END || note_known(c, note))
		return;
	/* Of two times in a row the later one says it. */
	if (last && last->kind == RING_NOTE_TIME && last->offset == note->offset)
		c->n_pending--;
	if (c->n_pending == PENDING_MAX)
		memmove(c->pending, c->pending + 1, --c->n_pending * sizeof(c->pending[0]));
	c->pending[c->n_pending++] = *note;
	/* A time waits for its bytes; what is missing before an event is told first, with the next bytes. */
	if (note->kind != RING_NOTE_TIME && note->offset <= c->next && !resting(c) &&
	    live_open(c) == 0 && mark_replaced(c) == 0)
		pending_write(c, c->next);
}

/* --- bytes --- */

/* The byte that is n bytes behind the first one. */
static char byte_at(const struct iovec *iov, size_t n)
{
	for (; n >= iov->iov_len; iov++)
		n -= iov->iov_len;
	return ((const char *)iov->iov_base)[n];
}

/* All that has to stand before the byte at offset. */
static int before_write(struct conlog *c, uint64_t offset)
{
	if (live_open(c) < 0 || mark_replaced(c) < 0 || pending_write(c, c->next) < 0 ||
	    (offset > c->next && mark_gap(c, offset) < 0) || pending_write(c, offset) < 0)
		return -1;
	index_sync(c);
	return 0;
}

size_t conlog_write(struct conlog *c, uint64_t offset, const struct iovec *iov, int parts)
{
	size_t total = 0;
	ssize_t n;

	for (int i = 0; i < parts; i++)
		total += iov[i].iov_len;
	if (total == 0 || resting(c) || before_write(c, offset) < 0)
		return 0;
	n = writev(c->fd, iov, parts);
	if (n < 0) {
		stop(c, errno);
		return 0;
	}
	c->bytes += (uint64_t)n;
	c->line_open = n > 0 ? byte_at(iov, (size_t)n - 1) != '\n' : c->line_open;
	c->next = offset + (uint64_t)n;
	/* A short write is a disk that is nearly full: the next one says so. */
	c->stopped = false;
	if ((size_t)n == total)
		c->trouble[0] = '\0';
	return (size_t)n;
}

uint64_t conlog_next(const struct conlog *c)
{
	return c->next;
}

const char *conlog_trouble(const struct conlog *c)
{
	return c->stopped ? c->trouble : NULL;
}

uint64_t conlog_rests_until(const struct conlog *c)
{
	return c->stopped ? c->retry_ms : 0;
}

void conlog_late(struct conlog *c, const char *why)
{
	snprintf(c->trouble, sizeof(c->trouble), "%s", why);
}

/* --- begin and end --- */

/* How many boots the log has seen, where the live file does not say it. */
static void boots_find(struct conlog *c)
{
	CLEANUP_FREE char *path = conlog_file_path(c->path, 1, ".idx");
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct conlog_index x;

	conlog_index_read(fd, UINT64_MAX / 4, &x);
	c->index.boots = conlog_index_boots(&x);
	conlog_index_fini(&x);
}

static void resume(struct conlog *c, const struct conlog_place *at)
{
	struct stat st;
	uint64_t next;

	boots_find(c);
	if (live_create(c, 0, &st) == 0 && index_next(c, &next) && next > at->next &&
	    next <= at->end)
		c->next = c->resumed = next;
	c->replaced = false;
}

struct conlog *conlog_new(
    const char *path, const struct conlog_limits *limits, const struct conlog_place *at)
{
	struct conlog *c = xcalloc(1, sizeof(*c));
	CLEANUP_FREE char *tmp = NULL;

	c->path = xstrdup(path);
	c->limits = *limits;
	if (c->limits.files < 1)
		c->limits.files = 1;
	if (c->limits.files > CONLOG_FILES_MAX)
		c->limits.files = CONLOG_FILES_MAX;
	c->fd = -1;
	c->index = CONLOG_INDEX_WRITER_INIT;
	c->run = at->run;
	c->next = at->next;
	resume(c, at);
	/* What a killed supervisor left: half a compressed file, rotated files that are still
	 * plain. */
	tmp = tmp_path(c);
	unlink(tmp);
	conlog_files_trim(c->path, c->limits.files);
	if (conlog_files_plain(c->path, c->limits.files))
		calm_arm(c);
	return c;
}

void conlog_free(struct conlog *c)
{
	if (!c)
		return;
	if (c->gzip)
		gzip_drop(c);
	if (c->fd >= 0)
		close(c->fd);
	conlog_index_close(&c->index);
	free(c->path);
	free(c);
}
