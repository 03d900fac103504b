/* Where devices sit: buses by QEMU's ids, PCI slots as QEMU itself would choose them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

#define PCI_SLOTS 32

void nat_bus_add(struct native *n, enum nat_bus_kind kind, const char *id, unsigned index)
{
	n->buses = xreallocarray(n->buses, n->n_buses + 1, sizeof *n->buses);
	n->buses[n->n_buses++] = (struct nat_bus){.kind = kind, .id = xstrdup0(id), .index = index};
}

/* bus: "scsi0.0", whose controller is "scsi0"; "scsi.0" and the like are those without an id. */
const struct nat_bus *nat_bus(const struct native *n, enum nat_bus_kind kind, const char *bus)
{
	static const char *const unnamed[] = {[NAT_BUS_PCI] = "pci",
	    [NAT_BUS_SCSI] = "scsi",
	    [NAT_BUS_SATA] = "ahci",
	    [NAT_BUS_USB] = "usb-bus",
	    [NAT_BUS_SERIAL] = "virtio-serial-bus"};
	size_t len = bus != NULL ? strlen(bus) : 0;
	const char *dot = bus != NULL ? strrchr(bus, '.') : NULL;
	for (size_t i = 0; i < n->n_buses; i++) {
		const struct nat_bus *b = &n->buses[i];
		if (b->kind != kind)
			continue;
		if (bus == NULL)
			return b; /* QEMU takes the first one that has room */
		const char *id = b->id != NULL ? b->id : unnamed[kind];
		size_t id_len = strlen(id);
		if (str_prefix(bus, id) &&
		    (id_len == len || (dot != NULL && (size_t)(dot - bus) == id_len)))
			return b;
	}
	return NULL;
}

/* --- PCI --- */
int nat_pci_bus(const struct native *n, const char *bus)
{
	if (bus == NULL || strcmp(bus, n->q35 ? "pcie.0" : "pci.0") == 0)
		return 0;
	for (size_t i = 0; i < n->n_buses; i++)
		if (n->buses[i].kind == NAT_BUS_PCI && str_eq(n->buses[i].id, bus))
			return (int)n->buses[i].index;
	return -1;
}

/* "0x5.0x7", "5.7", "5": hexadecimal, as QEMU reads them. */
static bool parse_addr(const char *text, unsigned *slot, unsigned *function)
{
	int end = 0;
	*function = 0;
	if (sscanf(text, "%2x.%1x%n", slot, function, &end) == 2 && text[end] == '\0')
		return *slot < PCI_SLOTS && *function < 8;
	if (sscanf(text, "%x.%x%n", slot, function, &end) == 2 && text[end] == '\0')
		return *slot < PCI_SLOTS && *function < 8;
	*function = 0;
	return sscanf(text, "%x%n", slot, &end) == 1 && text[end] == '\0' && *slot < PCI_SLOTS;
}

static const char *root_bus(const struct native *n)
{
	return n->q35 ? "pcie.0" : "pci.0";
}

void nat_places_init(struct native *n)
{
	/* The chip set: host bridge and, on i440fx, PIIX3; on q35 LPC, AHCI and SMBus. */
	n->slots[0] = n->q35 ? 1u | 1u << 31 : 3u;
	for (size_t i = 0; i < n->opts.n; i++) {
		const struct nat_opt *o = &n->opts.o[i];
		const char *bus = nat_get(o, "bus"), *addr = nat_get(o, "addr");
		unsigned slot, function;
		bool root = bus == NULL || strcmp(bus, root_bus(n)) == 0;
		if (strcmp(o->name, "device") == 0 && addr != NULL && root &&
		    parse_addr(addr, &slot, &function))
			n->given[0] |= 1u << slot;
	}
}

unsigned nat_pci_slot(struct native *n, unsigned bus)
{
	bool port = false;
	for (size_t i = 0; i < n->n_buses; i++)
		if (n->buses[i].kind == NAT_BUS_PCI && n->buses[i].index == bus)
			port = n->buses[i].root_port;
	/* A bridge keeps slot 0 for its hot-plug controller. */
	for (unsigned slot = bus == 0 || port ? 0 : 1; slot < PCI_SLOTS; slot++)
		if (((n->slots[bus] | n->given[bus]) & 1u << slot) == 0) {
			n->slots[bus] |= 1u << slot;
			return slot;
		}
	return PCI_SLOTS;
}

void nat_pci_at(struct native *n, xmlNode *element, unsigned bus, unsigned slot, unsigned function)
{
	if (slot >= PCI_SLOTS || bus >= NAT_PCI_BUSES)
		return;
	n->slots[bus] |= 1u << slot;
	xmlNode *a = nat_el(element, "address");
	nat_attr(a, "type", "pci");
	nat_attr(a, "domain", "0x0000");
	nat_attrf(a, "bus", "0x%02x", bus);
	nat_attrf(a, "slot", "0x%02x", slot);
	nat_attrf(a, "function", "0x%x", function);
}

void nat_pci(struct native *n, struct nat_opt *o, xmlNode *element)
{
	const char *addr = nat_get(o, "addr"), *multi = nat_get(o, "multifunction");
	int bus = nat_pci_bus(n, nat_get(o, "bus"));
	unsigned slot, function = 0;
	/* What is not taken keeps the device as it stands. */
	if (bus < 0 || bus >= NAT_PCI_BUSES ||
	    (addr != NULL && !parse_addr(addr, &slot, &function)))
		return;
	if (addr == NULL)
		slot = nat_pci_slot(n, (unsigned)bus);
	nat_take(o, "bus");
	nat_take(o, "addr");
	nat_take(o, "multifunction");
	nat_pci_at(n, element, (unsigned)bus, slot, function);
	if (multi != NULL && element->last != NULL)
		nat_attr(element->last, "multifunction", nat_is_on(multi) ? "on" : "off");
}

bool nat_usb(struct native *n, struct nat_opt *o, xmlNode *element)
{
	const struct nat_bus *b = nat_bus(n, NAT_BUS_USB, nat_get(o, "bus"));
	const char *port = nat_get(o, "port");
	if (b == NULL)
		return false;
	nat_take(o, "bus");
	if (port == NULL)
		return true;
	xmlNode *a = nat_el(element, "address");
	nat_attr(a, "type", "usb");
	nat_attru(a, "bus", b->index);
	nat_attr(a, "port", nat_take(o, "port"));
	return true;
}

/* --- files --- */
char *nat_path(const struct native *n, const char *path)
{
	if (path[0] == '/' || n->cmd->cwd == NULL)
		return xstrdup(path);
	return xasprintf("%s/%s", strcmp(n->cmd->cwd, "/") == 0 ? "" : n->cmd->cwd, path);
}
