/* threads: QEMU's threads of a running domain as the host's kernel shows them. Owner: the verb, on its stack. */
#ifndef CLI_THREADS_H
#define CLI_THREADS_H

#include <sys/types.h>

#include "cli/live.h"
#include "core/numset.h"

struct thread {
	unsigned id; /* of a vCPU from 0, of an IOThread as the document numbers it */
	pid_t tid;
	unsigned cpu; /* of the host, where it ran last */
	uint64_t time_ns;
	struct numset cpus; /* where it may run */
};

struct threads {
	struct thread *thread;
	unsigned n;
};

int threads_vcpus(struct live *l, struct threads *t, struct err *err);
int threads_iothreads(struct live *l, struct threads *t, struct err *err);
/* QEMU's own: one thread, whose id is 0. */
int threads_emulator(struct live *l, struct threads *t, struct err *err);
void threads_fini(struct threads *t);
/* CPUs that this host can have: the length of virsh's affinity. */
unsigned threads_host_cpus(void);

#endif
