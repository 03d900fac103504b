/* Smaller devices: what the tables cannot say. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"

#define SHMEM_MIN (1ull << 20) /* bytes */
#define SHMEM_MAX (1ull << 40)

static int only_one(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	return dev->index == 0 ? 0 : parse_invalid(p, node, "there is another one");
}

int balloon_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	return only_one(p, node, dev);
}

int rng_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const xmlNode *backend = xml_child(node, "backend");
	const char *type = attrs_get(a, "backend@type");
	if (backend == NULL)
		return parse_invalid(p, node, "has no <backend model=…>");
	if (attrs_is(a, "backend@model", "random") && attrs_get(a, "backend")[0] != '\0')
		return parse_path_check(p, backend, attrs_get(a, "backend"));
	if (!attrs_is(a, "backend@model", "egd"))
		return 0;
	if (type == NULL)
		return parse_invalid(p, backend, "model='egd' has no type");
	return chardev_check(p, backend, type, false);
}

enum seat panic_seat(const struct domain *d, const struct domain_dev *dev)
{
	(void)d;
	return attrs_is(&dev->attrs, "@model", "pvpanic") ? SEAT_PCI : SEAT_NONE;
}

int panic_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const char *model = attrs_get(&dev->attrs, "@model");
	for (size_t i = 0; i < p->d->n_devs; i++) {
		const struct domain_dev *other = &p->d->devs[i];
		const char *same = attrs_get(&other->attrs, "@model");
		if (other != dev && other->kind == DEV_PANIC &&
		    strcmp(same != NULL ? same : "isa", model != NULL ? model : "isa") == 0)
			return parse_invalid(p, node, "model='%s' is there twice (line %u)",
			    model != NULL ? model : "isa", other->line);
	}
	return 0;
}

int watchdog_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const char *model = attrs_get(&dev->attrs, "@model");
	const char *action = attrs_get(&dev->attrs, "@action");
	for (size_t i = 0; i < p->d->n_devs; i++) {
		const struct domain_dev *other = &p->d->devs[i];
		const char *same = attrs_get(&other->attrs, "@action");
		if (other == dev || other->kind != DEV_WATCHDOG)
			continue;
		if (str_eq(attrs_get(&other->attrs, "@model"), model))
			return parse_invalid(
			    p, node, "model='%s' is there twice (line %u)", model, other->line);
		if (strcmp(same != NULL ? same : "reset", action != NULL ? action : "reset") != 0)
			return parse_invalid(p, node,
			    "all watchdogs have one action, and line %u has another", other->line);
	}
	return 0;
}

enum seat watchdog_seat(const struct domain *d, const struct domain_dev *dev)
{
	(void)d;
	return attrs_is(&dev->attrs, "@model", "i6300esb") ? SEAT_PCI : SEAT_NONE;
}

enum seat hub_seat(const struct domain *d, const struct domain_dev *dev)
{
	(void)d;
	(void)dev;
	return SEAT_USB_HUB;
}

int vsock_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	if (only_one(p, node, dev) < 0)
		return -1;
	if (!attrs_on(a, "cid@auto") && !attrs_has(a, "cid@address"))
		return parse_invalid(p, node, "has neither <cid auto='yes'/> nor <cid address=…/>");
	return 0;
}

/* --- shared memory --- */
static int shmem_size(const struct domain_attrs *a, uint64_t *bytes, struct err *err)
{
	*bytes = 4u << 20;
	return attrs_has(a, "size") ? units_bytes(attrs_get(a, "size"), attrs_get(a, "size@unit"),
	                                  1, SHMEM_MAX, bytes, err)
	                            : 0;
}

uint64_t domain_shmem_bytes(const struct domain_dev *dev)
{
	uint64_t bytes = 0;
	shmem_size(&dev->attrs, &bytes, NULL);
	return bytes;
}

int shmem_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *name = attrs_get(a, "@name"), *model = attrs_get(a, "model@type");
	bool doorbell = str_eq(model, "ivshmem-doorbell");
	uint64_t bytes;
	struct err why = {0};
	if (name != NULL &&
	    (strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
		return parse_invalid(p, node, "name='%.60s' has a '/'", name);
	if (shmem_size(a, &bytes, &why) < 0)
		return parse_invalid(p, xml_child(node, "size"), "%s", why.msg);
	if (bytes < SHMEM_MIN || (bytes & (bytes - 1)) != 0)
		return parse_invalid(p, xml_child(node, "size"),
		    "%llu bytes: it is a power of two, of 1 MiB or more",
		    (unsigned long long)bytes);
	if (model == NULL)
		return parse_refuse(p, node,
		    "without <model type=…> it is the old 'ivshmem', which QEMU has no more");
	if (attrs_has(a, "server") != doorbell)
		return parse_invalid(
		    p, node, "type='ivshmem-doorbell' has a <server>, others none");
	if (attrs_has(a, "msi") && !doorbell)
		return parse_invalid(p, xml_child(node, "msi"), "is for a <server>");
	if (doorbell && attrs_has(a, "size"))
		return parse_invalid(p, xml_child(node, "size"),
		    "the server decides it with type='ivshmem-doorbell'");
	return 0;
}

/* --- IOMMU --- */
int iommu_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *model = attrs_get(a, "@model");
	bool virtio = str_eq(model, "virtio");
	if (only_one(p, node, dev) < 0)
		return -1;
	if (!domain_is_q35(p->d))
		return parse_invalid(p, node, "model='%s' needs machine 'q35'", model);
	if (virtio && attrs_has(a, "driver"))
		return parse_invalid(p, xml_child(node, "driver"), "is for model='intel'");
	if (!virtio && attrs_has(a, "address"))
		return parse_invalid(p, xml_child(node, "address"), "is for model='virtio'");
	if (virtio && dev->address.type == ADDRESS_PCI && dev->address.bus != 0)
		return parse_invalid(
		    p, xml_child(node, "address"), "model='virtio' sits on PCI bus 0");
	if (virtio && !p->d->features.acpi)
		return parse_invalid(p, node, "model='virtio' needs <features><acpi/>");
	if (attrs_on(a, "driver@eim") && !attrs_on(a, "driver@intremap"))
		return parse_invalid(p, xml_child(node, "driver"), "eim='on' needs intremap='on'");
	return 0;
}

enum seat iommu_seat(const struct domain *d, const struct domain_dev *dev)
{
	(void)d;
	return attrs_is(&dev->attrs, "@model", "virtio") ? SEAT_PCIE_ROOT : SEAT_NONE;
}
