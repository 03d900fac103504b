/* cgroup_limits: <cputune>, <memtune>, <blkiotune>, <numatune> and <vcpu cpuset> as values of files of control groups, or as
 * properties of a systemd unit. The first step is pure: tests read what would be written. */
#ifndef KVM_CGROUP_LIMITS_H
#define KVM_CGROUP_LIMITS_H

#include "core/domain_tune.h"
#include "kvm/cgroup.h"

struct cgroup_setting {
	enum cgroup_controller controller;
	const char *file;
	char *value;
	const char *element; /* of the document, for messages: "<memtune>" */
};

struct cgroup_limits {
	struct cgroup_setting *setting;
	size_t n;
};

/* For the VM as a whole. v2[c]: version of each controller. Devices of <blkiotune> are looked up: one that is none goes to
 * notes. */
void cgroup_limits_plan(const struct domain_tune *t, const bool v2[CGROUP_CONTROLLERS],
    struct cgroup_limits *l, struct buf *notes);
/* The same as words for "systemctl set-property": "MemoryMax=1048576", on the heap, NULL-terminated; *n of them. */
char **cgroup_limits_properties(const struct domain_tune *t, size_t *n);
/* "cpu.max" or "cpu.cfs_…" of a bandwidth: at most 2 settings; none when there is no quota. */
void cgroup_limits_bandwidth(
    const struct tune_bandwidth *b, bool v2, const char *element, struct cgroup_limits *l);
void cgroup_limits_fini(struct cgroup_limits *l);
/* Writes them into the group, or the group below; what cannot be goes to notes, a sentence per line. The number of those
 * that could not. */
unsigned cgroup_limits_apply(
    const struct cgroup *g, const char *below, const struct cgroup_limits *l, struct buf *notes);

#endif
