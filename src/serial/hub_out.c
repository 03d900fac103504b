/* hub_out: from the ring to the clients. Nothing is copied for a client but the rest of a frame
 * that its socket took in part: a stopped client costs one frame of memory (OUT_PIECE) and no time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "serial/frame.h"
#include "serial/hub_impl.h"

#define OUT_PIECE 2000u  /* guest's bytes in one DATA: what a client that stops reading costs */
#define OUT_FRAMES 40u   /* in one sendmsg */
#define OUT_BATCH 65536u /* bytes in one sendmsg, about */

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
		buf_fini(&c->out);
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

/* Frames for one sendmsg. Each remembers what the client has been told once it is on its way: those that the socket
 * took nothing of were never made. */
struct batch {
	unsigned frames;
	int parts;
	size_t size;
	struct {
		size_t end; /* in the whole batch */
		struct hub_told after;
	} frame[OUT_FRAMES];
	struct iovec iov[OUT_FRAMES * 3];
	uint8_t heads[OUT_FRAMES][FRAME_SMALL_MAX];
};

static void part_add(struct batch *a, void *p, size_t n)
{
	a->iov[a->parts++] = (struct iovec){.iov_base = p, .iov_len = n};
	a->size += n;
}

static void small_add(struct batch *a, const struct frame *f)
{
	uint8_t *head = a->heads[a->frames];

	part_add(a, head, frame_encode(f, head));
}

static void who_add(struct batch *a, const struct hub_client *c, unsigned count)
{
	const struct hub *b = c->hub;
	struct frame f = {
	    .type = FRAME_WHO,
	    .flags = b->holder == c ? FRAME_MINE : 0,
	    .clients = count,
	};

	if (b->holder) {
		f.rows = b->holder->rows;
		f.cols = b->holder->cols;
		snprintf(f.text, sizeof(f.text), "%s", b->holder->name);
	}
	small_add(a, &f);
}

/* Attached client k, in the order that they came. NULL: there are no more. */
static const struct hub_client *attached_at(const struct hub *b, unsigned k)
{
	for (unsigned i = 0; i < b->n_clients; i++)
		if (b->clients[i]->attached && !b->clients[i]->dead && k-- == 0)
			return b->clients[i];
	return NULL;
}

static void watcher_add(struct batch *a, const struct hub_client *c, const struct hub_client *w)
{
	struct frame f = {.type = FRAME_WATCHER};

	if (w == c->hub->holder)
		f.flags |= FRAME_MINE;
	if (w->reader)
		f.flags |= FRAME_READER;
	if (w == c)
		f.flags |= FRAME_YOU;
	hub_client_title(w, f.text, sizeof(f.text));
	small_add(a, &f);
}

/* WHO and the WATCHERs behind it, anew when something changed half-way; who asks for the keyboard. */
static bool people_add(struct batch *a, const struct hub_client *c, struct hub_told *t)
{
	const struct hub *b = c->hub;
	const struct hub_client *w;

	if (t->people != b->people) {
		t->people = b->people;
		t->watchers = 0;
		t->count = hub_attached(b);
		who_add(a, c, t->count);
		return true;
	}
	if (t->asks != b->asks && b->holder == c) {
		struct frame f = {.type = FRAME_ASKED};

		t->asks = b->asks;
		snprintf(f.text, sizeof(f.text), "%s", b->asker);
		small_add(a, &f);
		return true;
	}
	/* Who came or went since will be told by the next WHO. */
	w = t->watchers < t->count ? attached_at(b, t->watchers) : NULL;
	if (!w) {
		t->watchers = t->count;
		return false;
	}
	t->watchers++;
	watcher_add(a, c, w);
	return true;
}

/* One piece of the ring, at most up to `to`. */
static bool data_add(struct batch *a, const struct hub_client *c, struct hub_told *t, uint64_t to)
{
	bool live = t->pos >= c->live_at;
	uint64_t end = live || to < c->live_at ? to : c->live_at;
	size_t n = end - t->pos < OUT_PIECE ? (size_t)(end - t->pos) : OUT_PIECE;
	uint8_t *head = a->heads[a->frames];
	struct iovec iov[2];

	if (n == 0)
		return false;
	frame_data_head(head, t->pos, n, live);
	part_add(a, head, FRAME_DATA_HEAD);
	for (int i = 0, parts = ring_peek(c->hub->ring, t->pos, n, iov); i < parts; i++)
		part_add(a, iov[i].iov_base, iov[i].iov_len);
	t->pos += n;
	return true;
}

/* Guest's bytes, what was lost of them, and what is noted between them. */
static bool output_add(struct batch *a, const struct hub_client *c, struct hub_told *t)
{
	const struct ring *r = c->hub->ring;
	uint64_t start = ring_start(r), to = ring_end(r);
	struct ring_note_cursor notes = t->notes;
	struct ring_note n;

	if (t->pos < start) {
		small_add(a, &(struct frame){.type = FRAME_GAP, .from = t->pos, .to = start});
		t->pos = start;
		ring_note_skip_times(r, &t->notes, start);
		return true;
	}
	if (ring_note_next(r, &notes, &n)) {
		if (n.offset <= t->pos) {
			t->notes = notes;
			small_add(a, &(struct frame){.type = FRAME_NOTE,
			                 .from = n.offset,
			                 .time = n.time_ns,
			                 .kind = n.kind,
			                 .value = n.value});
			return true;
		}
		to = n.offset;
	}
	return data_add(a, c, t, to);
}

/* Adds the next frame that is due; t: what the client will have been told then. */
static bool frame_add(struct batch *a, const struct hub_client *c, struct hub_told *t)
{
	if (a->frames == OUT_FRAMES || a->size >= OUT_BATCH)
		return false;
	if (!people_add(a, c, t) && !output_add(a, c, t))
		return false;
	a->frame[a->frames].end = a->size;
	a->frame[a->frames++].after = *t;
	return true;
}

/* The rest of a frame that the socket took in part, so that the ring may go on. */
static void rest_keep(struct hub_client *c, const struct batch *a, size_t from, size_t to)
{
	size_t at = 0;

	for (int i = 0; i < a->parts && at < to; at += a->iov[i++].iov_len) {
		const char *p = a->iov[i].iov_base;
		size_t n = a->iov[i].iov_len, skip = from > at ? from - at : 0;

		if (n > to - at)
			n = to - at;
		if (skip < n)
			buf_add(&c->out, p + skip, n - skip);
	}
}

/* Sends what is due. True when there may be more and the socket takes more. */
static bool batch_send(struct hub_client *c)
{
	struct hub_told told = c->told;
	struct batch a;
	enum sent sent;
	size_t taken;

	a.frames = 0;
	a.parts = 0;
	a.size = 0;
	while (frame_add(&a, c, &told))
		;
	if (a.frames == 0)
		return false;
	sent = client_send(c, a.iov, a.parts, &taken);
	for (unsigned i = 0; i < a.frames; i++) {
		size_t begin = i == 0 ? 0 : a.frame[i - 1].end;

		if (begin >= taken)
			break;
		c->told = a.frame[i].after;
		if (taken < a.frame[i].end)
			rest_keep(c, &a, taken, a.frame[i].end);
	}
	return sent == SENT_ALL;
}

/* Plain bytes have no way to mark a gap. */
static bool raw_send(struct hub_client *c)
{
	const struct ring *r = c->hub->ring;
	uint64_t start = ring_start(r);
	struct iovec iov[2];
	enum sent sent;
	size_t taken;
	int parts;

	if (c->told.pos < start)
		c->told.pos = start;
	parts = ring_peek(r, c->told.pos, OUT_BATCH, iov);
	if (parts == 0)
		return false;
	sent = client_send(c, iov, parts, &taken);
	c->told.pos += taken;
	return sent == SENT_ALL;
}

void hub_out_client(struct hub_client *c)
{
	while (!c->dead && !c->deaf && !c->blocked && send_rest(c) && c->attached)
		if (!(c->raw ? raw_send(c) : batch_send(c)))
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
	b->people++;
	b->people_due = false;
	for (unsigned i = 0; i < b->n_clients; i++)
		hub_out_client(b->clients[i]);
	hub_changed(b);
}

void hub_out_who_soon(struct hub *b)
{
	b->people_due = true;
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
