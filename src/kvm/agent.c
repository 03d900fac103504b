#include "kvm/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/agent_wire.h"

#define READ_BYTES 16384
#define SLICE_MS 100 /* the read rate is kept in slices of this length */
#define SLICE_BYTES (AGENT_RATE / (1000 / SLICE_MS))
#define NAME_SIZE 48 /* of a command; the longest is guest-network-get-interfaces */
#define WORDS_MAX 300

enum state {
	AGENT_ABSENT,  /* nobody holds the port open in the guest */
	AGENT_DEAF,    /* present, but not synchronised: before the next command */
	AGENT_SYNCING, /* guest-sync-delimited is on its way */
	AGENT_IDLE,
	AGENT_BUSY, /* the first of calls is on its way */
};

struct call {
	TAILQ_ENTRY(call) entry;
	struct agent *agent;
	char *command, *request; /* request: the line as it is sent */
	unsigned flags;
	bool synced; /* AGENT_SYNC_FIRST was done */
	agent_reply_fn *fn;
	void *arg;
	struct event *timer; /* its deadline, from agent_send on */
};

struct agent {
	struct loop *loop;
	int fd;
	const struct agent_ops *ops;
	void *arg;
	enum state state;
	struct agent_wire wire;
	struct buf out;
	struct event *readable, *writable, *slice, *timer, *soon;
	size_t slice_bytes; /* read in this slice */
	int64_t sync_id;
	TAILQ_HEAD(, call) calls; /* oldest first */
	unsigned n_calls;
	bool known; /* guest-info was answered */
	char (*commands)[NAME_SIZE];
	size_t n_commands;
	char version[32];
	bool closed, dead;
	unsigned busy; /* callbacks on the stack */
};

static void next(struct agent *a);

/* --- callbacks, and frees inside them (as in kvm/qmp.c) --- */

static void call_free(struct call *c)
{
	if (c->timer != NULL)
		event_free(c->timer);
	free(c->command);
	free(c->request);
	free(c);
}

static void destroy(void *arg)
{
	struct agent *a = arg;
	struct event *events[] = {a->readable, a->writable, a->slice, a->timer, a->soon};
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		event_free(events[i]);
	agent_wire_fini(&a->wire);
	buf_fini(&a->out);
	close(a->fd);
	free(a->commands);
	free(a);
}

static void enter(struct agent *a)
{
	a->busy++;
}

static void leave(struct agent *a)
{
	if (--a->busy == 0 && a->dead)
		loop_defer(a->loop, destroy, a);
}

static void call_finish(struct call *c, struct json_object *result, const struct err *err)
{
	struct agent *a = c->agent;
	agent_reply_fn *fn = c->fn;
	void *arg = c->arg;
	TAILQ_REMOVE(&a->calls, c, entry);
	a->n_calls--;
	call_free(c);
	enter(a);
	if (fn != NULL)
		fn(arg, result, err);
	leave(a);
}

static void fail_all(struct agent *a, enum err_code code, const char *why)
{
	struct call *c;
	struct err err;
	err_set(&err, code, "Guest agent is not responding: %s", why);
	/* What a callback asks anew waits for another turn. */
	for (unsigned n = a->n_calls; n > 0 && (c = TAILQ_FIRST(&a->calls)) != NULL; n--)
		call_finish(c, NULL, &err);
}

/* Whoever was told to shut down or to sleep may well be gone before the silence is long enough. */
static void leave_well(struct agent *a)
{
	struct call *c = TAILQ_FIRST(&a->calls);
	if (a->state == AGENT_BUSY && c != NULL && (c->flags & AGENT_NO_ANSWER) != 0 &&
	    a->out.len == 0)
		call_finish(c, NULL, NULL);
}

static void stop_events(struct agent *a)
{
	event_del(a->readable);
	event_del(a->writable);
	event_del(a->slice);
	event_del(a->timer);
	event_del(a->soon);
}

static void close_down(struct agent *a, const char *why)
{
	if (a->closed || a->dead)
		return;
	a->closed = true;
	stop_events(a);
	enter(a);
	leave_well(a);
	a->state = AGENT_ABSENT;
	fail_all(a, ERR_IO, why);
	if (!a->dead && a->ops->closed != NULL)
		a->ops->closed(a->arg, why);
	leave(a);
}

static void set_known(struct agent *a, bool known)
{
	if (a->known == known)
		return;
	a->known = known;
	if (a->ops->changed != NULL && !a->dead)
		a->ops->changed(a->arg);
}

/* --- writing --- */

static void flush(struct agent *a)
{
	while (a->out.len > 0 && !a->closed) {
		ssize_t n = send(a->fd, a->out.data, a->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			event_add(a->writable, NULL);
			return;
		}
		if (n < 0) {
			close_down(a, strerror(errno));
			return;
		}
		buf_consume(&a->out, (size_t)n);
	}
	event_del(a->writable);
	buf_fini(&a->out);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	(void)fd, (void)what;
	enter(a);
	flush(a);
	leave(a);
}

static void arm(struct agent *a, unsigned ms)
{
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
	evtimer_add(a->timer, &tv);
}

/* --- synchronising --- */

static void sync_start(struct agent *a)
{
	uint32_t id = 0;
	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != (ssize_t)sizeof(id))
		id = (uint32_t)loop_now_ns();
	a->sync_id = id;
	a->state = AGENT_SYNCING;
	agent_wire_reset(&a->wire);
	/* The mark makes the agent forget half a command of whoever spoke to it before. */
	buf_addf(&a->out,
	    "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%" PRId64 "}}\n",
	    a->sync_id);
	arm(a, AGENT_SYNC_MS);
	flush(a);
}

static void sync_failed(struct agent *a)
{
	a->state = AGENT_DEAF;
	agent_wire_reset(&a->wire);
	set_known(a, false);
	if (a->dead)
		return;
	bool stuck = a->out.len > 0;
	fail_all(a, ERR_TIMEOUT, "Guest agent not available for now");
	/* Nobody took our words out of the socket: an agent that comes later must not obey them. */
	if (stuck)
		close_down(a, "the guest does not read its channel");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	(void)fd, (void)what;
	enter(a);
	struct call *c = TAILQ_FIRST(&a->calls);
	if (a->state == AGENT_SYNCING) {
		sync_failed(a);
	} else if (a->state == AGENT_BUSY && c != NULL && (c->flags & AGENT_NO_ANSWER) != 0) {
		a->state = AGENT_DEAF; /* it is on its way out */
		call_finish(c, NULL, NULL);
	}
	leave(a);
}

/* --- what the agent can do --- */

static int by_name(const void *x, const void *y)
{
	return strcmp(x, y);
}

static void take_info(struct agent *a, struct json_object *info)
{
	struct json_object *list = json_get_arr(info, "supported_commands");
	const char *version = json_get_str(info, "version");
	size_t n = list == NULL ? 0 : json_object_array_length(list);
	CLEANUP_FREE char *words =
	    version == NULL ? xstrdup("")
	                    : str_printable(version, strlen(version), sizeof(a->version) - 1);
	snprintf(a->version, sizeof(a->version), "%s", words);
	n = n < AGENT_COMMANDS_MAX ? n : AGENT_COMMANDS_MAX;
	free(a->commands);
	a->commands = xcalloc(n + 1, NAME_SIZE);
	a->n_commands = 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *name = json_get_str(o, "name");
		if (name != NULL && strlen(name) < NAME_SIZE && json_get_bool(o, "enabled", 0))
			snprintf(a->commands[a->n_commands++], NAME_SIZE, "%s", name);
	}
	qsort(a->commands, a->n_commands, NAME_SIZE, by_name);
}

static void got_info(void *arg, struct json_object *result, const struct err *err)
{
	struct agent *a = arg;
	if (a->closed || a->dead)
		return;
	if (err != NULL) {
		log_info("the guest agent does not tell what it can do: %s", err->msg);
		return;
	}
	take_info(a, result);
	set_known(a, true);
}

bool agent_supports(const struct agent *a, const char *command)
{
	return agent_ready(a) &&
	       bsearch(command, a->commands, a->n_commands, NAME_SIZE, by_name) != NULL;
}

/* --- answers --- */

static enum err_code error_code(const char *class)
{
	return str_eq(class, "CommandNotFound") || str_eq(class, "CommandDisabled")
	           ? ERR_UNSUPPORTED
	           : ERR_FAIL;
}

static void finish_with_error(struct call *c, struct json_object *error)
{
	const char *desc = json_get_str(error, "desc");
	struct err err;
	if (desc == NULL)
		desc = "no reason given";
	CLEANUP_FREE char *words = str_printable(desc, strlen(desc), WORDS_MAX);
	err_set(&err, error_code(json_get_str(error, "class")),
	    "unable to execute QEMU agent command '%s': %s", c->command, words);
	call_finish(c, NULL, &err);
}

/* Whatever it is, it is not the answer: fail, and find each other anew. */
static bool out_of_step(struct agent *a, const char *why)
{
	struct err err;
	struct call *c = TAILQ_FIRST(&a->calls);
	event_del(a->timer);
	a->state = AGENT_DEAF;
	agent_wire_reset(&a->wire);
	err_set(&err, ERR_FAIL, "the guest agent's answer to '%s' %s", c->command, why);
	call_finish(c, NULL, &err);
	return false;
}

static bool take_sync(struct agent *a, struct json_object *msg, bool marked)
{
	if (!marked || json_get_int(msg, "return", -1) != a->sync_id)
		return true; /* of another time */
	struct call *c = TAILQ_FIRST(&a->calls);
	event_del(a->timer);
	a->state = AGENT_IDLE;
	if (c != NULL)
		c->synced = true;
	return false;
}

static bool on_message(void *arg, struct json_object *msg, bool marked)
{
	struct agent *a = arg;
	struct json_object *result = NULL, *error = json_get_obj(msg, "error");
	if (a->state == AGENT_SYNCING)
		return take_sync(a, msg, marked);
	if (a->state != AGENT_BUSY)
		return false;
	bool returned = json_object_object_get_ex(msg, "return", &result);
	struct call *c = TAILQ_FIRST(&a->calls);
	if (error == NULL && !returned)
		return out_of_step(a, "is neither a result nor an error");
	event_del(a->timer);
	a->state = AGENT_IDLE;
	if (error != NULL)
		finish_with_error(c, error);
	else
		call_finish(c, result, NULL);
	return false;
}

static bool on_rubbish(void *arg, const char *why)
{
	struct agent *a = arg;
	if (a->state == AGENT_BUSY)
		return out_of_step(a, why);
	return a->state == AGENT_SYNCING;
}

static const struct agent_wire_ops wire_ops = {on_message, on_rubbish};

/* --- reading, at a bounded rate --- */

static void on_slice(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	(void)fd, (void)what;
	a->slice_bytes = 0;
	event_add(a->readable, NULL);
}

/* Counts within slices: a quiet agent never sees the limit, a flooding one costs a slice's work per slice. */
static void count_bytes(struct agent *a, size_t n)
{
	struct timeval tv = {0, SLICE_MS * 1000};
	if (!evtimer_pending(a->slice, NULL)) {
		a->slice_bytes = 0;
		evtimer_add(a->slice, &tv);
	}
	a->slice_bytes += n;
	if (a->slice_bytes >= SLICE_BYTES)
		event_del(a->readable);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	char bytes[READ_BYTES];
	(void)what;
	ssize_t n = read((int)fd, bytes, sizeof(bytes));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	enter(a);
	if (n <= 0) {
		close_down(a, n == 0 ? "its channel was closed" : strerror(errno));
	} else {
		count_bytes(a, (size_t)n);
		/* Nothing was asked: nothing is looked at. */
		if (a->state == AGENT_SYNCING || a->state == AGENT_BUSY)
			agent_wire_feed(&a->wire, bytes, (size_t)n, &wire_ops, a);
		if (!a->dead && !a->closed)
			next(a);
	}
	leave(a);
}

/* --- commands --- */

/* Sends what waits, when nothing is on its way. */
static void next(struct agent *a)
{
	struct call *c = TAILQ_FIRST(&a->calls);
	if (c == NULL || a->closed || a->dead || (a->state != AGENT_DEAF && a->state != AGENT_IDLE))
		return;
	if (a->state == AGENT_DEAF || ((c->flags & AGENT_SYNC_FIRST) != 0 && !c->synced)) {
		sync_start(a);
		return;
	}
	agent_wire_reset(&a->wire);
	a->state = AGENT_BUSY;
	buf_adds(&a->out, c->request);
	if ((c->flags & AGENT_NO_ANSWER) != 0)
		arm(a, AGENT_QUIET_MS);
	flush(a);
}

static void call_late(evutil_socket_t fd, short what, void *arg)
{
	struct call *c = arg;
	struct agent *a = c->agent;
	struct err err;
	(void)fd, (void)what;
	bool sent = a->state == AGENT_BUSY && c == TAILQ_FIRST(&a->calls);
	err_set(&err, ERR_TIMEOUT, "Guest agent is not responding: no answer to '%s' in time%s",
	    c->command, sent ? "; it may still do it" : "");
	enter(a);
	if (sent) {
		event_del(a->timer);
		a->state = AGENT_DEAF;
		agent_wire_reset(&a->wire);
	}
	bool stuck = sent && a->out.len > 0;
	call_finish(c, NULL, &err);
	if (stuck)
		close_down(a, "the guest does not read its channel");
	else
		next(a);
	leave(a);
}

/* A command that cannot be queued fails at the end of the turn. */
struct failure {
	agent_reply_fn *fn;
	void *arg;
	struct err err;
};

static void fail_deferred(void *arg)
{
	struct failure *f = arg;
	f->fn(f->arg, NULL, &f->err);
	free(f);
}

static void refuse(
    struct agent *a, agent_reply_fn *fn, void *arg, enum err_code code, const char *why)
{
	if (fn == NULL)
		return;
	struct failure *f = xcalloc(1, sizeof(*f));
	f->fn = fn;
	f->arg = arg;
	err_set(&f->err, code, "%s", why);
	loop_defer(a->loop, fail_deferred, f);
}

static char *format_request(const char *command, struct json_object *args)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "execute", json_object_new_string(command));
	if (args != NULL)
		json_object_object_add(o, "arguments", args);
	const char *s = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	char *line = strlen(s) > AGENT_REQUEST_MAX ? NULL : xasprintf("%s\n", s);
	json_object_put(o);
	return line;
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	(void)fd, (void)what;
	enter(a);
	next(a);
	leave(a);
}

static void next_soon(struct agent *a)
{
	struct timeval now = {0, 0};
	evtimer_add(a->soon, &now);
}

static struct call *call_new(
    struct agent *a, const char *command, char *request, unsigned flags, unsigned timeout_ms)
{
	struct call *c = xcalloc(1, sizeof(*c));
	struct timeval tv = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
	c->agent = a;
	c->command = xstrdup(command);
	c->request = request;
	c->flags = flags;
	c->timer = evtimer_new(loop_base(a->loop), call_late, c);
	if (c->timer == NULL)
		abort(); /* out of memory */
	evtimer_add(c->timer, &tv);
	a->n_calls++;
	return c;
}

void agent_send(struct agent *a, const char *command, struct json_object *args, unsigned flags,
    unsigned timeout_ms, agent_reply_fn *fn, void *arg)
{
	char *request = format_request(command, args);
	const char *why = NULL;
	if (a->closed || a->dead || a->state == AGENT_ABSENT)
		why = "Guest agent is not responding: QEMU guest agent is not connected";
	else if (a->n_calls >= AGENT_CALLS_MAX)
		why = "Guest agent is not responding: too many commands wait for it";
	else if (request == NULL)
		why = "the command is too long for a guest agent";
	if (why != NULL) {
		free(request);
		refuse(a, fn, arg, request == NULL ? ERR_INVALID : ERR_STATE, why);
		return;
	}
	struct call *c =
	    call_new(a, command, request, flags, timeout_ms == 0 ? AGENT_COMMAND_MS : timeout_ms);
	c->fn = fn;
	c->arg = arg;
	TAILQ_INSERT_TAIL(&a->calls, c, entry);
	next_soon(a);
}

void agent_greet(struct agent *a)
{
	if (a->state != AGENT_ABSENT && !a->known && a->n_calls == 0)
		agent_send(a, "guest-info", NULL, 0, 0, got_info, a);
}

/* --- the guest's side --- */

void agent_present(struct agent *a, bool open)
{
	if (a->closed || a->dead || open == agent_is_present(a))
		return;
	enter(a);
	if (open) {
		a->state = AGENT_DEAF;
		agent_greet(a);
	} else {
		leave_well(a);
		bool owed = a->n_calls > 0 || a->out.len > 0;
		event_del(a->timer);
		agent_wire_reset(&a->wire);
		a->state = AGENT_ABSENT;
		set_known(a, false);
		/* What lies in the socket must not reach the agent that comes next. */
		if (owed)
			close_down(a, "QEMU guest agent is not connected");
	}
	leave(a);
}

bool agent_is_present(const struct agent *a)
{
	return a->state != AGENT_ABSENT;
}

bool agent_ready(const struct agent *a)
{
	return a->state != AGENT_ABSENT && a->known;
}

bool agent_idle(const struct agent *a)
{
	return a->n_calls == 0;
}

const char *agent_version(const struct agent *a)
{
	return a->version;
}

/* --- making and freeing --- */

struct agent *agent_new(struct loop *l, int fd, const struct agent_ops *ops, void *arg)
{
	struct agent *a = xcalloc(1, sizeof(*a));
	a->loop = l;
	a->fd = fd;
	a->ops = ops;
	a->arg = arg;
	TAILQ_INIT(&a->calls);
	agent_wire_init(&a->wire);
	a->readable = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, on_readable, a);
	a->writable = event_new(loop_base(l), fd, EV_WRITE | EV_PERSIST, on_writable, a);
	a->slice = evtimer_new(loop_base(l), on_slice, a);
	a->timer = evtimer_new(loop_base(l), on_timer, a);
	a->soon = evtimer_new(loop_base(l), on_soon, a);
	if (a->readable == NULL || a->writable == NULL || a->slice == NULL || a->timer == NULL ||
	    a->soon == NULL)
		abort(); /* out of memory */
	event_add(a->readable, NULL);
	return a;
}

void agent_free(struct agent *a)
{
	if (a == NULL || a->dead)
		return;
	a->dead = true;
	a->state = AGENT_ABSENT;
	stop_events(a);
	enter(a);
	fail_all(a, ERR_IO, "the connection to it was closed");
	leave(a);
}
