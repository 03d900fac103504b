/* plan_chain: the images that a running disk is made of: QEMU's nodes beside the files that we know of. QEMU tells the names of
 * the nodes and which is above which; which file is which comes from the live document and from what was remembered when
 * the domain started (disk/chain_memory.h), never from QEMU, nor from a header that a guest may have changed since.
 * A verb that uses it has PLAN_CHAIN_QUERIES among its queries, and plan_chain_look as its look or as a part of it.
 * Owner: whoever called plan_chain_get; plan_chain_fini. */
#ifndef KVM_PLAN_CHAIN_H
#define KVM_PLAN_CHAIN_H

#include "kvm/plan_node.h"

#define PLAN_CHAIN_QUERIES "query-block", "query-blockstats", "query-named-block-nodes"

struct plan_link {
	char *node;    /* of the format: "vda-format", "chain1-format", "#block120" */
	char *storage; /* of the bytes below it; NULL QEMU does not tell */
	char *path;    /* on this host; NULL: none of a file */
	char *format;  /* "qcow2" */
	char *
	    name; /* as the image above names it in its header, when that is not path itself ("base.qcow2"); NULL */
	long
	    set; /* the number of the set of descriptors that it was opened through; PLAN_SET_NONE: by its path */
	bool data_file; /* its data are in another file */
};
struct plan_chain {
	size_t disk; /* number in in->live */
	struct plan_link *link;
	size_t n;  /* top first */
	char *top; /* the node that the device takes: not link[0].node when filters lie between */
};

/* Adds the fact "chains": {"vda": [{"path": …, "format": …}, …], "vdb": {"trouble": "…"}}: reads headers, of all disks. Only what cannot be
 * told at all fails. */
int plan_chain_look(const struct plan_in *in, struct json_object *facts, struct err *err);
/* Of disk i. ERR_STATE: an empty drive, or a job works on it; ERR_DENIED: the header of an image names another file than when the
 * domain started; ERR_UNSUPPORTED: not made of files of this host. */
int plan_chain_get(const struct plan_in *in, size_t i, struct plan_chain *c, struct err *err);
void plan_chain_fini(struct plan_chain *c);
/* The link of that path, target with index ("vda[2]") or name, as virsh takes them; -1 none. */
int plan_chain_find(const struct plan_chain *c, const struct plan_in *in, const char *name);
/* The number of the disk with that target or image; -1 none. */
int plan_disk_find(const struct domain *d, const char *name);

#endif
