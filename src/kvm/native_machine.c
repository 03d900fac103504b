/* Name, machine, clock, boot: the part of the document before <devices>, but for CPU and memory. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

/* --- identity --- */
/* A name that a definition may have, out of whatever QEMU was told. */
static char *usable_name(const char *wanted)
{
	struct buf name = BUF_INIT;
	for (const char *s = wanted; *s != '\0' && name.len < NAME_MAX_BYTES; s++)
		buf_addc(&name, *s == '/' || iscntrl((unsigned char)*s) ? '_' : *s);
	while (name.len > 0 && isspace((unsigned char)name.data[name.len - 1]))
		name.data[--name.len] = '\0';
	size_t lead = name.len > 0 ? strspn(name.data, ".- \t") : 0;
	buf_consume(&name, lead);
	if (name.len > 0 && name_check("domain", name.data, NULL) == 0)
		return buf_take(&name);
	buf_fini(&name);
	return xstrdup("native");
}

static void add_uuid(struct native *n, const char *given)
{
	char text[37];
	uuid_t uuid;
	if (uuid_parse(given, uuid) < 0)
		return;
	uuid_unparse_lower(uuid, text);
	nat_text(n->root, "uuid", text);
}

/* Without -uuid the one that the guest reads in its SMBIOS is the machine's. */
static struct nat_opt *smbios_uuid(struct native *n)
{
	uuid_t uuid;
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		const char *given = nat_get(o, "uuid");
		if (strcmp(o->name, "smbios") == 0 && str_eq(nat_get(o, "type"), "1") &&
		    given != NULL && uuid_parse(given, uuid) == 0)
			return o;
	}
	return NULL;
}

static void express_name(struct native *n)
{
	struct nat_opt *o = nat_first(n, "name");
	const char *wanted = NULL;
	if (o != NULL) {
		nat_begin(n, o);
		wanted = nat_take(o, "guest");
		nat_take(o, "debug-threads");
		nat_take(o, "process");
		nat_end(n, NULL, true);
	}
	CLEANUP_FREE char *name = usable_name(wanted != NULL ? wanted : "");
	nat_text(n->root, "name", name);
	if (wanted == NULL && !n->cmd->adopting)
		nat_note(n, "no -name guest=…: the domain is named '%s'", name);
	else if (wanted != NULL && strcmp(name, wanted) != 0)
		nat_note(n, "-name %s: no name for a domain, it is named '%s'", wanted, name);
	struct nat_opt *id = nat_first(n, "uuid");
	uuid_t uuid;
	if (id == NULL && (id = smbios_uuid(n)) != NULL) {
		add_uuid(n, nat_take(id, "uuid"));
		return;
	}
	if (id == NULL || id->value == NULL || uuid_parse(id->value, uuid) < 0)
		return;
	add_uuid(n, id->value);
	id->used = true;
}

/* --- machine --- */
static void add_feature(struct native *n, const char *name, const char *state)
{
	xmlNode *f = nat_el(n->features, name);
	nat_attr(f, "state", state == NULL ? NULL : nat_is_on(state) ? "on" : "off");
}

static void add_timer(struct native *n, const char *name, const char *key, const char *value)
{
	xmlNode *t = nat_el(n->clock, "timer");
	nat_attr(t, "name", name);
	nat_attr(t, key, value);
}

/* Properties of -machine that have an element. */
static void machine_features(struct native *n, struct nat_opt *o)
{
	static const char *const switches[] = {"vmport", "smm"};
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		const char *v = nat_get(o, switches[i]);
		if (nat_is_on(v) || nat_is_off(v))
			add_feature(n, switches[i], nat_take(o, switches[i]));
	}
	const char *hpet = nat_get(o, "hpet");
	if (nat_is_on(hpet) || nat_is_off(hpet))
		add_timer(n, "hpet", "present", nat_is_on(nat_take(o, "hpet")) ? "yes" : "no");
	const char *irqchip = nat_get(o, "kernel_irqchip");
	if (str_eq(irqchip, "split") || nat_is_on(irqchip)) {
		nat_take(o, "kernel_irqchip");
		nat_attr(
		    nat_el(n->features, "ioapic"), "driver", nat_is_on(irqchip) ? "kvm" : "qemu");
	}
	const char *usb = nat_get(o, "usb");
	if (nat_is_off(usb))
		nat_take(o, "usb");
	nat_ignore(o, "dump-guest-core", "on off");
	nat_ignore(o, "mem-merge", "on");
	nat_ignore(o, "graphics", "on");
	nat_ignore(o, "nvdimm", "off");
	nat_ignore(o, "hmat", "off");
}

static const char *find_accel(struct native *n, const struct nat_opt *machine)
{
	const struct nat_opt *a = nat_first(n, "accel");
	if (nat_has(n, "enable-kvm"))
		return "kvm";
	if (a != NULL && nat_get(a, "accel") != NULL)
		return nat_get(a, "accel");
	const char *told = machine != NULL ? nat_get(machine, "accel") : NULL;
	const char *slash = strrchr(n->cmd->words[0], '/');
	const char *base = slash != NULL ? slash + 1 : n->cmd->words[0];
	/* What distributions call so has KVM without being told. */
	if (told == NULL && (strcmp(base, "kvm") == 0 || strcmp(base, "qemu-kvm") == 0))
		return "kvm";
	return told;
}

/* A second -accel beside our own would be refused by QEMU: what has no element is told and left out. */
static void express_accel_keys(struct native *n, struct nat_opt *a)
{
	const char *ring = nat_take(a, "dirty-ring-size"), *cache = nat_take(a, "tb-size"), *left;
	nat_take(a, "accel");
	nat_ignore(a, "thread", "multi");
	nat_ignore(a, "kernel-irqchip", "on");
	if (ring != NULL) {
		xmlNode *r = nat_el(nat_feature(n, "kvm"), "dirty-ring");
		nat_attr(r, "state", strcmp(ring, "0") == 0 ? "off" : "on");
		nat_attr(r, "size", strcmp(ring, "0") == 0 ? NULL : ring);
	}
	if (cache != NULL)
		nat_attr(nat_text(nat_feature(n, "tcg"), "tb-cache", cache), "unit", "MiB");
	if (str_eq(nat_get(a, "kernel-irqchip"), "split")) {
		nat_take(a, "kernel-irqchip");
		nat_attr(nat_feature(n, "ioapic"), "driver", "qemu");
	}
	if (!nat_all_taken(a, &left))
		nat_note(n, "-accel %s: '%s' is left out", a->value, left);
	a->used = true;
}

/* "kvm:tcg": the first one that works. */
static void express_accel(struct native *n, struct nat_opt *machine)
{
	const char *accel = find_accel(n, machine);
	n->kvm = accel != NULL && str_prefix(accel, "kvm");
	if (machine != NULL)
		nat_take(machine, "accel");
	nat_attr(n->root, "type", n->kvm ? "kvm" : "qemu");
	for (struct nat_opt *a; (a = nat_first(n, "accel")) != NULL;)
		express_accel_keys(n, a);
}

static struct nat_opt *machine_option(struct native *n)
{
	struct nat_opt *o = nat_first(n, "machine");
	return o != NULL ? o : nat_first(n, "M");
}

/* What -machine says and no element does is said by a second -machine, which QEMU adds to the first.
 */
static void keep_machine_keys(struct nat_opt *o)
{
	struct buf rest = BUF_INIT;
	for (size_t i = 0; i < o->n_keys; i++) {
		if (o->keys[i].taken)
			continue;
		buf_addf(&rest, "%s%s=", rest.len > 0 ? "," : "", o->keys[i].key);
		for (const char *s = o->keys[i].value; *s != '\0'; s++) {
			if (*s == ',')
				buf_addc(&rest, ',');
			buf_addc(&rest, *s);
		}
	}
	o->used = rest.len == 0;
	if (rest.len > 0) {
		nat_opt_fini(o);
		nat_opt_init(o, "machine", rest.data);
	}
	buf_fini(&rest);
}

static void express_arch(struct native *n, xmlNode *type)
{
	const char *base = strstr(n->cmd->words[0], "qemu-system-");
	const char *arch = base != NULL ? base + strlen("qemu-system-") : "x86_64";
	nat_attr(type, "arch", strcmp(arch, "i386") == 0 ? "i686" : arch);
}

/* "pc-i440fx-8.1+pve0": Proxmox marks its own variants of a machine. */
static char *plain_type(struct native *n, const char *type)
{
	if (type == NULL)
		return NULL;
	const char *mark = strstr(type, "+pve");
	if (mark != NULL)
		nat_note(n, "machine '%s': without Proxmox's mark", type);
	return xstrndup(type, mark != NULL ? (size_t)(mark - type) : strlen(type));
}

static void express_machine(struct native *n)
{
	struct nat_opt *o = machine_option(n);
	CLEANUP_FREE char *type = o != NULL ? plain_type(n, nat_take(o, "type")) : NULL;
	express_accel(n, o);
	n->q35 = type != NULL && (strcmp(type, "q35") == 0 || strstr(type, "-q35-") != NULL);
	xmlNode *t = nat_text(n->os, "type", "hvm");
	express_arch(n, t);
	nat_attr(t, "machine", type != NULL ? type : "pc");
	const char *acpi = o != NULL ? nat_take(o, "acpi") : NULL;
	struct nat_opt *no_acpi = nat_first(n, "no-acpi"), *no_hpet = nat_first(n, "no-hpet");
	if (no_acpi == NULL && !nat_is_off(acpi))
		nat_el(n->features, "acpi");
	if (no_acpi != NULL)
		no_acpi->used = true;
	if (no_hpet != NULL) {
		add_timer(n, "hpet", "present", "no");
		no_hpet->used = true;
	}
	if (o == NULL)
		return;
	machine_features(n, o);
	/* Flash and main memory are expressed elsewhere, from these keys. */
	if (nat_get(o, "pflash0") == NULL && nat_get(o, "memory-backend") == NULL)
		keep_machine_keys(o);
}

/* --- clock --- */
static void express_clock(struct native *n)
{
	struct nat_opt *o = nat_first(n, "rtc");
	const char *base = o != NULL ? nat_get(o, "base") : NULL;
	bool local = str_eq(base, "localtime");
	nat_attr(n->clock, "offset", local ? "localtime" : "utc");
	if (o == NULL)
		return;
	nat_begin(n, o);
	if (base == NULL || local || strcmp(base, "utc") == 0)
		nat_take(o, "base");
	nat_ignore(o, "clock", "host");
	if (str_eq(nat_get(o, "driftfix"), "slew")) {
		nat_take(o, "driftfix");
		add_timer(n, "rtc", "tickpolicy", "catchup");
	}
	nat_ignore(o, "driftfix", "none");
	nat_end(n, NULL, true);
}

/* --- boot --- */
/* QEMU tries disk, CD and network by itself, unless it is told to be strict or which devices to try.
 */
static void boot_by_default(struct native *n, const struct nat_opt *boot)
{
	static const char *const devices[] = {"hd", "cdrom", "network"};
	if (boot != NULL && (nat_get(boot, "order") != NULL || nat_is_on(nat_get(boot, "strict"))))
		return;
	if (nat_has(n, "kernel"))
		return;
	for (size_t i = 0; i < n->opts.n; i++)
		if (nat_get(&n->opts.o[i], "bootindex") != NULL)
			return;
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		nat_attr(nat_el(n->os, "boot"), "dev", devices[i]);
}

static void express_boot(struct native *n)
{
	static const char *const devices[][2] = {
	    {"c", "hd"}, {"d", "cdrom"}, {"n", "network"}, {"a", "fd"}};
	struct nat_opt *o = nat_first(n, "boot");
	boot_by_default(n, o);
	if (o == NULL)
		return;
	nat_begin(n, o);
	const char *order = nat_take(o, "order"), *menu = nat_take(o, "menu");
	nat_take(o, "strict");
	for (; order != NULL && *order != '\0'; order++)
		for (size_t i = 0; i < ARRAY_LEN(devices); i++)
			if (*order == devices[i][0][0])
				nat_attr(nat_el(n->os, "boot"), "dev", devices[i][1]);
	if (menu != NULL) {
		xmlNode *m = nat_el(n->os, "bootmenu");
		nat_attr(m, "enable", nat_is_on(menu) ? "yes" : "no");
		nat_attr(m, "timeout", nat_take(o, "splash-time"));
	}
	const char *timeout = nat_take(o, "reboot-timeout");
	if (timeout != NULL)
		nat_attr(nat_el(n->os, "bios"), "rebootTimeout", timeout);
	if (nat_take(o, "splash") != NULL)
		nat_note(n, "-boot %s: the splash picture is left out", o->value);
	nat_end(n, NULL, true);
}

static void express_kernel(struct native *n)
{
	static const char *const names[][2] = {
	    {"kernel", "kernel"}, {"initrd", "initrd"}, {"append", "cmdline"}, {"dtb", "dtb"}};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct nat_opt *o = nat_first(n, names[i][0]);
		if (o == NULL || o->value == NULL)
			continue;
		CLEANUP_FREE char *path =
		    strcmp(names[i][0], "append") == 0 ? xstrdup(o->value) : nat_path(n, o->value);
		nat_text(n->os, names[i][1], path);
		o->used = true;
	}
}

/* --- SMBIOS --- */
struct smbios {
	const char *type, *block;
	struct {
		const char *key, *entry;
	} entries[10];
};

static bool smbios_block(struct native *n, struct nat_opt *o, xmlNode *sysinfo)
{
	static const struct smbios blocks[] = {
	    {"0", "bios",
	        {{"vendor", "vendor"}, {"version", "version"}, {"date", "date"},
	            {"release", "release"}}},
	    {"1", "system",
	        {{"manufacturer", "manufacturer"}, {"product", "product"}, {"version", "version"},
	            {"serial", "serial"}, {"sku", "sku"}, {"family", "family"}}},
	    {"2", "baseBoard",
	        {{"manufacturer", "manufacturer"}, {"product", "product"}, {"version", "version"},
	            {"serial", "serial"}, {"asset", "asset"}, {"location", "location"}}},
	    {"3", "chassis",
	        {{"manufacturer", "manufacturer"}, {"version", "version"}, {"serial", "serial"},
	            {"asset", "asset"}, {"sku", "sku"}}},
	};
	const char *type = nat_get(o, "type");
	for (size_t i = 0; type != NULL && i < ARRAY_LEN(blocks); i++) {
		if (strcmp(blocks[i].type, type) != 0)
			continue;
		nat_begin(n, o);
		nat_take(o, "type");
		xmlNode *block = nat_el(sysinfo, blocks[i].block);
		for (size_t k = 0; k < ARRAY_LEN(blocks[i].entries) && blocks[i].entries[k].key;
		     k++) {
			const char *value = nat_take(o, blocks[i].entries[k].key);
			if (value != NULL)
				nat_attr(nat_text(block, "entry", value), "name",
				    blocks[i].entries[k].entry);
		}
		bool empty = block->children == NULL; /* a uuid alone, which is the domain's */
		bool done = nat_end(n, block, true);
		if (done && empty) {
			xmlUnlinkNode(block);
			xmlFreeNode(block);
		}
		return done;
	}
	return false;
}

static void express_smbios(struct native *n)
{
	xmlNode *sysinfo = xmlNewDocNode(n->doc, NULL, (const xmlChar *)"sysinfo", NULL);
	for (size_t i = 0; i < n->opts.n; i++)
		if (strcmp(n->opts.o[i].name, "smbios") == 0)
			smbios_block(n, &n->opts.o[i], sysinfo);
	if (sysinfo->children == NULL) {
		xmlFreeNode(sysinfo);
		return;
	}
	nat_attr(sysinfo, "type", "smbios");
	xmlAddPrevSibling(n->os, sysinfo);
	nat_attr(nat_el(n->os, "smbios"), "mode", "sysinfo");
}

/* --- what follows an end --- */
static void express_actions(struct native *n)
{
	struct nat_opt *no_reboot = nat_first(n, "no-reboot");
	bool destroy = no_reboot != NULL;
	if (no_reboot != NULL)
		no_reboot->used = true;
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (strcmp(o->name, "action") != 0 || !str_eq(nat_get(o, "reboot"), "shutdown"))
			continue;
		destroy = true;
		nat_take(o, "reboot");
		const char *left;
		o->used = nat_all_taken(o, &left);
	}
	nat_text(n->root, "on_poweroff", "destroy");
	nat_text(n->root, "on_reboot", destroy ? "destroy" : "restart");
	nat_text(n->root, "on_crash", "destroy");
}

/* --- -global --- */
static bool take_global(struct native *n, const char *value)
{
	struct nat_opt *o = NULL;
	for (size_t i = 0; i < n->opts.n && o == NULL; i++)
		if (!n->opts.o[i].used && strcmp(n->opts.o[i].name, "global") == 0 &&
		    str_eq(n->opts.o[i].value, value))
			o = &n->opts.o[i];
	if (o != NULL)
		o->used = true;
	return o != NULL;
}

static void power_switch(struct native *n, xmlNode *pm, const char *property, const char *element)
{
	static const char *const devices[] = {"ICH9-LPC", "PIIX4_PM"};
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		for (int off = 0; off < 2; off++) {
			CLEANUP_FREE char *value = xasprintf("%s.%s=%d", devices[i], property, off);
			if (take_global(n, value))
				nat_attr(nat_el(pm, element), "enabled", off ? "no" : "yes");
		}
}

static void express_globals(struct native *n)
{
	if (take_global(n, "kvm-pit.lost_tick_policy=delay"))
		add_timer(n, "pit", "tickpolicy", "delay");
	if (take_global(n, "kvm-pit.lost_tick_policy=discard"))
		add_timer(n, "pit", "tickpolicy", "discard");
	xmlNode *pm = nat_el(n->root, "pm");
	power_switch(n, pm, "disable_s3", "suspend-to-mem");
	power_switch(n, pm, "disable_s4", "suspend-to-disk");
	if (pm->children == NULL) {
		xmlUnlinkNode(pm);
		xmlFreeNode(pm);
	}
}

void nat_machine(struct native *n)
{
	express_name(n);
	n->os = nat_el(n->root, "os");
	n->features = nat_el(n->root, "features");
	n->cpu = nat_el(n->root, "cpu");
	n->clock = nat_el(n->root, "clock");
	express_machine(n);
	express_kernel(n);
	express_boot(n);
	express_clock(n);
	express_actions(n);
	express_globals(n);
	express_smbios(n);
}
