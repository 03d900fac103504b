/* <sysinfo>: the strings of SMBIOS and of fw_cfg. */
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"

#define VALUE_MAX 1024 /* bytes; SMBIOS itself says 64, firmware takes more */

static const char *const bios_names[] = {"vendor", "version", "date", "release", NULL};
static const char *const system_names[] = {
    "manufacturer", "product", "version", "serial", "uuid", "sku", "family", NULL};
static const char *const board_names[] = {
    "manufacturer", "product", "version", "serial", "asset", "location", NULL};
static const char *const chassis_names[] = {
    "manufacturer", "version", "serial", "asset", "sku", NULL};

static const struct smbios_block {
	const char *element;
	unsigned type;
	const char *const *names; /* NULL: entries have no names */
} blocks[] = {
    {"bios", 0, bios_names},
    {"system", 1, system_names},
    {"baseBoard", 2, board_names},
    {"chassis", 3, chassis_names},
    {"oemStrings", 11, NULL},
};

/* mm/dd/yyyy or mm/dd/yy */
static bool date_ok(const char *s)
{
	size_t n = strlen(s);
	if (n != 8 && n != 10)
		return false;
	for (size_t i = 0; i < n; i++)
		if (i == 2 || i == 5 ? s[i] != '/' : s[i] < '0' || s[i] > '9')
			return false;
	int month = (s[0] - '0') * 10 + s[1] - '0', day = (s[3] - '0') * 10 + s[4] - '0';
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
	       (n == 8 || (s[6] == '1' && s[7] == '9') || s[6] == '2');
}

/* "2.6": two numbers of a byte each. */
static bool release_ok(const char *s)
{
	CLEANUP_FREE char *copy = xstrdup(s);
	char *dot = strchr(copy, '.');
	uint64_t major, minor;
	if (dot == NULL)
		return false;
	*dot = '\0';
	return str_u64(copy, 255, &major) == 0 && str_u64(dot + 1, 255, &minor) == 0;
}

static int check_uuid(struct parse *p, const xmlNode *node, const char *value)
{
	uuid_t uuid;
	const struct domain *d = p->d;
	if (uuid_parse(value, uuid) != 0)
		return parse_invalid(p, node, "not a UUID");
	if (d->has_uuid && memcmp(uuid, d->uuid, sizeof uuid) != 0)
		return parse_invalid(
		    p, node, "is not the <uuid> of the domain, which the guest is to see");
	return 0;
}

static int check_field(struct parse *p, const xmlNode *node, const struct smbios_field *f)
{
	if (!parse_text_ok(f->value) || strlen(f->value) > VALUE_MAX)
		return parse_invalid(p, node, "one line of at most %d bytes is wanted", VALUE_MAX);
	if (f->type == 1 && strcmp(f->key, "uuid") == 0)
		return check_uuid(p, node, f->value);
	if (f->type == 0 && strcmp(f->key, "date") == 0 && !date_ok(f->value))
		return parse_invalid(p, node, "a date is written mm/dd/yyyy");
	if (f->type == 0 && strcmp(f->key, "release") == 0 && !release_ok(f->value))
		return parse_invalid(p, node, "a release is two numbers up to 255: 2.6");
	return 0;
}

static int parse_entry(
    struct parse *p, const xmlNode *node, const struct smbios_block *block, unsigned table)
{
	struct domain_os *o = &p->d->os;
	const char *key = "value";
	if (o->n_fields >= SMBIOS_FIELDS_MAX)
		return parse_invalid(p, node, "more than %u entries", SMBIOS_FIELDS_MAX);
	if (block->names != NULL) {
		CLEANUP_FREE char *name = xml_attr(node, "name");
		if (name == NULL)
			return parse_invalid(p, node, "has no name");
		int i = parse_word(p, node, "name", name, block->names);
		if (i < 0)
			return -1;
		key = block->names[i];
	}
	struct smbios_field *f = DOMAIN_ADD(o->fields, o->n_fields);
	*f = (struct smbios_field){
	    .type = block->type, .table = table, .key = key, .value = xml_text(node)};
	return check_field(p, node, f);
}

static int parse_smbios(struct parse *p, const xmlNode *sysinfo, unsigned *table)
{
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
		for (const xmlNode *n = NULL;
		     (n = parse_next(sysinfo, n, blocks[i].element)) != NULL;) {
			++*table;
			for (const xmlNode *e = NULL; (e = parse_next(n, e, "entry")) != NULL;)
				if (parse_entry(p, e, &blocks[i], *table) < 0)
					return -1;
		}
	return 0;
}

static int parse_fwcfg(struct parse *p, const xmlNode *node, struct domain_os *o)
{
	if (o->n_fwcfg >= FWCFG_MAX)
		return parse_invalid(p, node, "more than %u entries", FWCFG_MAX);
	struct os_fwcfg *f = DOMAIN_ADD(o->fwcfg, o->n_fwcfg);
	CLEANUP_FREE char *value = xml_text(node);
	f->name = xml_attr(node, "name");
	f->file = xml_attr(node, "file");
	if (f->name == NULL || strlen(f->name) > FWCFG_NAME_MAX || !parse_text_ok(f->name))
		return parse_invalid(p, node, "has no name of at most %d bytes", FWCFG_NAME_MAX);
	if (!str_prefix(f->name, "opt/"))
		return parse_invalid(p, node,
		    "name='%s': has to begin with 'opt/', the rest is the firmware's", f->name);
	if (str_prefix(f->name, "opt/ovmf/") || str_prefix(f->name, "opt/org.qemu/"))
		return parse_invalid(p, node, "name='%s' is the firmware's own", f->name);
	if (f->file != NULL)
		return parse_path_check(p, node, f->file);
	if (value[0] == '\0')
		return parse_invalid(p, node, "has neither a value nor a file");
	f->value = TAKE_PTR(value);
	return 0;
}

int sysinfo_parse(struct parse *p, const xmlNode *root)
{
	static const char *const types[] = {"smbios", "fwcfg", NULL};
	struct domain_os *o = &p->d->os;
	unsigned table = 0;
	bool smbios = false;
	for (const xmlNode *n = NULL; (n = parse_next(root, n, "sysinfo")) != NULL;) {
		int type;
		if (!xmlHasProp((xmlNode *)n, BAD_CAST "type"))
			return parse_invalid(p, n, "has no type");
		if (parse_attr_word(p, n, "type", types, -1, &type) < 0)
			return -1;
		smbios = smbios || type == 0;
		if (type == 0 && parse_smbios(p, n, &table) < 0)
			return -1;
		for (const xmlNode *e = NULL; type == 1 && (e = parse_next(n, e, "entry")) != NULL;)
			if (parse_fwcfg(p, e, o) < 0)
				return -1;
	}
	if (o->smbios == SMBIOS_SYSINFO && !smbios)
		return parse_invalid(p, xml_child(xml_child(root, "os"), "smbios"),
		    "mode='sysinfo' needs a <sysinfo type='smbios'>");
	return 0;
}
