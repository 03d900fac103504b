/* plan_disk_xml: what the documents of a machine say of a disk while a plan moves it. A change is data, in a step: it is made to the documents as they are when the
 * step's turn comes, which may be hours after the plan was built; so an operator's work on a definition meanwhile is not lost, nor is the change.
 *
 * Operations on the host (kvm/plan_host.h); the definition's is passed over where it does not name `was`:
 *
 *	disk-live, disk-define  target; path, format, was, block; from, drop, push; mirror, mirror_path, mirror_format, mirror_block, mirror_ready
 *	chain-set               set [[{path, format}, …], …], forget [path, …]: what headers name from now on (disk/chain_memory.h), as the plan has it,
 *	                        whatever they say: a guest may have written them */
#ifndef KVM_PLAN_DISK_XML_H
#define KVM_PLAN_DISK_XML_H

#include "kvm/plan_chain.h"

struct plan_disk_change {
	const char *target; /* "vda" */
	/* Another image for the guest, NULL as it was; `was`: the one before. */
	const char *path, *format, *was, *was_format;
	bool block; /* path is a block device */
	/* <backingStore>, in a document that tells of it: `drop` layers go, the first of them number `from` (1 is right below
	 * what the guest writes to); or the image as it was becomes layer 1. */
	size_t from, drop;
	bool push;
	/* <mirror>, in the live document alone. "copy", "active-commit"; "" takes it away, NULL as it was. */
	const char *mirror, *mirror_path, *mirror_format;
	bool mirror_block, mirror_ready;
};
/* The steps, in both documents as far as there are. A push and a new mirror have their undo; the others stand behind a plan_commit. */
void plan_disk_change_add(
    struct plan *p, const struct plan_in *in, const struct plan_disk_change *k);
/* The changed text on the heap; NULL with an error, or without one when nothing differs. file names it in messages. */
char *plan_disk_change_text(const char *xml, size_t n, const char *file, struct json_object *args,
    bool live, size_t *out_n, struct err *err);

/* One step of chain-set: the disk is from now on made of these images, top first. told: layers below the top that the live document tells itself (then). gone:
 * what is in it no more. */
void plan_chain_remember_add(struct plan *p, const struct plan_link *const *list, size_t n,
    size_t told, const struct plan_link *const *gone, size_t n_gone);
/* Layers below the top that the document tells; *ends: and no more below these. */
size_t plan_layers_told(const struct domain_disk *k, bool *ends);

/* What <mirror> of disk `target` says; NULL job: there is none. plan_mirror_fini. */
struct plan_mirror {
	char *job, *path, *format;
	bool ready, block;
};
int plan_mirror_read(
    const struct domain *live, const char *target, struct plan_mirror *m, struct err *err);
void plan_mirror_fini(struct plan_mirror *m);

#endif
