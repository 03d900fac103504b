#include "tui/tty_out.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The next piece of the frame, with a question behind it where one is due. */
static void wire_fill(struct tty_out *o)
{
	uint64_t now = loop_now_ms();
	struct timeval tv;
	int wait = tty_pace_look(&o->pace, now);
	size_t n = tty_pace_cut(o->queue.data, o->queue.len, tty_pace_room(&o->pace));
	buf_add(&o->wire, o->queue.data, n);
	buf_consume(&o->queue, n);
	o->frame -= n < o->frame ? n : o->frame;
	tty_pace_sent(&o->pace, n);
	if (n > 0 && tty_pace_due(&o->pace, o->queue.len > 0)) {
		buf_adds(&o->wire, TTY_PACE_ASK);
		tty_pace_asked(&o->pace, now, o->queue.len > 0);
		wait = tty_pace_look(&o->pace, now);
	}
	if (wait < 0)
		return;
	tv = (struct timeval){wait / 1000, wait % 1000 * 1000};
	event_add(o->late, &tv);
}

void tty_out_clear(struct tty_out *o)
{
	buf_clear(&o->queue);
	buf_clear(&o->wire);
	o->frame = 0;
}

void tty_out_flush(struct tty_out *o)
{
	bool had = o->queue.len + o->wire.len > 0;
	while (o->wire.len + o->queue.len > 0) {
		if (o->wire.len == 0)
			wire_fill(o);
		if (o->wire.len == 0)
			return; /* an answer is awaited, or that it is too late */
		ssize_t n = write(o->fd, o->wire.data, o->wire.len);
		if (n > 0) {
			o->sent += (uint64_t)n;
			buf_consume(&o->wire, (size_t)n);
		} else if (errno != EINTR) {
			if (errno != EAGAIN)
				tty_out_clear(o); /* a hang-up: the reader will hear of it */
			break;
		}
	}
	if (o->wire.len)
		event_add(o->writable, NULL);
	else if (had)
		o->drained(o->arg);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	tty_out_flush(arg);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	tty_out_flush(arg);
}

void tty_out_words(struct tty_out *o, const char *s)
{
	buf_adds(&o->queue, s);
}

bool tty_out_empty(const struct tty_out *o)
{
	return o->queue.len + o->wire.len == 0;
}

bool tty_out_supersede(struct tty_out *o)
{
	bool had = o->frame > 0;
	buf_consume(&o->queue, o->frame);
	o->frame = 0;
	return had;
}

bool tty_out_finish(struct tty_out *o, unsigned ms)
{
	uint64_t end = loop_now_ms() + ms;
	while (o->wire.len && loop_now_ms() < end) {
		struct pollfd p = {.fd = o->fd, .events = POLLOUT};
		ssize_t n;
		if (poll(&p, 1, (int)ms) <= 0 || (p.revents & (POLLERR | POLLHUP)))
			break;
		n = write(o->fd, o->wire.data, o->wire.len);
		if (n <= 0)
			break;
		buf_consume(&o->wire, (size_t)n);
	}
	bool whole = o->wire.len == 0;
	tty_out_clear(o);
	return whole;
}

/* --- answers --- */

static void answered(struct tty_out *o)
{
	tty_pace_answered(&o->pace, loop_now_ms());
	tty_out_flush(o);
}

/* Takes what is an answer out of what was typed; keys: room for n bytes and those that were held. */
size_t tty_out_answers(struct tty_out *o, const uint8_t *data, size_t n, uint8_t *keys)
{
	size_t n_keys = 0;
	for (size_t i = 0; i < n; i++) {
		bool open = o->held > 0 || o->pace.n_marks > 0;
		if (open && data[i] == (uint8_t)TTY_PACE_ANSWER[o->held]) {
			if (++o->held < strlen(TTY_PACE_ANSWER))
				continue;
			o->held = 0;
			answered(o);
			continue;
		}
		memcpy(keys + n_keys, TTY_PACE_ANSWER, o->held);
		n_keys += o->held;
		i -= o->held > 0; /* it may begin another one */
		if (o->held == 0)
			keys[n_keys++] = data[i];
		o->held = 0;
	}
	return n_keys;
}

/* Before somebody else reads this terminal. Keys that come meanwhile are lost. */
void tty_out_settle(struct tty_out *o, unsigned ms)
{
	uint64_t end = loop_now_ms() + ms;
	uint8_t data[256], keys[sizeof(data) + sizeof(TTY_PACE_ANSWER)];
	tty_out_clear(o);
	for (uint64_t now; o->pace.n_marks > 0 && !o->pace.off && (now = loop_now_ms()) < end;) {
		struct pollfd p = {.fd = o->fd, .events = POLLIN};
		if (poll(&p, 1, (int)(end - now)) <= 0 || (p.revents & (POLLERR | POLLHUP)))
			break;
		ssize_t n = read(o->fd, data, sizeof(data));
		if (n <= 0)
			break;
		tty_out_answers(o, data, (size_t)n, keys);
	}
	o->pace.n_marks = o->held = 0;
}

/* --- life --- */

void tty_out_init(
    struct tty_out *o, struct loop *l, int fd, bool ask, void (*drained)(void *arg), void *arg)
{
	memset(o, 0, sizeof(*o));
	o->fd = fd;
	o->drained = drained;
	o->arg = arg;
	tty_pace_init(&o->pace, ask);
	o->late = evtimer_new(loop_base(l), on_late, o);
	o->writable = event_new(loop_base(l), fd, EV_WRITE, on_writable, o);
	if (o->late == NULL || o->writable == NULL)
		abort(); /* out of memory */
}

void tty_out_fini(struct tty_out *o)
{
	if (o->late != NULL)
		event_free(o->late);
	if (o->writable != NULL)
		event_free(o->writable);
	buf_fini(&o->queue);
	buf_fini(&o->wire);
}
