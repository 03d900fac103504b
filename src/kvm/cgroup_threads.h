/* cgroup_threads: where a VM's threads run: the pins, schedulers and bandwidths of <cputune>, given to them from outside,
 * for QEMU itself may not (resourcecontrol=deny). */
#ifndef KVM_CGROUP_THREADS_H
#define KVM_CGROUP_THREADS_H

#include <sys/types.h>

#include "core/domain_tune.h"
#include "kvm/cgroup.h"

enum thread_kind { THREAD_EMULATOR, THREAD_VCPU, THREAD_IOTHREAD };

/* Is there anything to give to a thread? */
bool thread_wishes(const struct domain_tune *t);
/* id: of a vCPU from 0, of an IOThread from 1; of the emulator 0. What cannot be goes to notes, a sentence per line. */
void thread_place(const struct cgroup *g, const struct domain_tune *t, enum thread_kind kind,
    unsigned id, pid_t tid, struct buf *notes);
/* All of QEMU's threads as the emulator's: before vCPUs and IOThreads get their own places. Threads that QEMU makes
 * later come from these. */
void thread_place_all(
    const struct cgroup *g, const struct domain_tune *t, pid_t qemu, struct buf *notes);

#endif
