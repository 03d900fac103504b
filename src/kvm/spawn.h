/* spawn: makes the QEMU process, and the side processes of a VM. There is no instant at which a QEMU exists that nobody can find:
 * the child writes its pid and start time into run/NAME/process before it becomes QEMU, while it still
 * holds its parent's lock. */
#ifndef KVM_SPAWN_H
#define KVM_SPAWN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/vm_process.h"
#include "kvm/confine.h"

#define SPAWN_FD_FIRST 3 /* number of the first handed-over descriptor in QEMU */
#define SPAWN_FDS_MAX 2048

struct spawn {
	char *const *argv;
	char *const *env; /* NAME=VALUE to add, NULL-terminated; may be NULL */
	const int *fds;   /* become SPAWN_FD_FIRST, +1 … in the child; borrowed */
	size_t n_fds;
	int log_fd;                    /* standard output and error; borrowed */
	const char *dir;               /* working directory */
	const struct confine *confine; /* what it may */
	const int *cgroups;            /* cgroup.procs files that it writes itself into; borrowed */
	size_t n_cgroups;
	int process_fd; /* where it notes itself before it is another program; borrowed */
	const struct vm_process
	    *process;      /* QEMU: what stands in run/NAME/process but QEMU itself */
	const char *label; /* a side process: it adds a line "LABEL PID START"; else NULL */
};

/* Returns when the child has become the program (or failed to: -1). *pidfd is the caller's. No other
 * descriptor reaches it; it has a session of its own, default signals and umask 077, and has become what
 * `confine` says. */
pid_t spawn_process(const struct spawn *s, int *pidfd, struct err *err);
/* pidfd of a process that is known by pid and start time; -1 when it is gone. */
int spawn_open_pidfd(pid_t pid, uint64_t start);
int spawn_signal(int pidfd, int sig);

#endif
