/* Controllers: PCI bridges and ports, USB, SCSI, SATA, virtio-serial. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

static const struct kind {
	const char *driver;
	enum nat_bus_kind bus;
	const char *type, *model;
} kinds[] = {
    {"pcie-root-port", NAT_BUS_PCI, "pci", "pcie-root-port"},
    {"ioh3420", NAT_BUS_PCI, "pci", "pcie-root-port"},
    {"pci-bridge", NAT_BUS_PCI, "pci", "pci-bridge"},
    {"i82801b11-bridge", NAT_BUS_PCI, "pci", "dmi-to-pci-bridge"},
    {"pcie-pci-bridge", NAT_BUS_PCI, "pci", "pcie-to-pci-bridge"},
    {"x3130-upstream", NAT_BUS_PCI, "pci", "pcie-switch-upstream-port"},
    {"xio3130-downstream", NAT_BUS_PCI, "pci", "pcie-switch-downstream-port"},
    {"piix3-usb-uhci", NAT_BUS_USB, "usb", "piix3-uhci"},
    {"piix4-usb-uhci", NAT_BUS_USB, "usb", "piix4-uhci"},
    {"usb-ehci", NAT_BUS_USB, "usb", "ehci"},
    {"ich9-usb-ehci1", NAT_BUS_USB, "usb", "ich9-ehci1"},
    {"ich9-usb-uhci1", NAT_BUS_USB, "usb", "ich9-uhci1"},
    {"ich9-usb-uhci2", NAT_BUS_USB, "usb", "ich9-uhci2"},
    {"ich9-usb-uhci3", NAT_BUS_USB, "usb", "ich9-uhci3"},
    {"vt82c686b-usb-uhci", NAT_BUS_USB, "usb", "vt82c686b-uhci"},
    {"pci-ohci", NAT_BUS_USB, "usb", "pci-ohci"},
    {"nec-usb-xhci", NAT_BUS_USB, "usb", "nec-xhci"},
    {"qemu-xhci", NAT_BUS_USB, "usb", "qemu-xhci"},
    {"virtio-scsi-pci", NAT_BUS_SCSI, "scsi", "virtio-scsi"},
    {"virtio-scsi-pci-transitional", NAT_BUS_SCSI, "scsi", "virtio-transitional"},
    {"virtio-scsi-pci-non-transitional", NAT_BUS_SCSI, "scsi", "virtio-non-transitional"},
    {"lsi", NAT_BUS_SCSI, "scsi", "lsilogic"},
    {"lsi53c895a", NAT_BUS_SCSI, "scsi", "lsilogic"},
    {"megasas", NAT_BUS_SCSI, "scsi", "lsisas1078"},
    {"mptsas1068", NAT_BUS_SCSI, "scsi", "lsisas1068"},
    {"pvscsi", NAT_BUS_SCSI, "scsi", "vmpvscsi"},
    {"am53c974", NAT_BUS_SCSI, "scsi", "am53c974"},
    {"dc390", NAT_BUS_SCSI, "scsi", "dc390"},
    {"ahci", NAT_BUS_SATA, "sata", NULL},
    {"ich9-ahci", NAT_BUS_SATA, "sata", NULL},
    {"virtio-serial-pci", NAT_BUS_SERIAL, "virtio-serial", NULL},
    {"virtio-serial", NAT_BUS_SERIAL, "virtio-serial", NULL},
    {"virtio-serial-pci-transitional", NAT_BUS_SERIAL, "virtio-serial", "virtio-transitional"},
    {"virtio-serial-pci-non-transitional", NAT_BUS_SERIAL, "virtio-serial",
        "virtio-non-transitional"},
};

/* --- numbers --- */
/* Our own and libvirt's ids end in the index: "pci.3", "scsi1", "usb". */
static int index_of_id(const char *id, const char *stem)
{
	uint64_t number;
	if (id == NULL || !str_prefix(id, stem))
		return -1;
	const char *rest = id + strlen(stem);
	if (*rest == '\0')
		return 0;
	rest += *rest == '.';
	return str_u64(rest, 255, &number) == 0 ? (int)number : -1;
}

static bool index_taken(const struct native *n, enum nat_bus_kind kind, unsigned index)
{
	if (kind == NAT_BUS_PCI && index == 0)
		return true;
	for (size_t i = 0; i < n->n_buses; i++)
		if (n->buses[i].kind == kind && n->buses[i].index == index)
			return true;
	return kind == NAT_BUS_SATA && index == 0 && n->q35; /* the chip set's own */
}

static unsigned choose_index(struct native *n, enum nat_bus_kind kind, const char *id)
{
	static const char *const stems[] = {[NAT_BUS_PCI] = "pci",
	    [NAT_BUS_SCSI] = "scsi",
	    [NAT_BUS_SATA] = "sata",
	    [NAT_BUS_USB] = "usb",
	    [NAT_BUS_SERIAL] = "virtio-serial"};
	int wish = index_of_id(id, stems[kind]);
	if (wish >= 0 && !index_taken(n, kind, (unsigned)wish))
		return (unsigned)wish;
	unsigned index = 0;
	while (index < NAT_PCI_BUSES - 1 && index_taken(n, kind, index))
		index++;
	return index;
}

/* --- what each kind has --- */
static void pci_keys(struct nat_opt *o, xmlNode *c, const struct kind *k)
{
	const char *chassis = nat_take(o, "chassis"), *port = nat_take(o, "port");
	const char *chassis_nr = nat_take(o, "chassis_nr"), *hotplug = nat_take(o, "hotplug");
	nat_ignore(o, "shpc", "on off");
	if (strcmp(k->driver, "ioh3420") == 0)
		nat_attr(nat_el(c, "model"), "name", "ioh3420");
	if (chassis == NULL && port == NULL && chassis_nr == NULL && hotplug == NULL)
		return;
	xmlNode *t = nat_el(c, "target");
	nat_attr(t, "chassisNr", chassis_nr);
	nat_attr(t, "chassis", chassis);
	if (port != NULL)
		nat_attrf(t, "port", "0x%lx", strtoul(port, NULL, 0));
	nat_attr(t, "hotplug", hotplug);
}

static void usb_keys(struct nat_opt *o, xmlNode *c, const char *model)
{
	const char *p2 = nat_get(o, "p2"), *p3 = nat_get(o, "p3");
	const char *first = nat_get(o, "firstport");
	if (strstr(model, "xhci") != NULL && p2 != NULL && str_eq(p2, p3)) {
		nat_attr(c, "ports", nat_take(o, "p2"));
		nat_take(o, "p3");
	}
	if (nat_take(o, "masterbus") != NULL)
		nat_attr(nat_el(c, "master"), "startport", first != NULL ? first : "0");
	nat_take(o, "firstport");
}

static void scsi_keys(struct native *n, struct nat_opt *o, xmlNode *c)
{
	static const char *const keys[][2] = {{"num_queues", "queues"},
	    {"cmd_per_lun", "cmd_per_lun"}, {"max_sectors", "max_sectors"},
	    {"ioeventfd", "ioeventfd"}};
	const char *thread = nat_get(o, "iothread");
	xmlNode *d = NULL;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *v = nat_take(o, keys[i][0]);
		if (v == NULL)
			continue;
		d = d != NULL ? d : nat_el(c, "driver");
		nat_attr(d, keys[i][1], v);
	}
	uint64_t number = thread != NULL ? nat_iothread(n, thread) : 0;
	if (number > 0) {
		d = d != NULL ? d : nat_el(c, "driver");
		nat_attru(d, "iothread", number);
		nat_take(o, "iothread");
	}
}

/* A companion has the index of its master. */
static int companion_index(struct native *n, struct nat_opt *o)
{
	const char *master = nat_get(o, "masterbus");
	const struct nat_bus *b = master != NULL ? nat_bus(n, NAT_BUS_USB, master) : NULL;
	return b != NULL ? (int)b->index : -1;
}

bool nat_controller_device(struct native *n, struct nat_opt *o)
{
	const char *driver = nat_get(o, "driver");
	const struct kind *k = NULL;
	for (size_t i = 0; driver != NULL && i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].driver, driver) == 0)
			k = &kinds[i];
	if (k == NULL)
		return false;
	nat_begin(n, o);
	int companion = companion_index(n, o);
	bool has_master = nat_get(o, "masterbus") != NULL;
	const char *id = nat_get(o, "id");
	unsigned index = companion >= 0 ? (unsigned)companion : choose_index(n, k->bus, id);
	CLEANUP_FREE char *kept_id = xstrdup0(id);
	xmlNode *c = nat_device(n, NAT_CONTROLLER, "controller");
	nat_attr(c, "type", k->type);
	nat_attru(c, "index", index);
	nat_attr(c, "model", k->model);
	nat_take(o, "driver");
	nat_take(o, "id");
	switch (k->bus) {
	case NAT_BUS_PCI:
		pci_keys(o, c, k);
		break;
	case NAT_BUS_USB:
		usb_keys(o, c, k->model);
		break;
	case NAT_BUS_SCSI:
		scsi_keys(n, o, c);
		break;
	case NAT_BUS_SERIAL:
		nat_attr(c, "ports", nat_take(o, "max_ports"));
		nat_attr(c, "vectors", nat_take(o, "vectors"));
		break;
	case NAT_BUS_SATA:
		break;
	}
	nat_pci(n, o, c);
	if (!nat_end(n, c, !has_master || companion >= 0))
		return false;
	if (!has_master)
		nat_bus_add(n, k->bus, kept_id, index);
	if (k->bus == NAT_BUS_PCI)
		n->buses[n->n_buses - 1].root_port = strstr(k->model, "port") != NULL;
	return true;
}

/* --- built in --- */
static void add_usb(
    struct native *n, const char *model, unsigned slot, unsigned function, int start)
{
	xmlNode *c = nat_device(n, NAT_CONTROLLER, "controller");
	nat_attr(c, "type", "usb");
	nat_attr(c, "index", "0");
	nat_attr(c, "model", model);
	if (start >= 0)
		nat_attru(nat_el(c, "master"), "startport", (unsigned)start);
	nat_pci_at(n, c, 0, slot, function);
	if (start == 0 && c->last != NULL)
		nat_attr(c->last, "multifunction", "on");
}

/* -usb and -machine usb=on: a controller where the chip set has it. */
static void express_usb(struct native *n)
{
	if (!n->q35) {
		add_usb(n, "piix3-uhci", 1, 2, -1);
	} else {
		add_usb(n, "ich9-ehci1", 0x1d, 7, -1);
		add_usb(n, "ich9-uhci1", 0x1d, 0, 0);
		add_usb(n, "ich9-uhci2", 0x1d, 1, 2);
		add_usb(n, "ich9-uhci3", 0x1d, 2, 4);
	}
	nat_bus_add(n, NAT_BUS_USB, "usb-bus", 0);
}

/* libvirt, and we, add a USB controller to what does not say that there is none. */
static void deny_usb(struct native *n)
{
	static const char devices[] =
	    "piix3-usb-uhci piix4-usb-uhci usb-ehci ich9-usb-ehci1 ich9-usb-uhci1 pci-ohci nec-usb-xhci "
	    "qemu-xhci vt82c686b-usb-uhci";
	if (nat_has_device(n, devices))
		return;
	xmlNode *c = nat_device(n, NAT_CONTROLLER, "controller");
	nat_attr(c, "type", "usb");
	nat_attr(c, "index", "0");
	nat_attr(c, "model", "none");
}

void nat_controller_options(struct native *n)
{
	struct nat_opt *usb = nat_first(n, "usb"), *m = nat_first(n, "machine");
	bool wanted = usb != NULL || nat_has(n, "usbdevice");
	if (usb != NULL)
		usb->used = true;
	if (m != NULL && nat_is_on(nat_get(m, "usb"))) {
		const char *left;
		nat_take(m, "usb");
		m->used = nat_all_taken(m, &left);
		wanted = true;
	}
	if (wanted)
		express_usb(n);
	else
		deny_usb(n);
}
