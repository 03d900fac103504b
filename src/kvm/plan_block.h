/* plan_block: block jobs as plans. The requests (plan_in.args), which the commands compose; sizes are bytes:
 *
 *	blockcommit  disk; base, top (words of plan_chain_find), shallow, active, pivot, keep_overlay, delete, keep_relative, bandwidth
 *	blockpull    disk; base, keep_relative, bandwidth
 *	blockcopy    disk, path, format; block, shallow, reuse, pivot, finish, synchronous, bandwidth, granularity, buf_size
 *	blockjob     disk; pivot, or the job is aborted
 *	blockresize  disk, size; shrink
 *	domblkthreshold  disk ("vda", "vda[1]"), threshold
 *
 * disk: its target or its image. Looked at beside "chains" (kvm/plan_chain.h):
 *
 *	"target"  of blockcopy: {"there": true, "size": bytes, "free": bytes of its file system}
 *
 * A job that a plan leaves ready (a copy, a commit of the top without --pivot) goes on in QEMU, and stands in the live document as
 * <mirror>: blockjob ends it, in whichever supervisor. */
#ifndef KVM_PLAN_BLOCK_H
#define KVM_PLAN_BLOCK_H

#include "kvm/plan_merge.h"

/* What they all begin with: the request's disk and its chain. plan_block_fini in every case. */
struct plan_block {
	size_t disk;
	const char *target; /* of the disk */
	struct plan_chain chain;
};
int plan_block_begin(const struct plan_in *in, struct plan_block *b, struct err *err);
void plan_block_fini(struct plan_block *b);
/* The virtual size by "query-block"; 0 not known. */
uint64_t plan_block_size(const struct plan_in *in, const struct plan_block *b);

int plan_block_copy_look(const struct plan_in *in, struct json_object *facts, struct err *err);
int plan_block_copy(const struct plan_in *in, struct plan *p, struct err *err);
int plan_block_job(const struct plan_in *in, struct plan *p, struct err *err);
int plan_block_resize(const struct plan_in *in, struct plan *p, struct err *err);
int plan_block_threshold(const struct plan_in *in, struct plan *p, struct err *err);

#endif
