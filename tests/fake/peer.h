/* peer: the other end of a QMP connection, played from a script inside the test's own event loop. A
 * step waits for a line that contains `expect` (NULL: nothing to wait for), then sends `send` (NULL
 * nothing), "%ID" in it replaced by the id of that line. Steps that wait for nothing run at once.
 */
#ifndef FAKE_PEER_H
#define FAKE_PEER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/loop.h"

#define PEER_GREETING \
	"{\"QMP\":{\"version\":{\"qemu\":{\"micro\":22,\"minor\":2,\"major\":7},\"package\":\"\"},\"capabilities\":[\"oob\"]}}\n"

struct peer_step {
	const char *expect, *send;
	bool hang_up; /* closes after sending */
};

struct peer {
	int fd;
	struct event *readable;
	const struct peer_step *script;
	size_t n, at;
	struct buf in;
	struct buf seen;    /* every line that came */
	unsigned surprises; /* lines that the script did not expect */
};

static inline void peer_close(struct peer *p)
{
	if (p->readable != NULL)
		event_free(p->readable);
	if (p->fd >= 0)
		close(p->fd);
	p->readable = NULL;
	p->fd = -1;
}

static inline void peer_play(struct peer *p, const char *id)
{
	const struct peer_step *s = &p->script[p->at++];
	const char *rest = s->send == NULL ? "" : s->send, *mark;
	while ((mark = strstr(rest, "%ID")) != NULL) {
		fd_write_all(p->fd, rest, (size_t)(mark - rest));
		fd_write_all(p->fd, id, strlen(id));
		rest = mark + 3;
	}
	fd_write_all(p->fd, rest, strlen(rest));
	if (s->hang_up)
		peer_close(p);
}

static inline void peer_play_free(struct peer *p)
{
	while (p->fd >= 0 && p->at < p->n && p->script[p->at].expect == NULL)
		peer_play(p, "0");
}

static inline void peer_line(struct peer *p, char *line)
{
	char id[32] = "0";
	const char *at = strstr(line, "\"id\":");
	if (at != NULL)
		snprintf(id, sizeof(id), "%ld", strtol(at + 5, NULL, 10));
	buf_adds(&p->seen, line);
	buf_addc(&p->seen, '\n');
	if (p->at < p->n && strstr(line, p->script[p->at].expect) != NULL)
		peer_play(p, id);
	else
		p->surprises++;
	peer_play_free(p);
}

static inline void peer_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;
	char *nl;
	(void)what;
	ssize_t n = read((int)fd, buf_reserve(&p->in, 65536), 65536);
	if (n <= 0) {
		peer_close(p);
		return;
	}
	p->in.len += (size_t)n;
	while (p->fd >= 0 && p->in.len > 0 && (nl = memchr(p->in.data, '\n', p->in.len)) != NULL) {
		*nl = '\0';
		peer_line(p, p->in.data);
		buf_consume(&p->in, (size_t)(nl - p->in.data) + 1);
	}
}

/* Returns the client's end, non-blocking. */
static inline int peer_open(
    struct peer *p, struct loop *l, const struct peer_step *script, size_t n)
{
	int fd[2];
	memset(p, 0, sizeof(*p));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		abort();
	fd_set_nonblock(fd[0], true);
	p->fd = fd[1];
	p->script = script;
	p->n = n;
	p->readable = event_new(loop_base(l), fd[1], EV_READ | EV_PERSIST, peer_readable, p);
	event_add(p->readable, NULL);
	peer_play_free(p);
	return fd[0];
}

static inline void peer_fini(struct peer *p)
{
	peer_close(p);
	buf_fini(&p->in);
	buf_fini(&p->seen);
}

#endif
