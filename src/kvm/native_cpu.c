/* Processors and memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

#define KIB 1024ull

/* --- memory --- */
uint64_t nat_size(const char *text, bool mega)
{
	static const char suffixes[] = "bkmgtpe";
	char *end;
	if (text == NULL || text[0] < '0' || text[0] > '9')
		return 0;
	double value = strtod(text, &end);
	unsigned shift = mega ? 20 : 0;
	if (*end != '\0') {
		char lower = (char)(*end >= 'A' && *end <= 'Z' ? *end + 32 : *end);
		const char *s = strchr(suffixes, lower);
		if (s == NULL || end[1] != '\0')
			return 0;
		shift = (unsigned)(s - suffixes) * 10;
	}
	value *= (double)(1ull << shift);
	return value >= 1 && value < 1.8e19 ? (uint64_t)value : 0;
}

static xmlNode *need_backing(struct native *n)
{
	for (xmlNode *c = n->root->children; c != NULL; c = c->next)
		if (xmlStrEqual(c->name, (const xmlChar *)"memoryBacking"))
			return c;
	xmlNode *backing = xmlNewDocNode(n->doc, NULL, (const xmlChar *)"memoryBacking", NULL);
	xmlAddPrevSibling(n->os, backing);
	return backing;
}

static void add_text_before_os(struct native *n, const char *name, uint64_t kib, const char *slots)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)kib);
	xmlNode *node = xmlNewDocNode(n->doc, NULL, (const xmlChar *)name, (const xmlChar *)text);
	nat_attr(node, "slots", slots);
	nat_attr(node, "unit", "KiB");
	xmlAddPrevSibling(n->os, node);
}

/* How a memory backend gets its memory; false: not what <memoryBacking> can say of all memory. */
static bool express_backend(struct native *n, struct nat_opt *o)
{
	const char *type = nat_take(o, "qom-type"), *share = nat_take(o, "share");
	const char *path = nat_get(o, "mem-path"), *prealloc = nat_take(o, "prealloc");
	bool file = strcmp(type, "memory-backend-file") == 0;
	if (file && path != NULL && strstr(path, "huge") == NULL)
		return false;
	xmlNode *backing = need_backing(n);
	if (file || nat_is_on(nat_get(o, "hugetlb")))
		nat_el(backing, "hugepages");
	nat_take(o, "mem-path");
	nat_take(o, "hugetlb");
	if (strcmp(type, "memory-backend-memfd") == 0)
		nat_attr(nat_el(backing, "source"), "type", "memfd");
	if (nat_is_on(share))
		nat_attr(nat_el(backing, "access"), "mode", "shared");
	if (nat_is_on(prealloc))
		nat_attr(nat_el(backing, "allocation"), "mode", "immediate");
	if (backing->children == NULL) {
		xmlUnlinkNode(backing);
		xmlFreeNode(backing);
	}
	nat_take(o, "id");
	nat_take(o, "size");
	nat_take(o, "x-use-canonical-path-for-ramblock-id");
	return true;
}

/* -machine memory-backend=ID: libvirt's way of naming main memory. */
static void express_main_memory(struct native *n)
{
	struct nat_opt *m = nat_first(n, "machine");
	const char *id = m != NULL ? nat_get(m, "memory-backend") : NULL;
	struct nat_opt *o = id != NULL ? nat_find(n, "object", "id", id) : NULL;
	const char *type = o != NULL ? nat_get(o, "qom-type") : NULL;
	if (type == NULL || !str_prefix(type, "memory-backend-"))
		return;
	nat_begin(n, o);
	if (nat_end(n, NULL, express_backend(n, o))) {
		nat_take(m, "memory-backend");
		const char *left;
		m->used = nat_all_taken(m, &left);
	}
}

static void express_options(struct native *n)
{
	struct nat_opt *o = nat_first(n, "overcommit"), *path = nat_first(n, "mem-path");
	if (o != NULL && nat_is_on(nat_get(o, "mem-lock")))
		nat_el(need_backing(n), "locked");
	if (o != NULL && nat_take(o, "mem-lock") != NULL) {
		const char *left;
		o->used = nat_all_taken(o, &left);
	}
	if (path != NULL && path->value != NULL && strstr(path->value, "huge") != NULL) {
		nat_el(need_backing(n), "hugepages");
		path->used = true;
	}
}

void nat_memory(struct native *n)
{
	struct nat_opt *o = nat_first(n, "m");
	uint64_t size = 128 * KIB * KIB, max; /* QEMU's own default */
	const char *slots = NULL;
	if (o != NULL) {
		uint64_t given = nat_size(nat_take(o, "size"), true);
		size = given > 0 ? given : size;
		slots = nat_take(o, "slots");
		max = nat_size(nat_take(o, "maxmem"), true);
		if (slots != NULL && max > 0)
			add_text_before_os(n, "maxMemory", max / KIB, slots);
		n->pluggable = slots != NULL && max > 0;
		o->used = true;
	}
	n->memory_kib = size / KIB;
	add_text_before_os(n, "memory", size / KIB, NULL);
	add_text_before_os(n, "currentMemory", size / KIB, NULL);
	express_options(n);
	express_main_memory(n);
}

/* --- processors --- */
struct smp {
	uint64_t cpus, max, sockets, dies, cores, threads;
};

static uint64_t smp_key(struct nat_opt *o, const char *key)
{
	const char *text = nat_get(o, key);
	uint64_t value = 0;
	if (text != NULL && str_u64(text, 65536, &value) == 0)
		nat_take(o, key);
	return value;
}

/* Before machine version 6.2 QEMU made sockets of what nobody placed, since then cores. */
static bool prefers_sockets(struct native *n)
{
	unsigned major, minor;
	CLEANUP_FREE xmlChar *type = NULL;
	for (xmlNode *c = n->os->children; c != NULL && type == NULL; c = c->next)
		type = xmlGetProp(c, (const xmlChar *)"machine");
	const char *version = type != NULL ? strrchr((const char *)type, '-') : NULL;
	bool known = version != NULL && sscanf(version + 1, "%u.%u", &major, &minor) == 2;
	return known && (major < 6 || (major == 6 && minor < 2));
}

static uint64_t or_one(uint64_t v)
{
	return v > 0 ? v : 1;
}

/* What is not given follows from what is, as QEMU works it out. */
static void complete_smp(struct native *n, struct smp *s)
{
	uint64_t dies = or_one(s->dies);
	uint64_t total = s->max > 0 ? s->max : s->cpus;
	if (total == 0)
		total = or_one(s->sockets) * dies * or_one(s->cores) * or_one(s->threads);
	if (s->sockets == 0 && s->cores == 0 && prefers_sockets(n))
		s->cores = 1;
	if (s->cores == 0 && s->sockets == 0)
		s->sockets = 1;
	s->threads = or_one(s->threads);
	if (s->sockets == 0)
		s->sockets = or_one(total / (dies * s->cores * s->threads));
	if (s->cores == 0)
		s->cores = or_one(total / (s->sockets * dies * s->threads));
	s->max = total;
	s->cpus = s->cpus > 0 ? s->cpus : total;
}

static void express_smp(struct native *n)
{
	struct nat_opt *o = nat_first(n, "smp");
	struct smp s = {0};
	char text[24];
	if (o != NULL) {
		nat_begin(n, o);
		s = (struct smp){smp_key(o, "cpus"), smp_key(o, "maxcpus"), smp_key(o, "sockets"),
		    smp_key(o, "dies"), smp_key(o, "cores"), smp_key(o, "threads")};
		nat_ignore(o, "clusters", "1");
		nat_end(n, NULL, true);
	}
	complete_smp(n, &s);
	snprintf(text, sizeof text, "%llu", (unsigned long long)s.max);
	xmlNode *vcpu = xmlNewDocNode(n->doc, NULL, (const xmlChar *)"vcpu", (const xmlChar *)text);
	xmlAddPrevSibling(n->os, vcpu);
	if (s.cpus < s.max)
		nat_attru(vcpu, "current", s.cpus);
	n->cpus = s.max;
	/* A socket for each is what a document without a topology means. */
	bool plain = s.sockets == s.max && s.cores == 1 && s.threads == 1 && s.dies <= 1;
	if (plain || s.sockets * or_one(s.dies) * s.cores * s.threads != s.max)
		return;
	xmlNode *t = nat_el(n->cpu, "topology");
	nat_attru(t, "sockets", s.sockets);
	if (s.dies > 1)
		nat_attru(t, "dies", s.dies);
	nat_attru(t, "cores", s.cores);
	nat_attru(t, "threads", s.threads);
}

/* --- -cpu --- */
xmlNode *nat_feature(struct native *n, const char *name)
{
	for (xmlNode *c = n->features->children; c != NULL; c = c->next)
		if (xmlStrEqual(c->name, (const xmlChar *)name))
			return c;
	return nat_el(n->features, name);
}

static void add_hyperv(struct native *n, const char *name, const char *value)
{
	xmlNode *hv = nat_feature(n, "hyperv");
	nat_attr(hv, "mode", "custom");
	xmlNode *f = nat_el(hv, name);
	bool retries = strcmp(name, "spinlocks") == 0, vendor = strcmp(name, "vendor_id") == 0;
	nat_attr(f, "state", nat_is_off(value) ? "off" : "on");
	if (retries)
		nat_attrf(f, "retries", "%llu", strtoull(value, NULL, 0));
	if (vendor)
		nat_attr(f, "value", value);
}

/* Properties of -cpu that are no CPUID flags. false: it is one, or unknown. */
static bool special(struct native *n, const char *key, const char *value)
{
	static const char *const hyperv[][2] = {{"relaxed", "relaxed"}, {"vapic", "vapic"},
	    {"spinlocks", "spinlocks"}, {"vpindex", "vpindex"}, {"runtime", "runtime"},
	    {"synic", "synic"}, {"stimer", "stimer"}, {"reset", "reset"},
	    {"vendor_id", "vendor_id"}, {"vendor-id", "vendor_id"}, {"frequencies", "frequencies"},
	    {"reenlightenment", "reenlightenment"}, {"tlbflush", "tlbflush"}, {"ipi", "ipi"},
	    {"evmcs", "evmcs"}};
	bool hv = str_prefix(key, "hv_") || str_prefix(key, "hv-");
	for (size_t i = 0; hv && i < ARRAY_LEN(hyperv); i++)
		if (strcmp(hyperv[i][0], key + 3) == 0) {
			add_hyperv(n, hyperv[i][1], value);
			return true;
		}
	if (hv && (strcmp(key + 3, "time") == 0)) { /* libvirt: timer hypervclock */
		xmlNode *t = nat_el(n->clock, "timer");
		nat_attr(t, "name", "hypervclock");
		nat_attr(t, "present", nat_is_on(value) ? "yes" : "no");
		return true;
	}
	if (strcmp(key, "kvm") == 0) {
		xmlNode *kvm = nat_feature(n, "kvm");
		nat_attr(nat_el(kvm, "hidden"), "state", nat_is_off(value) ? "on" : "off");
		return true;
	}
	if (strcmp(key, "pmu") == 0) {
		nat_attr(nat_feature(n, "pmu"), "state", nat_is_on(value) ? "on" : "off");
		return true;
	}
	if (strcmp(key, "migratable") == 0) {
		nat_attr(n->cpu, "migratable", nat_is_on(value) ? "on" : "off");
		return true;
	}
	if (strcmp(key, "l3-cache") == 0 && nat_is_on(value)) {
		xmlNode *c = nat_el(n->cpu, "cache");
		nat_attr(c, "level", "3");
		nat_attr(c, "mode", "emulate");
		return true;
	}
	if (strcmp(key, "host-cache-info") == 0 && nat_is_on(value)) {
		nat_attr(nat_el(n->cpu, "cache"), "mode", "passthrough");
		return true;
	}
	if (strcmp(key, "host-phys-bits") == 0 && nat_is_on(value)) {
		nat_attr(nat_el(n->cpu, "maxphysaddr"), "mode", "passthrough");
		return true;
	}
	return false;
}

/* QEMU's own properties that look like flags and are none. */
static bool is_flag_name(const char *key)
{
	static const char *const none[] = {"check", "enforce", "level", "xlevel", "vendor",
	    "family", "model", "stepping", "model-id", "phys-bits", "host-phys-bits",
	    "host-phys-bits-limit", "kvm-no-smi-migration", "tsc-frequency", "min-level",
	    "min-xlevel", "legacy-cache", "hv-passthrough", "hv_passthrough",
	    "hv-no-nonarch-coresharing", "l3-cache", "host-cache-info", "fill-mtrr-mask", "lmce"};
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (strcmp(none[i], key) == 0)
			return false;
	return !str_prefix(key, "hv") && !str_prefix(key, "x-") && !str_prefix(key, "xen");
}

static void express_flag(struct native *n, struct nat_key *k)
{
	const char *name = k->key, *value = k->value;
	bool plus = name[0] == '+', minus = name[0] == '-';
	if (plus || minus)
		name++;
	bool on = plus || (!minus && nat_is_on(value));
	if (!plus && !minus && special(n, name, value)) {
		k->taken = true;
		return;
	}
	if (!is_flag_name(name) || (!plus && !minus && !nat_is_on(value) && !nat_is_off(value)))
		return;
	CLEANUP_FREE char *dashed = xstrdup(name);
	for (char *c = dashed; str_prefix(name, "kvm_") && *c != '\0'; c++)
		*c = *c == '_' ? '-' : *c; /* the old spelling */
	name = dashed;
	xmlNode *f = nat_el(n->cpu, "feature");
	nat_attr(f, "policy", on ? "require" : "disable");
	nat_attr(f, "name", name);
	k->taken = true;
}

static void express_model(struct native *n, const char *model)
{
	if (strcmp(model, "host") == 0 || strcmp(model, "max") == 0) {
		bool host = strcmp(model, "host") == 0;
		nat_attr(n->cpu, "mode", host ? "host-passthrough" : "maximum");
		nat_attr(n->cpu, "check", "none");
		return;
	}
	nat_attr(n->cpu, "mode", "custom");
	nat_attr(n->cpu, "match", "exact");
	nat_attr(n->cpu, "check", "none");
	nat_attr(nat_text(n->cpu, "model", model), "fallback", "forbid");
}

void nat_cpu(struct native *n)
{
	struct nat_opt *o = nat_first(n, "cpu");
	const char *model = o != NULL ? nat_get(o, "model") : NULL;
	if (model != NULL) {
		nat_begin(n, o);
		express_model(n, nat_take(o, "model"));
		express_smp(n);
		nat_begin(n, o);
		nat_take(o, "model");
		for (size_t i = 0; i < o->n_keys; i++)
			if (!o->keys[i].taken)
				express_flag(n, &o->keys[i]);
		/* One that is left keeps the whole option: a second -cpu counts instead of ours. */
		const char *left;
		if (!nat_all_taken(o, &left))
			nat_note(n, "-cpu %s: '%s' has no place in a definition", o->value, left);
		else
			o->used = true;
		n->n_open = 0;
	} else {
		express_smp(n);
	}
	nat_numa(n, n->memory_kib, n->cpus, n->pluggable);
	if (n->cpu->children == NULL && n->cpu->properties == NULL) {
		xmlUnlinkNode(n->cpu);
		xmlFreeNode(n->cpu);
		n->cpu = NULL;
	}
}
