/* plan_disk_xml: the documents of a machine while a plan moves its disks: each change is a text, and a step that writes it with
 * its undo; the next change starts from that text. Owner: the builder's stack; plan_docs_fini. */
#ifndef KVM_PLAN_DISK_XML_H
#define KVM_PLAN_DISK_XML_H

#include "kvm/plan_verbs.h"

struct plan_docs {
	char *live, *config; /* as they will be after the steps so far; NULL there is none */
};
void plan_docs_init(struct plan_docs *d, const struct plan_in *in);
void plan_docs_fini(struct plan_docs *d);

struct plan_disk_change {
	const char *target; /* "vda" */
	/* Another image for the guest, NULL as it was; `was`: the definition changes where it names this one, and stays as an
	 * operator may have changed it otherwise. */
	const char *path, *format, *was;
	bool block; /* path is a block device */
	/* <backingStore>, in a document that tells of it: `drop` layers go, the first of them number `from` (1 is right below
	 * what the guest writes to); or the image as it was becomes layer 1. */
	size_t from, drop;
	bool push;
	/* <mirror>, in the live document alone. "copy", "active-commit"; "" takes it away, NULL as it was. */
	const char *mirror, *mirror_path, *mirror_format;
	bool mirror_block, mirror_ready;
};
/* Both documents, as far as they differ then. */
int plan_docs_change(
    struct plan_docs *d, struct plan *p, const struct plan_disk_change *k, struct err *err);
/* What <mirror> of disk `target` says: on the heap, NULL absent. */
struct plan_mirror {
	char *job, *path, *format;
	bool ready, block;
};
int plan_mirror_read(
    const struct domain *live, const char *target, struct plan_mirror *m, struct err *err);
void plan_mirror_fini(struct plan_mirror *m);

#endif
