#include "serial/conlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/timestamp.h"
#include "serial/conlog_gzip.h"

#define CONLOG_FILES_MAX 100u
#define PENDING_MAX \
	16u /* marks kept while the disk takes nothing: a guest that reboots for ever has to be bounded */

struct conlog {
	struct loop *loop;
	char *path;
	size_t size;
	unsigned files;
	int fd;         /* live file, -1 not open */
	uint64_t bytes; /* in the live file */
	uint64_t next;
	char trouble[128]; /* the last error's words, kept for the gap's mark */
	bool stopped;
	uint64_t retry_ms;
	bool line_open; /* the last byte written was no line end */
	struct ring_note pending[PENDING_MAX];
	unsigned n_pending;
	struct event *calm;
	struct conlog_gzip *gzip; /* the compression that runs, NULL none */
	unsigned gzip_slot;       /* which file it reads: a rotation moves it up */
};

static void gzip_done(void *arg, bool ok);

static char *slot_path(const struct conlog *c, unsigned slot, const char *suffix)
{
	return xasprintf("%s.%u%s", c->path, slot, suffix);
}

static char *tmp_path(const struct conlog *c)
{
	return xasprintf("%s.gz.tmp", c->path);
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

static void calm_arm(struct conlog *c)
{
	struct timeval tv = {
	    .tv_sec = CONLOG_CALM_MS / 1000, .tv_usec = CONLOG_CALM_MS % 1000 * 1000};

	event_add(c->calm, &tv);
}

/* The oldest rotated file that is not compressed; 0 none. */
static unsigned plain_slot(const struct conlog *c)
{
	for (unsigned slot = c->files - 1; slot > 0; slot--) {
		CLEANUP_FREE char *path = slot_path(c, slot, "");

		if (access(path, F_OK) == 0)
			return slot;
	}
	return 0;
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

	c->gzip_slot = c->gzip ? 0 : plain_slot(c);
	if (c->gzip_slot == 0)
		return;
	from = slot_path(c, c->gzip_slot, "");
	c->gzip = conlog_gzip_new(c->loop, from, tmp, gzip_done, c);
}

static void gzip_done(void *arg, bool ok)
{
	struct conlog *c = arg;
	CLEANUP_FREE char *tmp = tmp_path(c);
	CLEANUP_FREE char *from = slot_path(c, c->gzip_slot, "");
	CLEANUP_FREE char *to = slot_path(c, c->gzip_slot, ".gz");

	/* A failure (no space) leaves the plain file; the next rotation tries again. */
	ok = ok && rename(tmp, to) == 0 && unlink(from) == 0;
	gzip_drop(c);
	if (ok)
		gzip_start(c);
}

static void on_calm(evutil_socket_t fd, short what, void *arg)
{
	struct conlog *c = arg;

	(void)fd;
	(void)what;
	if (!c->gzip)
		gzip_start(c);
}

struct conlog *conlog_new(
    struct loop *l, const char *path, size_t size, unsigned files, uint64_t next)
{
	struct conlog *c = xcalloc(1, sizeof(*c));
	CLEANUP_FREE char *tmp = NULL;

	c->loop = l;
	c->path = xstrdup(path);
	c->size = size;
	c->files = files < 1 ? 1 : files > CONLOG_FILES_MAX ? CONLOG_FILES_MAX : files;
	c->fd = -1;
	c->next = next;
	c->calm = evtimer_new(loop_base(l), on_calm, c);
	/* What a killed supervisor left: half a compressed file, rotated files that are still
	 * plain. */
	tmp = tmp_path(c);
	unlink(tmp);
	if (plain_slot(c))
		calm_arm(c);
	return c;
}

/* Every rotated file moves up one; the oldest goes. A compression follows the file that it reads.
 */
static void slots_shift(struct conlog *c)
{
	static const char *const suffixes[] = {"", ".gz"};

	for (unsigned slot = c->files - 1; slot > 0; slot--) {
		for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
			CLEANUP_FREE char *from = slot_path(c, slot, suffixes[i]);
			CLEANUP_FREE char *to = slot_path(c, slot + 1, suffixes[i]);

			if (slot == c->files - 1)
				unlink(from);
			else
				rename(from, to);
		}
	}
	if (c->gzip && ++c->gzip_slot >= c->files)
		gzip_drop(c);
}

static int rotate(struct conlog *c)
{
	CLEANUP_FREE char *first = slot_path(c, 1, "");

	if (c->files == 1) {
		if (ftruncate(c->fd, 0) < 0)
			return stop(c, errno);
		c->bytes = 0;
		return 0;
	}
	slots_shift(c);
	if (rename(c->path, first) < 0)
		return stop(c, errno);
	calm_arm(c);
	close(TAKE_FD(c->fd));
	return 0;
}

/* Makes fd the live file with room in it. Somebody may have removed or cut it: it is looked at each
 * time. */
static int live_open(struct conlog *c)
{
	struct stat st;

	for (;;) {
		if (c->fd >= 0 && (fstat(c->fd, &st) < 0 || st.st_nlink == 0))
			close(TAKE_FD(c->fd));
		if (c->fd < 0) {
			c->fd = open(c->path,
			    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			    0600);
			if (c->fd < 0 || fstat(c->fd, &st) < 0)
				return stop(c, errno);
			c->line_open = st.st_size > 0;
		}
		c->bytes = (uint64_t)st.st_size;
		if (c->bytes < c->size)
			return 0;
		if (rotate(c) < 0)
			return -1;
	}
}

/* A mark is written whole or not at all. */
static int mark_write(struct conlog *c, const char *text)
{
	CLEANUP_FREE char *mark = xasprintf("%s[hvmux: %s]\n", c->line_open ? "\n" : "", text);
	size_t n = strlen(mark);
	ssize_t k = write(c->fd, mark, n);

	if (k == (ssize_t)n) {
		c->bytes += n;
		c->line_open = false;
		return 0;
	}
	if (k > 0 && ftruncate(c->fd, (off_t)c->bytes) < 0)
		return stop(c, errno);
	/* A short write does not say why: 0 keeps what was said before. */
	return stop(c, k < 0 ? errno : c->trouble[0] ? 0 : ENOSPC);
}

static int mark_gap(struct conlog *c, uint64_t lost)
{
	CLEANUP_FREE char *text = xasprintf("%llu bytes are missing here%s%s",
	    (unsigned long long)lost, c->trouble[0] ? ": " : "", c->trouble);

	return mark_write(c, text);
}

static const char *note_words(const struct ring_note *n)
{
	switch ((enum ring_note_kind)n->kind) {
	case RING_NOTE_BOOT:
		return n->value ? "the guest was reset" : "the guest was started";
	case RING_NOTE_RECONNECT:
		return "connected to the guest anew, something may be missing here";
	case RING_NOTE_END:
		return "the guest ended";
	case RING_NOTE_TIME:
		break;
	}
	return NULL;
}

/* Those that belong before the byte at offset. */
static int mark_pending(struct conlog *c, uint64_t offset)
{
	while (c->n_pending > 0 && c->pending[0].offset <= offset) {
		char when[TIMESTAMP_MAX];
		CLEANUP_FREE char *text = NULL;

		timestamp_format(c->pending[0].time_ns, when);
		text = xasprintf("%s, %s", note_words(&c->pending[0]), when);
		if (mark_write(c, text) < 0)
			return -1;
		memmove(c->pending, c->pending + 1, --c->n_pending * sizeof(c->pending[0]));
	}
	return 0;
}

static bool resting(const struct conlog *c)
{
	return c->stopped && loop_now_ms() < c->retry_ms;
}

void conlog_note(struct conlog *c, const struct ring_note *note)
{
	if (!note_words(note))
		return;
	if (c->n_pending == PENDING_MAX)
		memmove(c->pending, c->pending + 1, --c->n_pending * sizeof(c->pending[0]));
	c->pending[c->n_pending++] = *note;
	/* What is missing before it is told first, with the next bytes. */
	if (note->offset <= c->next && !resting(c) && live_open(c) == 0)
		mark_pending(c, c->next);
}

/* The byte that is n bytes behind the first one. */
static char byte_at(const struct iovec *iov, size_t n)
{
	for (; n >= iov->iov_len; iov++)
		n -= iov->iov_len;
	return ((const char *)iov->iov_base)[n];
}

size_t conlog_write(struct conlog *c, uint64_t offset, const struct iovec *iov, int parts)
{
	size_t total = 0;
	ssize_t n;

	for (int i = 0; i < parts; i++)
		total += iov[i].iov_len;
	if (total == 0 || resting(c) || live_open(c) < 0)
		return 0;
	if (mark_pending(c, c->next) < 0)
		return 0;
	if (offset > c->next) {
		if (mark_gap(c, offset - c->next) < 0)
			return 0;
		c->next = offset;
	}
	if (mark_pending(c, offset) < 0)
		return 0;
	n = writev(c->fd, iov, parts);
	if (n < 0) {
		stop(c, errno);
		return 0;
	}
	c->bytes += (uint64_t)n;
	c->line_open = n > 0 && byte_at(iov, (size_t)n - 1) != '\n';
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

void conlog_free(struct conlog *c)
{
	if (!c)
		return;
	if (c->gzip)
		gzip_drop(c);
	event_free(c->calm);
	if (c->fd >= 0)
		close(c->fd);
	free(c->path);
	free(c);
}
