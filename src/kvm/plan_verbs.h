/* plan_verbs: which requests become plans: a table of verbs, each with the questions that it has and its builder. A builder
 * is pure: it opens no file, asks nobody, reads no clock; what it must know of QEMU and of the host comes in facts. The same
 * builder serves --dry-run, a machine that runs (the supervisor carries the plan out), and one that is off (the command does:
 * only PLAN_HOST steps come out then). */
#ifndef KVM_PLAN_VERBS_H
#define KVM_PLAN_VERBS_H

#include "core/domain.h"
#include "core/home.h"
#include "kvm/caps.h"
#include "kvm/plan.h"

enum { PLAN_LIVE = 1, PLAN_CONFIG = 2 };

struct plan_in {
	const struct home *home;     /* for paths */
	const char *name;            /* of the domain */
	const struct domain *live;   /* what runs (run/NAME/live.xml), NULL: off */
	const struct domain *config; /* the definition, NULL: a transient domain */
	const struct caps *caps;     /* of its QEMU */
	unsigned
	    where; /* PLAN_LIVE, PLAN_CONFIG: what is to be changed; never PLAN_LIVE where live is NULL */
	struct json_object
	    *args; /* the request; each builder's header says which members there are */
	struct json_object *facts; /* by the names of `queries`, and what `look` has added */
	uint64_t id;               /* for plan_init */
	uint64_t now_ns;           /* CLOCK_REALTIME */
	bool other_user; /* QEMU runs as another user: files reach it as descriptors alone */
};

enum {
	PLAN_VERB_OFF = 1,    /* also for a domain that is off */
	PLAN_VERB_READER = 2, /* its dry run is for readers, too */
	PLAN_VERB_OWN = 4     /* nobody asks for it but the supervisor itself */
};

struct plan_verb {
	const char *name;
	unsigned flags;
	const char *const *
	    queries; /* QMP commands without arguments that are asked first (of a running domain), "query-block"; ends with NULL.
	                             * One that this QEMU does not have leaves no fact. NULL none. */
	/* Looks at the host: images, devices; adds to facts. Bounded: it runs in the supervisor's loop (a few ms). NULL nothing. */
	int (*look)(const struct plan_in *in, struct json_object *facts, struct err *err);
	/* *p is empty (plan_init was called). A refusal is an error in words with what to do. A plan without steps: there is
	 * nothing to do, p->result says why. */
	int (*build)(const struct plan_in *in, struct plan *p, struct err *err);
};

/* NULL none. The table is joined in plan_verbs.c from the lists of the families (plan_verbs_hotplug and so on). */
const struct plan_verb *plan_verb_find(const char *name);

/* Lists of the families, ended by {0}; each in its own file, made by whoever owns it. */
extern const struct plan_verb
    plan_verbs_device[]; /* kvm/plan_device.c: attach and detach of devices */
extern const struct plan_verb plan_verbs_net[];      /* kvm/plan_net.c */
extern const struct plan_verb plan_verbs_cpu[];      /* kvm/plan_cpu.c */
extern const struct plan_verb plan_verbs_memory[];   /* kvm/plan_memory.c */
extern const struct plan_verb plan_verbs_snapshot[]; /* kvm/plan_snapshot.c */
extern const struct plan_verb plan_verbs_save[];     /* kvm/plan_save.c */
extern const struct plan_verb plan_verbs_block[];    /* kvm/plan_block.c */

/* --- what many builders need --- */
/* The fact's answer, or NULL. */
struct json_object *plan_fact(const struct plan_in *in, const char *query);
/* What a list of QEMU's ("query-block", "query-blockstats") says of disk number i of in->live; borrowed, NULL none. */
struct json_object *plan_disk_entry(const struct plan_in *in, const char *query, size_t i);
/* The node that the guest's disk number i of in->live writes to now ("query-block" must be among the facts): after snapshots it is
 * not the one that the command line named. NULL: an empty drive, or not known. Borrowed. */
const char *plan_disk_node(const struct plan_in *in, size_t i);
/* The changed document as steps: PLAN_LIVE writes run/NAME/live.xml (the host's "live"), PLAN_CONFIG the definition ("define"), each undone by the document as
 * it was. Either may be NULL. */
int plan_add_documents(struct plan *p, const struct plan_in *in, const struct domain *live,
    const struct domain *config, struct err *err);

#endif
