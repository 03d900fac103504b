#include "core/rpc.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/jsonl.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/sock.h"

#define WAKE_MS 250   /* a signal right before a wait does not end it: looked for this often */
#define KEPT_MAX 1024 /* notifications that wait for rpc_next; the oldest go first */

struct rpc_client {
	int fd;
	char *name;
	int64_t next_id;
	struct buf in;
	struct json_object *kept; /* array of notifications, the oldest first */
	rpc_heard_fn *heard;      /* NULL: they are kept */
	bool (*wake)(void *arg);
	void *arg;
};

void rpc_listen(struct rpc_client *c, rpc_heard_fn *heard, bool (*wake)(void *arg), void *arg)
{
	c->heard = heard;
	c->wake = wake;
	c->arg = arg;
}

int rpc_fd(const struct rpc_client *c)
{
	return c->fd;
}

void rpc_free(struct rpc_client *c)
{
	if (!c)
		return;
	close(c->fd);
	buf_fini(&c->in);
	json_object_put(c->kept);
	free(c->name);
	free(c);
}

/* Milliseconds until the deadline, -1 for ever. */
static int left(uint64_t deadline)
{
	if (deadline == UINT64_MAX)
		return -1;
	uint64_t now = loop_now_ms();
	return now >= deadline ? 0 : (int)(deadline - now);
}

static uint64_t deadline_of(int timeout_ms)
{
	return timeout_ms < 0 ? UINT64_MAX : loop_now_ms() + (uint64_t)timeout_ms;
}

static int wait_for(struct rpc_client *c, short events, uint64_t deadline, struct err *err)
{
	for (;;) {
		struct pollfd p = {c->fd, events, 0};
		int ms = left(deadline);
		bool slice = c->wake && (ms < 0 || ms > WAKE_MS);
		int n = poll(&p, 1, slice ? WAKE_MS : ms);
		if (n > 0)
			return 0;
		if (n == 0 && !slice)
			return err_set(
			    err, ERR_TIMEOUT, "the supervisor of '%s' does not answer", c->name);
		if (n < 0 && errno != EINTR)
			return err_errno(
			    err, errno, "cannot wait for the supervisor of '%s'", c->name);
		if (c->wake && !c->wake(c->arg))
			return err_set(err, ERR_CANCELLED, "interrupted");
	}
}

static struct json_object *parse_line(struct rpc_client *c, size_t n, struct err *err)
{
	struct json_tokener *tok = json_tokener_new_ex(JSONL_DEPTH_MAX);
	struct json_object *o = tok ? json_tokener_parse_ex(tok, c->in.data, (int)n) : NULL;
	json_tokener_free(tok);
	if (json_object_is_type(o, json_type_object))
		return o;
	json_object_put(o);
	err_set(err, ERR_INVALID, "the supervisor of '%s' sent something that is not a JSON object",
	    c->name);
	return NULL;
}

/* The next message of any kind. */
static struct json_object *receive(struct rpc_client *c, uint64_t deadline, struct err *err)
{
	for (;;) {
		char *nl = c->in.len ? memchr(c->in.data, '\n', c->in.len) : NULL;
		if (nl) {
			size_t n = (size_t)(nl - c->in.data);
			struct json_object *o = parse_line(c, n, err);
			buf_consume(&c->in, n + 1);
			return o;
		}
		if (c->in.len > RPC_MESSAGE_MAX) {
			err_set(err, ERR_INVALID,
			    "the supervisor of '%s' sent a message over the size limit", c->name);
			return NULL;
		}
		if (wait_for(c, POLLIN, deadline, err) < 0)
			return NULL;
		ssize_t got = read(c->fd, buf_reserve(&c->in, 16384), 16384);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0) {
			err_set(err, ERR_STATE, "the supervisor of '%s' closed the connection",
			    c->name);
			return NULL;
		}
		c->in.len += (size_t)got;
		c->in.data[c->in.len] = '\0';
	}
}

static int check_hello(struct rpc_client *c, uint64_t deadline, struct err *err)
{
	struct json_object *hello = receive(c, deadline, err);
	if (!hello)
		return -1;
	struct json_object *p = json_get_obj(hello, "params");
	const char *method = json_get_str(hello, "method");
	int64_t version = json_get_int(p, "protocol", -1);
	int rc = 0;
	if (!method || strcmp(method, "hello") != 0 || version != RPC_PROTOCOL)
		rc = err_set(err, ERR_UNSUPPORTED,
		    "the supervisor of '%s' speaks protocol %lld, not %d: it was started by another version of hvmux",
		    c->name, (long long)version, RPC_PROTOCOL);
	json_object_put(hello);
	return rc;
}

struct rpc_client *rpc_connect(
    const struct home *h, const char *name, int timeout_ms, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(h, name, "control.sock");
	int fd = sock_connect(path, err);
	if (fd < 0)
		return NULL;
	struct rpc_client *c = xcalloc(1, sizeof(*c));
	c->fd = fd;
	c->name = xstrdup(name);
	c->kept = json_object_new_array();
	if (check_hello(c, deadline_of(timeout_ms), err) < 0) {
		rpc_free(c);
		return NULL;
	}
	return c;
}

/* fd goes with the first byte. */
static ssize_t send_bytes(struct rpc_client *c, char *data, size_t n, int fd)
{
	struct iovec iov = {data, n};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	if (fd >= 0) {
		m.msg_control = control.space;
		m.msg_controllen = sizeof(control.space);
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

static int send_request(
    struct rpc_client *c, struct json_object *request, int fd, uint64_t deadline, struct err *err)
{
	CLEANUP(buf_fini) struct buf line = BUF_INIT;
	buf_adds(&line, json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN));
	buf_addc(&line, '\n');
	for (size_t at = 0; at < line.len;) {
		ssize_t n = send_bytes(c, line.data + at, line.len - at, at == 0 ? fd : -1);
		if (n > 0)
			at += (size_t)n;
		else if (errno == EAGAIN || errno == EINTR) {
			if (wait_for(c, POLLOUT, deadline, err) < 0)
				return -1;
		} else
			return err_errno(err, errno, "cannot ask the supervisor of '%s'", c->name);
	}
	return 0;
}

static void keep_notification(struct rpc_client *c, struct json_object *o)
{
	if (c->heard) {
		c->heard(c->arg, json_get_str(o, "method"), json_get_obj(o, "params"));
		json_object_put(o);
		return;
	}
	if (json_object_array_length(c->kept) >= KEPT_MAX)
		json_object_array_del_idx(c->kept, 0, 1);
	json_object_array_add(c->kept, o);
}

static int take_answer(struct json_object *answer, struct json_object **result, struct err *err)
{
	struct json_object *e = json_get_obj(answer, "error"), *r = NULL;
	if (e) {
		const char *words = json_get_str(e, "message");
		int64_t code = RPC_ERR_BASE - json_get_int(e, "code", 0);
		enum err_code ours =
		    code > ERR_NONE && code <= ERR_CANCELLED ? (enum err_code)code : ERR_FAIL;
		return err_set(err, ours, "%s", words ? words : "failed without a reason");
	}
	json_object_object_get_ex(answer, "result", &r);
	if (result)
		*result = json_object_get(r);
	return 0;
}

int rpc_call(struct rpc_client *c, const char *method, struct json_object *params, int timeout_ms,
    struct json_object **result, struct err *err)
{
	return rpc_call_fd(c, method, params, -1, timeout_ms, result, err);
}

int rpc_call_fd(struct rpc_client *c, const char *method, struct json_object *params, int fd,
    int timeout_ms, struct json_object **result, struct err *err)
{
	uint64_t deadline = deadline_of(timeout_ms);
	int64_t id = ++c->next_id;
	struct json_object *q = json_object_new_object();
	json_object_object_add(q, "jsonrpc", json_object_new_string("2.0"));
	json_object_object_add(q, "id", json_object_new_int64(id));
	json_object_object_add(q, "method", json_object_new_string(method));
	json_object_object_add(q, "params", params ? params : json_object_new_object());
	int rc = send_request(c, q, fd, deadline, err);
	json_object_put(q);
	while (rc == 0) {
		struct json_object *o = receive(c, deadline, err);
		if (!o)
			return -1;
		if (json_get_int(o, "id", -1) == id) {
			rc = take_answer(o, result, err);
			json_object_put(o);
			return rc;
		}
		if (json_get_str(o, "method"))
			keep_notification(c, o);
		else
			json_object_put(o); /* the answer to a call that we gave up on */
	}
	return rc;
}

int rpc_notify(
    struct rpc_client *c, const char *method, struct json_object *params, struct err *err)
{
	struct json_object *q = json_object_new_object();
	json_object_object_add(q, "jsonrpc", json_object_new_string("2.0"));
	json_object_object_add(q, "method", json_object_new_string(method));
	json_object_object_add(q, "params", params ? params : json_object_new_object());
	int rc = send_request(c, q, -1, deadline_of(RPC_TIMEOUT_MS), err);
	json_object_put(q);
	return rc;
}

struct json_object *rpc_next(struct rpc_client *c, int timeout_ms, struct err *err)
{
	uint64_t deadline = deadline_of(timeout_ms);
	if (json_object_array_length(c->kept) > 0) {
		struct json_object *o = json_object_get(json_object_array_get_idx(c->kept, 0));
		json_object_array_del_idx(c->kept, 0, 1);
		return o;
	}
	for (;;) {
		struct json_object *o = receive(c, deadline, err);
		if (!o || json_get_str(o, "method"))
			return o;
		json_object_put(o);
	}
}
