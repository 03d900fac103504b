/* plan_run: carries a plan out, step by step, and takes it back on failure; knows no sockets: it acts through plan_run_ops, so that it
 * is tested against a scripted peer. One plan at a time. Never blocks. Owner: the supervisor.
 *
 * On failure before the commit: the failed step's job or migration is cancelled, then the undo of that step and of all before it,
 * backwards; a failure of an undo is noted and the others are done all the same. PLAN_ALWAYS steps that were not reached are carried out at the end.
 * Cancel is a failure that an operator wished for (ERR_CANCELLED's words: "cancelled by …").
 *
 * An undo that is a device_del which the guest does not follow ends the way back: what the device stands on stays, and so do the
 * documents, which tell of it.
 *
 * After each change of where it stands, ops->note is called with the journal: the plan, `at` (the step that goes on), `phase`
 * ("doing", "undoing"). A new supervisor hands that to plan_run_resume: a job that QEMU still knows is waited for; a command
 * without a descriptor is sent again, and is done when QEMU has it already; other steps that were on their way are taken back
 * (they may have been carried out or not: an undo that finds nothing is fine). From the commit on: forward. */
#ifndef KVM_PLAN_RUN_H
#define KVM_PLAN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "kvm/plan.h"

struct plan_run;

struct plan_run_ops {
	/* A QMP command; args borrowed; fd -1 none. fn once, never from inside. */
	void (*qmp)(void *arg, const char *command, struct json_object *args, int fd,
	    unsigned timeout_ms,
	    void (*fn)(void *arg, struct json_object *result, const struct err *err), void *fn_arg);
	void (*agent)(void *arg, const char *command, struct json_object *args, unsigned timeout_ms,
	    void (*fn)(void *arg, struct json_object *result, const struct err *err), void *fn_arg);
	/* An operation on the host: fn when it is over; may be from inside only for those that are not slow. */
	void (*host)(void *arg, const char *op, struct json_object *args,
	    void (*fn)(void *arg, const struct err *err), void *fn_arg);
	int (*take_fd)(void *arg,
	    const char *name); /* the descriptor that "open" has kept; the caller's; -1 */
	void (*timer)(void *arg, unsigned ms); /* plan_run_timer after ms, once; 0 takes it back */
	/* For the page and whoever looks: where it stands. words: of the step; done and total of its job, 0 unknown. */
	void (*progress)(
	    void *arg, size_t step, size_t steps, const char *words, uint64_t done, uint64_t total);
	void (*note)(void *arg,
	    struct json_object *journal); /* borrowed; NULL: it is over, the journal goes */
	/* Once, at the end. err NULL: done. notes: what went wrong beside it, a sentence per line, NULL nothing. The run may be freed inside. */
	void (*over)(void *arg, const struct err *err, const char *notes);
	uint64_t (*now_ms)(void *arg); /* CLOCK_MONOTONIC */
};

/* Takes the plan's content. */
struct plan_run *plan_run_new(struct plan *p, const struct plan_run_ops *ops, void *arg);
void plan_run_free(struct plan_run *r); /* NULL is allowed; nothing is undone */
void plan_run_start(struct plan_run *r);
/* From a journal. ERR_INVALID: it makes no sense. plan_run_lost may be called before plan_run_continue: that QEMU is gone. */
struct plan_run *plan_run_resume(
    struct json_object *journal, const struct plan_run_ops *ops, void *arg, struct err *err);
void plan_run_continue(struct plan_run *r);
/* Nothing happens from the commit on, and while it is taken back. */
void plan_run_cancel(struct plan_run *r, const char *who);
bool plan_run_can_cancel(const struct plan_run *r);
void plan_run_event(struct plan_run *r, const char *event, struct json_object *data); /* QEMU's */
void plan_run_timer(struct plan_run *r);
/* QEMU is gone: what is on the host is taken back, QMP's steps are passed over. */
void plan_run_lost(struct plan_run *r, const char *why);
/* {"phase": "doing", "at": 2, "fates": "dd-"}: of each step d done, p perhaps, - not; the caller's. */
struct json_object *plan_run_state(const struct plan_run *r);
const struct plan *plan_run_plan(const struct plan_run *r);

#endif
