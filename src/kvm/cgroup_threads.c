#include "kvm/cgroup_threads.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/cgroup_limits.h"

static const char *const kinds[] = {
    [THREAD_EMULATOR] = "emulator", [THREAD_VCPU] = "vcpu", [THREAD_IOTHREAD] = "iothread"};

bool thread_wishes(const struct domain_tune *t)
{
	const struct domain_cputune *c = &t->cpu;
	return c->n_vcpupins > 0 || c->n_iothreadpins > 0 || c->n_vcpuscheds > 0 ||
	       c->n_iothreadscheds > 0 || c->has_emulatorsched || !numset_empty(&c->emulatorpin) ||
	       !numset_empty(&t->cpuset) || c->vcpu.quota > 0 || c->emulator.quota > 0 ||
	       c->iothread.quota > 0;
}

/* "vcpu3", "emulator" */
static void thread_name(enum thread_kind kind, unsigned id, char name[32])
{
	if (kind == THREAD_EMULATOR)
		snprintf(name, 32, "%s", kinds[kind]);
	else
		snprintf(name, 32, "%s%u", kinds[kind], id);
}

/* --- pins --- */

static const struct numset *pin_of(const struct domain_tune *t, enum thread_kind kind, unsigned id)
{
	const struct domain_cputune *c = &t->cpu;
	const struct tune_pin *pins = kind == THREAD_VCPU ? c->vcpupins : c->iothreadpins;
	size_t n = kind == THREAD_VCPU ? c->n_vcpupins : c->n_iothreadpins;
	if (kind == THREAD_EMULATOR)
		return numset_empty(&c->emulatorpin) ? &t->cpuset : &c->emulatorpin;
	for (size_t i = 0; i < n; i++)
		if (pins[i].id == id)
			return &pins[i].cpus;
	return &t->cpuset;
}

static void pin(const struct numset *cpus, const char *name, pid_t tid, struct buf *notes)
{
	unsigned last = numset_last(cpus);
	if (last == NUMSET_MAX)
		return;
	cpu_set_t *set = CPU_ALLOC(last + 1);
	size_t size = CPU_ALLOC_SIZE(last + 1);
	if (set == NULL)
		abort(); /* out of memory */
	CPU_ZERO_S(size, set);
	for (unsigned i = numset_next(cpus, 0); i < NUMSET_MAX; i = numset_next(cpus, i + 1))
		CPU_SET_S(i, size, set);
	if (sched_setaffinity(tid, size, set) < 0 && errno != ESRCH) {
		CLEANUP_FREE char *text = numset_format(cpus, ",");
		buf_addf(notes, "<cputune>: %s is not pinned to CPUs %s: %s\n", name, text,
		    errno == EINVAL ? "this host has none of them for us" : strerror(errno));
	}
	CPU_FREE(set);
}

/* --- schedulers --- */

static const struct tune_sched *sched_of(
    const struct domain_tune *t, enum thread_kind kind, unsigned id)
{
	const struct domain_cputune *c = &t->cpu;
	const struct tune_sched *all = kind == THREAD_VCPU ? c->vcpuscheds : c->iothreadscheds;
	size_t n = kind == THREAD_VCPU ? c->n_vcpuscheds : c->n_iothreadscheds;
	if (kind == THREAD_EMULATOR)
		return c->has_emulatorsched ? &c->emulatorsched : NULL;
	for (size_t i = 0; i < n; i++)
		if (numset_has(&all[i].ids, id))
			return &all[i];
	return NULL;
}

static void schedule(const struct tune_sched *s, const char *name, pid_t tid, struct buf *notes)
{
	static const struct {
		int policy;
		const char *word;
	} policies[] = {[TUNE_BATCH] = {SCHED_BATCH, "batch"},
	    [TUNE_IDLE] = {SCHED_IDLE, "idle"},
	    [TUNE_FIFO] = {SCHED_FIFO, "fifo"},
	    [TUNE_RR] = {SCHED_RR, "rr"}};
	if (s == NULL)
		return;
	const struct sched_param p = {.sched_priority = (int)s->priority};
	if (sched_setscheduler(tid, policies[s->scheduler].policy, &p) < 0 && errno != ESRCH)
		buf_addf(notes,
		    "<cputune>: %s does not get the scheduler '%s' with priority %u: %s\n", name,
		    policies[s->scheduler].word, s->priority, strerror(errno));
}

/* --- bandwidth --- */

static const struct tune_bandwidth *bandwidth_of(const struct domain_tune *t, enum thread_kind kind)
{
	const struct domain_cputune *c = &t->cpu;
	return kind == THREAD_VCPU       ? &c->vcpu
	       : kind == THREAD_EMULATOR ? &c->emulator
	                                 : &c->iothread;
}

/* A group of the thread's own below the VM's. */
static void bound_thread(const struct cgroup *g, const struct tune_bandwidth *b, const char *name,
    pid_t tid, struct buf *notes)
{
	struct cgroup_limits l = {0};
	struct err err;
	char text[24];
	bool v2 = g->at[CGROUP_CPU].v2;
	snprintf(text, sizeof(text), "%d", (int)tid);
	cgroup_limits_bandwidth(b, v2, "<cputune>", &l);
	if (l.n == 0)
		return;
	if (cgroup_make_below(g, CGROUP_CPU, name, &err) < 0)
		buf_addf(notes, "<cputune>: the quota of %s is not in force: %s\n", name, err.msg);
	else if (cgroup_limits_apply(g, name, &l, notes) == 0 &&
	         cgroup_write(g, CGROUP_CPU, name, v2 ? "cgroup.threads" : "tasks", text, &err) < 0)
		buf_addf(notes, "<cputune>: the quota of %s is not in force: %s\n", name, err.msg);
	cgroup_limits_fini(&l);
}

/* --- all --- */

void thread_place(const struct cgroup *g, const struct domain_tune *t, enum thread_kind kind,
    unsigned id, pid_t tid, struct buf *notes)
{
	char name[32];
	thread_name(kind, id, name);
	bound_thread(g, bandwidth_of(t, kind), name, tid, notes);
	pin(pin_of(t, kind, id), name, tid, notes);
	schedule(sched_of(t, kind, id), name, tid, notes);
}

void thread_place_all(
    const struct cgroup *g, const struct domain_tune *t, pid_t qemu, struct buf *notes)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)qemu);
	DIR *d = opendir(path);
	struct dirent *e;
	uint64_t tid;
	while (d != NULL && (e = readdir(d)) != NULL && notes->len == 0)
		if (str_u64(e->d_name, INT32_MAX, &tid) == 0)
			thread_place(g, t, THREAD_EMULATOR, 0, (pid_t)tid, notes);
	if (d != NULL)
		closedir(d);
}
