/* The document's general part into struct domain; helpers of all parsing. */
#include "core/domain_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"

#define QEMU_NS "http://libvirt.org/schemas/domain/qemu/1.0"
#define WHITE " \t\r\n"
#define SHOWN_MAX 120 /* bytes of a value in a message */
#define QEMU_ARGS_MAX 1024
#define REFUSED_MAX (ERR_MSG_MAX - 256) /* bytes of what is refused, with room for the advice */

/* --- helpers --- */
static void add_warning(struct parse *p, const xmlNode *node, const char *words)
{
	struct err line = {0};
	xml_error(&line, ERR_UNSUPPORTED, p->file, node, "%s", words);
	buf_addf(p->warnings, "%s\n", line.msg);
}

void parse_warn(struct parse *p, const xmlNode *node, const char *fmt, ...)
{
	if (p->warnings == NULL || (p->flags & DOMAIN_PARSE_LENIENT))
		return;
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	add_warning(p, node, words);
}

int parse_refuse(struct parse *p, const xmlNode *node, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	if (p->flags & DOMAIN_PARSE_LENIENT)
		return PARSE_SKIP;
	if (p->flags & DOMAIN_PARSE_IGNORE_UNSUPPORTED) {
		parse_warn(p, node, "%s; ignored", words);
		p->n_ignored++;
		return PARSE_SKIP;
	}
	struct err line = {0};
	xml_error(&line, ERR_UNSUPPORTED, p->file, node, "%s", words);
	if (p->refused.len + strlen(line.msg) < REFUSED_MAX)
		buf_addf(&p->refused, "%s%s", p->n_refused > 0 ? "\n" : "", line.msg);
	else
		p->n_untold++;
	p->n_refused++;
	return PARSE_SKIP;
}

/* All that was refused in one error, so that nobody has to find it out one by one. */
static int refused_error(struct parse *p)
{
	if (p->n_refused == 1)
		return err_set(p->err, ERR_UNSUPPORTED,
		    "%s (define --ignore-unsupported leaves it out)", p->refused.data);
	if (p->n_untold > 0)
		buf_addf(&p->refused, "\n… and %u more", p->n_untold);
	return err_set(p->err, ERR_UNSUPPORTED, "%s\n(define --ignore-unsupported leaves them out)",
	    p->refused.data);
}

int parse_invalid(struct parse *p, const xmlNode *node, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	return xml_error(p->err, ERR_INVALID, p->file, node, "%s", words);
}

char *parse_shown(const char *value)
{
	return str_printable(value, strlen(value), SHOWN_MAX);
}

bool parse_text_ok(const char *text)
{
	CLEANUP_FREE char *clean = str_printable(text, strlen(text), SIZE_MAX);
	return strcmp(clean, text) == 0;
}

int parse_number(
    struct parse *p, const xmlNode *node, const char *attr, unsigned max, unsigned *out)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	if (value == NULL)
		return 0;
	uint64_t n;
	if (str_prefix(value, "0x") && value[2] != '\0' && strlen(value) <= 10 &&
	    value[2 + strspn(value + 2, "0123456789abcdefABCDEF")] == '\0')
		n = strtoull(value + 2, NULL, 16);
	else if (str_u64(value, UINT32_MAX, &n) < 0)
		n = UINT64_MAX;
	if (n > max) {
		CLEANUP_FREE char *s = parse_shown(value);
		return parse_invalid(p, node, "%s='%s' is not a number from 0 to %u", attr, s, max);
	}
	*out = (unsigned)n;
	return 0;
}

int parse_word(struct parse *p, const xmlNode *node, const char *what, const char *value,
    const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	struct buf list = BUF_INIT;
	for (int i = 0; words[i] != NULL; i++)
		buf_addf(&list, "%s%s", i > 0 ? ", " : "", words[i]);
	CLEANUP_FREE char *s = parse_shown(value);
	parse_invalid(p, node, "%s '%s' is none of: %s", what, s, list.data);
	buf_fini(&list);
	return -1;
}

int parse_attr_word(struct parse *p, const xmlNode *node, const char *attr,
    const char *const *words, int absent, int *out)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	*out = value != NULL ? parse_word(p, node, attr, value, words) : absent;
	return *out < 0 ? -1 : 0;
}

int parse_switch(struct parse *p, const xmlNode *node, const char *attr, enum domain_switch *out)
{
	static const char *const words[] = {"on", "yes", "off", "no", NULL};
	CLEANUP_FREE char *value = xml_attr(node, attr);
	if (value == NULL)
		return 0;
	int i = parse_word(p, node, attr, value, words);
	if (i < 0)
		return -1;
	*out = i < 2 ? SWITCH_ON : SWITCH_OFF;
	return 0;
}

int parse_attr_number(struct parse *p, const xmlNode *node, const char *attr, uint64_t min,
    uint64_t max, uint64_t *out)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	if (value == NULL)
		return 0;
	if (str_u64(value, max, out) == 0 && *out >= min)
		return 0;
	CLEANUP_FREE char *s = parse_shown(value);
	return parse_invalid(p, node, "%s='%s' is not a number from %llu to %llu", attr, s,
	    (unsigned long long)min, (unsigned long long)max);
}

int parse_text_number(
    struct parse *p, const xmlNode *node, uint64_t min, uint64_t max, uint64_t *out)
{
	if (node == NULL)
		return 0;
	CLEANUP_FREE char *text = xml_text(node);
	char *number = text + strspn(text, WHITE);
	number[strcspn(number, WHITE)] = '\0';
	if (str_u64(number, max, out) == 0 && *out >= min)
		return 0;
	CLEANUP_FREE char *s = parse_shown(number);
	return parse_invalid(p, node, "'%s' is not a number from %llu to %llu", s,
	    (unsigned long long)min, (unsigned long long)max);
}

int parse_kib(struct parse *p, const xmlNode *node, uint64_t max_kib, uint64_t *out)
{
	CLEANUP_FREE char *number = xml_text(node);
	CLEANUP_FREE char *unit = xml_attr(node, "unit");
	struct err why = {0};
	if (node != NULL && units_kib(number, unit, max_kib, out, &why) < 0)
		return parse_invalid(p, node, "%s", why.msg);
	return 0;
}

int parse_set(
    struct parse *p, const xmlNode *node, const char *attr, unsigned end, struct numset *out)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	struct err why = {0};
	if (value == NULL)
		return 0;
	numset_fini(out);
	if (numset_parse(value, end, out, &why) < 0)
		return parse_invalid(p, node, "%s: %s", attr, why.msg);
	return 0;
}

int parse_state(struct parse *p, const xmlNode *node, enum domain_switch *out)
{
	if (node != NULL)
		*out = SWITCH_ON;
	return parse_switch(p, node, "state", out);
}

const xmlNode *parse_next(const xmlNode *parent, const xmlNode *after, const char *name)
{
	const xmlNode *n = after == NULL ? xml_first(parent) : xml_next(after);
	while (n != NULL && !xml_is(n, name))
		n = xml_next(n);
	return n;
}

int parse_path_check(struct parse *p, const xmlNode *node, const char *path)
{
	if (path == NULL)
		return 0;
	CLEANUP_FREE char *s = parse_shown(path);
	if (path[0] != '/')
		return parse_invalid(p, node, "'%s' is not an absolute path", s);
	if (!parse_text_ok(path))
		return parse_invalid(p, node, "path '%s' has control characters", s);
	if (strlen(path) >= 4096)
		return parse_invalid(
		    p, node, "path '%s…' has %zu bytes, at most 4095", s, strlen(path));
	return 0;
}

/* --- elements beside <devices> --- */
static int parse_identity(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	struct err why = {0};
	d->name = xml_child_text(root, "name");
	if (d->name == NULL)
		return parse_invalid(p, root, "has no <name>");
	if (name_check("domain", d->name, &why) < 0)
		return parse_invalid(p, xml_child(root, "name"), "%s", why.msg);
	CLEANUP_FREE char *uuid = xml_child_text(root, "uuid");
	if (uuid != NULL) {
		char compact[37] = "";
		size_t n = 0;
		for (const char *s = uuid; *s != '\0' && n < 36; s++) {
			if (strchr("- \t\r\n", *s) == NULL)
				compact[n++] = *s;
			if (n == 8 || n == 13 || n == 18 || n == 23)
				compact[n++] = '-';
		}
		const char *hex = uuid + strspn(uuid, " \t\r\n");
		size_t len = strcspn(hex, " \t\r\n");
		CLEANUP_FREE char *s = parse_shown(uuid);
		if ((len != 36 && len != 32) || uuid_parse(compact, d->uuid) != 0)
			return parse_invalid(p, xml_child(root, "uuid"), "'%s' is not a UUID", s);
		d->has_uuid = true;
	}
	d->title = xml_child_text(root, "title");
	if (d->title != NULL && (strlen(d->title) > DOMAIN_TITLE_MAX || !parse_text_ok(d->title)))
		return parse_invalid(p, xml_child(root, "title"),
		    "a title is one line of at most %d bytes without control characters",
		    DOMAIN_TITLE_MAX);
	d->description = xml_child_text(root, "description");
	return 0;
}

static int parse_size(struct parse *p, const xmlNode *root, const char *name, uint64_t *kib)
{
	const xmlNode *node = xml_child(root, name);
	CLEANUP_FREE char *number = xml_text(node);
	CLEANUP_FREE char *unit = xml_attr(node, "unit");
	struct err why = {0};
	if (node != NULL && units_kib(number, unit, DOMAIN_MEMORY_MAX_KIB, kib, &why) < 0)
		return parse_invalid(p, node, "%s", why.msg);
	return 0;
}

static int parse_memory(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	const xmlNode *node = xml_child(root, "memory");
	if (node == NULL)
		return parse_invalid(p, root, "has no <memory>");
	if (parse_size(p, root, "memory", &d->memory_kib) < 0)
		return -1;
	if (d->memory_kib < DOMAIN_MEMORY_MIN_KIB)
		return parse_invalid(p, node, "%llu KiB is too little, at least %llu KiB",
		    (unsigned long long)d->memory_kib, DOMAIN_MEMORY_MIN_KIB);
	d->current_memory_kib = d->memory_kib;
	if (parse_size(p, root, "currentMemory", &d->current_memory_kib) < 0)
		return -1;
	if (d->current_memory_kib == 0 || d->current_memory_kib > d->memory_kib)
		return parse_invalid(p, xml_child(root, "currentMemory"),
		    "%llu KiB is not between 1 and the %llu KiB of <memory>",
		    (unsigned long long)d->current_memory_kib, (unsigned long long)d->memory_kib);
	return 0;
}

static int parse_vcpu(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	const xmlNode *node = xml_child(root, "vcpu");
	d->vcpus = d->vcpus_max = 1;
	if (node == NULL)
		return 0;
	CLEANUP_FREE char *text = xml_text(node);
	char *number = text + strspn(text, " \t\r\n");
	number[strcspn(number, " \t\r\n")] = '\0';
	uint64_t n;
	if (str_u64(number, DOMAIN_VCPUS_MAX, &n) < 0 || n == 0) {
		CLEANUP_FREE char *s = parse_shown(number);
		return parse_invalid(
		    p, node, "'%s' is not a number from 1 to %u", s, DOMAIN_VCPUS_MAX);
	}
	d->vcpus = d->vcpus_max = (unsigned)n;
	if (parse_number(p, node, "current", d->vcpus_max, &d->vcpus) < 0)
		return -1;
	return d->vcpus > 0 ? 0 : parse_invalid(p, node, "current='0': one vCPU is the least");
}

static int parse_cpu_features(struct parse *p, const xmlNode *cpu)
{
	static const char *const policies[] = {
	    "force", "require", "optional", "disable", "forbid", NULL};
	for (const xmlNode *n = xml_first(cpu); n != NULL; n = xml_next(n)) {
		if (!xml_is(n, "feature"))
			continue;
		int policy;
		CLEANUP_FREE char *name = xml_attr(n, "name");
		if (parse_attr_word(p, n, "policy", policies, 1, &policy) < 0)
			return -1;
		if (name == NULL || name[0] == '\0' ||
		    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-")] != '\0')
			return parse_invalid(p, n, "has no usable name");
		struct domain_cpu_feature *f = DOMAIN_ADD(p->d->cpu_features, p->d->n_cpu_features);
		f->name = TAKE_PTR(name);
		f->on = policy <= 2;
	}
	return 0;
}

static int parse_cpu(struct parse *p, const xmlNode *root)
{
	static const char *const modes[] = {
	    "", "custom", "host-model", "host-passthrough", "maximum", NULL};
	struct domain *d = p->d;
	const xmlNode *cpu = xml_child(root, "cpu");
	const xmlNode *topology = xml_child(cpu, "topology");
	int mode;
	d->cpu_model = xml_child_text(cpu, "model");
	if (cpu == NULL)
		return 0;
	if (parse_attr_word(p, cpu, "mode", modes, d->cpu_model != NULL ? 1 : 0, &mode) < 0)
		return -1;
	d->cpu_mode = (enum domain_cpu_mode)mode;
	if (d->cpu_mode == CPU_CUSTOM && d->cpu_model == NULL)
		return parse_invalid(p, cpu, "mode='custom' needs a <model>");
	if (d->cpu_model != NULL &&
	    (d->cpu_model[0] == '\0' || !parse_text_ok(d->cpu_model) || strchr(d->cpu_model, ',')))
		return parse_invalid(p, xml_child(cpu, "model"), "not the name of a CPU model");
	d->cpu_sockets = d->cpu_dies = d->cpu_cores = d->cpu_threads = topology != NULL;
	if (parse_number(p, topology, "sockets", DOMAIN_VCPUS_MAX, &d->cpu_sockets) < 0 ||
	    parse_number(p, topology, "dies", DOMAIN_VCPUS_MAX, &d->cpu_dies) < 0 ||
	    parse_number(p, topology, "cores", DOMAIN_VCPUS_MAX, &d->cpu_cores) < 0 ||
	    parse_number(p, topology, "threads", DOMAIN_VCPUS_MAX, &d->cpu_threads) < 0)
		return -1;
	uint64_t cpus = (uint64_t)d->cpu_sockets * d->cpu_dies * d->cpu_cores * d->cpu_threads;
	if (topology != NULL && cpus != d->vcpus_max)
		return parse_invalid(p, topology,
		    "sockets × dies × cores × threads is %llu, <vcpu> says %u",
		    (unsigned long long)cpus, d->vcpus_max);
	return parse_cpu_features(p, cpu);
}

static int parse_boot(struct parse *p, const xmlNode *os)
{
	static const char *const devs[] = {"hd", "cdrom", "network", "fd", NULL};
	struct domain *d = p->d;
	for (const xmlNode *n = xml_first(os); n != NULL; n = xml_next(n)) {
		if (!xml_is(n, "boot"))
			continue;
		CLEANUP_FREE char *dev = xml_attr(n, "dev");
		if (dev == NULL)
			return parse_invalid(p, n, "has no dev");
		int i = parse_word(p, n, "dev", dev, devs);
		if (i < 0)
			return -1;
		for (unsigned k = 0; k < d->n_boot; k++)
			if (d->boot[k] == (enum domain_boot)i)
				return parse_invalid(p, n, "dev='%s' is there twice", dev);
		d->boot[d->n_boot++] = (enum domain_boot)i;
	}
	const xmlNode *menu = xml_child(os, "bootmenu");
	enum domain_switch enable = SWITCH_ABSENT;
	if (parse_switch(p, menu, "enable", &enable) < 0 ||
	    parse_number(p, menu, "timeout", 65535, &d->boot_menu_timeout) < 0)
		return -1;
	d->boot_menu = enable == SWITCH_ON;
	return 0;
}

static int parse_os(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	const xmlNode *os = xml_child(root, "os");
	const xmlNode *type = xml_child(os, "type");
	if (type == NULL)
		return parse_invalid(p, os != NULL ? os : root, "has no <type> in <os>");
	CLEANUP_FREE char *kind = xml_text(type);
	if (strcmp(kind, "hvm") != 0 && parse_refuse(p, type, "only 'hvm' is supported") < 0)
		return -1;
	d->arch = xml_attr(type, "arch");
	if (d->arch == NULL)
		d->arch = xstrdup("x86_64");
	if (d->arch[0] == '\0' ||
	    d->arch[strspn(d->arch, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
		return parse_invalid(p, type, "arch is not the name of an architecture");
	d->machine = xml_attr(type, "machine");
	if (d->machine != NULL &&
	    (d->machine[0] == '\0' || !parse_text_ok(d->machine) || strchr(d->machine, ',')))
		return parse_invalid(p, type, "machine is not the name of a machine type");
	CLEANUP_FREE char *firmware = xml_attr(os, "firmware");
	if (firmware != NULL && strcmp(firmware, "bios") != 0) {
		CLEANUP_FREE char *s = parse_shown(firmware);
		if (parse_refuse(p, os, "firmware='%s': only 'bios' is supported", s) < 0)
			return -1;
	}
	d->kernel = xml_child_text(os, "kernel");
	d->initrd = xml_child_text(os, "initrd");
	d->cmdline = xml_child_text(os, "cmdline");
	if (parse_path_check(p, xml_child(os, "kernel"), d->kernel) < 0 ||
	    parse_path_check(p, xml_child(os, "initrd"), d->initrd) < 0)
		return -1;
	if (d->kernel == NULL && (d->initrd != NULL || d->cmdline != NULL))
		return parse_invalid(p, os, "<initrd> and <cmdline> need a <kernel>");
	return parse_boot(p, os);
}

static int parse_features(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	const xmlNode *features = xml_child(root, "features");
	const xmlNode *pm = xml_child(root, "pm");
	d->acpi = xml_child(features, "acpi") != NULL;
	d->apic = xml_child(features, "apic") != NULL;
	d->pae = xml_child(features, "pae") != NULL;
	if (!d->acpi)
		parse_warn(p, root, "no <acpi/> in <features>: the guest will not hear 'shutdown'");
	if (parse_switch(p, xml_child(features, "vmport"), "state", &d->vmport) < 0 ||
	    parse_switch(p, xml_child(pm, "suspend-to-mem"), "enabled", &d->pm_s3) < 0 ||
	    parse_switch(p, xml_child(pm, "suspend-to-disk"), "enabled", &d->pm_s4) < 0)
		return -1;
	return 0;
}

static int parse_timer(struct parse *p, const xmlNode *node)
{
	static const char *const policies[] = {"", "delay", "catchup", "merge", "discard", NULL};
	struct domain *d = p->d;
	CLEANUP_FREE char *name = xml_attr(node, "name");
	enum domain_switch present = SWITCH_ABSENT;
	int policy;
	if (name == NULL)
		return parse_invalid(p, node, "has no name");
	if (parse_switch(p, node, "present", &present) < 0 ||
	    parse_attr_word(p, node, "tickpolicy", policies, 0, &policy) < 0)
		return -1;
	if (strcmp(name, "hpet") == 0 && policy == 0)
		d->hpet = present;
	else if (strcmp(name, "rtc") == 0 && policy <= 2 && present != SWITCH_OFF)
		d->rtc_catchup = policy == 2;
	else if (strcmp(name, "pit") == 0 && policy <= 1 && present != SWITCH_OFF)
		d->pit_delay = policy == 1;
	else if (strcmp(name, "kvmclock") == 0 && present != SWITCH_OFF)
		return 0; /* what KVM gives anyway */
	else if (strcmp(name, "hypervclock") == 0 && present == SWITCH_OFF)
		return 0;
	else {
		CLEANUP_FREE char *s = parse_shown(name);
		return parse_refuse(p, node, "timer '%s' is not supported like this", s) < 0 ? -1
		                                                                             : 0;
	}
	return 0;
}

static int parse_clock(struct parse *p, const xmlNode *root)
{
	const xmlNode *clock = xml_child(root, "clock");
	p->d->clock_offset = xml_attr(clock, "offset");
	const char *offset = p->d->clock_offset;
	if (offset != NULL && strcmp(offset, "utc") != 0 && strcmp(offset, "localtime") != 0) {
		if (parse_refuse(p, clock, "only the offsets 'utc' and 'localtime' are supported") <
		    0)
			return -1;
		free(p->d->clock_offset);
		p->d->clock_offset = NULL;
	}
	for (const xmlNode *n = xml_first(clock); n != NULL; n = xml_next(n))
		if (xml_is(n, "timer") && parse_timer(p, n) < 0)
			return -1;
	return 0;
}

static int parse_action(
    struct parse *p, const xmlNode *root, const char *name, enum domain_action *out)
{
	static const char *const words[ACTION_COUNT + 1] = {
	    [ACTION_DESTROY] = "destroy",
	    [ACTION_RESTART] = "restart",
	    [ACTION_PRESERVE] = "preserve",
	    [ACTION_RENAME_RESTART] = "rename-restart",
	    [ACTION_COREDUMP_DESTROY] = "coredump-destroy",
	    [ACTION_COREDUMP_RESTART] = "coredump-restart",
	};
	const xmlNode *node = xml_child(root, name);
	CLEANUP_FREE char *word = xml_text(node);
	if (node == NULL)
		return 0;
	int i = parse_word(p, node, "action", word, words);
	if (i < 0)
		return -1;
	*out = (enum domain_action)i;
	return 0;
}

static int parse_events(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	d->on_poweroff = ACTION_DESTROY;
	d->on_reboot = ACTION_RESTART;
	d->on_crash = ACTION_DESTROY;
	if (parse_action(p, root, "on_poweroff", &d->on_poweroff) < 0 ||
	    parse_action(p, root, "on_reboot", &d->on_reboot) < 0 ||
	    parse_action(p, root, "on_crash", &d->on_crash) < 0)
		return -1;
	return 0;
}

/* --- qemu:commandline --- */
static bool is_qemu(const xmlNode *node, const char *name)
{
	return node->ns != NULL && node->ns->href != NULL &&
	       strcmp((const char *)node->ns->href, QEMU_NS) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

static int parse_qemu_env(struct parse *p, const xmlNode *node)
{
	CLEANUP_FREE char *name = xml_attr(node, "name");
	CLEANUP_FREE char *value = xml_attr(node, "value");
	if (name == NULL || name[0] == '\0' || strchr(name, '=') != NULL)
		return parse_invalid(p, node, "has no usable name");
	*DOMAIN_ADD(p->d->qemu_env, p->d->n_qemu_env) =
	    xasprintf("%s=%s", name, value != NULL ? value : "");
	return 0;
}

static int parse_qemu(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	const xmlNode *node = NULL;
	for (const xmlNode *n = xml_first(root); n != NULL; n = xml_next(n)) {
		if (is_qemu(n, "commandline") && node == NULL)
			node = n;
		if ((is_qemu(n, "capabilities") || is_qemu(n, "override")) &&
		    parse_refuse(p, n, "not supported") < 0)
			return -1;
	}
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		if (d->n_qemu_args + d->n_qemu_env >= QEMU_ARGS_MAX)
			return parse_invalid(p, n, "more than %d arguments", QEMU_ARGS_MAX);
		if (is_qemu(n, "env") && parse_qemu_env(p, n) < 0)
			return -1;
		if (!is_qemu(n, "arg"))
			continue;
		char *value = xml_attr(n, "value");
		if (value == NULL)
			return parse_invalid(p, n, "has no value");
		*DOMAIN_ADD(d->qemu_args, d->n_qemu_args) = value;
	}
	return 0;
}

/* --- the whole --- */
int parse_document(struct parse *p, const xmlNode *root)
{
	static const char *const types[] = {"kvm", "qemu", NULL};
	int type;
	CLEANUP_FREE char *word = xml_attr(root, "type");
	if (word == NULL)
		return parse_invalid(p, root, "has no type: 'kvm' or 'qemu' (emulated)");
	if (parse_attr_word(p, root, "type", types, -1, &type) < 0)
		return -1;
	p->d->type = type == 0 ? DOMAIN_KVM : DOMAIN_QEMU;
	if (schema_check(p, root) < 0 || parse_identity(p, root) < 0 || parse_memory(p, root) < 0 || parse_vcpu(p, root) < 0 ||
	    parse_os(p, root) < 0 || parse_cpu(p, root) < 0 || parse_features(p, root) < 0 ||
	    parse_clock(p, root) < 0 || parse_events(p, root) < 0 || tune_parse(p, root) < 0 ||
	    iothreads_parse(p, root) < 0 || throttle_groups_parse(p, root) < 0 ||
	    devices_parse(p, xml_child(root, "devices")) < 0 || parse_qemu(p, root) < 0)
		return -1;
	return domain_check(p);
}

bool domain_leaves_out(const xmlNode *root)
{
	for (const xmlNode *n = root->children; n != NULL; n = n->next)
		if (n->type == XML_PI_NODE && strcmp((const char *)n->name, "hvmux") == 0 &&
		    n->content != NULL &&
		    strcmp((const char *)n->content, "ignore-unsupported") == 0)
			return true;
	return false;
}

int domain_parse(const char *xml, size_t n, const char *file, unsigned flags, struct domain *d,
    struct buf *warnings, struct err *err)
{
	*d = (struct domain){0};
	struct parse p = {.file = file, .flags = flags, .d = d, .warnings = warnings, .err = err};
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "domain", err);
	if (doc == NULL)
		return -1;
	const xmlNode *root = xmlDocGetRootElement(doc);
	if (domain_leaves_out(root))
		p.flags |= DOMAIN_PARSE_IGNORE_UNSUPPORTED;
	int rc = parse_document(&p, root);
	/* What else was wrong may only follow from what was left out. */
	if (p.n_refused > 0)
		rc = refused_error(&p);
	buf_fini(&p.refused);
	if (rc < 0) {
		domain_fini(d);
		return -1;
	}
	d->leaves_out = domain_leaves_out(root) || p.n_ignored > 0;
	d->source = memcpy(xmalloc(n + 1), xml, n);
	d->source[n] = '\0';
	d->source_len = n;
	return 0;
}
