/* <address> read and written back. */
#include "core/domain_address.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_format.h"
#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

static const char *const type_words[] = {"", "pci", "drive", "usb", "virtio-serial", "ccid", "isa",
    "dimm", "unassigned", "spapr-vio", "ccw", "virtio-s390", "virtio-mmio", NULL};

bool address_equal(const struct domain_address *a, const struct domain_address *b)
{
	if (a->type != b->type)
		return false;
	return a->multifunction == b->multifunction && a->domain == b->domain && a->bus == b->bus &&
	       a->slot == b->slot && a->function == b->function && a->controller == b->controller &&
	       a->target == b->target && a->unit == b->unit && a->port == b->port &&
	       strcmp(a->usb_port, b->usb_port) == 0 && a->iobase == b->iobase &&
	       a->irq == b->irq && a->base == b->base;
}

/* --- reading --- */
static int parse_pci(struct parse *p, const xmlNode *node, struct domain_address *out)
{
	static const char *const multifunction[] = {"off", "on", "", NULL};
	CLEANUP_FREE char *bus = xml_attr(node, "bus");
	CLEANUP_FREE char *slot = xml_attr(node, "slot");
	int multi;
	if (parse_number(p, node, "domain", 0xffff, &out->domain) < 0 ||
	    parse_number(p, node, "bus", 0xff, &out->bus) < 0 ||
	    parse_number(p, node, "slot", 0x1f, &out->slot) < 0 ||
	    parse_number(p, node, "function", 7, &out->function) < 0 ||
	    parse_attr_word(p, node, "multifunction", multifunction, 2, &multi) < 0)
		return -1;
	if (out->domain != 0)
		return parse_invalid(
		    p, node, "domain='%u': these machines have PCI domain 0 alone", out->domain);
	if (xml_child(node, "zpci") != NULL)
		return parse_refuse(p, node, "<zpci> is of s390 machines");
	out->multifunction = multi == 1;
	out->single_function = multi == 0;
	/* <address type='pci'/> alone: wishes for PCI, wherever. */
	if (bus == NULL && slot == NULL)
		out->type = ADDRESS_NONE;
	return 0;
}

/* Up to four numbers from 1 to 255, joined by dots. */
static bool usb_port_ok(const char *text)
{
	int depth = 0;
	for (const char *s = text;; s++) {
		unsigned n = 0;
		const char *from = s;
		for (; *s >= '0' && *s <= '9' && n <= 255; s++)
			n = n * 10 + (unsigned)(*s - '0');
		if (s == from || n == 0 || n > 255 || ++depth > 4)
			return false;
		if (*s != '.')
			return *s == '\0';
	}
}

static int parse_usb(struct parse *p, const xmlNode *node, struct domain_address *out)
{
	CLEANUP_FREE char *port = xml_attr(node, "port");
	if (parse_number(p, node, "bus", 255, &out->bus) < 0)
		return -1;
	/* 0 in libvirt's documents is no port yet. */
	if (port == NULL || strcmp(port, "0") == 0)
		return 0;
	if (strlen(port) >= sizeof out->usb_port || !usb_port_ok(port)) {
		CLEANUP_FREE char *s = str_printable(port, strlen(port), 40);
		return parse_invalid(p, node, "port='%s' is not a USB port like 1 or 1.2", s);
	}
	memcpy(out->usb_port, port, strlen(port) + 1);
	return 0;
}

static int parse_base(struct parse *p, const xmlNode *node, struct domain_address *out)
{
	CLEANUP_FREE char *base = xml_attr(node, "base");
	if (base == NULL)
		return 0;
	char *end;
	out->base = strtoull(base, &end, 0);
	if (base[0] < '0' || base[0] > '9' || *end != '\0')
		return parse_invalid(p, node, "base is not a number like 0x100000000");
	return 0;
}

static int parse_members(struct parse *p, const xmlNode *node, struct domain_address *out)
{
	switch (out->type) {
	case ADDRESS_PCI:
		return parse_pci(p, node, out);
	case ADDRESS_USB:
		return parse_usb(p, node, out);
	case ADDRESS_DRIVE:
		if (parse_number(p, node, "target", 255, &out->target) < 0 ||
		    parse_number(p, node, "unit", 16383, &out->unit) < 0)
			return -1;
		break;
	case ADDRESS_VIRTIO_SERIAL:
		if (parse_number(p, node, "port", 511, &out->port) < 0)
			return -1;
		break;
	case ADDRESS_CCID:
		return parse_number(p, node, "controller", 255, &out->controller) < 0 ||
		               parse_number(p, node, "slot", 255, &out->slot) < 0
		           ? -1
		           : 0;
	case ADDRESS_ISA:
		return parse_number(p, node, "iobase", 0xffff, &out->iobase) < 0 ||
		               parse_number(p, node, "irq", 15, &out->irq) < 0
		           ? -1
		           : 0;
	case ADDRESS_DIMM:
		return parse_number(p, node, "slot", 255, &out->slot) < 0
		           ? -1
		           : parse_base(p, node, out);
	case ADDRESS_NONE:
	case ADDRESS_UNASSIGNED:
	case ADDRESS_TYPES:
		return 0;
	}
	return parse_number(p, node, "controller", 255, &out->controller) < 0 ||
	               parse_number(p, node, "bus", 255, &out->bus) < 0
	           ? -1
	           : 0;
}

int parse_address(
    struct parse *p, const xmlNode *device, unsigned allowed, struct domain_address *out)
{
	const xmlNode *node = xml_child(device, "address");
	CLEANUP_FREE char *type = xml_attr(node, "type");
	*out = (struct domain_address){.line = node_line(device)};
	if (parse_number(p, xml_child(device, "acpi"), "index", 16383, &out->acpi_index) < 0)
		return -1;
	if (node == NULL)
		return 0;
	if (type == NULL)
		return parse_invalid(p, node, "has no type");
	int t = parse_word(p, node, "type", type, type_words + 1);
	if (t < 0)
		return -1;
	if (t + 1 >= ADDRESS_TYPES)
		return parse_refuse(p, node, "type='%s' is not of these machines", type);
	out->type = (enum address_type)(t + 1);
	if (!(allowed & ADDRESS_BIT(out->type)))
		return parse_invalid(
		    p, node, "type='%s' is not for this <%s>", type, (const char *)device->name);
	return parse_members(p, node, out);
}

/* --- writing --- */
static void put_members(xmlNode *node, const struct domain_address *a)
{
	if (a->type == ADDRESS_DRIVE || a->type == ADDRESS_VIRTIO_SERIAL || a->type == ADDRESS_CCID)
		set_attrf(node, "controller", "%u", a->controller);
	if (a->type == ADDRESS_DRIVE || a->type == ADDRESS_VIRTIO_SERIAL || a->type == ADDRESS_USB)
		set_attrf(node, "bus", "%u", a->bus);
	if (a->type == ADDRESS_CCID || a->type == ADDRESS_DIMM)
		set_attrf(node, "slot", "%u", a->slot);
	if (a->type == ADDRESS_DRIVE) {
		set_attrf(node, "target", "%u", a->target);
		set_attrf(node, "unit", "%u", a->unit);
	}
	if (a->type == ADDRESS_VIRTIO_SERIAL)
		set_attrf(node, "port", "%u", a->port);
	if (a->type == ADDRESS_USB && a->usb_port[0] != '\0')
		xml_set_attr(node, "port", a->usb_port);
	if (a->type == ADDRESS_DIMM && a->base != 0)
		set_attrf(node, "base", "0x%llx", (unsigned long long)a->base);
	if (a->type == ADDRESS_ISA && a->iobase != 0)
		set_attrf(node, "iobase", "0x%x", a->iobase);
	if (a->type == ADDRESS_ISA && a->irq != 0)
		set_attrf(node, "irq", "0x%x", a->irq);
}

void put_address(xmlNode *device, const struct domain_address *old, const struct domain_address *a)
{
	static const struct domain_address none;
	if (a->type == ADDRESS_NONE || address_equal(old != NULL ? old : &none, a))
		return;
	xmlNode *node = xml_need_child(device, "address");
	xml_set_attr(node, "type", type_words[a->type]);
	if (a->type != ADDRESS_PCI) {
		put_members(node, a);
		return;
	}
	/* What stands there stays as it was written. */
	if (old == NULL || old->type != ADDRESS_PCI || old->domain != a->domain ||
	    old->bus != a->bus || old->slot != a->slot || old->function != a->function) {
		set_attrf(node, "domain", "0x%04x", a->domain);
		set_attrf(node, "bus", "0x%02x", a->bus);
		set_attrf(node, "slot", "0x%02x", a->slot);
		set_attrf(node, "function", "0x%x", a->function);
	}
	if (a->multifunction && !a->single_function)
		xml_set_attr(node, "multifunction", "on");
}
