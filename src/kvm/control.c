#include "kvm/control.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "core/access.h"
#include "core/audit.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/rpc.h"
#include "core/sock.h"
#include "core/str.h"
#include "core/timestamp.h"

/* JSON-RPC 2.0, section 5.1. */
enum {
	JSONRPC_INVALID_REQUEST = -32600,
	JSONRPC_NO_METHOD = -32601,
	JSONRPC_INVALID_PARAMS = -32602
};

#define ACCEPT_PAUSE_S 1 /* after accept(2) failed for want of descriptors */

struct client {
	TAILQ_ENTRY(client) entry;
	struct control *control;
	struct jsonl *wire;
	char *who;                  /* "root(0) pid=4711" */
	bool subscribed, qemu, eof; /* qemu: to QEMU's own events, too */
	bool reader;                /* may ask and listen only */
	unsigned n_requests;
};

struct control_req {
	TAILQ_ENTRY(control_req) entry;
	struct control *control;
	struct client *client; /* NULL: it has left */
	struct json_object *id;
	char *who, *what;
	bool audited, reader;
	uint64_t began_ns;
};

struct control {
	struct loop *loop;
	const struct home *home;
	char *name, *path;
	const struct control_ops *ops;
	void *arg;
	int fd;
	struct event *readable, *pause;
	TAILQ_HEAD(, client) clients;
	TAILQ_HEAD(, control_req) requests;
	unsigned n_clients;
};

/* --- messages --- */

static struct json_object *envelope(void)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "jsonrpc", json_object_new_string("2.0"));
	return o;
}

static void send_message(struct client *c, struct json_object *o)
{
	jsonl_send(c->wire, o);
	json_object_put(o);
}

static void send_error(struct client *c, struct json_object *id, int code, const char *message)
{
	struct json_object *o = envelope(), *e = json_object_new_object();
	json_object_object_add(o, "id", json_object_get(id));
	json_object_object_add(e, "code", json_object_new_int(code));
	json_object_object_add(e, "message", json_object_new_string(message));
	json_object_object_add(o, "error", e);
	send_message(c, o);
}

static void send_result(struct client *c, struct json_object *id, struct json_object *result)
{
	struct json_object *o = envelope();
	json_object_object_add(o, "id", json_object_get(id));
	json_object_object_add(o, "result", result == NULL ? json_object_new_object() : result);
	send_message(c, o);
}

static void send_hello(struct client *c)
{
	struct json_object *o = envelope(), *p = json_object_new_object();
	json_object_object_add(o, "method", json_object_new_string("hello"));
	json_object_object_add(p, "hvmux", json_object_new_string(HVMUX_VERSION));
	json_object_object_add(p, "protocol", json_object_new_int(RPC_PROTOCOL));
	json_object_object_add(p, "domain", json_object_new_string(c->control->name));
	json_object_object_add(p, "pid", json_object_new_int((int)getpid()));
	json_object_object_add(o, "params", p);
	send_message(c, o);
}

/* --- requests --- */

static void client_free(struct client *c);

static struct control_req *req_new(
    struct client *c, struct json_object *id, const char *what, bool audited)
{
	struct control_req *r = xcalloc(1, sizeof(*r));
	r->control = c->control;
	r->client = c;
	r->id = json_object_get(id);
	r->who = xstrdup(c->who);
	r->what = xstrdup(what);
	r->audited = audited;
	r->reader = c->reader;
	r->began_ns = loop_now_ns();
	c->n_requests++;
	TAILQ_INSERT_TAIL(&c->control->requests, r, entry);
	return r;
}

static void req_free(struct control_req *r)
{
	TAILQ_REMOVE(&r->control->requests, r, entry);
	if (r->client != NULL)
		r->client->n_requests--;
	json_object_put(r->id);
	free(r->who);
	free(r->what);
	free(r);
}

void control_reply(struct control_req *r, struct json_object *result, const struct err *err)
{
	struct control *c = r->control;
	if (r->audited)
		audit_write(c->home, c->name,
		    "who=%s via=control.sock what=%s result=%s ms=%" PRIu64, r->who, r->what,
		    err == NULL ? "ok" : err->msg, (loop_now_ns() - r->began_ns) / 1000000u);
	if (r->client == NULL || r->id == NULL)
		json_object_put(result);
	else if (err == NULL)
		send_result(r->client, r->id, result);
	else
		send_error(r->client, r->id, RPC_ERR_BASE - (int)err->code, err->msg);
	if (err != NULL && r->client != NULL && r->id != NULL)
		json_object_put(result);
	struct client *client = r->client;
	req_free(r);
	if (client != NULL && client->eof && client->n_requests == 0)
		client_free(client);
}

const char *control_req_who(const struct control_req *r)
{
	return r->who;
}

bool control_req_reader(const struct control_req *r)
{
	return r->reader;
}

bool control_req_left(const struct control_req *r)
{
	return r->client == NULL;
}

bool control_req_same_client(const struct control_req *a, const struct control_req *b)
{
	return a->client != NULL && a->client == b->client;
}

void control_req_name(struct control_req *r, const char *what, bool audited)
{
	free(r->what);
	r->what = xstrdup(what);
	r->audited = audited;
}

void control_req_notify(struct control_req *r, const char *method, struct json_object *params)
{
	if (r->client == NULL || r->id == NULL) {
		json_object_put(params);
		return;
	}
	struct json_object *o = envelope();
	json_object_object_add(o, "method", json_object_new_string(method));
	json_object_object_add(o, "params", params);
	send_message(r->client, o);
}

static void do_status(struct client *c, struct json_object *id, struct json_object *params)
{
	struct json_object *result = json_object_new_object();
	(void)params;
	c->control->ops->status(c->control->arg, result);
	if (id != NULL)
		send_result(c, id, result);
	else
		json_object_put(result);
}

static void do_subscribe(struct client *c, struct json_object *id, struct json_object *params)
{
	c->subscribed = true;
	c->qemu = json_get_bool(params, "qemu", 0);
	if (id != NULL)
		send_result(c, id, NULL);
}

/* "execute" of the params; NULL, and the client has heard, when it is no command's name: it stands in the audit log, between
 * words of ours. */
static const char *command_of(
    struct client *c, struct json_object *id, struct json_object *params, const char *method)
{
	const char *command = json_get_str(params, "execute");
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	if (command != NULL && command[0] != '\0' && strlen(command) <= 64 &&
	    command[strspn(command, letters)] == '\0')
		return command;
	CLEANUP_FREE char *why = xasprintf("%s: params need \"execute\": a command's name", method);
	send_error(c, id, JSONRPC_INVALID_PARAMS, why);
	return NULL;
}

static void refuse_reader(struct client *c, struct json_object *id, const char *what)
{
	audit_write(c->control->home, c->control->name,
	    "who=%s via=control.sock what=%s result=denied", c->who, what);
	send_error(c, id, RPC_ERR_BASE - (int)ERR_DENIED,
	    "you may look at this domain and change nothing: that is for root and the operators' group");
}

/* Commands of QEMU's and of the guest agent's that only look. */
static bool only_looks(const char *command)
{
	static const char *const prefixes[] = {"query-", "x-debug-query-", "qom-get", "qom-list",
	    "guest-get-", "guest-info", "guest-ping", "guest-network-get-",
	    "guest-fsfreeze-status"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_prefix(command, prefixes[i]))
			return true;
	return false;
}

static void do_qmp(struct client *c, struct json_object *id, struct json_object *params)
{
	const char *command = command_of(c, id, params, "qmp");
	if (command == NULL)
		return;
	CLEANUP_FREE char *what = xasprintf("qmp:%s", command);
	CLEANUP_CLOSE int fd = jsonl_take_fd(c->wire);
	if (c->reader && !str_prefix(command, "query-")) {
		refuse_reader(c, id, what);
		return;
	}
	c->control->ops->qmp(c->control->arg, command, json_get_obj(params, "arguments"), fd,
	    req_new(c, id, what, !only_looks(command)));
}

static void do_method(struct client *c, struct json_object *id, struct json_object *params,
    const struct control_method *m)
{
	bool audited = (m->flags & CONTROL_READS) == 0;
	CLEANUP_FREE char *what = xstrdup(m->name);
	if ((m->flags & CONTROL_COMMAND) != 0) {
		const char *command = command_of(c, id, params, m->name);
		if (command == NULL)
			return;
		free(what);
		what = xasprintf("%s:%s", m->name, command);
		audited = audited && !only_looks(command);
	}
	m->fn(c->control->arg, params, req_new(c, id, what, audited));
}

static const struct method {
	const char *name;
	enum machine_event event; /* where fn is NULL */
	void (*fn)(struct client *c, struct json_object *id, struct json_object *params);
	bool reads; /* for readers, too; of qmp, the questions */
} methods[] = {
    {"status", 0, do_status, true},
    {"suspend", EV_DO_SUSPEND, NULL, false},
    {"resume", EV_DO_RESUME, NULL, false},
    {"reset", EV_DO_RESET, NULL, false},
    {"shutdown", EV_DO_SHUTDOWN, NULL, false},
    {"reboot", EV_DO_REBOOT, NULL, false},
    {"destroy", EV_DO_DESTROY, NULL, false},
    {"subscribe", 0, do_subscribe, true},
    {"qmp", 0, do_qmp, true},
};

static void client_message(void *arg, struct json_object *msg)
{
	struct client *c = arg;
	struct json_object *id = NULL;
	const char *name = json_get_str(msg, "method");
	json_object_object_get_ex(msg, "id", &id);
	if (!str_eq(json_get_str(msg, "jsonrpc"), "2.0") || name == NULL) {
		send_error(c, id, JSONRPC_INVALID_REQUEST, "not a JSON-RPC 2.0 request");
		return;
	}
	if (c->n_requests >= CONTROL_REQUESTS_MAX) {
		send_error(
		    c, id, RPC_ERR_BASE - ERR_BUSY, "too many requests of yours are unanswered");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (!str_eq(methods[i].name, name))
			continue;
		if (c->reader && !methods[i].reads)
			refuse_reader(c, id, name);
		else if (methods[i].fn != NULL)
			methods[i].fn(c, id, json_get_obj(msg, "params"));
		else
			c->control->ops->operate(
			    c->control->arg, methods[i].event, req_new(c, id, name, true));
		return;
	}
	for (const struct control_method *m = c->control->ops->methods;
	     m != NULL && m->name != NULL; m++) {
		bool open = m->flags == CONTROL_READS || m->flags == CONTROL_MIXED;
		if (str_eq(m->name, name) && c->reader && !open) {
			refuse_reader(c, id, name);
			return;
		}
		if (str_eq(m->name, name)) {
			do_method(c, id, json_get_obj(msg, "params"), m);
			return;
		}
	}
	send_error(c, id, JSONRPC_NO_METHOD, "no such method");
}

/* --- clients --- */

static void client_free(struct client *c)
{
	struct control_req *r;
	TAILQ_FOREACH(r, &c->control->requests, entry)
	if (r->client == c)
		r->client = NULL;
	TAILQ_REMOVE(&c->control->clients, c, entry);
	c->control->n_clients--;
	jsonl_free(c->wire);
	free(c->who);
	free(c);
}

static void client_closed(void *arg, const char *why)
{
	(void)why;
	client_free(arg);
}

/* It asks no more: what it asked is still answered, then it goes. */
static void client_eof(void *arg)
{
	struct client *c = arg;
	c->eof = true;
	if (c->n_requests == 0)
		client_free(c);
}

static const struct jsonl_ops client_ops = {
    .message = client_message, .closed = client_closed, .eof = client_eof};

/* /etc/passwd alone: a directory service may take seconds, and this process never waits. */
static char *user_name(uid_t uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *p = NULL;
	while (f != NULL && (p = fgetpwent(f)) != NULL && p->pw_uid != uid)
		;
	char *name = xstrdup(p == NULL ? "uid" : p->pw_name);
	if (f != NULL)
		fclose(f);
	return name;
}

static void refuse_client(int fd, enum err_code code, const char *why)
{
	char line[256];
	int n = snprintf(line, sizeof(line),
	    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":%d,\"message\":\"%s\"}}\n",
	    RPC_ERR_BASE - (int)code, why);
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("control.sock: a refused client did not hear why");
	close(fd);
}

/* A place among CONTROL_CLIENTS_MAX. Where all are taken, a reader makes room for an operator. */
static bool place_make(struct control *ctl, bool reader)
{
	struct client *c, *found = NULL;
	unsigned readers = 0;
	TAILQ_FOREACH(c, &ctl->clients, entry)
	{
		readers += c->reader;
		if (c->reader && (found == NULL || c->n_requests <= found->n_requests))
			found = c;
	}
	if (reader && readers >= CONTROL_READERS_MAX)
		return false;
	if (ctl->n_clients >= CONTROL_CLIENTS_MAX && !reader && found != NULL)
		client_free(found);
	return ctl->n_clients < CONTROL_CLIENTS_MAX;
}

static void client_new(struct control *ctl, int fd)
{
	uid_t uid = 0;
	pid_t pid = 0;
	enum access_right right = access_of_peer(fd);
	if (sock_peer(fd, &uid, &pid) < 0 || right == ACCESS_NONE) {
		audit_write(ctl->home, ctl->name,
		    "who=uid(%u) pid=%d via=control.sock what=connect result=denied", (unsigned)uid,
		    (int)pid);
		refuse_client(fd, ERR_DENIED, "this domain belongs to another user");
		return;
	}
	if (!place_make(ctl, right == ACCESS_READ)) {
		refuse_client(fd, ERR_BUSY, "too many clients on this domain's control socket");
		return;
	}
	struct client *c = xcalloc(1, sizeof(*c));
	CLEANUP_FREE char *user = user_name(uid);
	c->control = ctl;
	c->reader = right == ACCESS_READ;
	c->who = xasprintf("%s(%u) pid=%d", user, (unsigned)uid, (int)pid);
	c->wire = jsonl_new(ctl->loop, fd, RPC_MESSAGE_MAX, &client_ops, c);
	jsonl_limit(c->wire, c->reader ? CONTROL_PENDING_READER_MAX : CONTROL_PENDING_MAX);
	jsonl_accept_fds(c->wire);
	TAILQ_INSERT_TAIL(&ctl->clients, c, entry);
	ctl->n_clients++;
	send_hello(c);
}

/* --- the listening socket --- */

static void on_connect(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;
	(void)what;
	int client = accept4((int)fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client >= 0) {
		client_new(c, client);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		/* The socket stays readable: without a pause this would spin. */
		event_del(c->readable);
		struct timeval tv = {ACCEPT_PAUSE_S, 0};
		evtimer_add(c->pause, &tv);
	}
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;
	(void)fd, (void)what;
	event_add(c->readable, NULL);
}

struct control *control_new(struct loop *l, const struct home *h, const char *name,
    const struct control_ops *ops, void *arg, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(h, name, "control.sock");
	int fd = sock_listen(path, 0600, err);
	if (fd < 0)
		return NULL;
	home_share(h, path, 0660);
	struct control *c = xcalloc(1, sizeof(*c));
	c->loop = l;
	c->home = h;
	c->name = xstrdup(name);
	c->path = TAKE_PTR(path);
	c->ops = ops;
	c->arg = arg;
	c->fd = fd;
	TAILQ_INIT(&c->clients);
	TAILQ_INIT(&c->requests);
	c->readable = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, on_connect, c);
	c->pause = evtimer_new(loop_base(l), on_pause_over, c);
	if (c->readable == NULL || c->pause == NULL)
		abort(); /* out of memory */
	event_add(c->readable, NULL);
	return c;
}

void control_event(
    struct control *c, const char *event, const char *detail, struct json_object *data)
{
	struct client *cl, *next;
	struct json_object *o = envelope(), *p = json_object_new_object();
	json_object_object_add(o, "method", json_object_new_string("event"));
	json_object_object_add(p, "event", json_object_new_string(event));
	json_object_object_add(p, "domain", json_object_new_string(c->name));
	json_object_object_add(p, "time_ns", json_object_new_int64((int64_t)timestamp_ns()));
	if (detail != NULL)
		json_object_object_add(p, "detail", json_object_new_string(detail));
	if (data != NULL)
		json_object_object_add(p, "data", data);
	json_object_object_add(o, "params", p);
	for (cl = TAILQ_FIRST(&c->clients); cl != NULL; cl = next) {
		next = TAILQ_NEXT(cl, entry);
		if (cl->subscribed)
			jsonl_send(cl->wire, o);
	}
	json_object_put(o);
}

static bool qemu_heard(const struct control *c)
{
	const struct client *cl;
	TAILQ_FOREACH(cl, &c->clients, entry)
	if (cl->qemu)
		return true;
	return false;
}

void control_qemu_event(
    struct control *c, const char *event, struct json_object *data, uint64_t time_ns)
{
	struct client *cl, *next;
	if (!qemu_heard(c))
		return;
	struct json_object *o = envelope(), *p = json_object_new_object();
	int64_t now = (int64_t)(time_ns > 0 ? time_ns : timestamp_ns());
	json_object_object_add(o, "method", json_object_new_string("qemu-event"));
	json_object_object_add(p, "event", json_object_new_string(event));
	json_object_object_add(p, "domain", json_object_new_string(c->name));
	json_object_object_add(p, "time_ns", json_object_new_int64(now));
	if (data != NULL)
		json_object_object_add(p, "data", json_object_get(data));
	json_object_object_add(o, "params", p);
	for (cl = TAILQ_FIRST(&c->clients); cl != NULL; cl = next) {
		next = TAILQ_NEXT(cl, entry);
		if (cl->qemu)
			jsonl_send(cl->wire, o);
	}
	json_object_put(o);
}

void control_stop(struct control *c)
{
	if (c->fd < 0)
		return;
	event_del(c->readable);
	event_del(c->pause);
	unlink(c->path);
	close(c->fd);
	c->fd = -1;
}

void control_free(struct control *c)
{
	struct control_req *r;
	struct client *cl;
	struct err err;
	if (c == NULL)
		return;
	control_stop(c);
	err_set(&err, ERR_STATE, "the supervisor of domain '%s' ends", c->name);
	while ((r = TAILQ_FIRST(&c->requests)) != NULL)
		control_reply(r, NULL, &err);
	while ((cl = TAILQ_FIRST(&c->clients)) != NULL)
		client_free(cl);
	event_free(c->readable);
	event_free(c->pause);
	free(c->name);
	free(c->path);
	free(c);
}
