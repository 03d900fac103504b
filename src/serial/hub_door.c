/* hub_door: clients come, get a name and a place, and go. */
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

#define ACCEPTS_MAX 16 /* per wake-up */
#define TTY_MAX 32     /* bytes of the terminal's name that are believed */
#define PLACE_MAX 45   /* of the address: the longest that there is */

/* The user's name from the local file alone: the loop must not wait for a directory service. */
static void user_name(uid_t uid, char out[HUB_USER_MAX])
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *pw = NULL;

	while (f && (pw = fgetpwent(f)) && pw->pw_uid != uid)
		;
	if (pw && pw->pw_name[0])
		snprintf(out, HUB_USER_MAX, "%.*s", HUB_USER_MAX - 1, pw->pw_name);
	else
		snprintf(out, HUB_USER_MAX, "uid%u", (unsigned)uid);
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

void hub_client_name(struct hub_client *c, const char *where)
{
	char tty[TTY_MAX + 1];

	_Static_assert(sizeof(c->place) > PLACE_MAX, "an address fits");
	_Static_assert(sizeof(c->name) > HUB_USER_MAX + TTY_MAX, "a name fits");
	word_take(&where, "/._-", TTY_MAX, tty);
	if (strcmp(tty, "-") == 0)
		tty[0] = '\0';
	word_take(&where, ".:%_-", PLACE_MAX, c->place);
	snprintf(c->name, sizeof(c->name), "%s@%s", c->user, tty[0] ? tty : c->raw ? "raw" : "?");
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
	hub_audit(b, c, "leave", "left %s", b->label);
	hub_out_who_soon(b);
}

void hub_client_refuse(struct hub_client *c, const char *why)
{
	hub_audit(c->hub, c, "refuse", "was refused at %s: %s", c->hub->label, why);
	hub_out_bye(c, why);
	hub_client_close(c);
}

/* Both directions are shut: nobody reads any more. */
static bool hung_up(const struct hub_client *c)
{
	struct pollfd p = {.fd = c->fd};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

void hub_door_sweep(struct hub *b)
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

	c->hub = b;
	c->fd = fd;
	c->raw = raw;
	c->since_ms = loop_now_ms();
	if (sock_peer(fd, &c->uid, &c->pid) == 0)
		user_name(c->uid, c->user);
	hub_client_name(c, "");
	c->rd = event_new(base, fd, EV_READ | EV_PERSIST, hub_in_readable, c);
	c->wr = event_new(base, fd, EV_WRITE, hub_out_writable, c);
	if (!c->rd || !c->wr)
		abort(); /* out of memory, as in core/mem */
	event_add(c->rd, NULL);
	b->clients[b->n_clients++] = c;
	return c;
}

static void turn_away(int fd, bool raw)
{
	struct frame f = {.type = FRAME_BYE, .text = "too many clients on this console"};
	uint8_t bytes[FRAME_SMALL_MAX];

	if (!raw)
		send(fd, bytes, frame_encode(&f, bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* Who goes when all places are taken: one that has left and whose keys are not delivered yet; for an operator one of the
 * readers' group, too. NULL: nobody. */
static struct hub_client *least_wanted(const struct hub *b, bool outsider)
{
	struct hub_client *found = NULL;

	for (unsigned i = 0; i < b->n_clients; i++) {
		struct hub_client *c = b->clients[i];

		if (c->gone)
			return c;
		if (!outsider && c->outsider && (!found || found->attached))
			found = c;
	}
	return found;
}

/* A place among HUB_CLIENTS_MAX, of which HUB_READERS_MAX are for who may only read. */
static bool place_make(struct hub *b, bool outsider)
{
	struct hub_client *c;
	unsigned outsiders = 0;

	for (unsigned i = 0; i < b->n_clients; i++)
		outsiders += b->clients[i]->outsider;
	if (outsider && outsiders >= HUB_READERS_MAX)
		return false;
	if (b->n_clients < HUB_CLIENTS_MAX)
		return true;
	c = least_wanted(b, outsider);
	if (c) {
		hub_out_bye(c, "it made room for an operator");
		hub_client_close(c);
		hub_bury(b);
	}
	return b->n_clients < HUB_CLIENTS_MAX;
}

static void accepted(struct hub *b, int fd, bool raw)
{
	enum access_right right = access_of_peer(fd);
	struct hub_client *c;

	if (right == ACCESS_NONE) {
		hub_audit(
		    b, NULL, "refuse", "a process without permission was refused at %s", b->label);
		close(fd);
		return;
	}
	if (!place_make(b, right == ACCESS_READ)) {
		turn_away(fd, raw);
		return;
	}
	c = client_new(b, fd, raw);
	c->outsider = c->reader = right == ACCESS_READ;
	if (raw)
		hub_in_attach(c, &(struct frame){.want = FRAME_WANT_NO_REPLAY});
}

void hub_door_accept(evutil_socket_t fd, short what, void *arg)
{
	struct hub *b = arg;

	(void)what;
	hub_enter(b);
	hub_door_sweep(b);
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
