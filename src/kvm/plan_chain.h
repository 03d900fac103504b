/* plan_chain: the images that a running disk is made of: QEMU's nodes beside the files that we know of. QEMU tells the names of
 * the nodes and which is above which; which file is which comes from the live document and from what was remembered when
 * the domain started (disk/chain_memory.h), never from QEMU, nor from a header that a guest may have changed since.
 * A verb that uses it has PLAN_CHAIN_QUERIES among its queries, and plan_chain_look as its look or as a part of it.
 * Owner: whoever called plan_chain_get; plan_chain_fini. */
#ifndef KVM_PLAN_CHAIN_H
#define KVM_PLAN_CHAIN_H

#include "kvm/plan_node.h"

#define PLAN_CHAIN_QUERIES                                                                \
	"query-block", "query-blockstats", "query-named-block-nodes", "query-block-jobs", \
	    "query-status"

struct plan_link {
	char *node;          /* of the format: "vda-format", "chain1-format", "#block120" */
	char *storage;       /* of the bytes below it; NULL QEMU does not tell */
	char *path, *format; /* on this host; "qcow2" */
	char
	    *clone; /* an image outside of this chain that is made of it, too; NULL none is known */
	long set;   /* of descriptors that it was opened through; PLAN_SET_NONE: by its path */
	bool block; /* a block device */
	bool fixed; /* its descriptor in the set writes and stays: plan_node.h */
};
struct plan_chain {
	size_t disk; /* number in in->live */
	struct plan_link *link;
	size_t n;  /* top first */
	char *top; /* the node that the device takes: not link[0].node when filters lie between */
};

/* Adds the fact "chains": {"vda": {"links": [{"path": …, "format": …}, …]}, "vdb": {"trouble": "…", "code": 7}}. Reads the headers
 * of all disks' images. */
int plan_chain_look(const struct plan_in *in, struct json_object *facts, struct err *err);
/* Of disk i of in->live. ERR_STATE: an empty drive, or QEMU's chain is another one; ERR_DENIED: the header of an image names another
 * file than when the domain started; ERR_UNSUPPORTED: not made of files of this host. */
int plan_chain_get(const struct plan_in *in, size_t i, struct plan_chain *c, struct err *err);
void plan_chain_fini(struct plan_chain *c);
/* The link that a word means: its path or the path's last part, or "vda[2]": the second below the top. -1 none. */
int plan_chain_find(const struct plan_chain *c, const struct plan_in *in, const char *word);
/* The job that works on disk i, as query-block-jobs shows it; borrowed, NULL none. Its "device" is the id. Jobs of plans are
 * called "TARGET-pID". */
struct json_object *plan_chain_job(const struct plan_in *in, size_t i);
/* What "query-named-block-nodes" says of a node; borrowed, NULL there is none. */
struct json_object *plan_chain_node(const struct plan_in *in, const char *name);
/* The set of descriptors that the node of a file was opened through; PLAN_SET_NONE. */
long plan_chain_set(const struct plan_in *in, const char *storage);
/* The number of the disk with that target or image, as virsh takes them. ERR_INVALID in virsh's words. */
int plan_disk_find(const struct domain *d, const char *word, size_t *i, struct err *err);

#endif
