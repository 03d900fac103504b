#include "disk/workers.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/mem.h"

#define STACK_BYTES (512u << 10)

enum state { FREE, GIVEN, BUSY, WORKED, PLACED };

/* Item number k, counted from the first that was given, lies in slot k % n. */
struct workers {
	struct workers_steps steps;
	unsigned threads, started; /* started: without the caller's */
	pthread_t ids[WORKERS_MAX];
	size_t n;
	void **items;
	enum state *states;
	uint64_t given, begun, placed; /* how many; given >= begun >= placed */
	size_t open;                   /* given and not yet free */
	bool placing;                  /* a thread is in `place` */
	bool stop, failed;
	struct err why;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

struct helper {
	struct workers *w;
	unsigned thread;
};

unsigned workers_processors(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return n < 1 ? 1 : n > (int)WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

struct workers *workers_new(
    const struct workers_steps *steps, unsigned threads, void **items, size_t n)
{
	struct workers *w = xcalloc(1, sizeof(*w));
	w->steps = *steps;
	w->threads = threads < 1 ? 1 : threads > WORKERS_MAX ? WORKERS_MAX : threads;
	w->n = n;
	w->items = xcalloc(n, sizeof(*w->items));
	for (size_t i = 0; i < n; i++)
		w->items[i] = items[i];
	w->states = xcalloc(n, sizeof(*w->states));
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	return w;
}

/* --- one step of one item; called with the lock held, which is let go during the step --------------- */

static void end_step(struct workers *w, size_t slot, int r, enum state next, const struct err *err)
{
	if (r < 0 && !w->failed) {
		w->failed = true;
		w->why = *err;
	}
	w->states[slot] = next;
	if (next == FREE)
		w->open--;
	pthread_cond_broadcast(&w->changed);
}

static void do_finish(struct workers *w, size_t slot)
{
	struct err err = {0};
	w->states[slot] = BUSY;
	pthread_mutex_unlock(&w->lock);
	int r = w->steps.finish ? w->steps.finish(w->items[slot], &err) : 0;
	pthread_mutex_lock(&w->lock);
	end_step(w, slot, r, FREE, &err);
}

static void do_place(struct workers *w)
{
	struct err err = {0};
	size_t slot = w->placed % w->n;
	w->placing = true;
	w->states[slot] = BUSY;
	pthread_mutex_unlock(&w->lock);
	int r = w->steps.place ? w->steps.place(w->items[slot], &err) : 0;
	pthread_mutex_lock(&w->lock);
	w->placing = false;
	w->placed++;
	end_step(w, slot, r, PLACED, &err);
}

static void do_work(struct workers *w, unsigned thread)
{
	struct err err = {0};
	size_t slot = w->begun++ % w->n;
	w->states[slot] = BUSY;
	pthread_mutex_unlock(&w->lock);
	int r = w->steps.work(w->items[slot], thread, &err);
	pthread_mutex_lock(&w->lock);
	end_step(w, slot, r, WORKED, &err);
}

/* What is nearest to its end comes first. Nothing any more once something failed. */
static bool do_something(struct workers *w, unsigned thread)
{
	if (w->failed)
		return false;
	for (size_t i = 0; i < w->n; i++)
		if (w->states[i] == PLACED) {
			do_finish(w, i);
			return true;
		}
	if (!w->placing && w->placed < w->begun && w->states[w->placed % w->n] == WORKED) {
		do_place(w);
		return true;
	}
	if (w->begun == w->given)
		return false;
	do_work(w, thread);
	return true;
}

/* --- threads ----------------------------------------------------------------------------------------- */

static void *run(void *arg)
{
	struct helper *h = arg;
	struct workers *w = h->w;
	unsigned thread = h->thread;
	free(h);
	pthread_mutex_lock(&w->lock);
	while (!w->stop)
		if (!do_something(w, thread))
			pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Signals are the caller's. Without another thread the work is done all the same. */
static void start_one(struct workers *w)
{
	struct helper *h = xcalloc(1, sizeof(*h));
	pthread_attr_t attr;
	sigset_t all, old;
	*h = (struct helper){w, w->started + 1};
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&w->ids[w->started], &attr, run, h) == 0)
		w->started++;
	else
		free(h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

void *workers_take(struct workers *w)
{
	void *item = NULL;
	pthread_mutex_lock(&w->lock);
	size_t slot = w->given % w->n;
	while (!w->failed && w->states[slot] != FREE)
		if (!do_something(w, 0))
			pthread_cond_wait(&w->changed, &w->lock);
	if (!w->failed)
		item = w->items[slot];
	pthread_mutex_unlock(&w->lock);
	return item;
}

void workers_give(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->states[w->given++ % w->n] = GIVEN;
	w->open++;
	/* One item is for the thread that waits for it at the end. */
	bool more = w->open > 1 && w->started + 1 < w->threads;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	if (more)
		start_one(w);
}

int workers_end(struct workers *w, struct err *err)
{
	pthread_mutex_lock(&w->lock);
	while (!w->failed && w->open > 0)
		if (!do_something(w, 0) && w->open > 0 && !w->failed)
			pthread_cond_wait(&w->changed, &w->lock);
	bool failed = w->failed;
	if (failed && err)
		*err = w->why;
	pthread_mutex_unlock(&w->lock);
	return failed ? -1 : 0;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->started; i++)
		pthread_join(w->ids[i], NULL);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w->items);
	free(w->states);
	free(w);
}
