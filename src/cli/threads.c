#include "cli/threads.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"

#define THREADS_MAX 4096

void threads_fini(struct threads *t)
{
	for (unsigned i = 0; i < t->n; i++)
		numset_fini(&t->thread[i].cpus);
	free(t->thread);
	*t = (struct threads){0};
}

unsigned threads_host_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	return n < 1 ? 1 : n > NUMSET_MAX ? NUMSET_MAX : (unsigned)n;
}

static int find_qemu(const struct live *l, pid_t *pid, struct err *err)
{
	struct vm vm;
	if (vm_probe(&l->c->home, l->name, &vm, err) < 0)
		return -1;
	*pid = vm.head ? vm.head->qemu_pid : 0;
	vm_fini(&vm);
	return *pid > 0 ? 0 : err_set(err, ERR_STATE, "domain '%s' has no QEMU yet", l->name);
}

/* Field 39 of /proc/PID/task/TID/stat, proc(5); the command's name before it may hold anything. */
static unsigned last_cpu(const char *stat)
{
	const char *p = strrchr(stat, ')');
	unsigned field = 2, cpu = 0;
	for (; p && *p && field < 39; p++)
		field += *p == ' ';
	return p && sscanf(p, "%u", &cpu) == 1 ? cpu : 0;
}

static void read_affinity(const char *status, struct numset *cpus)
{
	const char *at = strstr(status, "\nCpus_allowed_list:");
	if (!at)
		return;
	at += strlen("\nCpus_allowed_list:");
	at += strspn(at, " \t");
	CLEANUP_FREE char *list = xstrndup(at, strcspn(at, "\n"));
	(void)numset_parse(list, NUMSET_MAX, cpus, NULL);
}

/* Under the process's own folder: a thread of anybody else is not found there. */
static int read_thread(pid_t qemu, struct thread *t, struct err *err)
{
	CLEANUP_BUF struct buf stat = BUF_INIT, status = BUF_INIT, times = BUF_INIT;
	CLEANUP_FREE char *dir = xasprintf("/proc/%d/task/%d", (int)qemu, (int)t->tid);
	CLEANUP_FREE char *stat_path = xasprintf("%s/stat", dir);
	CLEANUP_FREE char *status_path = xasprintf("%s/status", dir);
	CLEANUP_FREE char *times_path = xasprintf("%s/schedstat", dir);
	unsigned long long ns = 0;
	if (file_read(stat_path, 1 << 16, &stat, err) < 0 ||
	    file_read(status_path, 1 << 16, &status, err) < 0)
		return err_wrap(err, "a thread of QEMU's");
	if (file_read(times_path, 4096, &times, NULL) == 0 && times.len > 0)
		(void)sscanf(times.data, "%llu", &ns);
	t->cpu = last_cpu(stat.data ? stat.data : "");
	t->time_ns = ns;
	read_affinity(status.data ? status.data : "", &t->cpus);
	return 0;
}

static int read_all(const struct live *l, struct threads *t, struct err *err)
{
	pid_t qemu;
	if (find_qemu(l, &qemu, err) < 0)
		return -1;
	for (unsigned i = 0; i < t->n; i++)
		if (read_thread(qemu, &t->thread[i], err) < 0)
			return -1;
	return 0;
}

static void add(struct threads *t, unsigned id, int64_t tid)
{
	if (tid <= 0 || tid > INT32_MAX || t->n >= THREADS_MAX)
		return;
	t->thread = xreallocarray(t->thread, t->n + 1, sizeof(*t->thread));
	t->thread[t->n++] = (struct thread){.id = id, .tid = (pid_t)tid};
}

static int by_id(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

int threads_vcpus(struct live *l, struct threads *t, struct err *err)
{
	struct json_object *list = NULL;
	if (live_qmp(l, "query-cpus-fast", NULL, &list, err) < 0)
		return -1;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		int64_t id = json_get_int(o, "cpu-index", (int64_t)i);
		if (id >= 0 && id < THREADS_MAX)
			add(t, (unsigned)id, json_get_int(o, "thread-id", -1));
	}
	json_object_put(list);
	if (t->n > 0)
		qsort(t->thread, t->n, sizeof(*t->thread), by_id);
	return read_all(l, t, err);
}

int threads_iothreads(struct live *l, struct threads *t, struct err *err)
{
	struct json_object *list = NULL;
	if (live_qmp(l, "query-iothreads", NULL, &list, err) < 0)
		return -1;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *name = json_get_str(o, "id");
		uint64_t id;
		if (name && str_prefix(name, "iothread") &&
		    str_u64(name + strlen("iothread"), THREADS_MAX, &id) == 0)
			add(t, (unsigned)id, json_get_int(o, "thread-id", -1));
	}
	json_object_put(list);
	if (t->n > 0)
		qsort(t->thread, t->n, sizeof(*t->thread), by_id);
	return read_all(l, t, err);
}

int threads_emulator(struct live *l, struct threads *t, struct err *err)
{
	pid_t qemu;
	if (find_qemu(l, &qemu, err) < 0)
		return -1;
	add(t, 0, qemu);
	return read_all(l, t, err);
}
