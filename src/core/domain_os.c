/* <os> into struct domain: what the guest boots, with which firmware. */
#include "core/domain_os.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"

#define BOOT_DEVICES 4

void domain_os_fini(struct domain_os *os)
{
	char *const strings[] = {os->loader.path, os->loader.format, os->nvram.path, os->nvram.host,
	    os->nvram.template, os->nvram.format, os->nvram.template_format};
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		free(strings[i]);
	for (size_t i = 0; i < os->n_fields; i++)
		free(os->fields[i].value);
	for (size_t i = 0; i < os->n_fwcfg; i++) {
		free(os->fwcfg[i].name);
		free(os->fwcfg[i].value);
		free(os->fwcfg[i].file);
	}
	for (size_t i = 0; i < os->n_tables; i++)
		free(os->tables[i].path);
	free(os->fields);
	free(os->fwcfg);
	free(os->tables);
	*os = (struct domain_os){0};
}

/* --- type --- */
static int parse_type(struct parse *p, const xmlNode *root, const xmlNode *os)
{
	struct domain *d = p->d;
	const xmlNode *type = xml_child(os, "type");
	if (type == NULL)
		return parse_invalid(p, os != NULL ? os : root, "has no <type> in <os>");
	CLEANUP_FREE char *kind = xml_text(type);
	if (strcmp(kind, "hvm") != 0) {
		CLEANUP_FREE char *s = parse_shown(kind);
		if (parse_refuse(p, type, "'%s': only 'hvm' is supported, a whole machine", s) < 0)
			return -1;
	}
	d->arch = xml_attr(type, "arch");
	if (d->arch == NULL)
		d->arch = xstrdup("x86_64");
	if (d->arch[0] == '\0' ||
	    d->arch[strspn(d->arch, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
		return parse_invalid(p, type, "arch is not the name of an architecture");
	bool ours = strcmp(d->arch, "x86_64") == 0 || strcmp(d->arch, "i686") == 0;
	/* Nothing that could be left out. */
	if (!ours && !(p->flags & DOMAIN_PARSE_LENIENT))
		return xml_error(p->err, ERR_UNSUPPORTED, p->file, type,
		    "arch='%s': only x86_64 and i686 are supported", d->arch);
	d->machine = xml_attr(type, "machine");
	if (d->machine != NULL &&
	    (d->machine[0] == '\0' || !parse_text_ok(d->machine) || strchr(d->machine, ',')))
		return parse_invalid(p, type, "machine is not the name of a machine type");
	return 0;
}

/* --- boot order, menu, bios --- */
static int parse_boot(struct parse *p, const xmlNode *os)
{
	static const char *const devices[] = {"hd", "cdrom", "network", "fd", NULL};
	struct domain *d = p->d;
	for (const xmlNode *n = NULL; (n = parse_next(os, n, "boot")) != NULL;) {
		int i;
		if (!xmlHasProp((xmlNode *)n, BAD_CAST "dev"))
			return parse_invalid(p, n, "has no dev");
		if (parse_attr_word(p, n, "dev", devices, -1, &i) < 0)
			return -1;
		for (unsigned k = 0; k < d->n_boot; k++)
			if (d->boot[k] == (enum domain_boot)i)
				return parse_invalid(p, n, "dev='%s' is there twice", devices[i]);
		if (d->n_boot < BOOT_DEVICES)
			d->boot[d->n_boot++] = (enum domain_boot)i;
	}
	return 0;
}

static int parse_menu(struct parse *p, const xmlNode *os)
{
	struct domain_os *o = &p->d->os;
	const xmlNode *menu = xml_child(os, "bootmenu"), *bios = xml_child(os, "bios");
	enum domain_switch enable = SWITCH_ABSENT, serial = SWITCH_ABSENT;
	CLEANUP_FREE char *timeout = xml_attr(bios, "rebootTimeout");
	uint64_t ms = 0;
	if (parse_switch(p, menu, "enable", &enable) < 0 ||
	    parse_number(p, menu, "timeout", 65535, &o->boot_menu_timeout) < 0 ||
	    parse_switch(p, bios, "useserial", &serial) < 0)
		return -1;
	o->boot_menu_given = enable != SWITCH_ABSENT;
	o->boot_menu = enable == SWITCH_ON;
	o->serial_bios = serial == SWITCH_ON;
	o->reboot_timeout = timeout == NULL ? -2 : -1;
	if (timeout != NULL && strcmp(timeout, "-1") != 0) {
		if (parse_attr_number(p, bios, "rebootTimeout", 0, 65535, &ms) < 0)
			return -1;
		o->reboot_timeout = (int)ms;
	}
	return 0;
}

/* --- firmware --- */
static int parse_firmware_features(struct parse *p, const xmlNode *os, struct domain_os *o)
{
	static const char *const names[] = {"secure-boot", "enrolled-keys", NULL};
	const xmlNode *firmware = xml_child(os, "firmware");
	for (const xmlNode *n = NULL; (n = parse_next(firmware, n, "feature")) != NULL;) {
		enum domain_switch enabled = SWITCH_ABSENT;
		int name;
		if (parse_attr_word(p, n, "name", names, -1, &name) < 0 ||
		    parse_switch(p, n, "enabled", &enabled) < 0)
			return name < 0 && !xmlHasProp((xmlNode *)n, BAD_CAST "name")
			           ? parse_invalid(p, n, "has no name")
			           : -1;
		if (enabled == SWITCH_ABSENT)
			return parse_invalid(p, n, "has no enabled");
		*(name == 0 ? &o->secure_boot : &o->enrolled_keys) = enabled;
		if (o->firmware == FIRMWARE_DEFAULT)
			return parse_invalid(
			    p, n, "features choose a firmware: <os firmware='efi'> is missing");
	}
	if (o->enrolled_keys == SWITCH_ON && o->secure_boot == SWITCH_OFF)
		return parse_invalid(
		    p, firmware, "'enrolled-keys' cannot be had without 'secure-boot'");
	return 0;
}

static int parse_format(struct parse *p, const xmlNode *node, const char *attr, char **format)
{
	static const char *const formats[] = {"raw", "qcow2", NULL};
	int word;
	*format = xml_attr(node, attr);
	return *format != NULL ? parse_attr_word(p, node, attr, formats, 0, &word) : 0;
}

static int parse_loader(struct parse *p, const xmlNode *os, struct domain_os *o)
{
	static const char *const types[] = {"rom", "pflash", NULL};
	const xmlNode *node = xml_child(os, "loader");
	struct os_loader *l = &o->loader;
	CLEANUP_FREE char *path = xml_text(node);
	int type;
	if (node == NULL)
		return 0;
	l->line = node_line(node);
	if (parse_attr_word(p, node, "type", types, LOADER_ROM, &type) < 0 ||
	    parse_switch(p, node, "readonly", &l->readonly) < 0 ||
	    parse_switch(p, node, "secure", &l->secure) < 0 ||
	    parse_switch(p, node, "stateless", &l->stateless) < 0 ||
	    parse_format(p, node, "format", &l->format) < 0)
		return -1;
	l->type = (enum loader_type)type;
	if (path[strspn(path, " \t\r\n")] != '\0')
		l->path = TAKE_PTR(path);
	if (parse_path_check(p, node, l->path) < 0)
		return -1;
	if (o->firmware == FIRMWARE_DEFAULT && l->path == NULL)
		return parse_invalid(
		    p, node, "names no file, and there is no <os firmware=…> to choose one");
	if (o->firmware != FIRMWARE_DEFAULT && l->path != NULL)
		return parse_invalid(p, node, "names a file, and <os firmware=…> would choose one");
	if (o->firmware != FIRMWARE_DEFAULT && l->secure == SWITCH_OFF)
		return parse_invalid(p, node,
		    "secure='no': say <feature enabled='no' name='secure-boot'/> in <firmware>");
	return 0;
}

static int parse_nvram_source(struct parse *p, const xmlNode *node, struct os_nvram *v)
{
	static const char *const types[] = {"file", "block", "network", NULL};
	const xmlNode *source = xml_child(node, "source"), *host = xml_child(source, "host");
	int type;
	if (parse_attr_word(p, node, "type", types, NVRAM_FILE, &type) < 0)
		return -1;
	v->type = (enum nvram_type)type;
	if (v->type != NVRAM_NBD) {
		v->path = xml_attr(source, v->type == NVRAM_FILE ? "file" : "dev");
		if (v->path == NULL)
			return parse_invalid(p, node, "has no usable <source>");
		return parse_path_check(p, source, v->path);
	}
	CLEANUP_FREE char *protocol = printable_attr(source, "protocol");
	if (strcmp(protocol, "nbd") != 0)
		return parse_refuse(
		    p, node, "protocol='%s': only 'nbd' is supported for NVRAM", protocol);
	v->path = xml_attr(source, "name");
	v->host = xml_attr(host, "name");
	v->port = 10809; /* nbd's */
	if (v->host == NULL || !parse_text_ok(v->host) ||
	    (v->path != NULL && !parse_text_ok(v->path)))
		return parse_invalid(p, node, "has no usable <host name=…>");
	return parse_number(p, host, "port", 65535, &v->port);
}

static int parse_nvram(struct parse *p, const xmlNode *os, struct domain_os *o)
{
	const xmlNode *node = xml_child(os, "nvram");
	struct os_nvram *v = &o->nvram;
	CLEANUP_FREE char *path = xml_text(node);
	if (node == NULL)
		return 0;
	v->line = node_line(node);
	v->template = xml_attr(node, "template");
	if (parse_path_check(p, node, v->template) < 0 ||
	    parse_format(p, node, "format", &v->format) < 0 ||
	    parse_format(p, node, "templateFormat", &v->template_format) < 0)
		return -1;
	if (xml_child(node, "source") != NULL)
		return parse_nvram_source(p, node, v);
	if (path[strspn(path, " \t\r\n")] != '\0')
		v->path = TAKE_PTR(path);
	return parse_path_check(p, node, v->path);
}

static int check_firmware(struct parse *p, const xmlNode *os, const struct domain_os *o)
{
	const xmlNode *loader = xml_child(os, "loader"), *nvram = xml_child(os, "nvram");
	const struct domain *d = p->d;
	bool efi = o->firmware == FIRMWARE_EFI ||
	           (o->loader.path != NULL && o->loader.type == LOADER_PFLASH);
	if (o->loader.stateless == SWITCH_ON && nvram != NULL)
		return parse_invalid(p, nvram, "a stateless <loader> has none");
	if (!efi && nvram != NULL)
		return parse_invalid(
		    p, nvram, "only UEFI has one: <os firmware='efi'> or a pflash <loader>");
	if (!efi && o->loader.stateless == SWITCH_OFF)
		return parse_invalid(p, loader, "stateless='no': only UEFI keeps a state");
	if (!efi && o->loader.secure == SWITCH_ON)
		return parse_invalid(p, loader, "secure='yes' is for UEFI in pflash");
	bool secure = o->loader.secure == SWITCH_ON || o->secure_boot == SWITCH_ON ||
	              o->enrolled_keys == SWITCH_ON;
	if (secure && !domain_is_q35(d))
		return parse_invalid(p, os, "secure boot needs a machine of the q35 family");
	return 0;
}

int os_check(struct parse *p, const xmlNode *root)
{
	const struct domain *d = p->d;
	const struct domain_os *o = &d->os;
	const xmlNode *os = xml_child(root, "os");
	bool efi = o->firmware == FIRMWARE_EFI ||
	           (o->loader.path != NULL && o->loader.type == LOADER_PFLASH &&
	               o->loader.readonly == SWITCH_ON);
	bool secure = o->loader.secure == SWITCH_ON || o->secure_boot == SWITCH_ON ||
	              o->enrolled_keys == SWITCH_ON;
	if (o->loader.path != NULL && o->loader.secure == SWITCH_ON && d->features.smm != SWITCH_ON)
		return parse_invalid(p, xml_child(os, "loader"),
		    "secure='yes' needs <smm state='on'/> in <features>");
	if (efi && !d->features.acpi)
		return parse_invalid(p, os, "UEFI needs <acpi/> in <features>");
	if (secure && d->features.smm == SWITCH_OFF)
		return parse_invalid(
		    p, os, "secure boot needs <smm> in <features>, which is switched off");
	return 0;
}

/* --- kernel, tables --- */
static int parse_kernel(struct parse *p, const xmlNode *os)
{
	struct domain *d = p->d;
	d->kernel = xml_child_text(os, "kernel");
	d->initrd = xml_child_text(os, "initrd");
	d->cmdline = xml_child_text(os, "cmdline");
	if (parse_path_check(p, xml_child(os, "kernel"), d->kernel) < 0 ||
	    parse_path_check(p, xml_child(os, "initrd"), d->initrd) < 0)
		return -1;
	if (d->kernel == NULL && (d->initrd != NULL || d->cmdline != NULL))
		return parse_invalid(p, os, "<initrd> and <cmdline> need a <kernel>");
	return 0;
}

static int parse_tables(struct parse *p, const xmlNode *os, struct domain_os *o)
{
	static const char *const types[] = {"raw", "rawset", "slic", "msdm", NULL};
	const xmlNode *acpi = xml_child(os, "acpi");
	for (const xmlNode *n = NULL; (n = parse_next(acpi, n, "table")) != NULL;) {
		int type;
		if (!xmlHasProp((xmlNode *)n, BAD_CAST "type"))
			return parse_invalid(p, n, "has no type");
		if (parse_attr_word(p, n, "type", types, -1, &type) < 0)
			return -1;
		if (o->n_tables >= OS_TABLES_MAX)
			return parse_invalid(p, n, "more than %u tables", OS_TABLES_MAX);
		if (type == TABLE_RAWSET)
			return parse_refuse(p, n, "type='rawset' is Xen's");
		struct os_acpi_table *t = DOMAIN_ADD(o->tables, o->n_tables);
		t->type = (enum os_table)type;
		t->path = xml_text(n);
		if (parse_path_check(p, n, t->path) < 0)
			return -1;
	}
	return 0;
}

int os_parse(struct parse *p, const xmlNode *root)
{
	static const char *const firmwares[] = {"", "bios", "efi", NULL};
	static const char *const smbios[] = {"emulate", "host", "sysinfo", NULL};
	struct domain_os *o = &p->d->os;
	const xmlNode *os = xml_child(root, "os");
	int firmware, mode;
	if (parse_type(p, root, os) < 0 || parse_kernel(p, os) < 0 || parse_boot(p, os) < 0 ||
	    parse_menu(p, os) < 0 ||
	    parse_attr_word(p, os, "firmware", firmwares, 0, &firmware) < 0)
		return -1;
	o->firmware = (enum os_firmware)firmware;
	if (parse_firmware_features(p, os, o) < 0 || parse_loader(p, os, o) < 0 ||
	    parse_nvram(p, os, o) < 0 || check_firmware(p, os, o) < 0 ||
	    parse_tables(p, os, o) < 0 ||
	    parse_attr_word(p, xml_child(os, "smbios"), "mode", smbios, 0, &mode) < 0)
		return -1;
	o->smbios = (enum smbios_mode)mode;
	return sysinfo_parse(p, root);
}
