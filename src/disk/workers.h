/* workers: a bounded number of items worked on by all processors, with one step in between that keeps their order.
 * Each item goes through three steps: `work` on any thread at any time, `place` one item after the other in the order in which
 * they were given, `finish` on any thread again. The thread that gives them works, too, while it waits: with one processor
 * there is no other. Owner: whoever made it, on the heap; the items stay the caller's. */
#ifndef DISK_WORKERS_H
#define DISK_WORKERS_H

#include <stddef.h>

#include "core/err.h"

#define WORKERS_MAX 16u

/* 0 or -1; the first error of any ends all that is still to be done. place and finish may be NULL. */
struct workers_steps {
	int (*work)(void *item, unsigned thread,
	    struct err *err); /* thread: 0 … threads - 1, for its own memory */
	int (*place)(void *item, struct err *err);
	int (*finish)(void *item, struct err *err);
};
struct workers;

/* As many as this process may use at once, at most WORKERS_MAX. */
unsigned workers_processors(void);
/* threads: of all, the caller's counted; they start when there is something for them to do. items: n of them, n >= threads. */
struct workers *workers_new(
    const struct workers_steps *steps, unsigned threads, void **items, size_t n);
/* An item that is free, to be filled and given; waits. NULL: something failed, go to workers_end. */
void *workers_take(struct workers *w);
/* What workers_take returned last. */
void workers_give(struct workers *w);
/* Waits for all that was given; -1 with the first error. */
int workers_end(struct workers *w, struct err *err);
/* After workers_end, or instead of it: what was not begun is not done. Passes NULL through. */
void workers_free(struct workers *w);

#endif
