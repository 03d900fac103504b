/* plan_disk_xml: the documents of a machine while a plan moves its disks: each change is a text and a step that writes it, with its undo; the
 * next change starts from that text. Owner: the builder's stack; plan_docs_fini. */
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
	/* Another image for the guest; NULL as it was. was: only where the document names this one (a definition that an operator
	 * has changed meanwhile stays as it is); NULL always. */
	const char *path, *format, *was;
	bool block; /* path is a block device */
	/* <backingStore>, where the document tells it: the first `drop` layers below the top go, all when SIZE_MAX; a document
	 * that tells nothing of it stays so. */
	size_t drop;
	bool
	    push; /* the image as it was becomes the first layer below (only where layers are told) */
	/* <mirror>: the live document alone. job "copy", "active-commit"; "" takes it away, NULL as it was. */
	const char *mirror_job, *mirror_path, *mirror_format;
	bool mirror_block, mirror_ready;
};
/* Writes it into both documents, where they are, and adds the steps for those that differ. */
int plan_docs_change(
    struct plan_docs *d, struct plan *p, const struct plan_disk_change *k, struct err *err);

#endif
