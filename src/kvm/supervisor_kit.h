/* supervisor_kit: what a QEMU is given for one run: the user it is, its folder, its descriptors. Owner: sup_launch, on
 * its stack, until QEMU runs. */
#ifndef KVM_SUPERVISOR_KIT_H
#define KVM_SUPERVISOR_KIT_H

#include "core/hostconf.h"
#include "kvm/cgroup.h"
#include "kvm/confine.h"
#include "kvm/confine_files.h"
#include "kvm/supervisor_impl.h"

struct sup_kit {
	struct hostconf conf;
	struct confine confine;
	struct cgroup cgroup;
	int doors[CGROUP_CONTROLLERS]; /* cgroup.procs of each */
	size_t n_doors;
	struct buf notes; /* what differs from what was wished, a sentence per line */
	int lock;         /* run/NAME/qemu.lock, which QEMU inherits; -1 once among fds */
	int dir; /* folder in which QEMU makes sockets itself, -1: it does so in run/NAME by path */
	int *fds; /* all that QEMU inherits, in the order of their numbers from SPAWN_FD_FIRST */
	size_t n_fds;
};

/* Takes the lock before anything of an earlier QEMU is touched. Before the command line is built: argv_in's fd_first, run_dir_fd and sandbox follow from it. */
int sup_kit_init(
    struct sup_kit *k, const struct supervisor *s, const struct domain *d, struct err *err);
void sup_kit_argv(const struct sup_kit *k, struct supervisor *s, struct argv_in *in);
/* A folder of ours for files that QEMU makes; it need not be there. NULL is fine. */
int sup_kit_own(const struct sup_kit *k, const char *dir, struct err *err);
/* Makes the descriptors that the command line names; changes it where QEMU may not open files itself. */
int sup_kit_fill(struct sup_kit *k, const struct supervisor *s, struct domain *d,
    struct argv_out *a, struct err *err);
/* supervisor_companions.c: starts the side process for a socket of kind TPM or VIRTIOFS; QEMU's end of it, or -1. */
int sup_companion_open(struct sup_kit *k, const struct supervisor *s, const struct domain *d,
    const struct argv_socket *wanted, struct err *err);
/* What is noted is logged, and left in run/NAME/notes. */
void sup_kit_tell(const struct sup_kit *k, const struct supervisor *s);
/* Ours closed, so that a dead QEMU's sockets refuse instead of keeping callers waiting. */
void sup_kit_fini(struct sup_kit *k);
/* supervisor_cgroup.c: makes the control groups, sets the limits; what cannot be is noted, or is the error where hvmux.conf
 * requires it. */
int sup_kit_cgroup(
    struct sup_kit *k, const struct supervisor *s, const struct domain *d, struct err *err);
/* QEMU's threads get their places (kvm/cgroup_threads.h), when the definition has wishes for them: once for those that are
 * QEMU's own, with cpus NULL, then for the vCPUs and IOThreads, as query-cpus-fast and query-iothreads list them. */
void sup_place_cpus(struct supervisor *s, struct json_object *cpus);
void sup_place_iothreads(struct supervisor *s, struct json_object *threads);
/* After a run: QEMU's own folder and its control groups go. */
void sup_kit_clear(const struct supervisor *s);

#endif
