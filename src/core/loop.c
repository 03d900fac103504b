#include "core/loop.h"

#include <stdlib.h>
#include <time.h>

#include "core/mem.h"

struct deferred {
	void (*fn)(void *arg);
	void *arg;
};

struct loop {
	struct event_base *base;
	struct event *reaper; /* activated last, so it runs last of those active now */
	struct deferred *dead;
	size_t n, cap;
};

static void reap(struct loop *l)
{
	/* A deferred function may defer more. */
	for (size_t i = 0; i < l->n; i++) {
		struct deferred d = l->dead[i];
		d.fn(d.arg);
	}
	l->n = 0;
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reap(arg);
}

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	struct event_config *cfg = event_config_new();
	if (cfg)
		event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	l->base = cfg ? event_base_new_with_config(cfg) : NULL;
	if (cfg)
		event_config_free(cfg);
	if (!l->base)
		abort(); /* no epoll and no poll: nothing can run */
	l->reaper = event_new(l->base, -1, 0, on_reap, l);
	if (!l->reaper)
		abort();
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	reap(l);
	event_free(l->reaper);
	event_base_free(l->base);
	free(l->dead);
	free(l);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

int loop_run(struct loop *l)
{
	int rc = event_base_dispatch(l->base);
	reap(l);
	return rc < 0 ? -1 : 0;
}

void loop_stop(struct loop *l)
{
	event_base_loopbreak(l->base);
}

void loop_defer(struct loop *l, void (*fn)(void *arg), void *arg)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->dead = xreallocarray(l->dead, l->cap, sizeof(*l->dead));
	}
	l->dead[l->n++] = (struct deferred){fn, arg};
	event_active(l->reaper, EV_TIMEOUT, 0);
}

uint64_t loop_now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t loop_now_ms(void)
{
	return loop_now_ns() / 1000000u;
}
