/* plan_merge: steps that join images of a running disk: down (commit) or up (stream). For block jobs and for the deletion of
 * snapshots. The documents are changed at the right place among the steps; nothing is left to the caller. */
#ifndef KVM_PLAN_MERGE_H
#define KVM_PLAN_MERGE_H

#include "kvm/plan_chain.h"
#include "kvm/plan_disk_xml.h"

struct plan_merge {
	size_t top, base; /* links of the chain; top is above base */
	uint64_t speed;   /* bytes/s; 0 none */
	bool remove;      /* the files that are merged go */
	bool
	    stay_ready; /* commit of the top: ends when both are alike, and the job goes on: a pivot or an abort is to follow */
	const char *
	    name; /* what the image above writes into its header for what is then below it; NULL: its path */
};

/* What link[top] … link[base - 1] hold, down into link[base]; they leave the chain. top 0: the guest then writes to
 * link[base]. What follows the work is firm (PLAN_FIRM): several disks in one plan are several such rows. Refused in words: a base that others are made of, a
 * disk on which a job works. */
int plan_commit_add(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_merge *m, struct err *err);
/* What the images between link[0] and link[base] hold, up into link[0]; base c->n: all of them. top, remove, stay_ready of no account. */
int plan_stream_add(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_merge *m, struct err *err);

/* The end of a copy, or of a commit of the top, which is ready: the guest writes to `path` from now on. It stands still for
 * the moment between QEMU's change and the definition's, so that a power cut finds no write that only one of them knows. */
struct plan_pivot {
	const char *job;              /* its id */
	size_t gone;                  /* links from the top that leave the chain */
	const struct plan_link *copy; /* that takes their place; NULL: the link below them does */
	bool remove;                  /* the files of the links that leave go, too */
};
void plan_pivot_add(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_pivot *v);

/* A link that was committed into, and stays below the top after all: open to read only. May fail. */
void plan_merge_readable(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_link *l);
/* "vda-p7": the job of this plan on a disk; on the heap. */
char *plan_job_id(const struct plan *p, const char *target);
/* ERR_BUSY when one works on it. */
int plan_job_check(const struct plan_in *in, size_t disk, struct err *err);

#endif
