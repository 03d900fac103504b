/* supervisor_plan_impl: what supervisor_plan.c (requests: who comes when, what a plan is built from) and supervisor_plan_run.c (what the executor acts through)
 * share. */
#ifndef KVM_SUPERVISOR_PLAN_IMPL_H
#define KVM_SUPERVISOR_PLAN_IMPL_H

#include <sys/queue.h>

#include "kvm/caps.h"
#include "kvm/plan_host.h"
#include "kvm/plan_journal.h"
#include "kvm/plan_run.h"
#include "kvm/plan_thread.h"
#include "kvm/plan_verbs.h"
#include "kvm/supervisor_plan.h"

/* One request of an operator's. */
struct sup_request {
	TAILQ_ENTRY(sup_request) entry;
	struct sup_plans *plans;
	struct control_req *req; /* NULL: taken up from a journal, or answered */
	char *who;
	const struct plan_verb *verb;
	struct json_object *params;
	uint64_t until_ms;        /* CLOCK_MONOTONIC: it waits no longer */
	bool dry_run, background; /* background: answered when a job of it has begun */
	bool silent;              /* nobody looks on: it hears the end alone */

	/* what its plan is built from */
	struct domain live, config;
	bool has_config, has_caps, other_user;
	struct caps caps;
	struct json_object *facts;
	unsigned asked; /* questions that are not answered yet */
	struct err err; /* of a question */
};

/* A command that waits for the monitor, or for the agent. */
struct sup_held {
	TAILQ_ENTRY(sup_held) entry;
	struct sup_plans *plans;
	bool agent;
	char *command;
	struct json_object *args;
	int fd;
	unsigned timeout_ms;
	uint64_t until_ms;
	void (*fn)(void *arg, struct json_object *result, const struct err *err);
	void *arg;
};

struct sup_kept_fd {
	char *name;
	int fd;
};

struct sup_plans {
	struct supervisor *s;
	TAILQ_HEAD(, sup_request) queue;
	unsigned n_queue;
	struct event *queue_timer;
	struct sup_request *now; /* that is served; NULL none */

	/* supervisor_plan_run.c */
	struct plan_run *run; /* NULL: none goes on */
	struct plan_journal journal;
	struct event *run_timer;
	uint64_t began_ns;         /* CLOCK_REALTIME, of the plan */
	bool holds_guest;          /* the plan stops the guest and lets it go on */
	bool monitor_down, looked; /* looked: for a journal */
	bool at_once;              /* slow operations, too, are waited for: nothing runs yet */
	TAILQ_HEAD(, sup_held) held;
	struct event *held_timer;
	struct sup_kept_fd *fds;
	size_t n_fds;
	struct plan_thread *thread;
	void (*host_fn)(void *arg, const struct err *err);
	void *host_arg;
};

/* --- supervisor_plan_run.c --- */
void sup_run_init(struct sup_plans *p);
void sup_run_fini(struct sup_plans *p);
/* Takes the plan's content. sup_request_over when it has ended. */
void sup_run_begin(struct sup_plans *p, struct plan *plan);
/* Looks for a journal; true: there is one, and it is carried on. lost: QEMU is gone. */
bool sup_run_resume(struct sup_plans *p, bool lost);

/* --- supervisor_plan_wire.c: plan_run_ops' qmp and agent --- */
void sup_wire_init(struct sup_plans *p);
void sup_wire_fini(struct sup_plans *p); /* what waits is called back */
void sup_wire_qmp(void *arg, const char *command, struct json_object *args, int fd,
    unsigned timeout_ms, void (*fn)(void *arg, struct json_object *result, const struct err *err),
    void *fn_arg);
void sup_wire_agent(void *arg, const char *command, struct json_object *args, unsigned timeout_ms,
    void (*fn)(void *arg, struct json_object *result, const struct err *err), void *fn_arg);
void sup_run_monitor_up(struct sup_plans *p);

/* --- supervisor_plan_build.c --- */
/* The documents and what QEMU can do, into q; q->facts is empty then. sup_plan_drop_sources in every case. */
int sup_plan_read_sources(struct supervisor *s, struct sup_request *q, struct err *err);
void sup_plan_drop_sources(struct sup_request *q);
/* Of the sources and the facts; *plan is the caller's on success. */
int sup_plan_build(struct supervisor *s, struct sup_request *q, struct plan *plan, struct err *err);

/* --- supervisor_plan.c --- */
/* The plan of p->now is over; notes may be NULL. */
void sup_request_over(
    struct sup_plans *p, const struct plan *plan, const struct err *err, const char *notes);
/* QEMU works on a job of it: who does not want to wait hears so. */
void sup_request_began(struct sup_plans *p);
/* Those that wait hear where the present one stands. */
void sup_plan_show(struct sup_plans *p, const char *words, uint64_t done, uint64_t total);

#endif
