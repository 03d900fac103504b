/* supervisor_plan: the plans of a running machine: requests from control.sock, one at a time, the others in the order in which they came; what a killed
 * supervisor had begun. Owner: the supervisor (struct supervisor's plans), made at the first request. */
#ifndef KVM_SUPERVISOR_PLAN_H
#define KVM_SUPERVISOR_PLAN_H

#include "kvm/supervisor_impl.h"

#define SUP_PLAN_WAIT_MS \
	30000 /* that a request waits for the one before it, when it does not say how long */
#define SUP_PLAN_WAIT_MAX_MS 86400000
#define SUP_PLAN_QUEUE_MAX 16

/* Methods of control.sock. */
void sup_ctl_plan(void *arg, struct json_object *params, struct control_req *r);
void sup_ctl_plan_cancel(void *arg, struct json_object *params, struct control_req *r);
void sup_ctl_plan_status(void *arg, struct json_object *params, struct control_req *r);

/* May an operator's request be served while the plan goes on? ERR_BUSY: it would let a guest run, or stop it, under the plan's hands. */
int sup_plan_allows(const struct supervisor *s, enum machine_event ev, struct err *err);
/* The monitor answers (again): a journal that was left is taken up; what waited for it goes out. */
void sup_plan_up(struct supervisor *s);
/* A plan that nobody asked for but the supervisor; args taken. It waits for those before it. */
void sup_plan_own(struct supervisor *s, const char *verb, struct json_object *args);
bool sup_plan_busy(const struct supervisor *s);
void sup_plan_event(struct supervisor *s, const char *event, struct json_object *data);
/* QEMU is gone; its monitor's unanswered commands have not been called back yet. */
void sup_plan_lost(struct supervisor *s);
/* What a plan of an earlier run, or of a command that was killed, has left on the host is taken back, or finished; at once. */
void sup_plan_settle(struct supervisor *s);
/* Does a step go on in a thread of its own? */
bool sup_plan_in_thread(const struct supervisor *s);
/* What requests have waited for, other than a plan, may be over: a start, a dump. */
void sup_plan_next(struct supervisor *s);
void sup_plan_free(struct supervisor *s);

#endif
