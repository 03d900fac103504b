#include "kvm/argv_dev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

void build_keys(
    struct buf *value, const struct domain_attrs *a, const struct dev_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = attrs_get(a, keys[i].attr);
		if (text == NULL)
			continue;
		if (strcmp(text, "yes") == 0)
			text = "on";
		else if (strcmp(text, "no") == 0)
			text = "off";
		build_key(value, keys[i].key, text);
	}
}

void build_switch(struct buf *value, const char *key, enum domain_switch s)
{
	if (s != SWITCH_ABSENT)
		buf_addf(value, ",%s=%s", key, s == SWITCH_ON ? "on" : "off");
}

char *build_id(const struct domain_attrs *a, const char *fmt, ...)
{
	const char *alias = attrs_get(a, "alias@name");
	if (alias != NULL)
		return xstrdup(alias);
	va_list ap;
	va_start(ap, fmt);
	char *id = xvasprintf(fmt, ap);
	va_end(ap);
	return id;
}

void build_virtio_name(struct buf *value, const char *name, const char *model)
{
	buf_addf(value, "%s-pci", name);
	if (str_eq(model, "virtio-transitional"))
		buf_adds(value, "-transitional");
	else if (str_eq(model, "virtio-non-transitional"))
		buf_adds(value, "-non-transitional");
}

static void build_rom(struct buf *value, const struct domain_attrs *a)
{
	const char *file = attrs_get(a, "rom@file");
	if (attrs_is(a, "rom@enabled", "no")) {
		buf_adds(value, ",romfile=");
		return;
	}
	if (attrs_has(a, "rom@bar"))
		buf_addf(value, ",rombar=%d", attrs_on(a, "rom@bar"));
	if (file != NULL)
		build_key(value, "romfile", file);
}

void build_tail(struct builder *b, struct buf *value, const struct domain_attrs *a,
    const struct domain_address *address, unsigned order)
{
	static const struct dev_key keys[] = {
	    {"driver@iommu", "iommu_platform"},
	    {"driver@ats", "ats"},
	    {"driver@packed", "packed"},
	    {"driver@page_per_vq", "page-per-vq"},
	};
	const char *model = attrs_get(a, "@model");
	build_keys(value, a, keys, ARRAY_LEN(keys));
	/* QEMU has an IOMMU's addresses for devices of virtio 1.0 alone. */
	if (attrs_on(a, "driver@iommu") && (model == NULL || strcmp(model, "virtio") == 0))
		buf_adds(value, ",disable-legacy=on");
	build_address(b, value, address);
	if (order > 0)
		buf_addf(value, ",bootindex=%u", order);
	if (attrs_has(a, "acpi@index"))
		buf_addf(value, ",acpi-index=%s", attrs_get(a, "acpi@index"));
	build_rom(value, a);
}

int build_dev(struct builder *b, struct buf *value, const struct domain_dev *dev)
{
	build_tail(b, value, &dev->attrs, &dev->address,
	    (unsigned)attrs_number(&dev->attrs, "boot@order", 0));
	return build_device(b, domain_dev_name(dev->kind), dev->line, value);
}
