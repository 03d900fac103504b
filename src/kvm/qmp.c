#include "kvm/qmp.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"

struct call {
	TAILQ_ENTRY(call) entry;
	struct qmp *qmp;
	int64_t id;
	uint64_t sent_ns;
	char *command;
	qmp_reply_fn *fn; /* NULL: nobody (any more) waits for the answer */
	void *arg;
	struct event *timer; /* NULL: no deadline */
};
TAILQ_HEAD(calls, call);

struct qmp {
	struct loop *loop;
	struct jsonl *wire;
	const struct qmp_ops *ops;
	void *arg;
	struct calls calls; /* oldest first */
	unsigned n_calls;
	int64_t last_id;
	uint64_t opened_ns;
	unsigned version;
	bool greeted, ready, closed;
	unsigned busy; /* callbacks on the stack */
	bool dead;     /* freed by one of them */
};

static void call_free(struct call *c)
{
	if (c->timer != NULL)
		event_free(c->timer);
	free(c->command);
	free(c);
}

static void call_remove(struct call *c)
{
	TAILQ_REMOVE(&c->qmp->calls, c, entry);
	c->qmp->n_calls--;
}

/* Removes the call before its callback runs, so that the callback may do anything, qmp_free
 * included. */
static void call_finish(struct call *c, struct json_object *result, const struct err *err)
{
	qmp_reply_fn *fn = c->fn;
	void *arg = c->arg;
	call_remove(c);
	call_free(c);
	if (fn != NULL)
		fn(arg, result, err);
}

static void fail_all(struct qmp *q, enum err_code code, const char *why)
{
	struct call *c;
	while ((c = TAILQ_FIRST(&q->calls)) != NULL) {
		struct err err;
		err_set(&err, code, "QEMU did not answer '%s': %s", c->command, why);
		call_finish(c, NULL, &err);
	}
}

static void destroy(void *arg)
{
	struct qmp *q = arg;
	free(q);
}

/* Callbacks run between enter and leave: a free inside one only marks, and the last leave does it.
 */
static void enter(struct qmp *q)
{
	q->busy++;
}

static void leave(struct qmp *q)
{
	if (--q->busy == 0 && q->dead)
		loop_defer(q->loop, destroy, q);
}

static void wire_closed(void *arg, const char *why)
{
	struct qmp *q = arg;
	if (q->closed || q->dead)
		return;
	q->closed = true;
	enter(q);
	fail_all(q, ERR_IO, why);
	if (!q->dead && q->ops->closed != NULL)
		q->ops->closed(q->arg, why);
	leave(q);
}

/* Something that is not QMP: the connection is of no use any more. */
static void reject(struct qmp *q, const char *why)
{
	jsonl_free(q->wire);
	q->wire = NULL;
	wire_closed(q, why);
}

static void got_capabilities(void *arg, struct json_object *result, const struct err *err)
{
	struct qmp *q = arg;
	if (q->closed || q->dead)
		return;
	if (result == NULL) {
		reject(q, err->msg);
		return;
	}
	q->ready = true;
	if (q->ops->ready != NULL)
		q->ops->ready(q->arg, q->version);
}

static unsigned version_part(struct json_object *v, const char *key)
{
	int64_t n = json_get_int(v, key, -1);
	return n < 0 || n > 99 ? 0 : (unsigned)n;
}

static void greeting(struct qmp *q, struct json_object *hello)
{
	struct json_object *version = json_get_obj(hello, "version");
	struct json_object *v = version == NULL ? NULL : json_get_obj(version, "qemu");
	if (v == NULL) {
		reject(q, "the greeting on QEMU's monitor names no version");
		return;
	}
	q->version = version_part(v, "major") * 10000 + version_part(v, "minor") * 100 +
	             version_part(v, "micro");
	q->greeted = true;
	qmp_send(q, "qmp_capabilities", NULL, 0, got_capabilities, q);
}

static struct call *call_find(struct qmp *q, struct json_object *msg)
{
	int64_t id = json_get_int(msg, "id", -1);
	struct call *c;
	TAILQ_FOREACH(c, &q->calls, entry)
	if (c->id == id)
		return c;
	return NULL;
}

static enum err_code error_code(const char *class)
{
	if (str_eq(class, "CommandNotFound"))
		return ERR_UNSUPPORTED;
	if (str_eq(class, "DeviceNotFound"))
		return ERR_NOT_FOUND;
	return ERR_FAIL;
}

static void answer(struct qmp *q, struct json_object *msg, struct json_object *error)
{
	struct call *c = call_find(q, msg);
	if (c == NULL) { /* an answer that nobody asked for: QEMU refused bytes before it had read
		            an id */
		const char *desc = error == NULL ? NULL : json_get_str(error, "desc");
		CLEANUP_FREE char *words =
		    str_printable(desc == NULL ? "" : desc, desc == NULL ? 0 : strlen(desc), 200);
		log_debug("QEMU's monitor: an answer to no command: %s", words);
		return;
	}
	if (error == NULL) {
		struct json_object *result = NULL;
		json_object_object_get_ex(msg, "return", &result);
		call_finish(c, result, NULL);
		return;
	}
	const char *desc = json_get_str(error, "desc");
	if (desc == NULL)
		desc = "no reason given";
	CLEANUP_FREE char *words = str_printable(desc, strlen(desc), 1000);
	struct err err;
	err_set(&err, error_code(json_get_str(error, "class")), "QEMU refused '%s': %s", c->command,
	    words);
	call_finish(c, NULL, &err);
}

static uint64_t event_time(struct json_object *msg)
{
	struct json_object *t = json_get_obj(msg, "timestamp");
	int64_t s = t == NULL ? -1 : json_get_int(t, "seconds", -1);
	int64_t us = t == NULL ? -1 : json_get_int(t, "microseconds", -1);
	if (s < 0 || s > INT64_MAX / 1000000000 - 1 || us < 0 || us > 999999)
		return 0;
	return (uint64_t)s * 1000000000u + (uint64_t)us * 1000u;
}

static void wire_message(void *arg, struct json_object *msg)
{
	struct qmp *q = arg;
	struct json_object *hello = json_get_obj(msg, "QMP");
	struct json_object *error = json_get_obj(msg, "error");
	const char *event = json_get_str(msg, "event");
	if (q->closed || q->dead)
		return;
	enter(q);
	if (!q->greeted) {
		if (hello != NULL)
			greeting(q, hello);
		else
			reject(q, "the peer on QEMU's monitor socket does not greet as QEMU does");
	} else if (event != NULL) {
		if (q->ops->event != NULL)
			q->ops->event(q->arg, event, json_get_obj(msg, "data"), event_time(msg));
	} else if (error != NULL || json_object_object_get_ex(msg, "return", NULL)) {
		answer(q, msg, error);
	} else {
		log_debug("QEMU's monitor: a message of unknown kind");
	}
	leave(q);
}

static const struct jsonl_ops wire_ops = {.message = wire_message, .closed = wire_closed};

struct qmp *qmp_new(struct loop *l, int fd, const struct qmp_ops *ops, void *arg)
{
	struct qmp *q = xcalloc(1, sizeof(*q));
	q->loop = l;
	q->ops = ops;
	q->arg = arg;
	q->opened_ns = loop_now_ns();
	TAILQ_INIT(&q->calls);
	q->wire = jsonl_new(l, fd, QMP_MESSAGE_MAX, &wire_ops, q);
	return q;
}

void qmp_free(struct qmp *q)
{
	if (q == NULL || q->dead)
		return;
	q->dead = true;
	enter(q);
	fail_all(q, ERR_IO, "the connection to QEMU's monitor was closed");
	jsonl_free(q->wire);
	q->wire = NULL;
	leave(q);
}

static void call_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	struct call *c = arg;
	struct qmp *q = c->qmp;
	qmp_reply_fn *fn = c->fn;
	struct err err;
	err_set(&err, ERR_TIMEOUT,
	    "QEMU has not answered '%s' in time: its process is stopped or overloaded; "
	    "it may still do it later",
	    c->command);
	c->fn = NULL;
	enter(q);
	if (fn != NULL)
		fn(c->arg, NULL, &err);
	leave(q);
}

/* A command that cannot be sent fails like one whose connection broke, at the end of the turn. */
struct failure {
	qmp_reply_fn *fn;
	void *arg;
	char *why;
};

static void fail_deferred(void *arg)
{
	struct failure *f = arg;
	struct err err;
	err_set(&err, ERR_IO, "%s", f->why);
	f->fn(f->arg, NULL, &err);
	free(f->why);
	free(f);
}

static void fail_later(struct qmp *q, const char *command, qmp_reply_fn *fn, void *arg)
{
	if (fn == NULL)
		return;
	struct failure *f = xmalloc(sizeof(*f));
	f->fn = fn;
	f->arg = arg;
	f->why =
	    q->closed
	        ? xasprintf("'%s' was not sent: QEMU's monitor is not connected", command)
	        : xasprintf("'%s' was not sent: QEMU owes %u answers already", command, q->n_calls);
	loop_defer(q->loop, fail_deferred, f);
}

void qmp_send(struct qmp *q, const char *command, struct json_object *args, unsigned timeout_ms,
    qmp_reply_fn *fn, void *arg)
{
	qmp_send_fd(q, command, args, -1, timeout_ms, fn, arg);
}

void qmp_send_fd(struct qmp *q, const char *command, struct json_object *args, int fd,
    unsigned timeout_ms, qmp_reply_fn *fn, void *arg)
{
	if (q->closed || q->dead || q->n_calls >= QMP_CALLS_MAX) {
		json_object_put(args);
		fail_later(q, command, fn, arg);
		return;
	}
	struct call *c = xcalloc(1, sizeof(*c));
	c->qmp = q;
	c->id = ++q->last_id;
	c->sent_ns = loop_now_ns();
	c->command = xstrdup(command);
	c->fn = fn;
	c->arg = arg;
	TAILQ_INSERT_TAIL(&q->calls, c, entry);
	q->n_calls++;
	if (timeout_ms > 0) {
		struct timeval tv = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
		c->timer = evtimer_new(loop_base(q->loop), call_late, c);
		if (c->timer != NULL)
			evtimer_add(c->timer, &tv);
	}
	struct json_object *msg = json_object_new_object();
	json_object_object_add(msg, "execute", json_object_new_string(command));
	if (args != NULL)
		json_object_object_add(msg, "arguments", args);
	json_object_object_add(msg, "id", json_object_new_int64(c->id));
	jsonl_send_fd(q->wire, msg, fd);
	json_object_put(msg);
}

void qmp_hold(struct qmp *q, bool on)
{
	if (!q->closed && !q->dead)
		jsonl_hold(q->wire, on);
}

uint64_t qmp_owed_since(const struct qmp *q)
{
	const struct call *c = TAILQ_FIRST(&q->calls);
	if (q->closed)
		return 0;
	if (c != NULL)
		return c->sent_ns;
	return q->ready ? 0 : q->opened_ns;
}
