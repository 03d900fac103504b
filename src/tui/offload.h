/* offload: looks that a disk or a file server may hold up, on threads, so that no key waits for them. A look that never
 * comes back costs its thread, until OFFLOAD_MAX are stuck: then others are refused, and the screen goes on without them.
 * Owner: the dashboard. offload_free waits for nobody: what still runs is dropped when it ends. */
#ifndef TUI_OFFLOAD_H
#define TUI_OFFLOAD_H

#include <stdbool.h>

#include "core/loop.h"

#define OFFLOAD_MAX 8 /* at once */

struct offload_ops {
	void (*work)(void *arg); /* on a thread: it may use nothing but what arg owns */
	void (*done)(void *arg); /* on the loop: arg is the caller's again */
	void (*drop)(
	    void *arg); /* in place of done, when the dashboard has gone: frees it, on the thread */
};

struct offload;
struct offload *offload_new(struct loop *l);
void offload_free(struct offload *o); /* passes NULL through */
/* False: too many are stuck, or no thread can be had; arg is still the caller's. */
bool offload_run(struct offload *o, const struct offload_ops *ops, void *arg);

#endif
