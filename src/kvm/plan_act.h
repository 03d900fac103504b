/* plan_act: one action of a plan on its way: sent, waited for, cancelled. A part of plan_run (kvm/plan_run.h), which decides what comes
 * next. `over` is called once per plan_act_begin or plan_act_resume, perhaps from inside of it; the action may be begun anew, or freed,
 * in there. Owner: the run, embedded. */
#ifndef KVM_PLAN_ACT_H
#define KVM_PLAN_ACT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "kvm/plan_run.h"

enum plan_act_end {
	PLAN_ACT_DONE,
	PLAN_ACT_REFUSED, /* nothing of it happened: there is nothing to take back */
	PLAN_ACT_FAILED   /* some of it may have happened */
};

enum plan_act_state {
	PLAN_ACT_IDLE = 0,
	PLAN_ACT_SENT,    /* the command is on its way */
	PLAN_ACT_EVENT,   /* it was taken; its event is waited for */
	PLAN_ACT_JOB,     /* a job goes on in QEMU */
	PLAN_ACT_DISMISS, /* it has ended and is being forgotten */
	PLAN_ACT_MIGRATE
};

struct plan_call;

struct plan_act {
	const struct plan_run_ops *ops;
	void *ops_arg;
	void (*over)(void *arg, enum plan_act_end end, const struct err *err);
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;

	const struct plan_action *a;
	enum plan_act_state state;
	struct plan_call *call; /* whose answer is awaited; NULL none */
	bool happened, refused; /* the event came, or the one that says no */
	bool
	    again; /* a job that QEMU does not know any more is begun anew: it does no harm twice; set before it is resumed */
	bool cancelling, asked_to_stop, resumed, ask_again;
	bool untold;    /* resumed: perhaps QEMU was not told to end the job */
	struct err why; /* of the cancelling; of a job's end */
	bool job_failed;
	uint64_t deadline_ms;    /* 0 none */
	unsigned poll_ms, tries; /* questions in a row that had no answer */
};

void plan_act_begin(struct plan_act *t, const struct plan_action *a);
/* One that a killed supervisor had begun: a job, or a migration, that QEMU may still know. */
void plan_act_resume(struct plan_act *t, const struct plan_action *a);
/* why: borrowed. What is short is let end; it is then over as it ended. */
void plan_act_cancel(struct plan_act *t, const struct err *why);
void plan_act_event(struct plan_act *t, const char *event, struct json_object *data);
void plan_act_timer(struct plan_act *t);
/* No answer is heard any more, over is not called. */
void plan_act_drop(struct plan_act *t);
/* Does the event say what the action waits for? */
bool plan_act_matches(const struct plan_action *a, const char *event, struct json_object *data);

#endif
