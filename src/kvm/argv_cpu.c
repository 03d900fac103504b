/* Processors: model, features, what KVM shows beside them, topology, vCPUs that are plugged from the start. */
#include "kvm/argv_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static void add_switch(struct buf *value, const char *key, enum domain_switch s)
{
	if (s != SWITCH_ABSENT)
		buf_addf(value, ",%s=%s", key, s == SWITCH_ON ? "on" : "off");
}

/* --- the model --- */
/* The model that gives the guest what the host has. */
static const char *host_model(struct builder *b)
{
	if (b->d->type != DOMAIN_KVM)
		return "max";
	if (b->in->kvm == NULL || strcmp(b->in->kvm->cpu_host, "host") == 0)
		return "host";
	buf_addf(&b->notes,
	    "CPU model '%s' instead of the host's own, which KVM refuses on this machine\n",
	    b->in->kvm->cpu_host);
	return b->in->kvm->cpu_host;
}

/* Models of libvirt that QEMU never had or has no more. */
static const struct {
	const char *model, *near;
} fallbacks[] = {
    {"cpu64-rhel5", "qemu64"},
    {"cpu64-rhel6", "qemu64"},
    {"pentiumpro", "pentium2"},
    {"Icelake-Client", "Skylake-Client-IBRS"},
    {"Icelake-Client-noTSX", "Skylake-Client-noTSX-IBRS"},
};

static const char *custom_model(struct builder *b)
{
	const struct domain_cpu *cpu = &b->d->cpu;
	if (caps_has_cpu(b->c, cpu->model) || !cpu->fallback)
		return cpu->model;
	for (size_t i = 0; i < ARRAY_LEN(fallbacks); i++)
		if (strcmp(fallbacks[i].model, cpu->model) == 0 &&
		    caps_has_cpu(b->c, fallbacks[i].near)) {
			buf_addf(&b->notes,
			    "CPU model '%s' instead of '%s', which this QEMU does not have\n",
			    fallbacks[i].near, cpu->model);
			return fallbacks[i].near;
		}
	return cpu->model;
}

static const char *cpu_model(struct builder *b)
{
	switch (b->d->cpu.mode) {
	case CPU_CUSTOM:
		return custom_model(b);
	case CPU_HOST_MODEL:
	case CPU_HOST_PASSTHROUGH:
	case CPU_MAXIMUM:
		return host_model(b);
	case CPU_DEFAULT:
		break;
	}
	bool bits32 = strcmp(b->d->arch, "i686") == 0 || strcmp(b->c->target, "i386") == 0;
	return bits32 ? "qemu32" : "qemu64";
}

/* --- features --- */
/* libvirt's names of what is not the processor's to give: QEMU sets it by itself, or the host counts with it. */
static bool not_of_cpu(const char *name)
{
	static const char *const names[] = {
	    "cmt", "mbm_total", "mbm_local", "osxsave", "ospke", "cvt16", "pconfig"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* QEMU's property: libvirt has underscores where QEMU has dashes. NULL: it has none. */
static char *feature_property(const struct caps *c, const char *name)
{
	char *property = xstrdup(name);
	for (char *s = property; *s != '\0'; s++)
		if (*s == '_')
			*s = '-';
	if (c->cpu_features.n == 0 || caps_has_cpu_feature(c, property))
		return property;
	free(property);
	return caps_has_cpu_feature(c, name) ? xstrdup(name) : NULL;
}

static int build_features(struct builder *b, struct buf *value)
{
	const struct domain_cpu *cpu = &b->d->cpu;
	for (size_t i = 0; i < cpu->n_features; i++) {
		const struct domain_cpu_feature *f = &cpu->features[i];
		bool on = f->policy <= CPU_OPTIONAL;
		CLEANUP_FREE char *property = feature_property(b->c, f->name);
		if (property != NULL)
			buf_addf(value, ",%s=%s", property, on ? "on" : "off");
		else if (!on || f->policy == CPU_OPTIONAL || not_of_cpu(f->name))
			buf_addf(&b->notes, "CPU feature '%s' is none of this QEMU: left out\n",
			    f->name);
		else
			return build_unsupported(
			    b, "feature", 0, "%s has no CPU feature '%s'", b->c->binary, f->name);
	}
	return 0;
}

/* Properties that only the models "host" and "max" have. */
static bool shows_host(const char *model)
{
	return strcmp(model, "host") == 0 || strcmp(model, "max") == 0;
}

static void build_cache(const struct domain_cpu *cpu, const char *model, struct buf *value)
{
	static const struct {
		const char *host, *l3;
	} words[] = {
	    [CPU_CACHE_EMULATE] = {"off", "on"},
	    [CPU_CACHE_PASSTHROUGH] = {"on", "off"},
	    [CPU_CACHE_DISABLE] = {"off", "off"},
	};
	if (cpu->cache == CPU_CACHE_ABSENT)
		return;
	if (shows_host(model))
		buf_addf(value, ",host-cache-info=%s", words[cpu->cache].host);
	buf_addf(value, ",l3-cache=%s", words[cpu->cache].l3);
}

#define TCG_PHYS_BITS 40u /* TCG has this many, always */

static void build_phys(struct builder *b, struct buf *value)
{
	const struct domain_cpu *cpu = &b->d->cpu;
	if (cpu->phys == CPU_PHYS_ABSENT)
		return;
	if (b->d->type != DOMAIN_KVM) {
		if (cpu->phys_bits != TCG_PHYS_BITS)
			buf_addf(&b->notes,
			    "an emulated CPU has %u bits of physical address, always\n",
			    TCG_PHYS_BITS);
		return;
	}
	if (cpu->phys == CPU_PHYS_EMULATE)
		buf_addf(value, ",phys-bits=%u", cpu->phys_bits);
	else
		buf_adds(value, ",host-phys-bits=on");
	if (cpu->phys_limit > 0)
		buf_addf(value, ",host-phys-bits-limit=%u", cpu->phys_limit);
}

/* --- what KVM shows to its guests; TCG has none of it --- */
static void build_hyperv(const struct features_hyperv *h, struct buf *value)
{
	static const char *const properties[HV_COUNT] = {
	    [HV_RELAXED] = "hv-relaxed",
	    [HV_VAPIC] = "hv-vapic",
	    [HV_VPINDEX] = "hv-vpindex",
	    [HV_RUNTIME] = "hv-runtime",
	    [HV_SYNIC] = "hv-synic",
	    [HV_STIMER] = "hv-stimer",
	    [HV_RESET] = "hv-reset",
	    [HV_FREQUENCIES] = "hv-frequencies",
	    [HV_REENLIGHTENMENT] = "hv-reenlightenment",
	    [HV_TLBFLUSH] = "hv-tlbflush",
	    [HV_IPI] = "hv-ipi",
	    [HV_EVMCS] = "hv-evmcs",
	    [HV_AVIC] = "hv-avic",
	    [HV_EMSR_BITMAP] = "hv-emsr-bitmap",
	    [HV_XMM_INPUT] = "hv-xmm-input",
	};
	if (h->passthrough) {
		buf_adds(value, ",hv-passthrough=on");
		return;
	}
	for (unsigned i = 0; i < HV_COUNT; i++) {
		if (h->features[i] == SWITCH_ON)
			buf_addf(value, ",%s=on", properties[i]);
		if (i == HV_VAPIC && h->spinlocks == SWITCH_ON)
			buf_addf(value, ",hv-spinlocks=0x%x", h->retries);
		if (i == HV_STIMER && h->features[i] == SWITCH_ON && h->stimer_direct == SWITCH_ON)
			buf_adds(value, ",hv-stimer-direct=on");
	}
	if (h->vendor == SWITCH_ON)
		build_key(value, "hv-vendor-id", h->vendor_id);
}

static void build_paravirt(struct builder *b, struct buf *value)
{
	const struct domain_features *f = &b->d->features;
	const struct clock_timer *timers = b->d->clock.timers;
	if (b->d->type != DOMAIN_KVM)
		return;
	add_switch(value, "kvmclock", timers[TIMER_KVMCLOCK].present);
	if (timers[TIMER_HYPERVCLOCK].present == SWITCH_ON)
		buf_adds(value, ",hv-time=on");
	if (timers[TIMER_TSC].frequency > 0)
		buf_addf(
		    value, ",tsc-frequency=%llu", (unsigned long long)timers[TIMER_TSC].frequency);
	add_switch(value, "kvm-pv-eoi", f->eoi);
	add_switch(value, "kvm-pv-unhalt", f->pvspinlock);
	build_hyperv(&f->hyperv, value);
	for (size_t i = 0; i < b->d->n_devs; i++)
		if (b->d->devs[i].kind == DEV_PANIC &&
		    attrs_is(&b->d->devs[i].attrs, "@model", "hyperv"))
			buf_adds(value, ",hv-crash=on");
	if (f->kvm_hidden == SWITCH_ON)
		buf_adds(value, ",kvm=off");
	if (f->kvm_dedicated == SWITCH_ON)
		buf_adds(value, ",kvm-hint-dedicated=on");
	if (f->kvm_poll == SWITCH_ON)
		buf_adds(value, ",kvm-poll-control=on");
	/* KVM has it by itself: only its absence is to be told. */
	if (f->kvm_pv_ipi == SWITCH_OFF)
		buf_adds(value, ",kvm-pv-ipi=off");
	add_switch(value, "pmu", f->pmu);
}

int build_cpu(struct builder *b)
{
	const struct domain_cpu *cpu = &b->d->cpu;
	struct buf value = BUF_INIT;
	const char *model = cpu_model(b);
	if (!caps_has_cpu(b->c, model))
		return build_unsupported(b, "cpu", 0, "%s (version %u.%u.%u) has no CPU model '%s'",
		    b->c->binary, b->c->version / 10000, b->c->version / 100 % 100,
		    b->c->version % 100, model);
	buf_adds(&value, model);
	if (cpu->migratable != SWITCH_ABSENT && shows_host(model))
		add_switch(&value, "migratable", cpu->migratable);
	if (cpu->vendor_id != NULL)
		build_key(&value, "vendor", cpu->vendor_id);
	if (build_features(b, &value) < 0) {
		buf_fini(&value);
		return -1;
	}
	build_paravirt(b, &value);
	build_cache(cpu, model, &value);
	build_phys(b, &value);
	build_take(b, "-cpu", &value);
	return 0;
}

/* --- topology --- */
/* The vCPUs that QEMU starts with by itself: all that are enabled, or those that may not be taken away. */
static unsigned cold_vcpus(const struct domain *d)
{
	unsigned n = 0;
	if (d->cpu.vcpus == NULL)
		return d->vcpus;
	for (unsigned i = 0; i < d->vcpus_max; i++)
		n += d->cpu.vcpus[i].enabled && !d->cpu.vcpus[i].hotpluggable;
	return n;
}

void build_smp(struct builder *b)
{
	const struct domain *d = b->d;
	const struct domain_cpu *cpu = &d->cpu;
	struct buf value = BUF_INIT;
	unsigned cold = cold_vcpus(d);
	buf_addf(&value, "%u", cold);
	if (d->vcpus_max > cold)
		buf_addf(&value, ",maxcpus=%u", d->vcpus_max);
	/* Without a topology every vCPU is a socket, as libvirt has it: QEMU's own default has changed between versions,
	 * and with it the guest's hardware. */
	bool given = cpu->sockets > 0;
	buf_addf(&value, ",sockets=%u", given ? cpu->sockets : d->vcpus_max);
	if (given && cpu->dies > 1)
		buf_addf(&value, ",dies=%u", cpu->dies);
	buf_addf(&value, ",cores=%u,threads=%u", given ? cpu->cores : 1, given ? cpu->threads : 1);
	build_take(b, "-smp", &value);
}

/* Hotpluggable vCPUs that are there from the start, in their order, at the place that their number has. */
static void build_vcpu(struct builder *b, unsigned id)
{
	const struct domain_cpu *cpu = &b->d->cpu;
	struct buf value = BUF_INIT;
	bool given = cpu->sockets > 0;
	unsigned threads = given ? cpu->threads : 1, cores = given ? cpu->cores : 1;
	unsigned dies = given ? cpu->dies : 1;
	buf_addf(&value, "%s-%s-cpu,id=vcpu%u,socket-id=%u", cpu_model(b), b->c->target, id,
	    id / threads / cores / dies);
	if (dies > 1)
		buf_addf(&value, ",die-id=%u", id / threads / cores % dies);
	buf_addf(&value, ",core-id=%u,thread-id=%u", id / threads % cores, id % threads);
	build_take(b, "-device", &value);
}

int build_vcpus(struct builder *b)
{
	const struct domain *d = b->d;
	const struct cpu_vcpu *vcpus = d->cpu.vcpus;
	if (vcpus == NULL)
		return 0;
	/* Those with an order come first, by it; orders are unique and none is above the bound. */
	for (unsigned order = 1; order <= d->vcpus_max; order++)
		for (unsigned i = 0; i < d->vcpus_max; i++)
			if (vcpus[i].enabled && vcpus[i].hotpluggable && vcpus[i].order == order)
				build_vcpu(b, i);
	for (unsigned i = 0; i < d->vcpus_max; i++)
		if (vcpus[i].enabled && vcpus[i].hotpluggable && vcpus[i].order == 0)
			build_vcpu(b, i);
	/* QEMU numbers the cold ones from 0: a hole between them cannot be made. */
	unsigned cold = cold_vcpus(d);
	for (unsigned i = 0; i < cold; i++)
		if (!vcpus[i].enabled || vcpus[i].hotpluggable)
			return build_unsupported(b, "vcpus", 0,
			    "vCPU %u is not fixed, but a later one is: those that are not hotpluggable come first",
			    i);
	return 0;
}
