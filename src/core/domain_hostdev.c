/* <hostdev>: devices of the host that the guest gets. */
#include "core/domain_impl.h"

#include <string.h>
#include <uuid/uuid.h>

#include "core/mem.h"
#include "core/str.h"

enum hostdev_type domain_hostdev_type(const struct domain_dev *dev)
{
	static const char *const words[] = {[HOSTDEV_USB] = "usb",
	    [HOSTDEV_PCI] = "pci",
	    [HOSTDEV_MDEV] = "mdev",
	    [HOSTDEV_SCSI] = "scsi",
	    [HOSTDEV_SCSI_HOST] = "scsi_host"};
	const char *type = attrs_get(&dev->attrs, "@type");
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(words[i], type))
			return (enum hostdev_type)i;
	return HOSTDEV_USB;
}

static int check_mdev(struct parse *p, const xmlNode *node, const struct domain_attrs *a)
{
	const char *uuid = attrs_get(a, "source/address@uuid");
	uuid_t raw;
	if (attrs_get(a, "@model") == NULL)
		return parse_invalid(p, node, "type='mdev' has no model");
	if (uuid == NULL || uuid_parse(uuid, raw) != 0)
		return parse_invalid(p, node, "type='mdev' has no <source><address uuid=…>");
	if (attrs_on(a, "@ramfb") && !attrs_on(a, "@display"))
		return parse_invalid(p, node, "ramfb='on' needs display='on'");
	return 0;
}

static int check_usb(struct parse *p, const xmlNode *node, const struct domain_attrs *a)
{
	bool vendor = attrs_has(a, "source/vendor@id"), product = attrs_has(a, "source/product@id");
	bool bus = attrs_has(a, "source/address@bus"),
	     device = attrs_has(a, "source/address@device");
	bool port = attrs_has(a, "source/address@port");
	if (vendor != product || (!vendor && !(bus && (device || port))))
		return parse_invalid(p, node,
		    "type='usb' has <source> with <vendor> and <product>, or <address bus=… device=…>");
	return 0;
}

static int check_scsi_host(struct parse *p, const xmlNode *node, const struct domain_attrs *a)
{
	const char *wwpn = attrs_get(a, "source@wwpn");
	if (wwpn == NULL || !str_prefix(wwpn, "naa.") || strlen(wwpn) != 20 ||
	    wwpn[4 + strspn(wwpn + 4, "0123456789abcdefABCDEF")] != '\0')
		return parse_invalid(
		    p, node, "type='scsi_host' has <source wwpn='naa.…'> of 16 hexadecimal digits");
	if (attrs_has(a, "boot"))
		return parse_invalid(
		    p, xml_child(node, "boot"), "nothing boots from type='scsi_host'");
	return 0;
}

static int check_scsi(struct parse *p, const xmlNode *node, const struct domain_attrs *a)
{
	const char *protocol = attrs_get(a, "source@protocol");
	if (str_eq(protocol, "iscsi"))
		return attrs_has(a, "source@name") && attrs_has(a, "source/host@name")
		           ? 0
		           : parse_invalid(
		                 p, node, "protocol='iscsi' has <source name=…> and <host name=…>");
	const char *adapter = attrs_get(a, "source/adapter@name");
	if (adapter == NULL || !str_prefix(adapter, "scsi_host") ||
	    adapter[9 + strspn(adapter + 9, "0123456789")] != '\0' ||
	    !attrs_has(a, "source/address@unit"))
		return parse_invalid(p, node,
		    "type='scsi' has <source> with <adapter name='scsi_hostN'> and <address bus=… "
		    "target=… unit=…>");
	return 0;
}

/* Do two elements name one device of the host? */
static bool same_source(const struct domain_attrs *a, const struct domain_attrs *b)
{
	static const char *const words[] = {"@type", "source@wwpn", "source@name",
	    "source/vendor@id", "source/product@id", "source/adapter@name", "source/address@uuid"};
	static const char *const numbers[] = {"source/address@domain", "source/address@bus",
	    "source/address@slot", "source/address@function", "source/address@device",
	    "source/address@target", "source/address@unit"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!str_eq(attrs_get(a, words[i]), attrs_get(b, words[i])))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (attrs_number(a, numbers[i], 0) != attrs_number(b, numbers[i], 0))
			return false;
	return true;
}

static int check_twice(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	for (size_t i = 0; i < p->d->n_devs; i++) {
		const struct domain_dev *other = &p->d->devs[i];
		if (other == dev || other->kind != DEV_HOSTDEV)
			continue;
		if (same_source(&other->attrs, &dev->attrs))
			return parse_invalid(
			    p, node, "the same device is there twice (line %u)", other->line);
		if (attrs_on(&other->attrs, "@ramfb") && attrs_on(&dev->attrs, "@ramfb"))
			return parse_invalid(
			    p, node, "ramfb='on' is there twice (line %u)", other->line);
	}
	return 0;
}

int hostdev_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	if (attrs_is(a, "teaming@type", "transient") && !attrs_has(a, "teaming@persistent"))
		return parse_invalid(p, xml_child(node, "teaming"),
		    "type='transient' has no persistent (the alias of the interface)");
	if (!attrs_has(a, "source"))
		return parse_invalid(p, node, "has no <source>");
	switch (domain_hostdev_type(dev)) {
	case HOSTDEV_USB:
		if (check_usb(p, node, a) < 0)
			return -1;
		break;
	case HOSTDEV_PCI:
		if (!attrs_has(a, "source/address@slot"))
			return parse_invalid(p, node,
			    "type='pci' has <source> with <address domain=… bus=… slot=…>");
		break;
	case HOSTDEV_MDEV:
		if (check_mdev(p, node, a) < 0)
			return -1;
		break;
	case HOSTDEV_SCSI:
		if (check_scsi(p, node, a) < 0)
			return -1;
		break;
	case HOSTDEV_SCSI_HOST:
		if (check_scsi_host(p, node, a) < 0)
			return -1;
		break;
	}
	return check_twice(p, node, dev);
}

int hostdev_check_all(struct parse *p)
{
	bool graphics = domain_dev_find(p->d, DEV_GRAPHICS) != NULL;
	for (size_t i = 0; i < p->d->n_devs; i++) {
		const struct domain_dev *dev = &p->d->devs[i];
		if (dev->kind == DEV_HOSTDEV && attrs_on(&dev->attrs, "@display") && !graphics)
			return invalid_at(
			    p, "hostdev", dev->line, "display='on' needs a <graphics>");
	}
	return 0;
}

enum seat hostdev_seat(const struct domain *d, const struct domain_dev *dev)
{
	(void)d;
	switch (domain_hostdev_type(dev)) {
	case HOSTDEV_USB:
		return SEAT_USB;
	case HOSTDEV_SCSI:
		return SEAT_SCSI;
	case HOSTDEV_SCSI_HOST:
		return seat_of_virtio(attrs_get(&dev->attrs, "@model"));
	case HOSTDEV_PCI:
	case HOSTDEV_MDEV:
		break;
	}
	return SEAT_PCIE;
}
