/* Machine, processor, memory, clock: the part of the command line before the devices. */
#include "kvm/argv_impl.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "core/str.h"

/* "pc-q35-8.1": the family's part in front of the version, and the version as one number; 0 when it has none. */
static unsigned machine_version(const char *name, size_t *family)
{
	unsigned major = 0, minor = 0;
	const char *version = strrchr(name, '-');
	*family = version != NULL ? (size_t)(version - name) : 0;
	if (version == NULL || sscanf(version, "-%u.%u", &major, &minor) != 2 || major > 999 ||
	    minor > 999)
		return 0;
	return major * 1000 + minor;
}

/* The one of the same family whose version is nearest; NULL: the name tells no family and version. */
static const char *nearest_machine(const struct caps *c, const char *name)
{
	size_t family, other;
	unsigned version = machine_version(name, &family), best = UINT_MAX;
	const char *found = NULL;
	for (size_t i = 0; version > 0 && i < c->n_machines; i++) {
		unsigned v = machine_version(c->machines[i].name, &other);
		unsigned away = v > version ? v - version : version - v;
		if (v == 0 || other != family || memcmp(c->machines[i].name, name, family) != 0 ||
		    away >= best)
			continue;
		best = away;
		found = c->machines[i].name;
	}
	return found;
}

static int unknown_machine(struct builder *b, const char *name)
{
	const struct caps_machine *pc = caps_machine(b->c, "pc"), *q35 = caps_machine(b->c, "q35");
	const struct caps_machine *same = strstr(name, "q35") != NULL ? q35 : pc;
	const char *near = nearest_machine(b->c, name);
	if (near == NULL)
		near = same != NULL ? same->name : "none of the pc families";
	return build_unsupported(b, "type", 0,
	    "machine '%s' is not known to %s (version %u.%u.%u); the nearest that it has is '%s'",
	    name, b->c->binary, b->c->version / 10000, b->c->version / 100 % 100,
	    b->c->version % 100, near);
}

static const struct caps_machine *find_machine(struct builder *b)
{
	static const char *const strange[] = {
	    "isapc", "microvm", "none", "x-remote", "xenfv", "xenpv"};
	const char *name = b->d->machine != NULL ? b->d->machine : "pc";
	const struct caps_machine *m = caps_machine(b->c, name);
	if (m == NULL) {
		unknown_machine(b, name);
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
	bool bits32 = strcmp(d->arch, "i686") == 0 &&
	              (strcmp(b->c->target, "x86_64") == 0 || strcmp(b->c->target, "i386") == 0);
	if (strcmp(d->arch, b->c->target) != 0 && !bits32)
		return build_unsupported(b, "type", 0, "arch '%s', but %s emulates '%s'", d->arch,
		    b->c->binary, b->c->target);
	if (strcmp(b->c->target, "x86_64") != 0 && strcmp(b->c->target, "i386") != 0)
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

/* --- clock --- */
/* "2009-02-13T23:31:30": seconds since 1970, as UTC has them. */
static void add_datetime(struct buf *value, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	if (gmtime_r(&t, &tm) == NULL)
		return;
	buf_addf(value, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void build_rtc(struct builder *b)
{
	static const char *const clocks[] = {
	    [TRACK_GUEST] = "vm", [TRACK_WALL] = "host", [TRACK_REALTIME] = "rt"};
	const struct domain_clock *c = &b->d->clock;
	const struct clock_timer *rtc = &c->timers[TIMER_RTC];
	struct buf value = BUF_INIT;
	buf_adds(&value, "base=");
	switch (c->offset) {
	case CLOCK_UTC:
		buf_adds(&value, "utc");
		break;
	case CLOCK_LOCALTIME:
	case CLOCK_TIMEZONE: /* that zone's: TZ is in QEMU's environment */
		buf_adds(&value, "localtime");
		break;
	case CLOCK_VARIABLE:
		add_datetime(&value,
		    b->in->now + c->adjustment + (c->basis_localtime ? b->in->utc_offset : 0));
		break;
	case CLOCK_ABSOLUTE:
		add_datetime(&value, c->start);
		break;
	}
	if (rtc->track >= TRACK_GUEST)
		buf_addf(&value, ",clock=%s", clocks[rtc->track]);
	if (rtc->policy == TICK_CATCHUP)
		buf_adds(&value, ",driftfix=slew");
	build_take(b, "-rtc", &value);
}

static void build_clock(struct builder *b)
{
	const struct domain *d = b->d;
	const struct domain_features *f = &d->features;
	enum timer_policy pit = d->clock.timers[TIMER_PIT].policy;
	build_rtc(b);
	/* KVM's own PIT makes up for lost ticks unless told otherwise; QEMU's has no such choice. */
	if (d->type == DOMAIN_KVM && (pit == TICK_DELAY || pit == TICK_DISCARD))
		build_addf(b, "-global", "kvm-pit.lost_tick_policy=%s",
		    pit == TICK_DELAY ? "delay" : "discard");
	const char *pm = domain_is_q35(d) ? "ICH9-LPC" : "PIIX4_PM";
	if (f->s3 != SWITCH_ABSENT)
		build_addf(b, "-global", "%s.disable_s3=%d", pm, f->s3 == SWITCH_OFF);
	if (f->s4 != SWITCH_ABSENT)
		build_addf(b, "-global", "%s.disable_s4=%d", pm, f->s4 == SWITCH_OFF);
}

static void build_boot(struct builder *b)
{
	const struct domain_os *os = &b->d->os;
	struct buf value = BUF_INIT;
	buf_adds(&value, "strict=on");
	if (os->boot_menu_given)
		buf_addf(&value, ",menu=%s", os->boot_menu ? "on" : "off");
	if (os->boot_menu && os->boot_menu_timeout > 0)
		buf_addf(&value, ",splash-time=%u", os->boot_menu_timeout);
	if (os->reboot_timeout >= -1)
		buf_addf(&value, ",reboot-timeout=%d", os->reboot_timeout);
	build_take(b, "-boot", &value);
}

/* --- machine --- */
/* Options of an accelerator cannot stand in -machine. */
static bool own_accelerator(const struct domain *d)
{
	return d->type == DOMAIN_KVM ? d->features.dirty_ring > 0 : d->features.tb_cache_mib > 0;
}

static void build_accelerator(struct builder *b)
{
	const struct domain *d = b->d;
	if (!own_accelerator(d))
		return;
	if (d->type == DOMAIN_KVM)
		build_addf(b, "-accel", "kvm,dirty-ring-size=%u", d->features.dirty_ring);
	else
		build_addf(
		    b, "-accel", "tcg,tb-size=%llu", (unsigned long long)d->features.tb_cache_mib);
}

static bool wants_smm(const struct builder *b)
{
	return b->in->firmware != NULL && b->in->firmware->smm;
}

static void add_machine_options(struct builder *b, struct buf *value)
{
	const struct domain *d = b->d;
	const struct domain_features *f = &d->features;
	if (!own_accelerator(d))
		buf_addf(value, ",accel=%s", d->type == DOMAIN_KVM ? "kvm" : "tcg");
	buf_addf(
	    value, ",usb=off,dump-guest-core=%s", d->memory.dump_core == SWITCH_ON ? "on" : "off");
	add_switch(value, "vmport", f->vmport);
	add_switch(value, "smm", wants_smm(b) ? SWITCH_ON : f->smm);
	add_switch(value, "i8042", f->ps2);
	add_switch(value, "hpet", d->clock.timers[TIMER_HPET].present);
	if (f->ioapic != IOAPIC_DEFAULT && d->type == DOMAIN_KVM)
		buf_addf(value, ",kernel-irqchip=%s", f->ioapic == IOAPIC_QEMU ? "split" : "on");
	if (d->os.serial_bios)
		buf_adds(value, ",graphics=off"); /* SeaBIOS then speaks on the first serial port */
	build_pcspk(b, value);
	build_memory_machine(b, value);
	build_firmware_machine(b, value);
	build_security_machine(b, value);
	buf_addf(value, ",acpi=%s", f->acpi ? "on" : "off");
}

static void build_globals(struct builder *b)
{
	const struct domain_features *f = &b->d->features;
	if (f->tseg_mib > 0)
		build_addf(
		    b, "-global", "mch.extended-tseg-mbytes=%llu", (unsigned long long)f->tseg_mib);
	if (b->in->firmware != NULL && b->in->firmware->secure)
		build_addf(b, "-global", "driver=cfi.pflash01,property=secure,value=on");
}

static void build_end_of_life(struct builder *b)
{
	build_addf(b, "-display", "none");
	/* What follows a guest's power-off is decided outside of QEMU, which waits for it. */
	build_add(b, "-no-shutdown");
	if (b->d->on_reboot == ACTION_DESTROY || b->d->on_reboot == ACTION_PRESERVE)
		build_addf(b, "-action", "reboot=shutdown");
}

static int check_smm(struct builder *b)
{
	bool wanted = wants_smm(b) || b->d->features.smm == SWITCH_ON;
	if (!wanted || b->in->kvm == NULL || b->in->kvm->smm)
		return 0;
	return build_unsupported(b, "smm", 0,
	    "System Management Mode does not work with KVM on this host; <domain type='qemu'> emulates it");
}

int build_machine(struct builder *b)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	if (check_accelerator(b) < 0 || check_smm(b) < 0)
		return -1;
	const struct caps_machine *m = find_machine(b);
	if (m == NULL)
		return -1;
	if (d->vcpus_max > m->cpus_max)
		return build_unsupported(b, "vcpu", 0, "%u vCPUs, machine '%s' has at most %u",
		    d->vcpus_max, m->name, m->cpus_max);
	build_firmware(b);
	if (build_security(b) < 0)
		return -1;
	buf_adds(&value, m->name);
	add_machine_options(b, &value);
	build_take(b, "-machine", &value);
	build_accelerator(b);
	build_globals(b);
	if (build_memory(b) < 0)
		return -1;
	build_smp(b);
	if (build_numa(b) < 0)
		return -1;
	build_clock(b);
	build_boot(b);
	build_tables(b);
	build_end_of_life(b);
	return 0;
}

/* What sits on the board beside memory and processors. */
int build_board(struct builder *b)
{
	const struct domain *d = b->d;
	const unsigned char *u = d->genid_uuid;
	struct buf value = BUF_INIT;
	if (d->features.vmcoreinfo == SWITCH_ON) {
		buf_adds(&value, "vmcoreinfo");
		if (build_device(b, "vmcoreinfo", 0, &value) < 0)
			return -1;
	}
	if (!d->genid)
		return 0;
	buf_adds(&value, "vmgenid,id=vmgenid0,guid=");
	if (d->has_genid_uuid)
		build_uuid(&value, u);
	else
		buf_adds(&value, "auto");
	return build_device(b, "genid", 0, &value);
}
