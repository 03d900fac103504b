/* plan_thread: an operation on the host (kvm/plan_host.h) in a thread of its own, so that a loop goes on meanwhile. Owner: whoever
 * called plan_thread_new. */
#ifndef KVM_PLAN_THREAD_H
#define KVM_PLAN_THREAD_H

#include <json-c/json.h>

#include "core/loop.h"
#include "kvm/plan_host.h"

struct plan_thread;

/* c and args are copied; c's callbacks are not called by slow operations. done is called from the loop, once; the thread is
 * freed in there, or after. NULL: there is no thread to be had. */
struct plan_thread *plan_thread_new(struct loop *l, const struct plan_host_op *op,
    const struct plan_host_ctx *c, struct json_object *args,
    void (*done)(void *arg, const struct err *err), void *arg);
/* Waits for its end. NULL is allowed. */
void plan_thread_free(struct plan_thread *t);

#endif
