/* plan: a change of a machine as data: steps, each with what undoes it. A plan is a pure function of the domain's documents,
 * QEMU's capabilities, the facts that its verb asks for, and the request (kvm/plan_verbs.h); kvm/plan_run.h carries it out. It is
 * written as JSON: for --dry-run, and in run/NAME/plan.json, where the next supervisor finds what a killed one was about.
 * Owner: whoever called plan_init. Strings are on the heap, JSON is counted.
 *
 *	{"version": 1, "verb": "attach-disk", "words": "plug disk vdb into web1", "id": 7, "commit": 5,
 *	 "steps": [{"words": "…", "kind": "qmp", "name": "blockdev-add", "args": {…}, "undo": {"kind": "qmp", …}}, …]} */
#ifndef KVM_PLAN_H
#define KVM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <json-c/json.h>

#include "core/err.h"

#define PLAN_STEPS_MAX 1024
#define PLAN_QMP_MS 30000   /* for QEMU to answer a command, when the step says nothing else */
#define PLAN_AGENT_MS 10000 /* … the guest's agent */
#define PLAN_EVENT_MS 20000 /* … for an event that the guest has to bring about */

enum plan_kind {
	PLAN_NONE = 0, /* of an undo: there is nothing to take back */
	PLAN_QMP,      /* a QMP command; with `until` the event that it is to bring about, too */
	PLAN_JOB, /* a QMP command with a "job-id" in its args; lasts until that job has concluded (or is ready: to_ready), and
	                * dismisses it. A job that the command makes must not dismiss itself: auto-dismiss false where there is a choice. */
	PLAN_MIGRATE, /* a QMP command that begins a migration; lasts until query-migrate says how it ended */
	PLAN_AGENT, /* a command of the guest's agent */
	PLAN_HOST,  /* something on the host, by name: kvm/plan_host.h */
	PLAN_WAIT,  /* nothing is sent: `until` is waited for */
	PLAN_KINDS
};
const char *plan_kind_name(enum plan_kind k); /* "qmp", "job" … */

struct plan_action {
	enum plan_kind kind;
	char *name; /* command, or operation on the host; NULL for PLAN_WAIT, PLAN_NONE */
	struct json_object *args; /* an object, NULL none */
	char *
	    fd; /* PLAN_QMP: the descriptor that goes along, as a PLAN_HOST "open" has called it; NULL none */
	char *
	    until; /* QMP event after which it is done: "DEVICE_DELETED"; it may come before the command's return. NULL none */
	char
	    *fails; /* QMP event that says that it failed: "DEVICE_UNPLUG_GUEST_ERROR"; NULL none */
	struct json_object *
	    match; /* members that the data of either event must have, {"device": "net1"}; NULL: any */
	unsigned timeout_ms; /* 0: by kind; a job and a migration take as long as they take */
	bool to_ready;       /* PLAN_JOB: done when ready, or pending; the job goes on */
	bool
	    keep; /* PLAN_JOB: QEMU keeps the job that has done its work, for a later step's job-dismiss; so the next supervisor sees that it has */
};

enum {
	PLAN_MAY_FAIL = 1, /* a failure is told as a note, and the plan goes on */
	PLAN_TURN =
	    4, /* right behind the commit: a failure is taken back all the same; found on its way by the next supervisor it is carried
	                * out (again), and a refusal then means that it was carried out before */
	PLAN_FIRM =
	    8, /* belongs to the step before it: when that is done this one is carried out in any case, as if behind a commit, and what was done up to here
	                * is not taken back any more when a later step fails. Several in a row; a plan may have several such rows. */
	PLAN_ALWAYS =
	    2, /* carried out on failure, too, where it was not reached (thaw, cont): as an undo of its own */
};

struct plan_step {
	char *words;  /* what it does, for people: "the guest lets go of vdb" */
	char *advice; /* what to do when it fails or takes too long; NULL nothing to say */
	struct plan_action does, undo;
	unsigned flags;
};

struct plan {
	char *verb;   /* "attach-disk" */
	char *words;  /* "attach disk vdb to web1" */
	char *result; /* said when it is done; NULL: the verb's own words */
	char *
	    notes; /* a sentence per line, said before it runs: what the operator should know; NULL none */
	uint64_t id; /* unique in the run of a QEMU: for names of nodes, jobs, descriptors */
	struct plan_step *step;
	size_t n;
	size_t
	    commit; /* from this step on there is no way back: failures are told, the others are carried out all the same.
	                * n (as plan_init leaves it, SIZE_MAX until the end): all is undone. */
};

void plan_init(struct plan *p, const char *verb, uint64_t id);
void plan_fini(struct plan *p);
/* An empty step at the end, with its words. The pointer holds until the next one is added. */
struct plan_step *plan_add(struct plan *p, const char *words_fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Fills an action. name is copied, args are taken (NULL none). */
void plan_action_set(
    struct plan_action *a, enum plan_kind kind, const char *name, struct json_object *args);
/* The three most usual steps; args taken; returns the step for what is to be added to it. */
struct plan_step *plan_qmp(
    struct plan *p, const char *words, const char *command, struct json_object *args);
struct plan_step *plan_host(
    struct plan *p, const char *words, const char *op, struct json_object *args);
struct plan_step *plan_job(
    struct plan *p, const char *words, const char *command, struct json_object *args);
void plan_undo_qmp(struct plan_step *s, const char *command, struct json_object *args);
void plan_undo_host(struct plan_step *s, const char *op, struct json_object *args);
/* Adds a sentence to p->notes. */
void plan_note(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* From here on there is no way back. */
void plan_commit(struct plan *p);

/* {"driver": "qcow2", "read-only": false}: pairs of a key with its printf-less value; for builders. */
struct json_object *plan_args(const char *key, const char *value, ...)
    __attribute__((sentinel)); /* strings, ends with NULL */

/* The whole as JSON, and back; the reader checks everything (a file that somebody may have cut): ERR_INVALID. */
struct json_object *plan_to_json(const struct plan *p);
int plan_from_json(struct json_object *o, struct plan *p, struct err *err);
/* As lines for people: "1. open /images/a.qcow2 for QEMU", indented "   undo: …"; secrets in args are never printed. On the heap. */
char *plan_to_words(const struct plan *p);

#endif
