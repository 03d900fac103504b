#include "serial/conlog_writer.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/mem.h"

/* conlog keeps what is large on the heap; sanitizers want more than it does. */
#define STACK (128u * 1024)

static const char late_words[] = "the disk does not answer";

void (*conlog_writer_hook)(void);

/* One way: from the loop to the thread. The thread's while it is on its way. */
struct piece {
	uint64_t from;
	size_t n, n_notes;
	bool after_late; /* the disk did not answer for a while before it */
	struct ring_note notes[CONLOG_PIECE_NOTES];
	uint8_t *data;
};
/* The other way. */
struct answer {
	uint64_t next, lost, rests_until;
	size_t notes; /* taken */
	char trouble[128];
};

enum state { OPENING, IDLE, GIVEN, ANSWERED, QUIT, GONE };

struct conlog_writer {
	/* Of both, under `lock`. */
	pthread_mutex_t lock;
	enum state state;
	bool left; /* nobody waits for the thread: all of this is its own */
	/* Handed over with the state. */
	struct piece piece;
	struct answer answer;
	/* Never changed. */
	char *path;
	struct conlog_limits limits;
	struct conlog_place at;
	int work, wake; /* eventfds: the thread's, the loop's */
	/* The loop's. */
	pthread_t thread;
	struct event *ev, *timer;
	void (*written)(void *arg, const struct conlog_written *done);
	void *arg;
	bool busy, late, was_late;
	uint64_t since_ms; /* it is busy */
	uint64_t next, rests_until;
	uint64_t waited_ms;
	char trouble[128]; /* "" none */
	struct ring_note_cursor cursors[CONLOG_PIECE_NOTES];
};

static void signal_fd(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd far from its limit takes a 1 */
}

static void clear_fd(int fd)
{
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
}

static enum state state_get(struct conlog_writer *w)
{
	enum state s;

	pthread_mutex_lock(&w->lock);
	s = w->state;
	pthread_mutex_unlock(&w->lock);
	return s;
}

static void writer_destroy(struct conlog_writer *w)
{
	if (w->ev)
		event_free(w->ev);
	if (w->timer)
		event_free(w->timer);
	cleanup_close(&w->work);
	cleanup_close(&w->wake);
	if (w->piece.data)
		munmap(w->piece.data, CONLOG_PIECE);
	pthread_mutex_destroy(&w->lock);
	free(w->path);
	free(w);
}

/* --- the thread --- */

static void disk_touch(void)
{
	void (*hook)(void) = __atomic_load_n(&conlog_writer_hook, __ATOMIC_ACQUIRE);

	if (hook)
		hook();
}

/* Bytes and notes in the order of the ring, until the disk takes no more. */
static void piece_write(struct conlog *c, const struct piece *p, struct answer *a)
{
	size_t done = 0, taken = 1;

	if (p->after_late)
		conlog_late(c, late_words);
	for (;;) {
		size_t most = p->n - done;
		struct iovec iov;
		uint64_t next;

		while (a->notes < p->n_notes && p->notes[a->notes].offset <= p->from + done)
			conlog_note(c, &p->notes[a->notes++]);
		if (most == 0 || taken == 0)
			return;
		if (a->notes < p->n_notes && p->notes[a->notes].offset - p->from - done < most)
			most = (size_t)(p->notes[a->notes].offset - p->from - done);
		iov = (struct iovec){.iov_base = p->data + done, .iov_len = most};
		next = conlog_next(c);
		taken = conlog_write(c, p->from + done, &iov, 1);
		a->lost += conlog_next(c) - next - taken;
		done += taken;
	}
}

static void answer_fill(const struct conlog *c, struct answer *a)
{
	const char *why = conlog_trouble(c);

	a->next = conlog_next(c);
	a->rests_until = conlog_rests_until(c);
	snprintf(a->trouble, sizeof(a->trouble), "%s", why ? why : "");
}

/* Until the loop has something. False: that was all. */
static bool work_wait(struct conlog_writer *w, struct conlog *c)
{
	enum state s;

	while ((s = state_get(w)) != GIVEN && s != QUIT) {
		conlog_turn(c, w->work, -1);
		clear_fd(w->work);
	}
	return s == GIVEN;
}

/* False: the loop has left meanwhile. */
static bool answer_tell(struct conlog_writer *w, enum state s)
{
	bool left;

	pthread_mutex_lock(&w->lock);
	left = w->left;
	if (w->state != QUIT || s == GONE)
		w->state = s;
	if (!left)
		signal_fd(w->wake); /* under the lock: behind it, w may be gone */
	pthread_mutex_unlock(&w->lock);
	return !left;
}

static void *writer_main(void *arg)
{
	struct conlog_writer *w = arg;
	struct conlog *c;

	disk_touch();
	c = conlog_new(w->path, &w->limits, &w->at);
	answer_fill(c, &w->answer);
	answer_tell(w, ANSWERED);
	while (work_wait(w, c)) {
		struct answer a = {0};

		disk_touch();
		piece_write(c, &w->piece, &a);
		answer_fill(c, &a);
		w->answer = a;
		answer_tell(w, ANSWERED);
	}
	conlog_free(c);
	if (!answer_tell(w, GONE))
		writer_destroy(w);
	return NULL;
}

/* --- the loop --- */

static void timer_arm(struct conlog_writer *w, unsigned ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	evtimer_add(w->timer, &tv);
}

static void busy_begin(struct conlog_writer *w)
{
	w->busy = true;
	w->since_ms = loop_now_ms();
	timer_arm(w, CONLOG_LATE_MS);
}

/* Takes the answer, if there is one. */
static bool answer_take(struct conlog_writer *w)
{
	struct conlog_written done = {0};
	const struct answer *a = &w->answer;

	clear_fd(w->wake);
	pthread_mutex_lock(&w->lock);
	if (w->state != ANSWERED) {
		pthread_mutex_unlock(&w->lock);
		return false;
	}
	w->state = IDLE;
	pthread_mutex_unlock(&w->lock);
	done.lost = a->lost;
	done.any_notes = a->notes > 0;
	if (done.any_notes)
		done.notes = w->cursors[a->notes - 1];
	w->next = a->next;
	w->rests_until = a->rests_until;
	memcpy(w->trouble, a->trouble, sizeof(w->trouble));
	w->was_late = w->late || (w->was_late && w->trouble[0]);
	w->busy = w->late = false;
	timer_arm(w, CONLOG_IDLE_MS);
	w->written(w->arg, &done);
	return true;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	answer_take(arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conlog_writer *w = arg;
	struct conlog_written none = {0};

	(void)fd;
	(void)what;
	if (w->busy) {
		w->late = true;
		w->written(w->arg, &none);
	} else if (w->piece.data) {
		munmap(TAKE_PTR(w->piece.data), CONLOG_PIECE);
	}
}

bool conlog_writer_busy(const struct conlog_writer *w)
{
	return w->busy || (w->rests_until && loop_now_ms() < w->rests_until);
}

/* Those that belong before a byte of the piece, or right behind it. */
static void notes_collect(
    struct conlog_writer *w, const struct ring *r, const struct ring_note_cursor *notes)
{
	struct piece *p = &w->piece;
	struct ring_note_cursor c = *notes;
	struct ring_note n;

	p->n_notes = 0;
	while (ring_note_next(r, &c, &n) && n.offset <= p->from + p->n) {
		if (p->n_notes == CONLOG_PIECE_NOTES) {
			/* What comes behind it waits, and the bytes that it stands before. */
			if (n.offset < p->from + p->n)
				p->n = n.offset > p->from ? (size_t)(n.offset - p->from) : 0;
			return;
		}
		p->notes[p->n_notes] = n;
		w->cursors[p->n_notes++] = c;
	}
}

bool conlog_writer_give(struct conlog_writer *w, const struct ring *r, uint64_t from, uint64_t to,
    const struct ring_note_cursor *notes)
{
	struct piece *p = &w->piece;
	size_t at = 0;
	struct iovec iov[2];
	int parts;

	if (conlog_writer_busy(w))
		return false;
	p->from = from;
	p->n = to > from ? to - from < CONLOG_PIECE ? (size_t)(to - from) : CONLOG_PIECE : 0;
	notes_collect(w, r, notes);
	if (p->n == 0 && p->n_notes == 0)
		return false;
	if (!p->data)
		p->data = mmap(
		    NULL, CONLOG_PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->data == MAP_FAILED)
		abort(); /* out of memory, as in core/mem */
	parts = ring_peek(r, from, p->n, iov);
	for (int i = 0; i < parts; at += iov[i++].iov_len)
		memcpy(p->data + at, iov[i].iov_base, iov[i].iov_len);
	p->n = at;
	p->after_late = w->was_late;
	busy_begin(w);
	pthread_mutex_lock(&w->lock);
	w->state = GIVEN;
	pthread_mutex_unlock(&w->lock);
	signal_fd(w->work);
	return true;
}

uint64_t conlog_writer_next(const struct conlog_writer *w)
{
	return w->next;
}

uint64_t conlog_writer_given(const struct conlog_writer *w)
{
	return w->busy && w->piece.data ? w->piece.from + w->piece.n : w->next;
}

uint64_t conlog_writer_hole(const struct conlog_writer *w)
{
	return w->busy && w->piece.data ? w->piece.from - w->next : 0;
}

uint64_t conlog_writer_age(const struct conlog_writer *w)
{
	return w->busy ? loop_now_ms() - w->since_ms : 0;
}

const char *conlog_writer_trouble(const struct conlog_writer *w)
{
	return w->late ? late_words : w->trouble[0] ? w->trouble : NULL;
}

/* --- begin and end --- */

/* For the thread to say something. */
static bool wake_wait(struct conlog_writer *w)
{
	struct pollfd p = {.fd = w->wake, .events = POLLIN};
	uint64_t begin = loop_now_ms();

	if (w->late || w->waited_ms >= CONLOG_PATIENCE_MS)
		return false;
	poll(&p, 1, (int)(CONLOG_PATIENCE_MS - w->waited_ms));
	w->waited_ms += loop_now_ms() - begin;
	return true;
}

bool conlog_writer_wait(struct conlog_writer *w)
{
	while (w->busy) {
		if (answer_take(w))
			return true;
		if (!wake_wait(w))
			return false;
	}
	return false;
}

static int thread_start(struct conlog_writer *w)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int e;

	/* A heap of the thread's own would cost more than it ever has on it. */
	mallopt(M_ARENA_MAX, 1);
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&w->thread, &attr, writer_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return e;
}

struct conlog_writer *conlog_writer_new(struct loop *l, const char *path,
    const struct conlog_limits *limits, const struct conlog_place *at,
    void (*written)(void *arg, const struct conlog_written *done), void *arg, struct err *err)
{
	struct conlog_writer *w = xcalloc(1, sizeof(*w));
	int e;

	pthread_mutex_init(&w->lock, NULL);
	w->path = xstrdup(path);
	w->limits = *limits;
	w->at = *at;
	w->next = at->next;
	w->written = written;
	w->arg = arg;
	w->work = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e = w->work < 0 || w->wake < 0 ? errno : 0;
	w->ev = e ? NULL : event_new(loop_base(l), w->wake, EV_READ | EV_PERSIST, on_wake, w);
	w->timer = evtimer_new(loop_base(l), on_timer, w);
	if (!e && (!w->ev || !w->timer || event_add(w->ev, NULL) < 0))
		abort(); /* out of memory, as in core/mem */
	if (!e)
		e = thread_start(w);
	if (e) {
		writer_destroy(w);
		err_set(err, ERR_FAIL, "'%s' cannot be written by a thread: %s", path, strerror(e));
		return NULL;
	}
	busy_begin(w);
	return w;
}

/* Told to end; true: it has. */
static bool thread_end(struct conlog_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->state = QUIT;
	pthread_mutex_unlock(&w->lock);
	signal_fd(w->work);
	while (state_get(w) != GONE) {
		if (!wake_wait(w))
			return false;
		clear_fd(w->wake);
	}
	return true;
}

void conlog_writer_free(struct conlog_writer *w)
{
	bool gone;

	if (!w)
		return;
	while (conlog_writer_wait(w))
		;
	gone = thread_end(w);
	event_free(TAKE_PTR(w->ev));
	event_free(TAKE_PTR(w->timer));
	if (!gone) {
		pthread_t thread = w->thread;

		pthread_mutex_lock(&w->lock);
		gone = w->state == GONE;
		w->left = !gone;
		pthread_mutex_unlock(&w->lock);
		if (!gone) {
			pthread_detach(thread);
			return;
		}
	}
	pthread_join(w->thread, NULL);
	writer_destroy(w);
}
