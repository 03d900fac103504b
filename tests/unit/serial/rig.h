/* rig: a hub with a guest at the other end of a socket pair, all in one process and one loop. */
#ifndef TESTS_SERIAL_RIG_H
#define TESTS_SERIAL_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/home.h"
#include "core/mem.h"
#include "core/sock.h"
#include "serial/console_client.h"
#include "serial/frame.h"
#include "serial/hub.h"

#define DEADLINE_MS 20000

struct rig {
	char dir[64];
	struct home home;
	struct loop *loop;
	struct hub *hub;
	int guest; /* the guest's end */
	struct buf audit;
	unsigned changes;
	unsigned troubles, mended; /* of the log */
	uint64_t missing;          /* at the last of them */
	char trouble[64];
	bool free_in_audit, free_in_changed;
};

static inline void rig_changed(void *arg)
{
	struct rig *r = arg;

	r->changes++;
	if (r->free_in_changed) {
		hub_free(r->hub);
		r->hub = NULL;
	}
}

static inline void rig_audit(void *arg, const char *what)
{
	struct rig *r = arg;

	buf_addf(&r->audit, "%s\n", what);
	if (r->free_in_audit) {
		r->free_in_audit = false;
		hub_free(r->hub);
		r->hub = NULL;
	}
}

static inline void rig_log_trouble(void *arg, const struct hub_log_trouble *t)
{
	struct rig *r = arg;

	assert_int_equal(t->index, 0);
	r->troubles += !t->over;
	r->mended += t->over;
	r->missing = t->missing;
	snprintf(r->trouble, sizeof(r->trouble), "%s", t->why);
}

static inline void rig_guest(struct rig *r)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv), 0);
	r->guest = sv[0];
	hub_attach_guest(r->hub, sv[1]);
}

static inline void rig_hub(struct rig *r, bool keep)
{
	static const struct hub_ops ops = {
	    .changed = rig_changed, .audit = rig_audit, .log_trouble = rig_log_trouble};
	struct err err = {0};

	r->hub = hub_new(r->loop, &r->home, "web1", 0, keep, &ops, r, &err);
	if (!r->hub)
		fail_msg("%s", err.msg);
	rig_guest(r);
}

static inline int rig_setup(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	struct err err = {0};

	snprintf(r->dir, sizeof(r->dir), "/tmp/hvmux-hub.XXXXXX");
	if (!mkdtemp(r->dir))
		return -1;
	setenv("HVMUX_HOME", r->dir, 1);
	if (home_init(&r->home, NULL, &err) < 0)
		return -1;
	r->loop = loop_new();
	rig_hub(r, false);
	*state = r;
	return 0;
}

static inline int rig_teardown(void **state)
{
	struct rig *r = *state;

	hub_free(r->hub);
	if (r->guest >= 0)
		close(r->guest);
	loop_free(r->loop);
	buf_fini(&r->audit);
	home_fini(&r->home);
	file_remove_tree(r->dir, NULL);
	free(r);
	return 0;
}

static inline void rig_turn(struct rig *r)
{
	struct timeval tv = {.tv_usec = 5000};

	event_base_loopexit(loop_base(r->loop), &tv);
	event_base_loop(loop_base(r->loop), EVLOOP_ONCE);
}

/* Turns of the loop until cond holds; the test fails at the deadline. */
#define RIG_UNTIL(r, cond)                                                                \
	do {                                                                              \
		uint64_t until_ = loop_now_ms() + DEADLINE_MS;                            \
		bool held_;                                                               \
		while (!(held_ = (cond)) && loop_now_ms() < until_)                       \
			rig_turn(r);                                                      \
		if (!held_)                                                               \
			fail_msg("%s:%d: did not happen: %s", __FILE__, __LINE__, #cond); \
	} while (0)

/* The guest says something: all of it, however often the hub must read. */
static inline void rig_say_n(struct rig *r, const void *p, size_t n)
{
	const char *from = p;
	uint64_t until = loop_now_ms() + DEADLINE_MS;

	while (n > 0 && loop_now_ms() < until) {
		ssize_t k = send(r->guest, from, n, MSG_NOSIGNAL);

		if (k > 0) {
			from += k;
			n -= (size_t)k;
		} else {
			assert_int_equal(errno, EAGAIN);
			rig_turn(r);
		}
	}
	assert_int_equal(n, 0);
}

static inline void rig_say(struct rig *r, const char *s)
{
	rig_say_n(r, s, strlen(s));
}

/* What the guest's end has received by now. */
static inline void rig_hear(struct rig *r, struct buf *b)
{
	ssize_t n;

	while ((n = recv(r->guest, buf_reserve(b, 65536), 65536, MSG_DONTWAIT)) > 0)
		b->len += (size_t)n;
	if (b->data)
		b->data[b->len] = '\0';
}

static inline int rig_connect(struct rig *r, const char *file)
{
	CLEANUP_FREE char *path = home_run_file(&r->home, "web1", file);
	struct err err = {0};
	int fd = sock_connect(path, &err);

	if (fd < 0)
		fail_msg("%s", err.msg);
	return fd;
}

/* A client by console_client, and what it was told. */
struct watcher {
	struct console_client *c;
	struct buf data;
	uint64_t first, replayed, gap;
	unsigned gaps, whos;
	struct console_who who;
	struct console_watcher watchers[CONSOLE_WATCHERS_MAX];
	struct ring_note marks[16]; /* notes but TIME */
	unsigned n_marks, times;
	unsigned asks;
	char asker[96];
	bool welcomed, resumed;
	bool closed, free_in_data;
	char why[256];
};

static inline void watcher_data(void *arg, uint64_t offset, const uint8_t *p, size_t n, bool live)
{
	struct watcher *w = arg;

	if (w->data.len == 0)
		w->first = offset;
	buf_add(&w->data, p, n);
	if (!live)
		w->replayed += n;
	if (w->free_in_data) {
		console_client_free(w->c);
		w->c = NULL;
	}
}

static inline void watcher_gap(void *arg, uint64_t from, uint64_t to)
{
	struct watcher *w = arg;

	w->gaps++;
	w->gap += to - from;
}

static inline void watcher_who(void *arg, const struct console_who *who)
{
	struct watcher *w = arg;

	w->whos++;
	w->who = *who;
	memcpy(w->watchers, who->watchers, who->n_watchers * sizeof(w->watchers[0]));
	w->who.watchers = w->watchers;
}

static inline void watcher_note(void *arg, const struct ring_note *n)
{
	struct watcher *w = arg;

	if (n->kind == RING_NOTE_TIME)
		w->times++;
	else if (w->n_marks < ARRAY_LEN(w->marks))
		w->marks[w->n_marks++] = *n;
}

static inline void watcher_asked(void *arg, const char *name)
{
	struct watcher *w = arg;

	w->asks++;
	snprintf(w->asker, sizeof(w->asker), "%s", name);
}

static inline void watcher_welcome(void *arg, bool resumed)
{
	struct watcher *w = arg;

	assert_false(w->welcomed);
	w->welcomed = true;
	w->resumed = resumed;
}

static inline void watcher_closed(void *arg, const char *why)
{
	struct watcher *w = arg;

	assert_false(w->closed);
	w->closed = true;
	snprintf(w->why, sizeof(w->why), "%s", why);
}

static inline void watcher_open_from(
    struct rig *r, struct watcher *w, unsigned flags, const struct console_place *from)
{
	static const struct console_client_ops ops = {
	    .data = watcher_data,
	    .gap = watcher_gap,
	    .note = watcher_note,
	    .who = watcher_who,
	    .asked = watcher_asked,
	    .welcome = watcher_welcome,
	    .closed = watcher_closed,
	};
	struct err err = {0};

	memset(w, 0, sizeof(*w));
	w->c = console_client_open(r->loop, &r->home, "web1", 0, flags, from, &ops, w, &err);
	if (!w->c)
		fail_msg("%s", err.msg);
	RIG_UNTIL(r, w->whos > 0 || w->closed);
}

static inline void watcher_open(struct rig *r, struct watcher *w, unsigned flags)
{
	watcher_open_from(r, w, flags, NULL);
}

static inline void watcher_close(struct watcher *w)
{
	console_client_free(w->c);
	w->c = NULL;
	buf_fini(&w->data);
}

#define WATCHER_HAS(w, s) ((w)->data.data && strstr((w)->data.data, (s)))

#endif
