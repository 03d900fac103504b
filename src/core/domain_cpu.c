/* <vcpu>, <vcpus>, <cpu> without its NUMA cells into struct domain_cpu. */
#include "core/domain_cpu.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"

#define CPU_FEATURES_MAX 512u
#define VENDOR_ID_LENGTH 12
#define PHYS_BITS_MIN 32u
#define PHYS_BITS_MAX 64u

void domain_cpu_fini(struct domain_cpu *c)
{
	for (size_t i = 0; i < c->n_features; i++)
		free(c->features[i].name);
	for (size_t i = 0; i < c->n_cells; i++) {
		numset_fini(&c->cells[i].cpus);
		free(c->cells[i].distances);
		free(c->cells[i].caches);
	}
	free(c->model);
	free(c->vendor_id);
	free(c->features);
	free(c->cells);
	free(c->links);
	free(c->vcpus);
	*c = (struct domain_cpu){0};
}

/* --- vcpu, vcpus --- */
static int parse_vcpu(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	const xmlNode *node = xml_child(root, "vcpu");
	uint64_t n = 1;
	if (parse_text_number(p, node, 1, DOMAIN_VCPUS_MAX, &n) < 0)
		return -1;
	d->vcpus = d->vcpus_max = (unsigned)n;
	if (parse_number(p, node, "current", d->vcpus_max, &d->vcpus) < 0)
		return -1;
	return d->vcpus > 0 ? 0 : parse_invalid(p, node, "current='0': one vCPU is the least");
}

/* *id is the entry's. */
static int parse_one_vcpu(struct parse *p, const xmlNode *node, struct cpu_vcpu *all, unsigned *id)
{
	enum domain_switch enabled = SWITCH_ABSENT, hotpluggable = SWITCH_ABSENT;
	unsigned order = 0;
	uint64_t n = DOMAIN_VCPUS_MAX;
	if (parse_attr_number(p, node, "id", 0, DOMAIN_VCPUS_MAX - 1, &n) < 0 ||
	    parse_switch(p, node, "enabled", &enabled) < 0 ||
	    parse_switch(p, node, "hotpluggable", &hotpluggable) < 0 ||
	    parse_number(p, node, "order", DOMAIN_VCPUS_MAX, &order) < 0)
		return -1;
	*id = (unsigned)n;
	if (n >= p->d->vcpus_max)
		return parse_invalid(p, node, "id='%u', but <vcpu> has %u", *id, p->d->vcpus_max);
	if (enabled == SWITCH_ABSENT)
		return parse_invalid(p, node, "has no enabled");
	all[n] = (struct cpu_vcpu){.enabled = enabled == SWITCH_ON,
	    .hotpluggable = hotpluggable == SWITCH_ON || enabled == SWITCH_OFF,
	    .order = order};
	if (enabled == SWITCH_OFF && order > 0)
		return parse_invalid(p, node, "an order for a vCPU that is not enabled");
	return 0;
}

static int check_vcpus(struct parse *p, const xmlNode *vcpus)
{
	struct domain *d = p->d;
	const struct cpu_vcpu *all = d->cpu.vcpus;
	unsigned enabled = 0;
	for (unsigned i = 0; i < d->vcpus_max; i++) {
		enabled += all[i].enabled;
		for (unsigned k = 0; all[i].order > 0 && k < i; k++)
			if (all[k].order == all[i].order && all[k].enabled && all[i].enabled)
				return parse_invalid(
				    p, vcpus, "order %u is there twice", all[i].order);
	}
	if (enabled != d->vcpus)
		parse_warn(p, vcpus, "%u of them are enabled, <vcpu> says %u: the list counts",
		    enabled, d->vcpus);
	d->vcpus = enabled;
	if (!all[0].enabled || all[0].hotpluggable)
		return parse_invalid(p, vcpus, "vCPU 0 has to be enabled and not hotpluggable");
	return 0;
}

static int parse_vcpus(struct parse *p, const xmlNode *root)
{
	const xmlNode *vcpus = xml_child(root, "vcpus");
	struct domain *d = p->d;
	struct numset seen = {0};
	int rc = 0;
	if (vcpus == NULL)
		return 0;
	/* Those that are not named are not enabled. */
	d->cpu.vcpus = xcalloc(d->vcpus_max, sizeof *d->cpu.vcpus);
	for (unsigned i = 0; i < d->vcpus_max; i++)
		d->cpu.vcpus[i].hotpluggable = true;
	for (const xmlNode *n = NULL; rc == 0 && (n = parse_next(vcpus, n, "vcpu")) != NULL;) {
		unsigned id;
		rc = parse_one_vcpu(p, n, d->cpu.vcpus, &id);
		if (rc == 0 && numset_has(&seen, id))
			rc = parse_invalid(p, n, "id %u is there twice", id);
		if (rc == 0)
			numset_add(&seen, id);
	}
	numset_fini(&seen);
	return rc == 0 ? check_vcpus(p, vcpus) : rc;
}

/* --- cpu --- */
static int parse_feature(struct parse *p, const xmlNode *node, struct domain_cpu *c)
{
	static const char *const policies[] = {
	    "force", "require", "optional", "disable", "forbid", NULL};
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	int policy;
	CLEANUP_FREE char *name = xml_attr(node, "name");
	if (parse_attr_word(p, node, "policy", policies, CPU_REQUIRE, &policy) < 0)
		return -1;
	if (name == NULL || name[0] == '\0' || name[strspn(name, allowed)] != '\0')
		return parse_invalid(p, node, "has no usable name");
	if (c->n_features >= CPU_FEATURES_MAX)
		return parse_invalid(p, node, "more than %u features", CPU_FEATURES_MAX);
	for (size_t i = 0; i < c->n_features; i++)
		if (strcmp(c->features[i].name, name) == 0)
			return parse_invalid(p, node, "feature '%s' is there twice", name);
	struct domain_cpu_feature *f = DOMAIN_ADD(c->features, c->n_features);
	f->name = TAKE_PTR(name);
	f->policy = (enum cpu_policy)policy;
	return 0;
}

static int parse_model(struct parse *p, const xmlNode *cpu, struct domain_cpu *c)
{
	static const char *const fallbacks[] = {"allow", "forbid", NULL};
	const xmlNode *node = xml_child(cpu, "model");
	int fallback;
	CLEANUP_FREE char *model = xml_text(node);
	if (parse_attr_word(p, node, "fallback", fallbacks, 0, &fallback) < 0)
		return -1;
	c->fallback = fallback == 0;
	c->vendor_id = xml_attr(node, "vendor_id");
	if (c->vendor_id != NULL && (strlen(c->vendor_id) != VENDOR_ID_LENGTH ||
	                                !parse_text_ok(c->vendor_id) || strchr(c->vendor_id, ',')))
		return parse_invalid(p, node, "vendor_id: %d characters without commas are needed",
		    VENDOR_ID_LENGTH);
	/* <model fallback='allow'/> of host-model names none. */
	if (model == NULL || model[strspn(model, " \t\r\n")] == '\0')
		return 0;
	if (!parse_text_ok(model) || strchr(model, ',') != NULL)
		return parse_invalid(p, node, "not the name of a CPU model");
	c->model = TAKE_PTR(model);
	return 0;
}

static int parse_topology(struct parse *p, const xmlNode *cpu, struct domain_cpu *c)
{
	const xmlNode *node = xml_child(cpu, "topology");
	const struct domain *d = p->d;
	unsigned clusters = 1;
	if (node == NULL)
		return 0;
	c->sockets = c->dies = c->cores = c->threads = 1;
	const struct {
		const char *name;
		unsigned *out;
	} parts[] = {{"sockets", &c->sockets}, {"dies", &c->dies}, {"clusters", &clusters},
	    {"cores", &c->cores}, {"threads", &c->threads}};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		uint64_t n = 1;
		if (parse_attr_number(p, node, parts[i].name, 1, DOMAIN_VCPUS_MAX, &n) < 0)
			return -1;
		*parts[i].out = (unsigned)n;
	}
	if (clusters > 1 &&
	    parse_refuse(p, node, "clusters='%u': x86 machines have none", clusters) < 0)
		return -1;
	uint64_t cpus = (uint64_t)c->sockets * c->dies * c->cores * c->threads;
	if (cpus != d->vcpus_max)
		return parse_invalid(p, node,
		    "sockets × dies × cores × threads is %llu, <vcpu> says %u",
		    (unsigned long long)cpus, d->vcpus_max);
	return 0;
}

static int parse_cache(struct parse *p, const xmlNode *cpu, struct domain_cpu *c)
{
	static const char *const modes[] = {"", "emulate", "passthrough", "disable", NULL};
	const xmlNode *node = xml_child(cpu, "cache");
	unsigned level = 0;
	int mode;
	if (node == NULL)
		return 0;
	if (parse_attr_word(p, node, "mode", modes, -1, &mode) < 0 ||
	    parse_number(p, node, "level", 3, &level) < 0)
		return mode == -1 && !xmlHasProp((xmlNode *)node, BAD_CAST "mode")
		           ? parse_invalid(p, node, "has no mode")
		           : -1;
	c->cache = (enum cpu_cache)mode;
	bool leveled = xmlHasProp((xmlNode *)node, BAD_CAST "level") != NULL;
	if (c->cache == CPU_CACHE_EMULATE && leveled && level != 3)
		return parse_invalid(p, node, "mode='emulate' is for level='3' alone");
	if (c->cache != CPU_CACHE_EMULATE && leveled)
		return parse_invalid(
		    p, node, "mode='%s' is for all levels, not for one", modes[mode]);
	bool host = c->mode == CPU_HOST_PASSTHROUGH || c->mode == CPU_MAXIMUM;
	if (c->cache == CPU_CACHE_PASSTHROUGH && !host)
		return parse_invalid(
		    p, node, "mode='passthrough' needs <cpu mode='host-passthrough'> or 'maximum'");
	return 0;
}

static int parse_phys(struct parse *p, const xmlNode *cpu, struct domain_cpu *c)
{
	static const char *const modes[] = {"", "emulate", "passthrough", NULL};
	const xmlNode *node = xml_child(cpu, "maxphysaddr");
	uint64_t bits = 0, limit = 0;
	int mode;
	if (node == NULL)
		return 0;
	if (parse_attr_word(p, node, "mode", modes, 0, &mode) < 0 ||
	    parse_attr_number(p, node, "bits", PHYS_BITS_MIN, PHYS_BITS_MAX, &bits) < 0 ||
	    parse_attr_number(p, node, "limit", PHYS_BITS_MIN, PHYS_BITS_MAX, &limit) < 0)
		return -1;
	c->phys = (enum cpu_phys)mode;
	c->phys_bits = (unsigned)bits;
	c->phys_limit = (unsigned)limit;
	if (c->phys == CPU_PHYS_ABSENT)
		return parse_invalid(p, node, "has no mode");
	if (c->phys == CPU_PHYS_EMULATE && bits == 0)
		return parse_invalid(p, node, "mode='emulate' needs bits");
	if (c->phys == CPU_PHYS_PASSTHROUGH && bits > 0)
		return parse_invalid(
		    p, node, "bits are for mode='emulate'; here limit bounds the host's");
	bool host = c->mode == CPU_HOST_PASSTHROUGH || c->mode == CPU_MAXIMUM;
	if (c->phys == CPU_PHYS_PASSTHROUGH && !host)
		return parse_invalid(
		    p, node, "mode='passthrough' needs <cpu mode='host-passthrough'> or 'maximum'");
	return 0;
}

static int parse_mode(struct parse *p, const xmlNode *cpu, struct domain_cpu *c)
{
	static const char *const modes[] = {
	    "", "custom", "host-model", "host-passthrough", "maximum", NULL};
	int mode;
	if (parse_model(p, cpu, c) < 0 ||
	    parse_attr_word(
	        p, cpu, "mode", modes, c->model != NULL ? CPU_CUSTOM : CPU_DEFAULT, &mode) < 0 ||
	    parse_switch(p, cpu, "migratable", &c->migratable) < 0)
		return -1;
	c->mode = (enum domain_cpu_mode)mode;
	if (c->mode == CPU_CUSTOM && c->model == NULL)
		return parse_invalid(p, cpu, "mode='custom' needs a <model>");
	if (c->migratable != SWITCH_ABSENT && c->mode != CPU_HOST_PASSTHROUGH &&
	    c->mode != CPU_MAXIMUM)
		return parse_invalid(
		    p, cpu, "migratable is for mode='host-passthrough' and 'maximum'");
	return 0;
}

int cpu_parse(struct parse *p, const xmlNode *root)
{
	struct domain_cpu *c = &p->d->cpu;
	const xmlNode *cpu = xml_child(root, "cpu");
	if (parse_vcpu(p, root) < 0 || parse_vcpus(p, root) < 0)
		return -1;
	if (cpu == NULL)
		return 0;
	if (parse_mode(p, cpu, c) < 0 || parse_topology(p, cpu, c) < 0 ||
	    parse_cache(p, cpu, c) < 0 || parse_phys(p, cpu, c) < 0)
		return -1;
	for (const xmlNode *n = NULL; (n = parse_next(cpu, n, "feature")) != NULL;)
		if (parse_feature(p, n, c) < 0)
			return -1;
	return numa_parse(p, xml_child(cpu, "numa"));
}
