#include "tui/offload.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"

#define STACK (512u * 1024) /* libxml2 and directory walks */

struct task {
	const struct offload_ops *ops;
	void *arg;
	struct offload *owner;
	struct task *next;
};

struct offload {
	pthread_mutex_t lock;
	/* Of both sides, under `lock`. */
	struct task *ended;
	unsigned running;
	bool left; /* the loop has gone: the last thread frees all of this */
	int wake;  /* eventfd */
	/* The loop's. */
	struct event *ev;
};

static void destroy(struct offload *o)
{
	close(o->wake);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

static void *thread_main(void *arg)
{
	struct task *t = arg;
	struct offload *o = t->owner;
	uint64_t one = 1;
	bool left, last;
	t->ops->work(t->arg);
	pthread_mutex_lock(&o->lock);
	o->running--;
	left = o->left;
	last = left && !o->running;
	if (!left) {
		t->next = o->ended;
		o->ended = t;
		if (write(o->wake, &one, sizeof(one)) < 0)
			abort(); /* an eventfd far from its limit takes a 1 */
	}
	pthread_mutex_unlock(&o->lock);
	if (left) {
		t->ops->drop(t->arg);
		free(t);
	}
	if (last)
		destroy(o);
	return NULL;
}

static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct offload *o = arg;
	struct task *t, *next;
	uint64_t n;
	(void)what;
	(void)!read(fd, &n, sizeof(n));
	pthread_mutex_lock(&o->lock);
	t = o->ended;
	o->ended = NULL;
	pthread_mutex_unlock(&o->lock);
	for (; t; t = next) {
		next = t->next;
		t->ops->done(t->arg);
		free(t);
	}
}

struct offload *offload_new(struct loop *l)
{
	struct offload *o = xcalloc(1, sizeof(*o));
	pthread_mutex_init(&o->lock, NULL);
	o->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (o->wake < 0)
		abort(); /* no descriptors left when the dashboard has just begun */
	o->ev = event_new(loop_base(l), o->wake, EV_READ | EV_PERSIST, on_ended, o);
	event_add(o->ev, NULL);
	return o;
}

void offload_free(struct offload *o)
{
	struct task *t;
	bool idle;
	if (!o)
		return;
	event_free(o->ev);
	pthread_mutex_lock(&o->lock);
	o->left = true;
	idle = !o->running;
	t = o->ended;
	o->ended = NULL;
	pthread_mutex_unlock(&o->lock);
	for (struct task *next; t; t = next) {
		next = t->next;
		t->ops->drop(t->arg);
		free(t);
	}
	if (idle)
		destroy(o);
}

static int spawn(struct task *t)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int e;
	/* A heap of each thread's own would cost more than it ever has on it. */
	mallopt(M_ARENA_MAX, 1);
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&thread, &attr, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return e;
}

bool offload_run(struct offload *o, const struct offload_ops *ops, void *arg)
{
	struct task *t;
	bool room;
	pthread_mutex_lock(&o->lock);
	room = o->running < OFFLOAD_MAX;
	o->running += room;
	pthread_mutex_unlock(&o->lock);
	if (!room)
		return false;
	t = xcalloc(1, sizeof(*t));
	*t = (struct task){.ops = ops, .arg = arg, .owner = o};
	if (spawn(t) == 0)
		return true;
	pthread_mutex_lock(&o->lock);
	o->running--;
	pthread_mutex_unlock(&o->lock);
	free(t);
	return false;
}
