/* cgroup: a VM's place in the host's control groups, version 1 and 2. Under systemd, where hvmux@NAME.service runs us, it is
 * the unit's own; else it is MOUNT/hvmux/NAME.vm, or under the document's <resource><partition>. Made before there is a
 * QEMU, which enters it itself; noted in run/NAME/cgroups, so that whoever ends the VM removes it. Sources: the
 * kernel's admin-guide/cgroup-v2 and cgroup-v1. Owner: the supervisor's start, on its stack. */
#ifndef KVM_CGROUP_H
#define KVM_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"

enum cgroup_controller { CGROUP_CPU, CGROUP_CPUSET, CGROUP_MEMORY, CGROUP_IO, CGROUP_CONTROLLERS };

struct cgroup {
	char *unit; /* systemd's name of the unit that we are in; NULL none */
	struct cgroup_place {
		char *mount, *dir; /* NULL: the controller is not to be had */
		bool v2;
		bool foreign; /* we are in a group of a session's or a service's */
	} at[CGROUP_CONTROLLERS];
};

/* Looks, makes nothing. root: "" or a folder with proc/self/{mountinfo,cgroup} and the mounts below it, for tests.
 * partition may be NULL. */
int cgroup_find(struct cgroup *g, const char *root, const struct home *h, const char *name,
    const char *partition, struct err *err);
void cgroup_fini(struct cgroup *g);
/* Makes the groups. A controller that cannot be had gets no place, and a line in notes. */
void cgroup_make(struct cgroup *g, struct buf *notes);
/* For a VM without limits: version 1's controllers are not used, where the kernel takes 4 to 15 ms to move a process into
 * each. Those in whose group of an operator's session we are, are: the VM has to leave it. */
void cgroup_without_limits(struct cgroup *g);
/* Descriptors of cgroup.procs for a process to write itself into, at most CGROUP_CONTROLLERS; the caller's to close. */
size_t cgroup_doors(const struct cgroup *g, int fds[CGROUP_CONTROLLERS]);
/* Writes value into a file of the controller's group, or of the group below (NULL none). -1 with errno in words. */
int cgroup_write(const struct cgroup *g, enum cgroup_controller c, const char *below,
    const char *file, const char *value, struct err *err);
/* A group for some of the VM's threads below its own. */
int cgroup_make_below(
    const struct cgroup *g, enum cgroup_controller c, const char *below, struct err *err);

/* run/NAME/cgroups */
int cgroup_note(const struct cgroup *g, const struct home *h, const char *name, struct err *err);
/* Removes what stands there, and the file. A group with processes in it stays. */
void cgroup_remove(const struct home *h, const char *name);

const char *cgroup_controller_name(enum cgroup_controller c, bool v2);

#endif
