#include "cli/log_feed.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"

#define LINE_MAX_BYTES (64u << 10) /* a line that is longer is handed on in parts */

struct slot {
	struct conlog_piece piece;
	size_t source;
	bool end; /* of the source, no piece */
	struct err err;
};

struct log_feed {
	const struct home *home;
	const struct log_source *sources;
	size_t n;
	struct log_range range;
	bool raw, whole;
	struct log_sink sink;
	void *arg;
	struct conlog_reader **readers; /* NULL: not opened yet, or read and closed */
	bool *opened;
	/* The line in the making, of each source. */
	struct buf *partial;
	uint64_t *partial_ns;
	/* The thread: */
	bool threaded, stop;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct slot slots[LOG_FEED_PIECES];
	unsigned first, used; /* a ring of slots */
	bool finished;
};

/* --- readers --- */

static bool seek_boot(const struct log_feed *f, struct conlog_reader *r)
{
	struct conlog_boot *boots;
	size_t n = conlog_reader_boots(r, &boots);
	long i = f->range.boot > 0 ? f->range.boot - 1 : (long)n - 1 + f->range.boot;
	bool there = i >= 0 && (size_t)i < n;

	if (there)
		conlog_reader_seek_boot(r, boots, n, (size_t)i);
	free(boots);
	return there;
}

static struct conlog_reader *source_open(struct log_feed *f, size_t i, struct err *err)
{
	const struct log_source *s = &f->sources[i];
	struct conlog_reader *r = conlog_reader_new(f->home, s->name, s->index, err);

	f->opened[i] = true;
	if (!r)
		return NULL;
	if (f->range.by_boot) {
		if (!seek_boot(f, r)) {
			conlog_reader_free(r);
			err_set(err, ERR_NOT_FOUND,
			    "there is no boot %ld of '%s' in its log; --list-boots tells which there are",
			    f->range.boot, s->name);
			return NULL;
		}
	} else if (f->range.since_ns) {
		conlog_reader_seek_time(r, f->range.since_ns);
	} else if (f->range.tail && !conlog_reader_seek_back(r, f->range.tail)) {
		f->whole = false;
	}
	if (f->range.until_ns != UINT64_MAX)
		conlog_reader_until(r, f->range.until_ns);
	return r;
}

/* The next piece of a source. False: its end, or err. */
static bool source_next(struct log_feed *f, size_t i, struct conlog_piece *piece, struct err *err)
{
	if (!f->opened[i])
		f->readers[i] = source_open(f, i, err);
	return f->readers[i] && conlog_reader_next(f->readers[i], piece) == 1;
}

/* --- lines --- */

static void emit(struct log_feed *f, size_t i, const uint8_t *p, size_t n,
    const struct conlog_time *times, size_t n_times)
{
	if (n > 0)
		f->sink.lines(f->arg, &f->sources[i], p, n, times, n_times);
}

static void partial_end(struct log_feed *f, size_t i)
{
	struct buf *b = &f->partial[i];
	struct conlog_time t = {.ns = f->partial_ns[i]};

	emit(f, i, (const uint8_t *)b->data, b->len, &t, 1);
	buf_clear(b);
}

static void partial_add(
    struct log_feed *f, size_t i, const struct conlog_piece *p, size_t at, size_t n)
{
	if (n == 0)
		return;
	if (f->partial[i].len == 0)
		f->partial_ns[i] = conlog_piece_time(p, at);
	buf_add(&f->partial[i], p->data + at, n);
}

/* The times of a piece that count from byte `at` on. */
static void emit_block(
    struct log_feed *f, size_t i, const struct conlog_piece *p, size_t at, size_t n)
{
	size_t k = 0;

	while (k + 1 < p->n_times && p->times[k + 1].at <= at)
		k++;
	for (size_t j = k; j < p->n_times; j++)
		p->times[j].at = p->times[j].at > at ? p->times[j].at - at : 0;
	emit(f, i, p->data + at, n, p->times + k, p->n_times - k);
}

static void take_bytes(struct log_feed *f, size_t i, const struct conlog_piece *p)
{
	const uint8_t *end = memrchr(p->data, '\n', p->n);
	size_t whole = end ? (size_t)(end - p->data) + 1 : 0, at = 0;
	uint64_t rest_ns = conlog_piece_time(p, whole);

	if (f->raw) {
		emit(f, i, p->data, p->n, p->times, p->n_times);
		return;
	}
	if (f->partial[i].len > 0) {
		const uint8_t *nl = memchr(p->data, '\n', p->n);

		at = nl ? (size_t)(nl - p->data) + 1 : p->n;
		partial_add(f, i, p, 0, at);
		if (nl || f->partial[i].len >= LINE_MAX_BYTES)
			partial_end(f, i);
	}
	if (whole > at)
		emit_block(f, i, p, at, whole - at);
	if (whole > at)
		at = whole;
	partial_add(f, i, p, at, p->n - at);
	if (f->partial[i].len == p->n - at && p->n > at)
		f->partial_ns[i] = rest_ns;
}

static void take(struct log_feed *f, size_t i, const struct conlog_piece *p)
{
	if (!p->is_mark) {
		take_bytes(f, i, p);
		return;
	}
	partial_end(f, i);
	f->sink.mark(f->arg, &f->sources[i], &p->mark);
}

static void take_end(struct log_feed *f, size_t i, const struct err *err)
{
	if (f->sink.done)
		f->sink.done(f->arg, &f->sources[i], err->code ? err : NULL);
}

/* --- the thread --- */

/* A free slot, or NULL: nobody wants more. */
static struct slot *slot_wait(struct log_feed *f)
{
	struct slot *s;

	pthread_mutex_lock(&f->lock);
	while (f->used == LOG_FEED_PIECES && !f->stop)
		pthread_cond_wait(&f->changed, &f->lock);
	s = f->stop ? NULL : &f->slots[(f->first + f->used) % LOG_FEED_PIECES];
	pthread_mutex_unlock(&f->lock);
	return s;
}

static void slot_fill(struct log_feed *f, bool finished)
{
	pthread_mutex_lock(&f->lock);
	f->used += !finished;
	f->finished = finished;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void *feed_main(void *arg)
{
	struct log_feed *f = arg;

	for (size_t i = 0; i < f->n;) {
		struct slot *s = slot_wait(f);

		if (!s)
			return NULL;
		s->source = i;
		s->err = (struct err){0};
		s->end = !source_next(f, i, &s->piece, &s->err);
		if (s->end) {
			conlog_reader_free(f->readers[i]);
			f->readers[i++] = NULL;
		}
		slot_fill(f, false);
	}
	slot_fill(f, true);
	return NULL;
}

static struct slot *slot_take(struct log_feed *f)
{
	struct slot *s;

	pthread_mutex_lock(&f->lock);
	while (f->used == 0 && !f->finished)
		pthread_cond_wait(&f->changed, &f->lock);
	s = f->used ? &f->slots[f->first] : NULL;
	pthread_mutex_unlock(&f->lock);
	return s;
}

static void slot_free(struct log_feed *f)
{
	pthread_mutex_lock(&f->lock);
	f->first = (f->first + 1) % LOG_FEED_PIECES;
	f->used--;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void run_threaded(struct log_feed *f)
{
	for (struct slot *s; (s = slot_take(f)); slot_free(f)) {
		if (!s->end) {
			take(f, s->source, &s->piece);
			continue;
		}
		partial_end(f, s->source);
		take_end(f, s->source, &s->err);
	}
}

/* --- --- */

struct log_feed *log_feed_new(const struct home *h, const struct log_source *sources, size_t n,
    const struct log_range *range, bool threaded, bool raw, const struct log_sink *sink, void *arg)
{
	struct log_feed *f = xcalloc(1, sizeof(*f));
	sigset_t all, old;

	f->home = h;
	f->sources = sources;
	f->n = n;
	f->range = *range;
	f->raw = raw;
	f->whole = true;
	f->sink = *sink;
	f->arg = arg;
	f->readers = xcalloc(n + 1, sizeof(*f->readers));
	f->opened = xcalloc(n + 1, sizeof(*f->opened));
	f->partial = xcalloc(n + 1, sizeof(*f->partial));
	f->partial_ns = xcalloc(n + 1, sizeof(*f->partial_ns));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	/* Ctrl+C is for the thread that prints. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	f->threaded = threaded && pthread_create(&f->thread, NULL, feed_main, f) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return f;
}

void log_feed_run(struct log_feed *f)
{
	if (f->threaded) {
		run_threaded(f);
		return;
	}
	for (size_t i = 0; i < f->n; i++) {
		bool first = !f->opened[i];
		struct err err = {0};

		while (source_next(f, i, &f->slots[0].piece, &err))
			take(f, i, &f->slots[0].piece);
		if (first)
			take_end(f, i, &err);
	}
}

void log_feed_flush(struct log_feed *f)
{
	for (size_t i = 0; i < f->n; i++)
		partial_end(f, i);
}

bool log_feed_whole(const struct log_feed *f)
{
	return f->whole;
}

void log_feed_wait(struct log_feed *f, int ms)
{
	struct pollfd *p = xcalloc(f->n + 1, sizeof(*p));
	char events[4096];

	for (size_t i = 0; i < f->n; i++)
		p[i] =
		    (struct pollfd){.fd = f->readers[i] ? conlog_reader_watch(f->readers[i]) : -1,
		        .events = POLLIN};
	/* Whoever read us has gone? Then the next write ends this process. */
	p[f->n] = (struct pollfd){.fd = STDOUT_FILENO};
	if (poll(p, f->n + 1, ms) > 0) {
		for (size_t i = 0; i < f->n; i++)
			while (p[i].revents && read(p[i].fd, events, sizeof(events)) > 0)
				;
		if (p[f->n].revents & (POLLERR | POLLHUP))
			raise(SIGPIPE);
	}
	free(p);
}

void log_feed_free(struct log_feed *f)
{
	if (!f)
		return;
	if (f->threaded) {
		pthread_mutex_lock(&f->lock);
		f->stop = true;
		pthread_cond_signal(&f->changed);
		pthread_mutex_unlock(&f->lock);
		pthread_join(f->thread, NULL);
	}
	for (size_t i = 0; i < f->n; i++) {
		conlog_reader_free(f->readers[i]);
		buf_fini(&f->partial[i]);
	}
	for (size_t i = 0; i < LOG_FEED_PIECES; i++)
		conlog_piece_fini(&f->slots[i].piece);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
	free(f->readers);
	free(f->opened);
	free(f->partial);
	free(f->partial_ns);
	free(f);
}
