/* plan_node: steps by which QEMU gets files and block nodes: opened on the host, handed over as sets of descriptors, so that
 * it works whoever QEMU runs as, and QEMU opens nothing by a name. Each has its undo. Numbers of sets and names of nodes
 * are made of the plan's id: free in the run of a QEMU.
 *
 * Locks of open files (fcntl(2), F_OFD_SETLK) last while a descriptor is open, and those in a set are, beside the copies that
 * nodes use. A node that moves from one descriptor of its set to another leaves its locks behind, and the next to write the image is refused.
 * So an image that is written through a set stays on one descriptor ("read-only": false, nothing automatic) also when it becomes a backing
 * file; one that is only read gets a new descriptor, to write, before a job writes to it (plan_node_writable). Descriptors
 * taken out of a set are closed while the guest runs, not while it is paused. */
#ifndef KVM_PLAN_NODE_H
#define KVM_PLAN_NODE_H

#include "kvm/plan_verbs.h"

#define PLAN_NODE_MAX 32 /* bytes of a node's name, with the NUL: QEMU's limit */
#define PLAN_SET_NONE (-1L)

/* A number for the next set; another one after the next step. */
long plan_set_new(const struct plan *p);
/* A new set with a descriptor of the file, to write or to read only. Its number. */
long plan_file_set(struct plan *p, const char *path, bool write);
/* QEMU lets go of what a set keeps beside what its nodes use; all of it when none does. May fail. */
void plan_file_drop(struct plan *p, long set, const char *path);

/* The node of a file that was only read, opened through a set. */
struct plan_storage {
	const char *node, *path, *cache; /* cache: of the disk, NULL QEMU's own */
	long set;
	bool block;
};
/* It is opened to write; the undo opens it to read again. */
void plan_node_writable(struct plan *p, const struct plan_storage *s);
/* … to read again, after the job. May fail. */
void plan_node_readable(struct plan *p, const struct plan_storage *s);

struct plan_image {
	const char *path, *format;
	bool block;          /* a block device, not a file */
	bool readonly;       /* what is below others */
	const char *backing; /* node; NULL: it is opened as if it had none */
	unsigned nth;        /* of several new images for one disk in one plan, from 0 */
};
/* The nodes TARGET-pID-storage and, on it, TARGET-pID-format (nth: TARGET-pID.N-…), with the caches, aio and discard that
 * the document wants of this disk. node: the format's name. Returns the number of the set. */
long plan_node_add(struct plan *p, const struct domain_disk *disk, const struct plan_image *im,
    char node[PLAN_NODE_MAX]);
/* Its counterpart, when an image has left its chain: both nodes and the set. Nodes without a name of ours ("#block1") go by
 * themselves. storage NULL, set PLAN_SET_NONE: there is none. May fail. */
void plan_node_drop(
    struct plan *p, const char *node, const char *storage, long set, const char *path);

#endif
