/* hub_in: clients come, introduce themselves, type, leave. All that they send is checked here. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/access.h"
#include "core/mem.h"
#include "core/sock.h"
#include "serial/frame.h"
#include "serial/hub_impl.h"

#define READ_MAX (FRAME_KEYS_MAX + FRAME_HEADER) /* bytes per wake-up of one client */
#define ACCEPTS_MAX 16                           /* per wake-up */
#define TTY_MAX 32   /* bytes of the terminal's name that are believed */
#define PLACE_MAX 45 /* of the address: the longest that there is */
#define USER_MAX 24

/* The user's name from the local file alone: the loop must not wait for a directory service. */
static void user_name(uid_t uid, char out[USER_MAX])
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *pw = NULL;

	while (f && (pw = fgetpwent(f)) && pw->pw_uid != uid)
		;
	if (pw && pw->pw_name[0])
		snprintf(out, USER_MAX, "%.*s", USER_MAX - 1, pw->pw_name);
	else
		snprintf(out, USER_MAX, "uid%u", (unsigned)uid);
	for (char *p = out; *p; p++)
		if (!isgraph((unsigned char)*p) || *p == '@')
			*p = '?';
	if (f)
		fclose(f);
}

/* The first word of *text, at most max bytes of it, with ? for what is neither a letter, a digit nor in `also`. */
static void word_take(const char **text, const char *also, size_t max, char *out)
{
	const char *p = *text + strspn(*text, " ");
	size_t n = 0;

	for (; *p && *p != ' '; p++)
		if (n < max)
			out[n++] = isalnum((unsigned char)*p) || strchr(also, *p) ? *p : '?';
	out[n] = '\0';
	*text = p;
}

/* "root@pts/3" and "192.0.2.7": who it is the kernel says; where, the client, in harmless characters only. */
static void name_set(struct hub_client *c, uid_t uid, const char *where)
{
	char user[USER_MAX], tty[TTY_MAX + 1];

	_Static_assert(sizeof(c->place) > PLACE_MAX, "an address fits");
	user_name(uid, user);
	word_take(&where, "/._-", TTY_MAX, tty);
	word_take(&where, ".:%_-", PLACE_MAX, c->place);
	snprintf(c->name, sizeof(c->name), "%s@%s", user, tty[0] ? tty : c->raw ? "raw" : "?");
}

void hub_client_title(const struct hub_client *c, char *out, size_t n)
{
	snprintf(out, n, "%s%s%s", c->name, c->place[0] ? " from " : "", c->place);
}

unsigned hub_attached(const struct hub *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->n_clients; i++)
		n += b->clients[i]->attached && !b->clients[i]->dead;
	return n;
}

void hub_client_free(struct hub_client *c)
{
	event_free(c->rd);
	event_free(c->wr);
	close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

void hub_client_close(struct hub_client *c)
{
	struct hub *b = c->hub;

	if (c->dead)
		return;
	c->dead = true;
	event_del(c->rd);
	event_del(c->wr);
	/* The peer sees the end now, not when the memory goes. */
	shutdown(c->fd, SHUT_RDWR);
	if (!c->attached)
		return;
	hub_keys_release(c);
	hub_audit(b, "%s left %s", c->name, b->label);
	hub_out_who(b);
}

static void refuse(struct hub_client *c, const char *why)
{
	hub_audit(c->hub, "%s was refused at %s: %s", c->name, c->hub->label, why);
	hub_out_bye(c, why);
	hub_client_close(c);
}

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

static void attach(struct hub_client *c, const struct frame *hello)
{
	struct hub *b = c->hub;

	c->live_at = ring_end(b->ring);
	c->told.pos = first_byte(c, hello);
	ring_note_seek(b->ring, &c->told.notes, c->told.pos);
	if (!c->raw)
		welcome(c);
	c->attached = true;
	hub_audit(b, "%s (process %d%s%s) attached to %s", c->name, (int)c->pid,
	    c->place[0] ? ", from " : "", c->place, b->label);
	if ((hello->want & FRAME_WANT_TAKE) || ((hello->want & FRAME_WANT_KEYBOARD) && !b->holder))
		hub_keys_take(c);
	if (b->holder != c)
		hub_out_who(b);
}

static void on_hello(struct hub_client *c, const struct frame *f)
{
	uid_t uid = 0;

	if (sock_peer(c->fd, &uid, &c->pid) == 0)
		name_set(c, uid, f->text);
	if (f->version != FRAME_VERSION)
		refuse(c,
		    "this console speaks version 2 of the protocol: its supervisor is of another hvmux");
	else
		attach(c, f);
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

/* What a client that has introduced itself may send. False: it waits for room. */
static bool frame_handle(struct hub_client *c, const struct frame *f)
{
	switch (f->type) {
	case FRAME_KEYS:
		if (!hub_keys_allowed(c))
			return true;
		if (!hub_keys_room(c->hub))
			return false;
		hub_keys_put(c->hub, f->bytes, f->n);
		return true;
	case FRAME_TAKE:
		hub_keys_take(c);
		return true;
	case FRAME_RELEASE:
		hub_keys_release(c);
		return true;
	case FRAME_SIZE:
		on_size(c, f);
		return true;
	case FRAME_ASK:
		hub_keys_ask(c);
		return true;
	case FRAME_HELLO:
	case FRAME_WELCOME:
	case FRAME_DATA:
	case FRAME_GAP:
	case FRAME_NOTE:
	case FRAME_WHO:
	case FRAME_WATCHER:
	case FRAME_ASKED:
	case FRAME_BYE:
	case FRAME_TYPE_COUNT:
		break;
	}
	refuse(c, "console socket: a frame that a client may not send");
	return true;
}

static void input_frames(struct hub_client *c)
{
	size_t at = 0;
	struct err err;
	struct frame f;

	while (!c->dead && !c->stalled) {
		long n = frame_decode((uint8_t *)c->in.data + at, c->in.len - at, &f, &err);

		if (n < 0)
			refuse(c, err.msg);
		if (n <= 0)
			break;
		if (c->attached) {
			if (!frame_handle(c, &f)) {
				stall(c);
				break;
			}
		} else if (f.type == FRAME_HELLO) {
			on_hello(c, &f);
		} else {
			refuse(c, "console socket: the first frame must be HELLO");
		}
		at += (size_t)n;
	}
	buf_consume(&c->in, at);
}

static void input_raw(struct hub_client *c)
{
	if (c->in.len == 0)
		return;
	if (hub_keys_allowed(c)) {
		if (!hub_keys_room(c->hub)) {
			stall(c);
			return;
		}
		hub_keys_put(c->hub, c->in.data, c->in.len);
	}
	buf_clear(&c->in);
}

static void input(struct hub_client *c)
{
	if (c->raw)
		input_raw(c);
	else
		input_frames(c);
	if (c->in.len == 0)
		buf_fini(&c->in);
}

void hub_in_resume(struct hub_client *c)
{
	c->stalled = false;
	input(c);
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

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct hub_client *c = arg;
	struct hub *b = c->hub;
	ssize_t n;

	(void)what;
	hub_enter(b);
	n = recv(fd, buf_reserve(&c->in, READ_MAX), READ_MAX, MSG_DONTWAIT);
	if (n > 0) {
		c->in.len += (size_t)n;
		input(c);
		hub_keys_flush(b);
	} else if (n == 0) {
		on_eof(c);
	} else if (errno != EAGAIN && errno != EINTR) {
		hub_client_close(c);
	}
	hub_leave(b);
}

/* Both directions are shut: nobody reads any more. */
static bool hung_up(const struct hub_client *c)
{
	struct pollfd p = {.fd = c->fd};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

void hub_in_sweep(struct hub *b)
{
	uint64_t now = loop_now_ms();
	bool stalled = false;

	for (unsigned i = 0; i < b->n_clients; i++) {
		struct hub_client *c = b->clients[i];

		if (c->dead)
			continue;
		if ((c->eof && hung_up(c)) || (!c->attached && now - c->since_ms >= HUB_HELLO_MS)) {
			hub_client_close(c);
		} else if (c->stalled && !c->gone) {
			stalled = true;
			/* Its keys are still delivered, unless somebody else takes the keyboard. */
			if (hung_up(c)) {
				c->gone = c->deaf = true;
				hub_keys_release(c);
			}
		}
	}
	if (stalled)
		hub_watch_stalled(b);
}

static struct hub_client *client_new(struct hub *b, int fd, bool raw)
{
	struct hub_client *c = xcalloc(1, sizeof(*c));
	struct event_base *base = loop_base(b->loop);
	uid_t uid = 0;

	c->hub = b;
	c->fd = fd;
	c->raw = raw;
	c->since_ms = loop_now_ms();
	if (sock_peer(fd, &uid, &c->pid) == 0)
		name_set(c, uid, "");
	c->rd = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->wr = event_new(base, fd, EV_WRITE, hub_out_writable, c);
	if (!c->rd || !c->wr)
		abort(); /* out of memory, as in core/mem */
	event_add(c->rd, NULL);
	b->clients[b->n_clients++] = c;
	return c;
}

static void accepted(struct hub *b, int fd, bool raw)
{
	struct hub_client *c;

	enum access_right right = access_of_peer(fd);
	if (right == ACCESS_NONE) {
		hub_audit(b, "a process without permission was refused at %s", b->label);
		close(fd);
		return;
	}
	if (b->n_clients == HUB_CLIENTS_MAX) {
		struct frame f = {.type = FRAME_BYE, .text = "too many clients on this console"};
		uint8_t bytes[FRAME_SMALL_MAX];

		if (!raw)
			send(fd, bytes, frame_encode(&f, bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	c = client_new(b, fd, raw);
	c->reader = right == ACCESS_READ;
	if (raw)
		attach(c, &(struct frame){.want = FRAME_WANT_NO_REPLAY});
}

void hub_in_accept(evutil_socket_t fd, short what, void *arg)
{
	struct hub *b = arg;

	(void)what;
	hub_enter(b);
	hub_in_sweep(b);
	hub_leave(b);
	hub_enter(b);
	for (int i = 0; i < ACCEPTS_MAX && !b->dead; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client < 0) {
			if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
				hub_accept_rest(b);
			break;
		}
		accepted(b, client, fd == b->listeners[HUB_RAW]);
	}
	hub_leave(b);
}
