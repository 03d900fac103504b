#include "kvm/plan_thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <libxml/parser.h>

#include "core/access.h"
#include "core/mem.h"

#define STACK (1024u * 1024)

struct plan_thread {
	const struct plan_host_op *op;
	struct plan_host_ctx c;
	char *name;
	struct json_object *args;
	pthread_t thread;
	int wake; /* eventfd, written when the thread is through */
	struct event *ev;
	struct err err; /* the thread's until wake */
	int rc;
	bool over;
	void (*done)(void *arg, const struct err *err);
	void *arg;
};

static void *thread_main(void *arg)
{
	struct plan_thread *t = arg;
	uint64_t one = 1;
	t->rc = t->op->run(&t->c, t->args, &t->err);
	if (write(t->wake, &one, sizeof(one)) < 0)
		abort(); /* an eventfd at 0 takes a 1 */
	return NULL;
}

/* It touches nothing of t any more, and its end is not waited for. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct plan_thread *t = arg;
	(void)fd, (void)what;
	t->over = true;
	pthread_detach(t->thread);
	t->done(t->arg, t->rc < 0 ? &t->err : NULL);
}

/* Signals are the loop's: the thread takes none. */
static int start(struct plan_thread *t)
{
	pthread_attr_t attr;
	sigset_t all, old;
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int e = pthread_create(&t->thread, &attr, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return e == 0 ? 0 : -1;
}

static void release(struct plan_thread *t)
{
	if (t->ev != NULL)
		event_free(t->ev);
	cleanup_close(&t->wake);
	json_object_put(t->args);
	free(t->name);
	free(t);
}

struct plan_thread *plan_thread_new(struct loop *l, const struct plan_host_op *op,
    const struct plan_host_ctx *c, struct json_object *args,
    void (*done)(void *arg, const struct err *err), void *arg)
{
	struct plan_thread *t = xcalloc(1, sizeof(*t));
	access_get(c->home); /* read once, here: two threads would read it twice */
	xmlInitParser();
	t->op = op;
	t->name = xstrdup(c->name);
	t->c = (struct plan_host_ctx){.home = c->home, .name = t->name, .began_ns = c->began_ns};
	/* A copy: reference counts are not for two threads. */
	if (args != NULL && json_object_deep_copy(args, &t->args, NULL) < 0)
		t->args = NULL;
	t->done = done;
	t->arg = arg;
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake >= 0)
		t->ev = event_new(loop_base(l), t->wake, EV_READ, on_wake, t);
	if (t->ev != NULL && event_add(t->ev, NULL) == 0 && start(t) == 0)
		return t;
	release(t);
	return NULL;
}

void plan_thread_free(struct plan_thread *t)
{
	if (t == NULL)
		return;
	if (!t->over)
		pthread_join(t->thread, NULL);
	release(t);
}
