/* hub_in: what clients send. All of it is checked here. Of a client that sends faster than it is taken, or half of
 * something, at most IN_SMALL bytes are kept: keys go to the guest's queue as they come, whole frame or not. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "core/mem.h"
#include "serial/frame.h"
#include "serial/hub_impl.h"

#define READ_MAX 16384u /* bytes per wake-up of one client */
#define READ_LEAST 128u /* … also when the guest's queue is full: a TAKE may be among them */
#define IN_SMALL (FRAME_SMALL_MAX + READ_LEAST)

/* What a client may send. Known by its first byte: the rest of anything else is not waited for. */
static const bool from_clients[FRAME_TYPE_COUNT] = {
    [FRAME_HELLO] = true,
    [FRAME_KEYS] = true,
    [FRAME_TAKE] = true,
    [FRAME_RELEASE] = true,
    [FRAME_SIZE] = true,
    [FRAME_ASK] = true,
};

static void welcome(struct hub_client *c)
{
	uint8_t bytes[FRAME_SMALL_MAX];
	struct frame f = {
	    .type = FRAME_WELCOME,
	    .version = FRAME_VERSION,
	    .run = ring_run(c->hub->ring),
	    .from = c->told.pos,
	    .to = c->live_at,
	};

	buf_add(&c->out, bytes, frame_encode(&f, bytes));
}

/* Where it begins: at a place of this run that it knows, at the end, or at the oldest byte. */
static uint64_t first_byte(const struct hub_client *c, const struct frame *hello)
{
	const struct ring *r = c->hub->ring;

	if ((hello->want & FRAME_WANT_RESUME) && hello->run == ring_run(r) &&
	    hello->from <= ring_end(r))
		return hello->from; /* what is lost since is a gap like any other */
	return hello->want & FRAME_WANT_NO_REPLAY ? ring_end(r) : ring_start(r);
}

void hub_in_attach(struct hub_client *c, const struct frame *hello)
{
	struct hub *b = c->hub;

	c->live_at = ring_end(b->ring);
	c->told.pos = first_byte(c, hello);
	ring_note_seek(b->ring, &c->told.notes, c->told.pos);
	c->reader = c->reader || (hello->want & FRAME_WANT_READ_ONLY);
	if (!c->raw)
		welcome(c);
	c->attached = true;
	hub_audit(b, c, "attach", "attached to %s%s", b->label, c->reader ? ", to read" : "");
	if ((hello->want & FRAME_WANT_TAKE) || ((hello->want & FRAME_WANT_KEYBOARD) && !b->holder))
		hub_keys_take(c); /* tells everybody */
	if (b->holder == c)
		return;
	hub_out_client(c);
	hub_out_who_soon(b);
}

static void on_hello(struct hub_client *c, const struct frame *f)
{
	hub_client_name(c, f->text);
	if (f->version != FRAME_VERSION)
		hub_client_refuse(c,
		    "this console speaks version 2 of the protocol: its supervisor is of another hvmux");
	else
		hub_in_attach(c, f);
}

static void on_size(struct hub_client *c, const struct frame *f)
{
	if (c->rows == f->rows && c->cols == f->cols)
		return;
	c->rows = f->rows;
	c->cols = f->cols;
	if (c->hub->holder == c)
		hub_out_who(c->hub);
}

static void stall(struct hub_client *c)
{
	c->stalled = true;
	event_del(c->rd);
	/* A hang-up must be noticed all the same: by the sweep. (EV_CLOSED would not do: a reset
	 * connection reports EPOLLERR alone, and for ever.) */
	hub_watch_stalled(c->hub);
}

/* Keys of a client. Returns how many of them are dealt with: all, unless it now waits for room. */
static size_t keys_take(struct hub_client *c, const uint8_t *p, size_t n)
{
	size_t room = hub_keys_room(c->hub);

	if (!hub_keys_allowed(c))
		return n;
	if (n > room) {
		stall(c);
		n = room;
	}
	hub_keys_put(c, p, n);
	return n;
}

/* A whole frame other than KEYS. */
static void frame_handle(struct hub_client *c, const struct frame *f)
{
	if (!c->attached) {
		if (f->type == FRAME_HELLO)
			on_hello(c, f);
		else
			hub_client_refuse(c, "console socket: the first frame must be HELLO");
		return;
	}
	switch (f->type) {
	case FRAME_TAKE:
		hub_keys_take(c);
		return;
	case FRAME_RELEASE:
		hub_keys_release(c);
		return;
	case FRAME_ASK:
		hub_keys_ask(c);
		return;
	case FRAME_SIZE:
		on_size(c, f);
		return;
	default:
		hub_client_refuse(c, "console socket: a second HELLO");
	}
}

/* Deals with the beginning of what came. Returns the bytes that are dealt with; 0: more is needed, or nothing more is
 * looked at. */
static size_t frame_take(struct hub_client *c, const uint8_t *p, size_t n)
{
	struct err err = {0};
	struct frame f;
	long used;

	if (c->keys_left > 0) {
		size_t k = keys_take(c, p, n < c->keys_left ? n : c->keys_left);

		c->keys_left -= k;
		return k;
	}
	if (p[0] < FRAME_TYPE_COUNT && p[0] > 0 && !from_clients[p[0]]) {
		hub_client_refuse(c, "console socket: a frame that a client may not send");
		return 0;
	}
	used = frame_decode(p, n, &f, &err);
	if (used < 0) {
		hub_client_refuse(c, err.msg);
		return 0;
	}
	/* Its head is good, whether or not its keys are all there. */
	if (n >= FRAME_HEADER && p[0] == FRAME_KEYS && c->attached) {
		c->keys_left = frame_length(p);
		return FRAME_HEADER;
	}
	if (n >= FRAME_HEADER && p[0] == FRAME_KEYS)
		hub_client_refuse(c, "console socket: the first frame must be HELLO");
	else if (used > 0)
		frame_handle(c, &f);
	return (size_t)used;
}

static size_t input_take(struct hub_client *c, const uint8_t *p, size_t n)
{
	size_t at = 0;

	while (at < n && !c->dead && !c->stalled) {
		size_t k = c->raw ? keys_take(c, p + at, n - at) : frame_take(c, p + at, n - at);

		at += k;
		if (k == 0)
			break;
	}
	return at;
}

void hub_in_resume(struct hub_client *c)
{
	struct buf in = c->in;
	size_t at;

	c->stalled = false;
	c->in = BUF_INIT;
	at = input_take(c, (uint8_t *)in.data, in.len);
	if (at < in.len)
		buf_add(&c->in, in.data + at, in.len - at);
	buf_fini(&in);
	if (!c->dead && !c->stalled)
		event_add(c->rd, NULL);
}

static void on_eof(struct hub_client *c)
{
	if (!c->raw || c->gone) {
		hub_client_close(c);
		return;
	}
	/* "echo ls | socat - console0.raw": it has said all, and still listens. */
	c->eof = true;
	event_del(c->rd);
	hub_keys_release(c);
}

/* Keys that come in one read fit into the queue, but for READ_LEAST bytes. */
static size_t read_size(const struct hub_client *c)
{
	size_t room = hub_keys_room(c->hub);

	return room < READ_LEAST ? READ_LEAST : room < READ_MAX ? room : READ_MAX;
}

void hub_in_readable(evutil_socket_t fd, short what, void *arg)
{
	struct hub_client *c = arg;
	struct hub *b = c->hub;
	uint8_t bytes[IN_SMALL + READ_MAX];
	size_t kept = c->in.len, at;
	ssize_t n;

	(void)what;
	hub_enter(b);
	if (kept > 0)
		memcpy(bytes, c->in.data, kept);
	n = recv(fd, bytes + kept, read_size(c), MSG_DONTWAIT);
	if (n > 0) {
		buf_fini(&c->in);
		kept += (size_t)n;
		at = input_take(c, bytes, kept);
		if (at < kept && !c->dead)
			buf_add(&c->in, bytes + at, kept - at);
		hub_keys_flush(b);
	} else if (n == 0) {
		on_eof(c);
	} else if (errno != EAGAIN && errno != EINTR) {
		hub_client_close(c);
	}
	hub_leave(b);
}
