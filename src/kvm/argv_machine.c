/* Machine, processor, memory, clock: the part of the command line before the devices. */
#include "kvm/argv_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static const struct caps_machine *find_machine(struct builder *b)
{
	static const char *const strange[] = {
	    "isapc", "microvm", "none", "x-remote", "xenfv", "xenpv"};
	const char *name = b->d->machine != NULL ? b->d->machine : "pc";
	const struct caps_machine *m = caps_machine(b->c, name);
	const struct caps_machine *pc = caps_machine(b->c, "pc"), *q35 = caps_machine(b->c, "q35");
	if (m == NULL) {
		build_unsupported(b, "type", 0,
		    "machine '%s' is not known to %s (version %u.%u.%u), which has 'pc' (%s) and 'q35' (%s)",
		    name, b->c->binary, b->c->version / 10000, b->c->version / 100 % 100,
		    b->c->version % 100, pc != NULL ? pc->name : "-",
		    q35 != NULL ? q35->name : "-");
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(strange); i++)
		if (strcmp(m->name, strange[i]) == 0 || str_prefix(m->name, "xenfv-")) {
			build_unsupported(b, "type", 0,
			    "machine '%s' is not supported, only the families of 'pc' and 'q35' are",
			    name);
			return NULL;
		}
	return m;
}

static int check_accelerator(struct builder *b)
{
	const struct domain *d = b->d;
	if (strcmp(d->arch, b->c->target) != 0 &&
	    !(strcmp(d->arch, "i686") == 0 && strcmp(b->c->target, "x86_64") == 0))
		return build_unsupported(b, "type", 0, "arch '%s', but %s emulates '%s'", d->arch,
		    b->c->binary, b->c->target);
	if (strcmp(b->c->target, "x86_64") != 0)
		return build_unsupported(
		    b, "type", 0, "arch '%s': only x86_64 and i686 are supported", d->arch);
	if (d->type != DOMAIN_KVM)
		return 0;
	if (!b->c->kvm_built)
		return build_unsupported(b, "domain", 0,
		    "type='kvm', but %s was built without KVM; type='qemu' emulates", b->c->binary);
	if (b->in->kvm != NULL && !b->in->kvm->usable)
		return err_set(b->err, ERR_UNSUPPORTED, "domain '%s': KVM is not usable: %s",
		    d->name, b->in->kvm->why);
	return 0;
}

static void add_switch(struct buf *value, const char *key, enum domain_switch s)
{
	if (s != SWITCH_ABSENT)
		buf_addf(value, ",%s=%s", key, s == SWITCH_ON ? "on" : "off");
}

static void build_memory(struct builder *b)
{
	const struct domain *d = b->d;
	build_addf(b, "-m", "size=%lluk", (unsigned long long)d->memory_kib);
	build_addf(b, "-overcommit", "mem-lock=off");
}

static void build_smp(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	buf_addf(&value, "%u", d->vcpus);
	if (d->vcpus_max > d->vcpus)
		buf_addf(&value, ",maxcpus=%u", d->vcpus_max);
	/* Without a topology every vCPU is a socket, as libvirt has it: QEMU's own default has
	 * changed between versions, and with it the guest's hardware. */
	bool given = d->cpu_sockets > 0;
	buf_addf(&value, ",sockets=%u", given ? d->cpu_sockets : d->vcpus_max);
	if (given && d->cpu_dies > 1)
		buf_addf(&value, ",dies=%u", d->cpu_dies);
	buf_addf(
	    &value, ",cores=%u,threads=%u", given ? d->cpu_cores : 1, given ? d->cpu_threads : 1);
	build_take(b, "-smp", &value);
}

static void build_clock(struct builder *b)
{
	const struct domain *d = b->d;
	build_addf(b, "-rtc", "base=%s%s", d->clock_offset != NULL ? d->clock_offset : "utc",
	    d->rtc_catchup ? ",driftfix=slew" : "");
	if (d->pit_delay && d->type == DOMAIN_KVM)
		build_addf(b, "-global", "kvm-pit.lost_tick_policy=delay");
	const char *pm = domain_is_q35(d) ? "ICH9-LPC" : "PIIX4_PM";
	if (d->pm_s3 != SWITCH_ABSENT)
		build_addf(b, "-global", "%s.disable_s3=%d", pm, d->pm_s3 == SWITCH_OFF);
	if (d->pm_s4 != SWITCH_ABSENT)
		build_addf(b, "-global", "%s.disable_s4=%d", pm, d->pm_s4 == SWITCH_OFF);
}

static void build_boot(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	buf_adds(&value, "strict=on");
	if (d->boot_menu)
		buf_adds(&value, ",menu=on");
	if (d->boot_menu && d->boot_menu_timeout > 0)
		buf_addf(&value, ",splash-time=%u", d->boot_menu_timeout);
	build_take(b, "-boot", &value);
}

int build_machine(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	if (check_accelerator(b) < 0)
		return -1;
	const struct caps_machine *m = find_machine(b);
	if (m == NULL)
		return -1;
	if (d->vcpus_max > m->cpus_max)
		return build_unsupported(b, "vcpu", 0, "%u vCPUs, machine '%s' has at most %u",
		    d->vcpus_max, m->name, m->cpus_max);
	buf_addf(&value, "%s,accel=%s,usb=off,dump-guest-core=off", m->name,
	    d->type == DOMAIN_KVM ? "kvm" : "tcg");
	add_switch(&value, "vmport", d->vmport);
	add_switch(&value, "hpet", d->hpet);
	buf_addf(&value, ",acpi=%s", d->acpi ? "on" : "off");
	build_take(b, "-machine", &value);
	build_memory(b);
	build_smp(b);
	build_clock(b);
	build_boot(b);
	build_addf(b, "-display", "none");
	/* What follows a guest's power-off is decided outside of QEMU, which waits for it. */
	build_add(b, "-no-shutdown");
	if (d->on_reboot == ACTION_DESTROY || d->on_reboot == ACTION_PRESERVE)
		build_addf(b, "-action", "reboot=shutdown");
	return 0;
}

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

static const char *cpu_model(struct builder *b)
{
	const struct domain *d = b->d;
	switch (d->cpu_mode) {
	case CPU_CUSTOM:
		return d->cpu_model;
	case CPU_HOST_MODEL:
	case CPU_HOST_PASSTHROUGH:
	case CPU_MAXIMUM:
		return host_model(b);
	case CPU_DEFAULT:
		break;
	}
	return strcmp(d->arch, "i686") == 0 ? "qemu32" : "qemu64";
}

int build_cpu(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	const char *model = cpu_model(b);
	if (!caps_has_cpu(b->c, model))
		return build_unsupported(b, "cpu", 0, "%s (version %u.%u.%u) has no CPU model '%s'",
		    b->c->binary, b->c->version / 10000, b->c->version / 100 % 100,
		    b->c->version % 100, model);
	buf_adds(&value, model);
	for (size_t i = 0; i < d->n_cpu_features; i++)
		buf_addf(&value, ",%s=%s", d->cpu_features[i].name,
		    d->cpu_features[i].on ? "on" : "off");
	build_take(b, "-cpu", &value);
	return 0;
}
