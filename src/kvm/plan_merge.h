/* plan_merge: steps that join images of a running disk: down (commit) or up (stream). For block jobs and for the deletion of
 * snapshots. The documents are written at the right place among the steps; nothing is left to the caller. */
#ifndef KVM_PLAN_MERGE_H
#define KVM_PLAN_MERGE_H

#include "kvm/plan_chain.h"
#include "kvm/plan_disk_xml.h"

struct plan_merge {
	size_t top, base;   /* links of the chain; top is above base */
	uint64_t speed;     /* bytes/s; 0 none */
	bool keep_relative; /* the image above names what it is backed by as relatively as it did */
	bool remove;        /* the files that are merged go */
	bool
	    stay_ready; /* commit of the top: ends when both are alike, and the job goes on: plan_pivot_add or an abort is to follow */
};

/* What link[top] … link[base - 1] hold, down into link[base]; they leave the chain. top 0: the guest then writes to
 * link[base]. From the middle on there is no way back (plan_commit). Refused in words: a base that others are made of, data files elsewhere. */
int plan_commit_add(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_merge *m, struct plan_docs *docs, struct err *err);
/* What the images between link[0] and link[base] hold, up into link[0]; base c->n: all of them. top, remove of no account. */
int plan_stream_add(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_merge *m, struct plan_docs *docs, struct err *err);

#endif
