#include "serial/console_type.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/mem.h"
#include "serial/console_client.h"

struct console_typist {
	struct loop *loop;
	struct console_client *client;
	char *name;
	struct console_keys asked; /* p is not ours */
	struct buf keys;
	size_t at;     /* of them the client has taken */
	bool released; /* all of them are with the hub, and the keyboard is on its way back */
	console_typed_fn *done;
	void *arg;
};

static void typist_reap(void *arg)
{
	struct console_typist *t = arg;
	buf_fini(&t->keys);
	free(t->name);
	free(t);
}

void console_typist_free(struct console_typist *t)
{
	if (!t || !t->name)
		return;
	console_client_free(t->client);
	free(TAKE_PTR(t->name));
	loop_defer(t->loop, typist_reap, t);
}

static void finish(struct console_typist *t, const struct err *why)
{
	console_typed_fn *done = t->done;
	t->done = NULL;
	if (done)
		done(t->arg, why);
}

static void refused(struct console_typist *t, const struct console_who *w)
{
	struct err err = {0};
	if (w->holder[0])
		err_set(&err, ERR_BUSY, "the keyboard of '%s' is held by %s%s%s", t->name,
		    w->holder, t->at ? ", who took it while this was typed" : "",
		    t->asked.force ? "" : "; --force takes it over");
	else
		err_set(
		    &err, ERR_DENIED, "you may look at the consoles of '%s' but not type", t->name);
	finish(t, &err);
}

static void on_who(void *arg, const struct console_who *w)
{
	struct console_typist *t = arg;
	struct err err = {0};
	if (t->released && !w->mine)
		finish(t, NULL);
	else if (!w->mine)
		refused(t, w);
	if (!t->done || t->released || !w->mine)
		return;
	if (t->at == 0 && t->asked.ready && t->asked.ready(t->asked.arg, &err) < 0) {
		finish(t, &err);
		return;
	}
	/* The client's queue is larger than what is ever typed here. */
	t->at += console_client_keys(t->client, t->keys.data + t->at, t->keys.len - t->at);
	if (t->at < t->keys.len)
		return;
	t->released = true;
	console_client_release(t->client);
}

static void on_closed(void *arg, const char *why)
{
	struct console_typist *t = arg;
	struct err err = {0};
	err_set(&err, ERR_STATE, "cannot type at '%s': %s", t->name, why);
	finish(t, &err);
}

struct console_typist *console_type(struct loop *l, const struct home *h, const char *name,
    unsigned index, const struct console_keys *k, console_typed_fn *done, void *arg,
    struct err *err)
{
	static const struct console_client_ops ops = {.who = on_who, .closed = on_closed};
	unsigned flags = CONSOLE_KEYBOARD | CONSOLE_NO_REPLAY | (k->force ? CONSOLE_TAKE : 0u);
	struct console_typist *t = xcalloc(1, sizeof(*t));
	t->client = console_client_open(l, h, name, index, flags, NULL, &ops, t, err);
	if (!t->client) {
		free(t);
		return NULL;
	}
	t->loop = l;
	t->name = xstrdup(name);
	t->asked = *k;
	buf_add(&t->keys, k->p, k->n);
	t->done = done;
	t->arg = arg;
	return t;
}

/* --- and waited for --- */

struct waiter {
	struct loop *loop;
	struct err *err;
	int rc;
};

static void on_done(void *arg, const struct err *why)
{
	struct waiter *w = arg;
	w->rc = why ? err_set(w->err, why->code, "%s", why->msg) : 0;
	loop_stop(w->loop);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct waiter *w = arg;
	(void)fd, (void)what;
	w->rc = err_set(w->err, ERR_TIMEOUT, "the guest takes no input");
	loop_stop(w->loop);
}

int console_type_wait(const struct home *h, const char *name, unsigned index,
    const struct console_keys *k, unsigned timeout_ms, struct err *err)
{
	struct waiter w = {.loop = loop_new(), .err = err, .rc = -1};
	struct timeval tv = {timeout_ms / 1000, (suseconds_t)(timeout_ms % 1000) * 1000};
	struct event *late = evtimer_new(loop_base(w.loop), on_late, &w);
	struct console_typist *t = console_type(w.loop, h, name, index, k, on_done, &w, err);
	if (t) {
		evtimer_add(late, &tv);
		loop_run(w.loop);
		console_typist_free(t);
	}
	event_free(late);
	loop_free(w.loop);
	return w.rc;
}
