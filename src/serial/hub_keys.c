/* hub_keys: the keyboard: who holds it, what was typed, and the queue towards the guest. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "serial/hub_impl.h"

#define KEEP_MAX 4096u /* bytes of memory that an empty queue may keep */

/* One line for all that a client has typed since the last one: when, and how much; not what. */
static void typing_tell(struct hub_client *c)
{
	struct hub *b = c->hub;
	uint64_t took = loop_now_ms() - c->typed_ms;

	if (c->typed == 0)
		return;
	hub_audit(b, c, "type", "typed %llu bytes at %s in %llu s", (unsigned long long)c->typed,
	    b->label, (unsigned long long)(took + 999) / 1000);
	c->typed = 0;
}

void hub_keys_account(struct hub *b, unsigned ms)
{
	uint64_t now = loop_now_ms();

	for (unsigned i = 0; i < b->n_clients; i++)
		if (now - b->clients[i]->typed_ms >= ms)
			typing_tell(b->clients[i]);
}

void hub_keys_take(struct hub_client *c)
{
	struct hub *b = c->hub;

	if (b->holder == c || c->dead || c->reader)
		return;
	if (b->holder) {
		typing_tell(b->holder);
		hub_audit(b, c, "take", "took the keyboard of %s over from %s", b->label,
		    b->holder->name);
	} else {
		hub_audit(b, c, "take", "took the keyboard of %s", b->label);
	}
	b->holder = c;
	c->told.asks = b->asks; /* what was asked of the one before */
	hub_out_who(b);
}

void hub_keys_ask(struct hub_client *c)
{
	struct hub *b = c->hub;
	uint64_t now = loop_now_ms();

	if (!b->holder)
		hub_keys_take(c);
	if (c->reader || b->holder == c || (c->asked_ms && now - c->asked_ms < HUB_ASK_MS))
		return;
	c->asked_ms = now;
	b->asks++;
	hub_client_title(c, b->asker, sizeof(b->asker));
	hub_audit(b, c, "ask", "asked %s for the keyboard of %s", b->holder->name, b->label);
	hub_out_client(b->holder);
}

void hub_keys_release(struct hub_client *c)
{
	struct hub *b = c->hub;

	typing_tell(c);
	if (b->holder != c)
		return;
	b->holder = NULL;
	hub_audit(b, c, "release", "released the keyboard of %s", b->label);
	hub_out_who(b);
}

bool hub_keys_allowed(struct hub_client *c)
{
	struct hub *b = c->hub;

	if (c->raw && !b->holder && !c->gone)
		hub_keys_take(c);
	if (!c->reader && (b->holder == c || (c->gone && !b->holder)))
		return true;
	if (c->raw && !c->warned) {
		c->warned = true;
		hub_audit(b, c, "drop", "typed in vain at %s: %s", b->label,
		    c->reader ? "it may only read" : "somebody else holds the keyboard");
	}
	return false;
}

size_t hub_keys_room(const struct hub *b)
{
	size_t queued = b->keys.len - b->keys_at;

	return queued < HUB_KEYS_MAX ? HUB_KEYS_MAX - queued : 0;
}

static void keys_queue(struct hub *b, const void *p, size_t n)
{
	if (b->keys_at > 0) {
		buf_consume(&b->keys, b->keys_at);
		b->keys_at = 0;
	}
	buf_add(&b->keys, p, n);
}

void hub_keys_put(struct hub_client *c, const void *p, size_t n)
{
	struct hub *b = c->hub;

	if (n == 0)
		return;
	keys_queue(b, p, n);
	if (c->typed == 0) {
		c->typed_ms = loop_now_ms();
		hub_watch_typing(b);
	}
	c->typed += n;
}

static void wake_stalled(struct hub *b)
{
	for (unsigned i = 0; i < b->n_clients && hub_keys_room(b) > 0; i++)
		if (b->clients[i]->stalled)
			hub_in_resume(b->clients[i]);
}

/* Sends once. Returns whether there is more to try. */
static bool keys_send(struct hub *b)
{
	size_t left = b->keys.len - b->keys_at;
	ssize_t n;

	if (left == 0 || b->guest < 0)
		return false;
	n = send(b->guest, b->keys.data + b->keys_at, left, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0) {
		/* Any other error shows on the reading side, which ends the connection. */
		if (errno == EAGAIN)
			event_add(b->guest_wr, NULL);
		return false;
	}
	b->echo = true;
	b->keys_at += (size_t)n;
	if (b->keys_at == b->keys.len) {
		if (b->keys.cap > KEEP_MAX)
			buf_fini(&b->keys);
		buf_clear(&b->keys);
		b->keys_at = 0;
	}
	return true;
}

void hub_keys_flush(struct hub *b)
{
	/* A client that is woken adds keys, which are sent in turn: each round moves bytes, and the
	 * guest's socket ends it when it is full. */
	while (keys_send(b))
		if (b->keys.len - b->keys_at < HUB_KEYS_MAX / 2)
			wake_stalled(b);
}

int hub_type(struct hub *b, const void *p, size_t n)
{
	if (b->holder || b->guest < 0 || n > hub_keys_room(b))
		return -1;
	hub_enter(b);
	keys_queue(b, p, n);
	hub_keys_flush(b);
	hub_leave(b);
	return 0;
}
