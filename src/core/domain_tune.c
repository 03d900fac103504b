/* <cputune>, <memtune>, <blkiotune>, <numatune>, <resource> into struct domain_tune. */
#include "core/domain_tune.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"

#define UNLIMITED_KIB 9007199254740991ull /* libvirt's word for no limit, and all above */

static void scheds_fini(struct tune_sched *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		numset_fini(&s[i].ids);
	free(s);
}

static void pins_fini(struct tune_pin *pins, size_t n)
{
	for (size_t i = 0; i < n; i++)
		numset_fini(&pins[i].cpus);
	free(pins);
}

void domain_tune_fini(struct domain_tune *t)
{
	pins_fini(t->cpu.vcpupins, t->cpu.n_vcpupins);
	pins_fini(t->cpu.iothreadpins, t->cpu.n_iothreadpins);
	scheds_fini(t->cpu.vcpuscheds, t->cpu.n_vcpuscheds);
	scheds_fini(t->cpu.iothreadscheds, t->cpu.n_iothreadscheds);
	numset_fini(&t->cpu.emulatorpin);
	numset_fini(&t->cpu.emulatorsched.ids);
	for (size_t i = 0; i < t->blkio.n_devices; i++)
		free(t->blkio.devices[i].path);
	free(t->blkio.devices);
	for (size_t i = 0; i < t->numa.n_memnodes; i++)
		numset_fini(&t->numa.memnodes[i].nodes);
	free(t->numa.memnodes);
	numset_fini(&t->numa.nodes);
	numset_fini(&t->cpuset);
	free(t->partition);
	*t = (struct domain_tune){0};
}

/* --- cputune --- */
static int parse_quota(struct parse *p, const xmlNode *node, int64_t *quota)
{
	if (node == NULL)
		return 0;
	CLEANUP_FREE char *text = xml_text(node);
	uint64_t n = 0;
	if (text[0] == '-' && str_u64(text + 1, INT64_MAX, &n) == 0) {
		*quota = -1;
		return 0;
	}
	/* The kernel counts nanoseconds in 44 bits. */
	if (parse_text_number(p, node, 0, 17592186044415u, &n) < 0)
		return -1;
	if (n > 0 && n < TUNE_QUOTA_MIN)
		return parse_invalid(p, node, "%llu: at least %d microseconds, or -1 for no limit",
		    (unsigned long long)n, TUNE_QUOTA_MIN);
	*quota = (int64_t)n;
	return 0;
}

static int parse_bandwidth(
    struct parse *p, const xmlNode *cputune, const char *prefix, struct tune_bandwidth *b)
{
	CLEANUP_FREE char *period = xasprintf("%speriod", prefix);
	CLEANUP_FREE char *quota = xasprintf("%squota", prefix);
	const xmlNode *node = xml_child(cputune, period);
	if (parse_text_number(p, node, 0, TUNE_PERIOD_MAX, &b->period) < 0)
		return -1;
	if (b->period > 0 && b->period < TUNE_PERIOD_MIN)
		return parse_invalid(p, node, "%llu: from %u to %u microseconds",
		    (unsigned long long)b->period, TUNE_PERIOD_MIN, TUNE_PERIOD_MAX);
	return parse_quota(p, xml_child(cputune, quota), &b->quota);
}

/* <vcpupin vcpu='0' cpuset='1-3'/> and the like. */
static int parse_pins(struct parse *p, const xmlNode *cputune, const char *name, const char *attr,
    struct tune_pin **pins, size_t *n)
{
	for (const xmlNode *node = NULL; (node = parse_next(cputune, node, name)) != NULL;) {
		struct tune_pin pin = {.id = DOMAIN_VCPUS_MAX};
		if (parse_number(p, node, attr, DOMAIN_VCPUS_MAX - 1, &pin.id) < 0)
			return -1;
		if (pin.id == DOMAIN_VCPUS_MAX)
			return parse_invalid(p, node, "has no %s", attr);
		for (size_t i = 0; i < *n; i++)
			if ((*pins)[i].id == pin.id)
				return parse_invalid(p, node, "%s %u is there twice", attr, pin.id);
		if (parse_set(p, node, "cpuset", NUMSET_MAX, &pin.cpus) < 0)
			return -1;
		if (numset_empty(&pin.cpus))
			return parse_invalid(p, node, "has no cpuset");
		*DOMAIN_ADD(*pins, *n) = pin;
	}
	return 0;
}

static int parse_sched(struct parse *p, const xmlNode *node, struct tune_sched *s)
{
	static const char *const words[] = {"batch", "idle", "fifo", "rr", NULL};
	int scheduler;
	CLEANUP_FREE char *priority = xml_attr(node, "priority");
	if (!xmlHasProp((xmlNode *)node, BAD_CAST "scheduler"))
		return parse_invalid(p, node, "has no scheduler");
	if (parse_attr_word(p, node, "scheduler", words, -1, &scheduler) < 0)
		return -1;
	s->scheduler = (enum tune_scheduler)scheduler;
	if (s->scheduler != TUNE_FIFO && s->scheduler != TUNE_RR)
		return 0; /* libvirt, too, passes a priority over */
	uint64_t n = 0;
	if (priority == NULL)
		return parse_invalid(p, node, "scheduler '%s' needs a priority", words[scheduler]);
	if (parse_attr_number(p, node, "priority", 0, TUNE_PRIORITY_MAX, &n) < 0)
		return -1;
	s->priority = (unsigned)n;
	return 0;
}

static int parse_scheds(struct parse *p, const xmlNode *cputune, const char *name, const char *attr,
    struct tune_sched **scheds, size_t *n)
{
	for (const xmlNode *node = NULL; (node = parse_next(cputune, node, name)) != NULL;) {
		struct tune_sched *s = DOMAIN_ADD(*scheds, *n);
		if (parse_set(p, node, attr, DOMAIN_VCPUS_MAX, &s->ids) < 0 ||
		    parse_sched(p, node, s) < 0)
			return -1;
		if (numset_empty(&s->ids))
			return parse_invalid(p, node, "has no %s", attr);
		for (size_t i = 0; i + 1 < *n; i++) {
			unsigned both = numset_common(&(*scheds)[i].ids, &s->ids);
			if (both < NUMSET_MAX)
				return parse_invalid(
				    p, node, "%s: %u has another scheduler already", attr, both);
		}
	}
	return 0;
}

static int parse_cputune(struct parse *p, const xmlNode *node, struct domain_cputune *t)
{
	uint64_t shares = 0;
	const xmlNode *emulator = xml_child(node, "emulatorpin");
	const xmlNode *sched = xml_child(node, "emulatorsched");
	t->has_shares = xml_child(node, "shares") != NULL;
	t->has_emulatorsched = sched != NULL;
	if (parse_text_number(p, xml_child(node, "shares"), 0, TUNE_SHARES_MAX, &shares) < 0 ||
	    parse_bandwidth(p, node, "", &t->vcpu) < 0 ||
	    parse_bandwidth(p, node, "global_", &t->global) < 0 ||
	    parse_bandwidth(p, node, "emulator_", &t->emulator) < 0 ||
	    parse_bandwidth(p, node, "iothread_", &t->iothread) < 0 ||
	    parse_pins(p, node, "vcpupin", "vcpu", &t->vcpupins, &t->n_vcpupins) < 0 ||
	    parse_pins(p, node, "iothreadpin", "iothread", &t->iothreadpins, &t->n_iothreadpins) <
	        0 ||
	    parse_set(p, emulator, "cpuset", NUMSET_MAX, &t->emulatorpin) < 0 ||
	    parse_scheds(p, node, "vcpusched", "vcpus", &t->vcpuscheds, &t->n_vcpuscheds) < 0 ||
	    parse_scheds(p, node, "iothreadsched", "iothreads", &t->iothreadscheds,
	        &t->n_iothreadscheds) < 0)
		return -1;
	t->shares = (unsigned)shares;
	if (emulator != NULL && numset_empty(&t->emulatorpin))
		return parse_invalid(p, emulator, "has no cpuset");
	return sched != NULL ? parse_sched(p, sched, &t->emulatorsched) : 0;
}

/* --- memtune --- */
static int parse_limit(struct parse *p, const xmlNode *memtune, const char *name, uint64_t *kib)
{
	const xmlNode *node = xml_child(memtune, name);
	if (parse_kib(p, node, UINT64_MAX / 1024, kib) < 0)
		return -1;
	if (*kib >= UNLIMITED_KIB)
		*kib = TUNE_UNLIMITED;
	return 0;
}

static int parse_memtune(struct parse *p, const xmlNode *node, struct domain_memtune *t)
{
	if (parse_limit(p, node, "hard_limit", &t->hard_limit) < 0 ||
	    parse_limit(p, node, "soft_limit", &t->soft_limit) < 0 ||
	    parse_limit(p, node, "swap_hard_limit", &t->swap_hard_limit) < 0)
		return -1;
	/* The sum of memory and swap cannot be less than memory alone. */
	if (t->swap_hard_limit > 0 && t->hard_limit != TUNE_UNLIMITED &&
	    t->swap_hard_limit < t->hard_limit)
		return parse_invalid(p, xml_child(node, "swap_hard_limit"),
		    "%llu KiB is less than the hard_limit of %llu KiB, which is a part of it",
		    (unsigned long long)t->swap_hard_limit, (unsigned long long)t->hard_limit);
	return 0;
}

/* --- blkiotune --- */
static int parse_weight(struct parse *p, const xmlNode *parent, unsigned *weight)
{
	const xmlNode *node = xml_child(parent, "weight");
	uint64_t n = 0;
	if (parse_text_number(p, node, 0, TUNE_WEIGHT_MAX, &n) < 0)
		return -1;
	if (n > 0 && n < TUNE_WEIGHT_MIN)
		return parse_invalid(p, node, "%llu is not a number from %u to %u",
		    (unsigned long long)n, TUNE_WEIGHT_MIN, TUNE_WEIGHT_MAX);
	*weight = (unsigned)n;
	return 0;
}

static int parse_tune_device(struct parse *p, const xmlNode *node, struct domain_blkiotune *t)
{
	if (t->n_devices >= TUNE_DEVICES_MAX)
		return parse_invalid(p, node, "more than %u devices", TUNE_DEVICES_MAX);
	struct tune_device *k = DOMAIN_ADD(t->devices, t->n_devices);
	uint64_t read_iops = 0, write_iops = 0;
	k->path = xml_child_text(node, "path");
	if (k->path == NULL)
		return parse_invalid(p, node, "has no <path>");
	if (parse_path_check(p, xml_child(node, "path"), k->path) < 0 ||
	    parse_weight(p, node, &k->weight) < 0 ||
	    parse_text_number(p, xml_child(node, "read_iops_sec"), 0, UINT32_MAX, &read_iops) < 0 ||
	    parse_text_number(p, xml_child(node, "write_iops_sec"), 0, UINT32_MAX, &write_iops) <
	        0 ||
	    parse_text_number(p, xml_child(node, "read_bytes_sec"), 0, INT64_MAX, &k->read_bytes) <
	        0 ||
	    parse_text_number(
	        p, xml_child(node, "write_bytes_sec"), 0, INT64_MAX, &k->write_bytes) < 0)
		return -1;
	k->read_iops = (unsigned)read_iops;
	k->write_iops = (unsigned)write_iops;
	for (size_t i = 0; i + 1 < t->n_devices; i++)
		if (str_eq(t->devices[i].path, k->path))
			return parse_invalid(p, node, "'%s' is there twice", k->path);
	return 0;
}

static int parse_blkiotune(struct parse *p, const xmlNode *node, struct domain_blkiotune *t)
{
	if (parse_weight(p, node, &t->weight) < 0)
		return -1;
	for (const xmlNode *n = NULL; (n = parse_next(node, n, "device")) != NULL;)
		if (parse_tune_device(p, n, t) < 0)
			return -1;
	return 0;
}

/* --- numatune --- */
static int parse_mode(struct parse *p, const xmlNode *node, enum numa_mode *mode)
{
	static const char *const modes[] = {
	    "strict", "preferred", "interleave", "restrictive", NULL};
	int i;
	if (parse_attr_word(p, node, "mode", modes, 0, &i) < 0)
		return -1;
	*mode = (enum numa_mode)i;
	return 0;
}

static int parse_memnode(struct parse *p, const xmlNode *node, struct domain_numatune *t)
{
	struct numa_memnode *m = DOMAIN_ADD(t->memnodes, t->n_memnodes);
	if (!xmlHasProp((xmlNode *)node, BAD_CAST "cellid"))
		return parse_invalid(p, node, "has no cellid");
	if (parse_number(p, node, "cellid", DOMAIN_VCPUS_MAX, &m->cell) < 0 ||
	    parse_mode(p, node, &m->mode) < 0 ||
	    parse_set(p, node, "nodeset", NUMSET_MAX, &m->nodes) < 0)
		return -1;
	if (numset_empty(&m->nodes))
		return parse_invalid(p, node, "has no nodeset");
	for (size_t i = 0; i + 1 < t->n_memnodes; i++)
		if (t->memnodes[i].cell == m->cell)
			return parse_invalid(p, node, "cellid %u is there twice", m->cell);
	bool restrictive = t->mode == NUMA_RESTRICTIVE;
	if (t->given && restrictive != (m->mode == NUMA_RESTRICTIVE))
		return parse_invalid(p, node,
		    "mode 'restrictive' has to stand in <memory> and in every <memnode>, or nowhere");
	return 0;
}

static int parse_numatune(struct parse *p, const xmlNode *root, struct domain_numatune *t)
{
	static const char *const placements[] = {"", "static", "auto", NULL};
	const xmlNode *numatune = xml_child(root, "numatune"),
	              *memory = xml_child(numatune, "memory");
	int placement, vcpu;
	t->given = memory != NULL;
	if (parse_mode(p, memory, &t->mode) < 0 ||
	    parse_set(p, memory, "nodeset", NUMSET_MAX, &t->nodes) < 0 ||
	    parse_attr_word(p, memory, "placement", placements, 0, &placement) < 0 ||
	    parse_attr_word(p, xml_child(root, "vcpu"), "placement", placements, 0, &vcpu) < 0)
		return -1;
	if (placement == 0 && numset_empty(&t->nodes) && vcpu == 2)
		placement = 2;
	t->automatic = placement == 2;
	if (t->automatic && memory != NULL) {
		parse_warn(
		    p, memory, "placement='auto' is taken as no wish: there is no numad here");
		numset_fini(&t->nodes);
	} else if (t->given && numset_empty(&t->nodes)) {
		return parse_invalid(p, memory, "has no nodeset");
	}
	for (const xmlNode *n = NULL; (n = parse_next(numatune, n, "memnode")) != NULL;) {
		if (t->automatic)
			return parse_invalid(
			    p, n, "cells cannot have nodes of their own beside placement='auto'");
		if (parse_memnode(p, n, t) < 0)
			return -1;
	}
	return 0;
}

/* What is pinned or scheduled has to be there. */
static int check_numbers(struct parse *p, const xmlNode *cputune)
{
	const struct domain *d = p->d;
	const struct domain_cputune *t = &d->tune.cpu;
	for (size_t i = 0; i < t->n_vcpupins; i++)
		if (t->vcpupins[i].id >= d->vcpus_max)
			return parse_invalid(p, xml_child(cputune, "vcpupin"),
			    "there is no vCPU %u, <vcpu> says %u", t->vcpupins[i].id, d->vcpus_max);
	for (size_t i = 0; i < t->n_vcpuscheds; i++) {
		unsigned last = numset_last(&t->vcpuscheds[i].ids);
		if (last >= d->vcpus_max)
			return parse_invalid(p, xml_child(cputune, "vcpusched"),
			    "there is no vCPU %u, <vcpu> says %u", last, d->vcpus_max);
	}
	return 0;
}

static bool has_iothread(const struct domain *d, unsigned id)
{
	for (size_t i = 0; i < d->n_iothreads; i++)
		if (d->iothreads[i].id == id)
			return true;
	return false;
}

int tune_check(struct parse *p, const xmlNode *root)
{
	const struct domain *d = p->d;
	const struct domain_cputune *t = &d->tune.cpu;
	const xmlNode *cputune = xml_child(root, "cputune");
	if (p->flags & DOMAIN_PARSE_LENIENT)
		return 0;
	for (size_t i = 0; i < t->n_iothreadpins; i++)
		if (!has_iothread(d, t->iothreadpins[i].id))
			return parse_invalid(p, xml_child(cputune, "iothreadpin"),
			    "there is no IOThread %u in <iothreads>", t->iothreadpins[i].id);
	for (size_t i = 0; i < t->n_iothreadscheds; i++) {
		const struct numset *ids = &t->iothreadscheds[i].ids;
		for (unsigned k = numset_next(ids, 0); k < NUMSET_MAX; k = numset_next(ids, k + 1))
			if (!has_iothread(d, k))
				return parse_invalid(p, xml_child(cputune, "iothreadsched"),
				    "there is no IOThread %u in <iothreads>", k);
	}
	return 0;
}

static int parse_partition(struct parse *p, const xmlNode *root, char **partition)
{
	const xmlNode *node = xml_child(xml_child(root, "resource"), "partition");
	*partition = xml_text(node);
	if (*partition != NULL && strstr(*partition, "..") != NULL)
		return parse_invalid(p, node, "no '..' in the name of a cgroup");
	return parse_path_check(p, node, *partition);
}

static int parse_all(struct parse *p, const xmlNode *root)
{
	struct domain_tune *t = &p->d->tune;
	t->locked = xml_child(xml_child(root, "memoryBacking"), "locked") != NULL;
	if (parse_set(p, xml_child(root, "vcpu"), "cpuset", NUMSET_MAX, &t->cpuset) < 0 ||
	    parse_cputune(p, xml_child(root, "cputune"), &t->cpu) < 0 ||
	    check_numbers(p, xml_child(root, "cputune")) < 0 ||
	    parse_memtune(p, xml_child(root, "memtune"), &t->mem) < 0 ||
	    parse_blkiotune(p, xml_child(root, "blkiotune"), &t->blkio) < 0 ||
	    parse_numatune(p, root, &t->numa) < 0 || parse_partition(p, root, &t->partition) < 0)
		return -1;
	return 0;
}

int tune_parse(struct parse *p, const xmlNode *root)
{
	if (parse_all(p, root) == 0)
		return 0;
	if (!(p->flags & DOMAIN_PARSE_LENIENT))
		return -1;
	/* Of a machine that runs already: there was a time when nobody looked at these wishes. */
	domain_tune_fini(&p->d->tune);
	return 0;
}
