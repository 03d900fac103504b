/* loop: libevent's base, plus a dead list: work and frees put off until no callback is on the
 * stack. Owner: the process's main function. Rooms use event_new(loop_base(l), …) directly. One
 * thread. */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include <event2/event.h>

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l); /* runs what is still deferred */
struct event_base *loop_base(struct loop *l);
int loop_run(struct loop *l); /* until loop_stop */
void loop_stop(struct loop *l);
/* Runs fn(arg) at the end of the present turn, after the callbacks that are active now. */
void loop_defer(struct loop *l, void (*fn)(void *arg), void *arg);

/* CLOCK_MONOTONIC in milliseconds and nanoseconds. */
#include <stdint.h>
uint64_t loop_now_ms(void);
uint64_t loop_now_ns(void);

#endif
