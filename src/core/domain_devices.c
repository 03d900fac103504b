/* <devices> into struct domain: which file reads which element. */
#include "core/domain_parse.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

unsigned node_line(const xmlNode *node)
{
	return (unsigned)xmlGetLineNo((xmlNode *)node);
}

char *printable_attr(const xmlNode *node, const char *attr)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	return value != NULL ? str_printable(value, strlen(value), 40) : xstrdup("");
}

static int emulator_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	(void)element;
	if (p->d->emulator != NULL)
		return parse_invalid(p, node, "there is another one");
	p->d->emulator = xml_text(node);
	return parse_path_check(p, node, p->d->emulator);
}

/* Whose struct has little more than the attributes. */
static int dev_parse(
    struct parse *p, const xmlNode *node, enum domain_dev_kind kind, unsigned element)
{
	struct domain *d = p->d;
	unsigned index = 0;
	for (size_t i = 0; i < d->n_devs; i++)
		index += d->devs[i].kind == kind;
	struct domain_dev *dev = DOMAIN_ADD(d->devs, d->n_devs);
	dev->kind = kind;
	dev->index = index;
	dev->line = node_line(node);
	dev->element = element;
	int rc = attrs_read(p, node, &dev->attrs);
	if (rc == 0)
		rc = parse_address(p, node, domain_dev_addresses(d, dev), &dev->address);
	if (rc == 0)
		rc = domain_dev_check(p, node, dev);
	return rc;
}

/* --- all --- */
static const struct device_kind {
	const char *name;
	int (*parse)(struct parse *p, const xmlNode *node, unsigned element);
} kinds[] = {
    {"emulator", emulator_parse},
    {"disk", disk_parse},
    {"interface", interface_parse},
    {"controller", controller_parse},
    {"serial", serial_parse},
    {"channel", channel_parse},
    {"console", console_parse},
    {"memory", memdev_parse},
};

static int parse_one(struct parse *p, const xmlNode *node, unsigned element)
{
	enum domain_dev_kind kind;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (xml_is(node, kinds[i].name))
			return kinds[i].parse(p, node, element);
	return domain_dev_kind_of(node, &kind) ? dev_parse(p, node, kind, element) : 0;
}

/* Consoles come last: the first may be the other name of a serial port. */
static int parse_pass(struct parse *p, const xmlNode *devices, bool consoles)
{
	unsigned element = 0;
	for (const xmlNode *n = xml_first(devices); n != NULL; n = xml_next(n)) {
		if (++element > DOMAIN_DEVICES_MAX)
			return parse_invalid(p, n, "more than %u devices", DOMAIN_DEVICES_MAX);
		if (xml_is(n, "console") != consoles || schema_left_out(n))
			continue;
		int rc = parse_one(p, n, element);
		if (rc < 0)
			return -1;
		if (rc == PARSE_SKIP)
			domain_drop_element(p->d, element);
	}
	return 0;
}

/* libvirt gives a balloon to every domain that does not say otherwise. */
static void add_balloon(struct domain *d)
{
	if (domain_dev_find(d, DEV_BALLOON) != NULL)
		return;
	struct domain_dev *dev = DOMAIN_ADD(d->devs, d->n_devs);
	dev->kind = DEV_BALLOON;
	attrs_add(&dev->attrs, "@model", "virtio");
}

/* An operator's own names for devices ("ua-…") become QEMU's ids. */
static int check_aliases(struct parse *p, const xmlNode *devices)
{
	for (const xmlNode *n = xml_first(devices); n != NULL; n = xml_next(n)) {
		CLEANUP_FREE char *name = xml_child_attr(n, "alias", "name");
		if (name == NULL || !str_prefix(name, "ua-"))
			continue;
		for (const xmlNode *m = xml_first(devices); m != n; m = xml_next(m)) {
			CLEANUP_FREE char *other = xml_child_attr(m, "alias", "name");
			if (str_eq(name, other))
				return parse_invalid(p, xml_child(n, "alias"),
				    "name '%.60s' is there twice (line %u)", name, node_line(m));
		}
	}
	return 0;
}

int devices_parse(struct parse *p, const xmlNode *devices)
{
	if (!(p->flags & DOMAIN_PARSE_LENIENT) && check_aliases(p, devices) < 0)
		return -1;
	if (parse_pass(p, devices, false) < 0 || parse_pass(p, devices, true) < 0)
		return -1;
	add_balloon(p->d);
	return 0;
}
