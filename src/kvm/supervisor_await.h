/* supervisor_await: requests that come while QEMU's monitor is being connected, as right after a killed supervisor was replaced. They wait for
 * it, SUP_AWAIT_MS at most, and are then served in their order, by sup_control_ops as if they had just come. Plans wait in their own queue
 * (supervisor_plan.h). */
#ifndef KVM_SUPERVISOR_AWAIT_H
#define KVM_SUPERVISOR_AWAIT_H

#include "kvm/supervisor_impl.h"

/* With the time that an operation may take (supervisor_ops.c) no longer than front ends wait: RPC_TIMEOUT_MS. */
#define SUP_AWAIT_MS 1000

/* true: it waits, and r is taken. false: there is nothing to wait for; r is the caller's. */
bool sup_await_event(struct supervisor *s, enum machine_event ev, struct control_req *r);
/* The same of a QMP command; args and fd borrowed, NULL and -1 none. */
bool sup_await_qmp(struct supervisor *s, const char *command, struct json_object *args, int fd,
    struct control_req *r);
/* The monitor answers. */
void sup_await_up(struct supervisor *s);
void sup_await_free(struct supervisor *s); /* those that wait hear that the domain has ended */

#endif
