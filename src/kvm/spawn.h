/* spawn: makes the QEMU process. There is no instant at which a QEMU exists that nobody can find:
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
	const struct confine *confine; /* what QEMU may */
	const int *cgroups;            /* cgroup.procs files that it writes itself into; borrowed */
	size_t n_cgroups;
	int process_fd;                   /* run/NAME/process; borrowed */
	const struct vm_process *process; /* what stands in it but QEMU itself */
};

/* Returns when the child has become QEMU (or failed to: -1). *pidfd is the caller's. No other
 * descriptor reaches QEMU; it has a session of its own, default signals and umask 077, and has become what
 * `confine` says. */
pid_t spawn_qemu(const struct spawn *s, int *pidfd, struct err *err);
/* pidfd of a process that is known by pid and start time; -1 when it is gone. */
int spawn_open_pidfd(pid_t pid, uint64_t start);
int spawn_signal(int pidfd, int sig);

#endif
