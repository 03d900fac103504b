#include "core/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"

#define READ_BYTES 65536

struct jsonl {
	struct loop *loop;
	int fd;
	size_t max;
	const struct jsonl_ops *ops;
	void *arg;
	struct event *readable, *writable;
	struct json_tokener *tok;
	struct buf in;
	size_t scanned; /* bytes of `in` known to hold no line end */
	struct buf out;
	size_t pending_max;
	int pass_fd; /* descriptor to attach to the byte at pass_at of out, -1 none */
	size_t pass_at;
	bool accept_fds;
	int got_fd; /* -1 none */
	bool dead;
	bool held;
	/* what is sent goes out later, together */ /* closed was, or is about to be, called */
	bool freed;                                 /* the owner let go: no more callbacks */
	char why[160];
};

static void stop_events(struct jsonl *j)
{
	event_del(j->readable);
	event_del(j->writable);
}

static void tell_closed(void *arg)
{
	struct jsonl *j = arg;
	if (!j->freed)
		j->ops->closed(j->arg, j->why);
}

/* From anywhere: the owner hears of it at the end of the turn, never from inside jsonl_send. */
static void jsonl_fail(struct jsonl *j, const char *why)
{
	if (j->dead)
		return;
	j->dead = true;
	stop_events(j);
	size_t n = strlen(why);
	n = n < sizeof(j->why) ? n : sizeof(j->why) - 1;
	memcpy(j->why, why, n);
	j->why[n] = '\0';
	loop_defer(j->loop, tell_closed, j);
}

static void take_line(struct jsonl *j, const char *line, size_t n)
{
	while (n && (line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	if (n == 0)
		return;
	json_tokener_reset(j->tok);
	struct json_object *o = json_tokener_parse_ex(j->tok, line, (int)n);
	bool whole = json_tokener_get_error(j->tok) == json_tokener_success &&
	             json_tokener_get_parse_end(j->tok) == n;
	if (!whole || !json_object_is_type(o, json_type_object))
		jsonl_fail(j, "the peer sent something that is not a JSON object");
	else
		j->ops->message(j->arg, o);
	json_object_put(o);
}

static void take_lines(struct jsonl *j)
{
	size_t from = 0;
	while (!j->dead && !j->freed && j->in.len > j->scanned) {
		char *nl = memchr(j->in.data + j->scanned, '\n', j->in.len - j->scanned);
		size_t end = nl ? (size_t)(nl - j->in.data) : j->in.len;
		if (end - from > j->max) {
			jsonl_fail(j, "the peer sent a message over the size limit");
			break;
		}
		j->scanned = end;
		if (!nl)
			break;
		take_line(j, j->in.data + from, end - from);
		from = j->scanned = end + 1;
	}
	if (from) {
		buf_consume(&j->in, from);
		j->scanned -= from;
	}
	if (j->in.len == 0 && j->in.cap > READ_BYTES)
		buf_fini(&j->in);
}

static void keep_fd(struct jsonl *j, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    c->cmsg_len != CMSG_LEN(sizeof(int)))
			continue;
		if (j->got_fd >= 0)
			close(j->got_fd);
		memcpy(&j->got_fd, CMSG_DATA(c), sizeof(int));
	}
}

static ssize_t receive(struct jsonl *j, char *to, size_t n)
{
	struct iovec iov = {to, n};
	/* Room for one: the kernel closes those that do not fit. */
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	if (!j->accept_fds)
		return read(j->fd, to, n);
	m.msg_control = control.space;
	m.msg_controllen = sizeof(control.space);
	ssize_t got = recvmsg(j->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (got > 0)
		keep_fd(j, &m);
	return got;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct jsonl *j = arg;
	(void)fd, (void)what;
	char *to = buf_reserve(&j->in, READ_BYTES / 4);
	ssize_t n = receive(j, to, READ_BYTES / 4);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0 && j->ops->eof) {
		event_del(j->readable);
		j->ops->eof(j->arg);
		return;
	}
	if (n <= 0) {
		jsonl_fail(j, n == 0 ? "the peer closed the connection" : strerror(errno));
		return;
	}
	j->in.len += (size_t)n;
	j->in.data[j->in.len] = '\0';
	take_lines(j);
}

static ssize_t send_some(struct jsonl *j)
{
	struct iovec iov = {j->out.data, j->out.len};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	if (j->pass_fd >= 0 && j->pass_at == 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = control.space;
		m.msg_controllen = sizeof(control.space);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &j->pass_fd, sizeof(int));
	} else if (j->pass_fd >= 0) {
		iov.iov_len = j->pass_at; /* what comes before it, first */
	}
	return sendmsg(j->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void flush(struct jsonl *j)
{
	while (!j->dead && j->out.len) {
		ssize_t n = send_some(j);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			event_add(j->writable, NULL);
			return;
		}
		if (n < 0) {
			jsonl_fail(j, strerror(errno));
			return;
		}
		if (j->pass_fd >= 0 && j->pass_at == 0) {
			close(j->pass_fd);
			j->pass_fd = -1;
		} else if (j->pass_fd >= 0) {
			j->pass_at -= (size_t)n;
		}
		buf_consume(&j->out, (size_t)n);
	}
	event_del(j->writable);
	if (j->out.cap > READ_BYTES)
		buf_fini(&j->out);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

struct jsonl *jsonl_new(struct loop *l, int fd, size_t max, const struct jsonl_ops *ops, void *arg)
{
	struct jsonl *j = xcalloc(1, sizeof(*j));
	*j = (struct jsonl){
	    .loop = l, .fd = fd, .max = max, .ops = ops, .arg = arg, .pass_fd = -1, .got_fd = -1};
	j->pending_max = JSONL_PENDING_MAX;
	j->tok = json_tokener_new_ex(JSONL_DEPTH_MAX);
	j->readable = event_new(loop_base(l), fd, EV_READ | EV_PERSIST, on_readable, j);
	j->writable = event_new(loop_base(l), fd, EV_WRITE | EV_PERSIST, on_writable, j);
	if (!j->tok || !j->readable || !j->writable)
		abort(); /* out of memory */
	event_add(j->readable, NULL);
	return j;
}

void jsonl_send_fd(struct jsonl *j, struct json_object *msg, int fd)
{
	if (j->dead || j->freed)
		return;
	if (fd >= 0) {
		/* One at a time is all that QMP's getfd needs: a second one waits for nothing, it
		 * replaces. */
		if (j->pass_fd >= 0)
			close(j->pass_fd);
		j->pass_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		j->pass_at = j->out.len;
		if (j->pass_fd < 0) {
			jsonl_fail(j, strerror(errno));
			return;
		}
	}
	if (j->out.len > j->pending_max) {
		jsonl_fail(j, "the peer does not read what it is sent");
		return;
	}
	size_t n = 0;
	const char *s = json_object_to_json_string_length(msg, JSON_C_TO_STRING_PLAIN, &n);
	buf_add(&j->out, s, n);
	buf_addc(&j->out, '\n');
	if (!j->held)
		flush(j);
}

void jsonl_hold(struct jsonl *j, bool on)
{
	j->held = on;
	if (!on && j->out.len > 0 && !j->dead && !j->freed)
		flush(j);
}

void jsonl_limit(struct jsonl *j, size_t pending)
{
	j->pending_max = pending;
}

void jsonl_send(struct jsonl *j, struct json_object *msg)
{
	jsonl_send_fd(j, msg, -1);
}

static void destroy(void *arg)
{
	struct jsonl *j = arg;
	event_free(j->readable);
	event_free(j->writable);
	json_tokener_free(j->tok);
	buf_fini(&j->in);
	buf_fini(&j->out);
	if (j->pass_fd >= 0)
		close(j->pass_fd);
	if (j->got_fd >= 0)
		close(j->got_fd);
	close(j->fd);
	free(j);
}

void jsonl_free(struct jsonl *j)
{
	if (!j || j->freed)
		return;
	flush(j);
	j->freed = true;
	stop_events(j);
	loop_defer(j->loop, destroy, j);
}

void jsonl_accept_fds(struct jsonl *j)
{
	j->accept_fds = true;
}

int jsonl_take_fd(struct jsonl *j)
{
	int fd = j->got_fd;
	j->got_fd = -1;
	return fd;
}

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v = NULL;
	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v))
		return NULL;
	return json_object_is_type(v, type) ? v : NULL;
}

const char *json_get_str(struct json_object *o, const char *key)
{
	struct json_object *v = member(o, key, json_type_string);
	return v ? json_object_get_string(v) : NULL;
}

int64_t json_get_int(struct json_object *o, const char *key, int64_t absent)
{
	struct json_object *v = member(o, key, json_type_int);
	return v ? json_object_get_int64(v) : absent;
}

int json_get_bool(struct json_object *o, const char *key, int absent)
{
	struct json_object *v = member(o, key, json_type_boolean);
	return v ? json_object_get_boolean(v) : absent;
}

struct json_object *json_get_obj(struct json_object *o, const char *key)
{
	return member(o, key, json_type_object);
}

struct json_object *json_get_arr(struct json_object *o, const char *key)
{
	return member(o, key, json_type_array);
}
