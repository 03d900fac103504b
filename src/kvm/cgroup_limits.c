#include "kvm/cgroup_limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/mem.h"
#include "core/str.h"

#define PERIOD_DEFAULT 100000u /* microseconds: the kernel's */
#define SHARES_DEFAULT 1024u   /* of version 1: as much as anybody's */
#define WEIGHT_DEFAULT 100u    /* the same of version 2 */
#define WEIGHT_MAX 10000u

static void add(struct cgroup_limits *l, enum cgroup_controller c, const char *file,
    const char *element, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
static void add(struct cgroup_limits *l, enum cgroup_controller c, const char *file,
    const char *element, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	l->setting = xreallocarray(l->setting, l->n + 1, sizeof(*l->setting));
	l->setting[l->n++] = (struct cgroup_setting){
	    .controller = c, .file = file, .value = xvasprintf(fmt, ap), .element = element};
	va_end(ap);
}

/* --- CPU --- */

/* Version 2's weight that stands to its default as the shares to theirs. */
static unsigned weight_of(unsigned shares)
{
	uint64_t w = ((uint64_t)shares * WEIGHT_DEFAULT + SHARES_DEFAULT / 2) / SHARES_DEFAULT;
	return w < 1 ? 1 : w > WEIGHT_MAX ? WEIGHT_MAX : (unsigned)w;
}

static uint64_t period_of(const struct tune_bandwidth *b)
{
	return b->period > 0 ? b->period : PERIOD_DEFAULT;
}

void cgroup_limits_bandwidth(
    const struct tune_bandwidth *b, bool v2, const char *element, struct cgroup_limits *l)
{
	if (b->quota <= 0)
		return;
	if (v2) {
		add(l, CGROUP_CPU, "cpu.max", element, "%" PRId64 " %" PRIu64, b->quota,
		    period_of(b));
		return;
	}
	/* The period first: a quota is refused that would be more than all CPUs of the old one. */
	add(l, CGROUP_CPU, "cpu.cfs_period_us", element, "%" PRIu64, period_of(b));
	add(l, CGROUP_CPU, "cpu.cfs_quota_us", element, "%" PRId64, b->quota);
}

static void plan_cpu(const struct domain_cputune *t, bool v2, struct cgroup_limits *l)
{
	if (t->has_shares && v2)
		add(l, CGROUP_CPU, "cpu.weight", "<cputune>", "%u", weight_of(t->shares));
	else if (t->has_shares)
		add(l, CGROUP_CPU, "cpu.shares", "<cputune>", "%u", t->shares < 2 ? 2 : t->shares);
	cgroup_limits_bandwidth(&t->global, v2, "<cputune>", l);
}

/* The CPUs that any of its threads may use; empty when some thread may use all. */
static void all_cpus(const struct domain_tune *t, struct numset *cpus)
{
	if (numset_empty(&t->cpuset))
		return;
	numset_add_all(cpus, &t->cpuset);
	numset_add_all(cpus, &t->cpu.emulatorpin);
	for (size_t i = 0; i < t->cpu.n_vcpupins; i++)
		numset_add_all(cpus, &t->cpu.vcpupins[i].cpus);
	for (size_t i = 0; i < t->cpu.n_iothreadpins; i++)
		numset_add_all(cpus, &t->cpu.iothreadpins[i].cpus);
}

/* Other modes say where memory should rather be, which is QEMU's to ask of the kernel. */
static bool mems_bound(const struct domain_numatune *n)
{
	return n->given && !n->automatic && !numset_empty(&n->nodes) &&
	       (n->mode == NUMA_STRICT || n->mode == NUMA_RESTRICTIVE);
}

static void plan_cpuset(const struct domain_tune *t, bool v2, struct cgroup_limits *l)
{
	struct numset cpus = {0};
	all_cpus(t, &cpus);
	if (!numset_empty(&cpus)) {
		CLEANUP_FREE char *text = numset_format(&cpus, ",");
		add(l, CGROUP_CPUSET, "cpuset.cpus", "<vcpu cpuset>", "%s", text);
	}
	numset_fini(&cpus);
	if (!mems_bound(&t->numa))
		return;
	CLEANUP_FREE char *text = numset_format(&t->numa.nodes, ",");
	if (!v2) /* version 2 always does */
		add(l, CGROUP_CPUSET, "cpuset.memory_migrate", "<numatune>", "1");
	add(l, CGROUP_CPUSET, "cpuset.mems", "<numatune>", "%s", text);
}

/* --- memory --- */

static bool limits(uint64_t kib)
{
	return kib > 0 && kib < UINT64_MAX / 1024;
}

/* What of swap_hard_limit, memory and swap together, is swap. */
static uint64_t swap_kib(const struct domain_memtune *t)
{
	if (!limits(t->hard_limit))
		return t->swap_hard_limit;
	return t->swap_hard_limit > t->hard_limit ? t->swap_hard_limit - t->hard_limit : 0;
}

static void plan_memory(const struct domain_memtune *t, bool v2, struct cgroup_limits *l)
{
	if (limits(t->hard_limit))
		add(l, CGROUP_MEMORY, v2 ? "memory.max" : "memory.limit_in_bytes", "<memtune>",
		    "%" PRIu64, t->hard_limit * 1024);
	if (limits(t->soft_limit))
		add(l, CGROUP_MEMORY, v2 ? "memory.high" : "memory.soft_limit_in_bytes",
		    "<memtune>", "%" PRIu64, t->soft_limit * 1024);
	if (limits(t->swap_hard_limit))
		add(l, CGROUP_MEMORY, v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
		    "<memtune>", "%" PRIu64, (v2 ? swap_kib(t) : t->swap_hard_limit) * 1024);
}

/* --- block devices --- */

static int find_device(const char *path, char number[32], struct buf *notes)
{
	struct stat st;
	if (stat(path, &st) == 0 && S_ISBLK(st.st_mode)) {
		snprintf(number, 32, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
		return 0;
	}
	buf_addf(
	    notes, "<blkiotune>: '%s' is no block device of this host: no limit for it\n", path);
	return -1;
}

static void plan_device_v1(const struct tune_device *d, const char *number, struct cgroup_limits *l)
{
	const struct {
		const char *file;
		uint64_t value;
	} files[] = {{"blkio.bfq.weight_device", d->weight},
	    {"blkio.throttle.read_bps_device", d->read_bytes},
	    {"blkio.throttle.write_bps_device", d->write_bytes},
	    {"blkio.throttle.read_iops_device", d->read_iops},
	    {"blkio.throttle.write_iops_device", d->write_iops}};
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (files[i].value > 0)
			add(l, CGROUP_IO, files[i].file, "<blkiotune>", "%s %" PRIu64, number,
			    files[i].value);
}

static void plan_device_v2(const struct tune_device *d, const char *number, struct cgroup_limits *l)
{
	const struct {
		const char *key;
		uint64_t value;
	} keys[] = {{"rbps", d->read_bytes}, {"wbps", d->write_bytes}, {"riops", d->read_iops},
	    {"wiops", d->write_iops}};
	struct buf line = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].value > 0)
			buf_addf(&line, " %s=%" PRIu64, keys[i].key, keys[i].value);
	if (d->weight > 0)
		add(l, CGROUP_IO, "io.weight", "<blkiotune>", "%s %u", number, d->weight);
	if (line.len > 0)
		add(l, CGROUP_IO, "io.max", "<blkiotune>", "%s%s", number, line.data);
	buf_fini(&line);
}

static void plan_io(
    const struct domain_blkiotune *t, bool v2, struct cgroup_limits *l, struct buf *notes)
{
	char number[32];
	if (t->weight > 0 && v2)
		add(l, CGROUP_IO, "io.weight", "<blkiotune>", "default %u", t->weight);
	else if (t->weight > 0)
		add(l, CGROUP_IO, "blkio.bfq.weight", "<blkiotune>", "%u", t->weight);
	for (size_t i = 0; i < t->n_devices; i++) {
		if (find_device(t->devices[i].path, number, notes) < 0)
			continue;
		if (v2)
			plan_device_v2(&t->devices[i], number, l);
		else
			plan_device_v1(&t->devices[i], number, l);
	}
}

/* --- all --- */

void cgroup_limits_plan(const struct domain_tune *t, const bool v2[CGROUP_CONTROLLERS],
    struct cgroup_limits *l, struct buf *notes)
{
	*l = (struct cgroup_limits){0};
	plan_cpu(&t->cpu, v2[CGROUP_CPU], l);
	plan_cpuset(t, v2[CGROUP_CPUSET], l);
	plan_memory(&t->mem, v2[CGROUP_MEMORY], l);
	plan_io(&t->blkio, v2[CGROUP_IO], l, notes);
}

void cgroup_limits_fini(struct cgroup_limits *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->setting[i].value);
	free(l->setting);
	*l = (struct cgroup_limits){0};
}

unsigned cgroup_limits_apply(
    const struct cgroup *g, const char *below, const struct cgroup_limits *l, struct buf *notes)
{
	unsigned failed = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct cgroup_setting *s = &l->setting[i];
		struct err err;
		if (cgroup_write(g, s->controller, below, s->file, s->value, &err) == 0)
			continue;
		buf_addf(notes, "%s is not in force: %s\n", s->element, err.msg);
		failed++;
	}
	return failed;
}

/* --- systemd.resource-control(5) --- */

struct words {
	char **word;
	size_t n;
};

static void say(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct words *w, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	w->word = xreallocarray(w->word, w->n + 2, sizeof(*w->word));
	w->word[w->n++] = xvasprintf(fmt, ap);
	w->word[w->n] = NULL;
	va_end(ap);
}

static void say_device(struct words *w, const struct tune_device *d)
{
	const struct {
		const char *property;
		uint64_t value;
	} all[] = {{"IODeviceWeight", d->weight}, {"IOReadBandwidthMax", d->read_bytes},
	    {"IOWriteBandwidthMax", d->write_bytes}, {"IOReadIOPSMax", d->read_iops},
	    {"IOWriteIOPSMax", d->write_iops}};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].value > 0)
			say(w, "%s=%s %" PRIu64, all[i].property, d->path, all[i].value);
}

static void say_cpu(struct words *w, const struct domain_tune *t)
{
	struct numset cpus = {0};
	if (t->cpu.has_shares)
		say(w, "CPUWeight=%u", weight_of(t->cpu.shares));
	if (t->cpu.global.quota > 0) {
		uint64_t period = period_of(&t->cpu.global);
		uint64_t percent = ((uint64_t)t->cpu.global.quota * 100 + period / 2) / period;
		say(w, "CPUQuota=%" PRIu64 "%%", percent < 1 ? 1 : percent);
		say(w, "CPUQuotaPeriodSec=%" PRIu64 "us", period);
	}
	all_cpus(t, &cpus);
	if (!numset_empty(&cpus)) {
		CLEANUP_FREE char *text = numset_format(&cpus, " ");
		say(w, "AllowedCPUs=%s", text);
	}
	numset_fini(&cpus);
	if (mems_bound(&t->numa)) {
		CLEANUP_FREE char *text = numset_format(&t->numa.nodes, " ");
		say(w, "AllowedMemoryNodes=%s", text);
	}
}

char **cgroup_limits_properties(const struct domain_tune *t, size_t *n)
{
	struct words w = {0};
	say_cpu(&w, t);
	if (limits(t->mem.hard_limit))
		say(&w, "MemoryMax=%" PRIu64, t->mem.hard_limit * 1024);
	if (limits(t->mem.soft_limit))
		say(&w, "MemoryHigh=%" PRIu64, t->mem.soft_limit * 1024);
	if (limits(t->mem.swap_hard_limit))
		say(&w, "MemorySwapMax=%" PRIu64, swap_kib(&t->mem) * 1024);
	if (t->blkio.weight > 0)
		say(&w, "IOWeight=%u", t->blkio.weight);
	for (size_t i = 0; i < t->blkio.n_devices; i++)
		say_device(&w, &t->blkio.devices[i]);
	*n = w.n;
	return w.word;
}
