/* hub_out: from the ring to the clients. Nothing is copied for a client but the rest of a frame
 * that its socket took in part: a stopped client costs one frame of memory and no time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "serial/frame.h"
#include "serial/hub_impl.h"

#define OUT_KEEP 4096u /* bytes of memory that an idle client may keep */

enum sent { SENT_ALL, SENT_PART, SENT_NONE };

static void blocked(struct hub_client *c)
{
	c->blocked = true;
	event_add(c->wr, NULL);
}

/* Sends; *n is what the socket took. */
static enum sent client_send(struct hub_client *c, struct iovec *iov, int parts, size_t *n)
{
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = (size_t)parts};
	size_t total = 0;
	ssize_t k;

	for (int i = 0; i < parts; i++)
		total += iov[i].iov_len;
	*n = 0;
	k = sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (k < 0) {
		if (errno == EAGAIN)
			blocked(c);
		else if (c->eof)
			hub_client_close(c);
		else
			c->deaf = true; /* what it typed before it left is still to be read */
		return SENT_NONE;
	}
	*n = (size_t)k;
	if (*n == total)
		return SENT_ALL;
	blocked(c);
	return SENT_PART;
}

/* What is left of a frame. True when nothing is. */
static bool send_rest(struct hub_client *c)
{
	struct iovec iov = {.iov_base = c->out.data, .iov_len = c->out.len};
	size_t n;

	if (c->out.len == 0)
		return true;
	if (client_send(c, &iov, 1, &n) == SENT_ALL) {
		if (c->out.cap > OUT_KEEP)
			buf_fini(&c->out);
		buf_clear(&c->out);
		return true;
	}
	if (n > 0)
		buf_consume(&c->out, n);
	return false;
}

static void frame_put(struct hub_client *c, const struct frame *f)
{
	uint8_t bytes[FRAME_SMALL_MAX];

	buf_add(&c->out, bytes, frame_encode(f, bytes));
}

static void who_put(struct hub_client *c)
{
	struct hub *b = c->hub;
	struct frame f = {
	    .type = FRAME_WHO,
	    .flags = b->holder == c ? FRAME_MINE : 0,
	    .clients = hub_attached(b),
	};

	if (b->holder) {
		f.rows = b->holder->rows;
		f.cols = b->holder->cols;
		snprintf(f.text, sizeof(f.text), "%s", b->holder->name);
	}
	frame_put(c, &f);
	c->told_who = true;
}

/* Puts the next control frame into the empty c->out, where one is due. */
static bool control_put(struct hub_client *c)
{
	struct hub *b = c->hub;
	uint64_t start = ring_start(b->ring);

	if (c->raw) {
		/* Plain bytes have no way to mark a gap. */
		if (c->pos < start)
			c->pos = start;
		return false;
	}
	if (!c->told_who) {
		who_put(c);
		return true;
	}
	if (c->pos < start) {
		frame_put(c, &(struct frame){.type = FRAME_GAP, .from = c->pos, .to = start});
		c->pos = start;
		return true;
	}
	return false;
}

/* Sends one piece of the ring. True when there may be more and the socket takes more. */
static bool data_send(struct hub_client *c)
{
	uint64_t end = ring_end(c->hub->ring), left = end - c->pos;
	bool live = c->pos >= c->live_at;
	uint8_t head[FRAME_DATA_HEAD];
	struct iovec iov[3] = {{.iov_base = head, .iov_len = c->raw ? 0 : sizeof(head)}};
	size_t n, taken;
	int parts;

	if (!live && left > c->live_at - c->pos)
		left = c->live_at - c->pos;
	if (left == 0)
		return false;
	n = left < FRAME_DATA_MAX ? (size_t)left : FRAME_DATA_MAX;
	frame_data_head(head, c->pos, n, live);
	parts = 1 + ring_peek(c->hub->ring, c->pos, n, iov + 1);
	switch (client_send(c, iov, parts, &taken)) {
	case SENT_ALL:
		c->pos += n;
		return true;
	case SENT_PART:
		break;
	case SENT_NONE:
		return false;
	}
	if (c->raw) {
		c->pos += taken;
		return false;
	}
	for (int i = 0; i < parts; i++) {
		size_t skip = taken < iov[i].iov_len ? taken : iov[i].iov_len;

		buf_add(&c->out, (char *)iov[i].iov_base + skip, iov[i].iov_len - skip);
		taken -= skip;
	}
	c->pos += n;
	return false;
}

void hub_out_client(struct hub_client *c)
{
	while (!c->dead && !c->deaf && !c->blocked && send_rest(c) && c->attached)
		if (!control_put(c) && !data_send(c))
			break;
}

void hub_out_writable(evutil_socket_t fd, short what, void *arg)
{
	struct hub_client *c = arg;
	struct hub *b = c->hub;

	(void)fd;
	(void)what;
	hub_enter(b);
	c->blocked = false;
	hub_out_client(c);
	hub_leave(b);
}

void hub_out_all(struct hub *b)
{
	b->flush_ns = loop_now_ns();
	b->flush_end = ring_end(b->ring);
	b->echo = false;
	evtimer_del(b->flush);
	for (unsigned i = 0; i < b->n_clients; i++)
		hub_out_client(b->clients[i]);
}

void hub_out_guest(struct hub *b)
{
	uint64_t since = loop_now_ns() - b->flush_ns;
	uint64_t pending = ring_end(b->ring) - b->flush_end;

	if (b->echo || pending >= HUB_BURST || since >= HUB_COALESCE_US * 1000ull) {
		hub_out_all(b);
	} else if (!evtimer_pending(b->flush, NULL)) {
		struct timeval tv = {
		    .tv_usec = (suseconds_t)(HUB_COALESCE_US - since / 1000),
		};
		evtimer_add(b->flush, &tv);
	}
}

void hub_out_who(struct hub *b)
{
	for (unsigned i = 0; i < b->n_clients; i++) {
		struct hub_client *c = b->clients[i];

		c->told_who = false;
		/* Not before the output that came first, nor in the middle of a frame. */
		hub_out_client(c);
	}
	hub_changed(b);
}

void hub_out_bye(struct hub_client *c, const char *why)
{
	struct frame f = {.type = FRAME_BYE};

	if (c->dead || c->deaf)
		return;
	c->blocked = false;
	hub_out_client(c);
	if (c->raw || c->dead || c->deaf || c->blocked)
		return;
	snprintf(f.text, sizeof(f.text), "%s", why);
	frame_put(c, &f);
	send_rest(c);
}
