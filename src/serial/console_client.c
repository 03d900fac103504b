#include "serial/console_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/sock.h"
#include "core/str.h"
#include "core/vm.h"
#include "serial/frame.h"
#include "serial/ring.h"

#define READ_MAX 65536u /* bytes per wake-up */
#define CONSOLE_ALL (CONSOLE_KEYBOARD | CONSOLE_TAKE | CONSOLE_NO_REPLAY | CONSOLE_READ_ONLY)

struct console_client {
	struct loop *loop;
	int fd;
	struct event *rd, *wr,
	    *late; /* late: what must not be called from inside our own callers */
	struct buf in, out;
	size_t out_at; /* of out, already sent */
	bool welcomed, refused, paused, mine;
	bool ended; /* closed was, or is about to be, told */
	bool freed;
	uint64_t run, next;        /* next: offset that the next DATA or GAP must begin at */
	uint64_t live;             /* offset at which news begin */
	uint64_t noted, noted_ns;  /* offset and time of the last note */
	struct console_place from; /* of open; run 0: from nowhere */
	struct console_who who;    /* being collected: WHO, then as many WATCHERs */
	struct console_watcher watchers[CONSOLE_WATCHERS_MAX];
	char *why; /* what the hub said before it closed */
	struct console_client_ops ops;
	void *arg;
};

static void client_reap(void *arg)
{
	struct console_client *c = arg;

	event_free(c->rd);
	event_free(c->wr);
	event_free(c->late);
	if (c->fd >= 0)
		close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c->why);
	free(c);
}

void console_client_free(struct console_client *c)
{
	if (!c || c->freed)
		return;
	c->freed = true;
	event_del(c->rd);
	event_del(c->wr);
	event_del(c->late);
	/* The hub sees us leave now, not when the loop comes to free the memory. */
	if (c->fd >= 0)
		close(TAKE_FD(c->fd));
	loop_defer(c->loop, client_reap, c);
}

/* The connection is of no more use; the owner hears of it from the loop, never from inside its own
 * call. */
static void client_end(struct console_client *c, const char *why)
{
	if (c->ended)
		return;
	c->ended = true;
	c->mine = false;
	event_del(c->rd);
	event_del(c->wr);
	if (!c->why)
		c->why = xstrdup(why);
	event_active(c->late, EV_TIMEOUT, 0);
}

static void flush(struct console_client *c)
{
	while (!c->ended && c->out_at < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->out_at, c->out.len - c->out_at,
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			event_add(c->wr, NULL);
			return;
		}
		if (n < 0) {
			/* The reading side still has what the hub said last. */
			buf_clear(&c->out);
			c->out_at = 0;
			return;
		}
		c->out_at += (size_t)n;
		if (c->out_at >= READ_MAX) {
			buf_consume(&c->out, c->out_at);
			c->out_at = 0;
		}
	}
	buf_clear(&c->out);
	c->out_at = 0;
}

static void frame_send(struct console_client *c, const struct frame *f)
{
	uint8_t bytes[FRAME_SMALL_MAX];

	if (c->ended)
		return;
	buf_add(&c->out, bytes, frame_encode(f, bytes));
	flush(c);
}

static void text_set(char *out, size_t size, const struct frame *f)
{
	CLEANUP_FREE char *text = str_printable(f->text, strlen(f->text), size - 1);

	snprintf(out, size, "%s", text);
}

static void on_welcome(struct console_client *c, const struct frame *f)
{
	c->welcomed = true;
	c->run = f->run;
	c->next = f->from;
	c->live = f->to;
	if (c->from.run != f->run || c->from.offset != f->from)
		c->from.run = 0; /* not there: anew */
	if (c->ops.welcome)
		c->ops.welcome(c->arg, c->from.run != 0);
}

static void who_tell(struct console_client *c)
{
	if (c->who.n_watchers == c->who.clients && c->ops.who)
		c->ops.who(c->arg, &c->who);
}

static int on_who(struct console_client *c, const struct frame *f)
{
	if (f->clients > CONSOLE_WATCHERS_MAX)
		return -1;
	c->who = (struct console_who){
	    .mine = f->flags & FRAME_MINE,
	    .clients = f->clients,
	    .rows = f->rows,
	    .cols = f->cols,
	    .watchers = c->watchers,
	};
	text_set(c->who.holder, sizeof(c->who.holder), f);
	c->mine = c->who.mine;
	who_tell(c);
	return 0;
}

static int on_watcher(struct console_client *c, const struct frame *f)
{
	struct console_watcher *w = &c->watchers[c->who.n_watchers];

	if (c->who.n_watchers >= c->who.clients)
		return -1;
	text_set(w->name, sizeof(w->name), f);
	w->keyboard = f->flags & FRAME_MINE;
	w->reader = f->flags & FRAME_READER;
	w->you = f->flags & FRAME_YOU;
	c->who.n_watchers++;
	who_tell(c);
	return 0;
}

static void on_asked(struct console_client *c, const struct frame *f)
{
	char name[sizeof(c->watchers[0].name)];

	text_set(name, sizeof(name), f);
	if (c->ops.asked && c->mine)
		c->ops.asked(c->arg, name);
}

static int on_note(struct console_client *c, const struct frame *f)
{
	struct ring_note n = {
	    .offset = f->from, .time_ns = f->time, .kind = f->kind, .value = f->value};

	if (n.offset < c->noted || n.offset > c->next)
		return -1;
	/* The connection before this one told it already. */
	if (c->from.run && n.offset <= c->from.offset && n.time_ns <= c->from.noted_ns)
		return 0;
	c->noted = n.offset;
	c->noted_ns = n.time_ns;
	if (c->ops.note && n.kind >= RING_NOTE_TIME && n.kind <= RING_NOTE_END)
		c->ops.note(c->arg, &n);
	return 0;
}

static int on_data(struct console_client *c, const struct frame *f)
{
	if (f->from != c->next)
		return -1;
	c->next = f->to;
	if (c->ops.data)
		c->ops.data(c->arg, f->from, f->bytes, f->n, f->flags & FRAME_LIVE);
	return 0;
}

static int on_gap(struct console_client *c, const struct frame *f)
{
	if (f->from != c->next)
		return -1;
	c->next = f->to;
	if (c->ops.gap)
		c->ops.gap(c->arg, f->from, f->to);
	return 0;
}

/* -1: the hub broke the protocol. */
static int frame_handle(struct console_client *c, const struct frame *f)
{
	if (!c->welcomed && f->type != FRAME_WELCOME && f->type != FRAME_BYE)
		return -1;
	switch (f->type) {
	case FRAME_WELCOME:
		if (c->welcomed || f->version != FRAME_VERSION)
			return -1;
		on_welcome(c, f);
		return 0;
	case FRAME_DATA:
		return on_data(c, f);
	case FRAME_GAP:
		return on_gap(c, f);
	case FRAME_NOTE:
		return on_note(c, f);
	case FRAME_WHO:
		return on_who(c, f);
	case FRAME_WATCHER:
		return on_watcher(c, f);
	case FRAME_ASKED:
		on_asked(c, f);
		return 0;
	case FRAME_BYE:
		free(c->why);
		c->refused = !c->welcomed;
		c->why = str_printable(f->text, strlen(f->text), FRAME_TEXT_MAX);
		return 0;
	case FRAME_HELLO:
	case FRAME_KEYS:
	case FRAME_TAKE:
	case FRAME_RELEASE:
	case FRAME_SIZE:
	case FRAME_ASK:
	case FRAME_TYPE_COUNT:
		break;
	}
	return -1;
}

static void input(struct console_client *c)
{
	size_t at = 0;

	while (!c->freed && !c->paused && !c->ended) {
		struct err err = {0};
		struct frame f;
		long n = frame_decode((uint8_t *)c->in.data + at, c->in.len - at, &f, &err);

		if (n == 0)
			break;
		if (n < 0 || frame_handle(c, &f) < 0)
			client_end(c, err.msg[0] ? err.msg : "console socket: frames out of order");
		if (n > 0)
			at += (size_t)n;
	}
	/* Freed inside a callback: the memory is there until the turn's end. */
	buf_consume(&c->in, at);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct console_client *c = arg;
	ssize_t n;

	(void)what;
	n = recv(fd, buf_reserve(&c->in, READ_MAX), READ_MAX, MSG_DONTWAIT);
	if (n > 0) {
		c->in.len += (size_t)n;
		input(c);
	} else if (n == 0) {
		client_end(c, c->welcomed ? "the console was closed: its supervisor is gone"
		                          : "the console's supervisor refused the connection");
	} else if (errno != EAGAIN && errno != EINTR) {
		client_end(c, strerror(errno));
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

/* Frames that were left when reading paused; the end. */
static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct console_client *c = arg;

	(void)fd;
	(void)what;
	if (!c->ended)
		input(c);
	if (!c->ended || c->freed)
		return;
	if (c->ops.closed)
		c->ops.closed(c->arg, c->why);
}

/* "pts/3 192.0.2.7": the operator's terminal (- none), and where sshd says that it is from. */
void console_client_where(char *out, size_t n)
{
	const char *tty = NULL, *ssh = getenv("SSH_CONNECTION");

	for (int fd = 0; fd <= 2 && !tty; fd++)
		tty = ttyname(fd);
	if (tty && strncmp(tty, "/dev/", 5) == 0)
		tty += 5;
	if (!ssh)
		ssh = "";
	snprintf(out, n, "%s%s%.*s",
	    tty      ? tty
	    : ssh[0] ? "-"
	             : "",
	    ssh[0] ? " " : "", (int)strcspn(ssh, " "), ssh);
}

int console_client_connect(const struct home *h, const char *name, unsigned index, struct err *err)
{
	CLEANUP_FREE char *file = xasprintf("console%u.sock", index);
	CLEANUP_FREE char *path = home_run_file(h, name, file);
	int fd = sock_connect(path, err);

	if (fd >= 0 || !err || err->code != ERR_NOT_FOUND)
		return fd;
	if (!vm_locked(h, name))
		return err_set(err, ERR_STATE, "domain '%s' is not running", name);
	return err_set(err, ERR_NOT_FOUND, "domain '%s' has no console %u", name, index);
}

struct console_client *console_client_open(struct loop *l, const struct home *h, const char *name,
    unsigned index, unsigned flags, const struct console_place *from,
    const struct console_client_ops *ops, void *arg, struct err *err)
{
	struct frame hello = {
	    .type = FRAME_HELLO, .version = FRAME_VERSION, .want = flags & CONSOLE_ALL};
	struct event_base *base = loop_base(l);
	struct err local = {0};
	int fd = console_client_connect(h, name, index, err ? err : &local);
	struct console_client *c;

	if (fd < 0)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	if (from && from->run) {
		c->from = *from;
		c->noted_ns = from->noted_ns;
		hello.want |= FRAME_WANT_RESUME;
		hello.run = from->run;
		hello.from = from->offset;
	}
	c->loop = l;
	c->fd = fd;
	c->ops = *ops;
	c->arg = arg;
	c->rd = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->wr = event_new(base, fd, EV_WRITE, on_writable, c);
	c->late = evtimer_new(base, on_late, c);
	if (!c->rd || !c->wr || !c->late)
		abort(); /* out of memory, as in core/mem */
	event_add(c->rd, NULL);
	console_client_where(hello.text, sizeof(hello.text));
	frame_send(c, &hello);
	return c;
}

bool console_client_live(const struct console_client *c)
{
	return c->welcomed && c->next >= c->live;
}

bool console_client_refused(const struct console_client *c)
{
	return c->refused;
}

size_t console_client_keys(struct console_client *c, const void *p, size_t n)
{
	const uint8_t *from = p;
	size_t queued = c->out.len - c->out_at, taken = 0;

	if (!c->mine || c->ended)
		return 0;
	if (n > CONSOLE_KEYS_MAX - (queued < CONSOLE_KEYS_MAX ? queued : CONSOLE_KEYS_MAX))
		n = CONSOLE_KEYS_MAX - (queued < CONSOLE_KEYS_MAX ? queued : CONSOLE_KEYS_MAX);
	while (taken < n) {
		size_t step = n - taken < FRAME_KEYS_MAX ? n - taken : FRAME_KEYS_MAX;
		uint8_t head[FRAME_HEADER];

		frame_keys_head(head, step);
		buf_add(&c->out, head, sizeof(head));
		buf_add(&c->out, from + taken, step);
		taken += step;
	}
	flush(c);
	return taken;
}

size_t console_client_unsent(const struct console_client *c)
{
	return c->out.len - c->out_at;
}

void console_client_take(struct console_client *c)
{
	frame_send(c, &(struct frame){.type = FRAME_TAKE});
}

void console_client_ask(struct console_client *c)
{
	frame_send(c, &(struct frame){.type = FRAME_ASK});
}

struct console_place console_client_place(const struct console_client *c)
{
	/* Nothing was told yet: where it stood before still holds. */
	if (!c->welcomed)
		return c->from;
	return (struct console_place){.run = c->run, .offset = c->next, .noted_ns = c->noted_ns};
}

void console_client_release(struct console_client *c)
{
	frame_send(c, &(struct frame){.type = FRAME_RELEASE});
}

void console_client_size(struct console_client *c, unsigned rows, unsigned cols)
{
	frame_send(c, &(struct frame){
	                  .type = FRAME_SIZE,
	                  .rows = (uint16_t)(rows < UINT16_MAX ? rows : UINT16_MAX),
	                  .cols = (uint16_t)(cols < UINT16_MAX ? cols : UINT16_MAX),
	              });
}

void console_client_pause(struct console_client *c, bool paused)
{
	if (c->paused == paused || c->ended)
		return;
	c->paused = paused;
	if (paused) {
		event_del(c->rd);
	} else {
		event_add(c->rd, NULL);
		event_active(c->late, EV_TIMEOUT, 0);
	}
}

/* Why there is no history of a console: returns -1. */
static int no_history(const struct home *h, const char *name, unsigned index, struct err *err)
{
	struct vm vm;
	bool live = false, console = false;
	if (vm_probe(h, name, &vm, NULL) == 0) {
		live = vm.live && vm.head != NULL;
		console = live && vm.head->consoles > index;
		vm_fini(&vm);
	}
	if (console)
		return err_set(err, ERR_NOT_FOUND,
		    "the history of console %u of '%s' could not be written (its supervisor.log says why): attach it with 'console'",
		    index, name);
	if (live)
		return err_set(err, ERR_NOT_FOUND,
		    "'%s' runs without a console %u: <serial type='pty'/> in its <devices> is one",
		    name, index);
	return err_set(err, ERR_NOT_FOUND,
	    "domain '%s' has no history of console %u: it has not run since the host started", name,
	    index);
}

int console_history(const struct home *h, const char *name, unsigned index, size_t max,
    struct buf *out, struct err *err)
{
	CLEANUP_FREE char *file = xasprintf("console%u.ring", index);
	CLEANUP_FREE char *path = home_run_file(h, name, file);
	struct err local = {0};
	struct ring *r = ring_open_reader(path, &local);
	uint64_t start, end;

	if (!r && local.code == ERR_NOT_FOUND)
		return no_history(h, name, index, err);
	if (!r)
		return err_set(err, local.code, "%s", local.msg);
	start = ring_start(r);
	end = ring_end(r);
	if (end - start > max)
		start = end - max;
	if (end > start) {
		size_t n = (size_t)(end - start);

		out->len += ring_read(r, &start, buf_reserve(out, n), n);
		out->data[out->len] = '\0';
	}
	ring_free(r);
	return 0;
}
