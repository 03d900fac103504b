/* Controllers onto the command line: first, because others sit on them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv_impl.h"

/* libvirt's models and QEMU's devices. */
static const struct model {
	enum controller_type type;
	const char *model; /* NULL none given */
	const char *device;
} models[] = {
    {CONTROLLER_PCI, "pcie-root-port", "pcie-root-port"},
    {CONTROLLER_PCI, "pci-bridge", "pci-bridge"},
    {CONTROLLER_PCI, "dmi-to-pci-bridge", "i82801b11-bridge"},
    {CONTROLLER_PCI, "pcie-to-pci-bridge", "pcie-pci-bridge"},
    {CONTROLLER_PCI, "pcie-switch-upstream-port", "x3130-upstream"},
    {CONTROLLER_PCI, "pcie-switch-downstream-port", "xio3130-downstream"},
    {CONTROLLER_PCI, "pci-expander-bus", "pxb"},
    {CONTROLLER_PCI, "pcie-expander-bus", "pxb-pcie"},
    {CONTROLLER_USB, "piix3-uhci", "piix3-usb-uhci"},
    {CONTROLLER_USB, "piix4-uhci", "piix4-usb-uhci"},
    {CONTROLLER_USB, "vt82c686b-uhci", "vt82c686b-usb-uhci"},
    {CONTROLLER_USB, "pci-ohci", "pci-ohci"},
    {CONTROLLER_USB, "ehci", "usb-ehci"},
    {CONTROLLER_USB, "qemu-xhci", "qemu-xhci"},
    {CONTROLLER_USB, "nec-xhci", "nec-usb-xhci"},
    {CONTROLLER_USB, "ich9-ehci1", "ich9-usb-ehci1"},
    {CONTROLLER_USB, "ich9-uhci1", "ich9-usb-uhci1"},
    {CONTROLLER_USB, "ich9-uhci2", "ich9-usb-uhci2"},
    {CONTROLLER_USB, "ich9-uhci3", "ich9-usb-uhci3"},
    {CONTROLLER_SATA, NULL, "ich9-ahci"},
    {CONTROLLER_SATA, "ich6", "ich9-ahci"},
    {CONTROLLER_SCSI, NULL, "lsi53c895a"},
    {CONTROLLER_SCSI, "lsilogic", "lsi53c895a"},
    {CONTROLLER_SCSI, "lsisas1068", "mptsas1068"},
    {CONTROLLER_SCSI, "lsisas1078", "megasas"},
    {CONTROLLER_SCSI, "vmpvscsi", "pvscsi"},
    {CONTROLLER_SCSI, "dc390", "dc390"},
    {CONTROLLER_SCSI, "am53c974", "am53c974"},
    {CONTROLLER_SCSI, "virtio-scsi", "virtio-scsi-pci"},
    {CONTROLLER_SCSI, "virtio-transitional", "virtio-scsi-pci-transitional"},
    {CONTROLLER_SCSI, "virtio-non-transitional", "virtio-scsi-pci-non-transitional"},
    {CONTROLLER_VIRTIO_SERIAL, NULL, "virtio-serial-pci"},
    {CONTROLLER_VIRTIO_SERIAL, "virtio", "virtio-serial-pci"},
    {CONTROLLER_VIRTIO_SERIAL, "virtio-transitional", "virtio-serial-pci-transitional"},
    {CONTROLLER_VIRTIO_SERIAL, "virtio-non-transitional", "virtio-serial-pci-non-transitional"},
    {CONTROLLER_CCID, NULL, "usb-ccid"},
    {CONTROLLER_FDC, NULL, "isa-fdc"},
    {CONTROLLER_NVME, NULL, "nvme"},
};

static const char *device_of(const struct domain_controller *c)
{
	if (c->model_name != NULL)
		return c->model_name;
	for (size_t i = 0; i < ARRAY_LEN(models); i++)
		if (models[i].type == c->type && str_eq(models[i].model, c->model))
			return models[i].device;
	return NULL;
}

static void add_switch(struct buf *value, const char *key, enum domain_switch s)
{
	if (s != SWITCH_ABSENT)
		buf_addf(value, ",%s=%s", key, s == SWITCH_ON ? "on" : "off");
}

static void add_number(struct buf *value, const char *key, unsigned n)
{
	if (n != 0)
		buf_addf(value, ",%s=%u", key, n);
}

static void add_virtio(struct buf *value, const struct domain_controller *c)
{
	add_switch(value, "iommu_platform", c->iommu);
	add_switch(value, "ats", c->ats);
	add_switch(value, "packed", c->packed);
	add_switch(value, "page-per-vq", c->page_per_vq);
}

/* --- by type --- */
static void add_pci(struct buf *value, const struct domain_controller *c)
{
	buf_addf(value, ",id=pci.%u", c->index);
	if (strcmp(c->model, "pci-bridge") == 0)
		buf_addf(value, ",chassis_nr=%u", c->with_chassis ? c->chassis : c->index);
	else if (strstr(c->model, "-port") != NULL && strstr(c->model, "upstream") == NULL)
		buf_addf(value, ",chassis=%u", c->with_chassis ? c->chassis : c->index);
	if (c->with_port)
		buf_addf(value, ",port=0x%x", c->port);
	if (c->bus_nr != 0)
		buf_addf(value, ",bus_nr=%u", c->bus_nr);
	if (c->node >= 0)
		buf_addf(value, ",numa_node=%d", c->node);
	add_switch(value, "hotplug", c->hotplug);
}

static void add_usb(struct buf *value, const struct domain_controller *c)
{
	char id[16] = "usb";
	if (c->index > 0)
		snprintf(id, sizeof id, "usb%u", c->index);
	if (c->ports > 0)
		buf_addf(value, ",p2=%u,p3=%u", c->ports, c->ports);
	if (c->has_master)
		buf_addf(value, ",masterbus=%s.0,firstport=%u", id, c->start_port);
	else
		buf_addf(value, ",id=%s", id);
}

static void add_scsi(struct buf *value, const struct domain_controller *c)
{
	if (c->iothread != 0)
		buf_addf(value, ",iothread=iothread%u", c->iothread);
	add_switch(value, "ioeventfd", c->ioeventfd);
	add_virtio(value, c);
	buf_addf(value, ",id=scsi%u", c->index);
	add_number(value, "num_queues", c->queues);
	add_number(value, "cmd_per_lun", c->cmd_per_lun);
	add_number(value, "max_sectors", c->max_sectors);
}

static void add_serial(struct buf *value, const struct domain_controller *c)
{
	buf_addf(value, ",id=virtio-serial%u", c->index);
	add_number(value, "max_ports", c->ports);
	if (c->with_vectors)
		buf_addf(value, ",vectors=%u", c->vectors);
	add_virtio(value, c);
}

/* QEMU insists on one. */
static void add_nvme(struct builder *b, struct buf *value, const struct domain_controller *c)
{
	const unsigned char *u = b->d->uuid;
	const char *serial = c->serial;
	for (size_t i = 0; serial == NULL && i < b->d->n_disks; i++)
		if (b->d->disks[i].bus == DISK_NVME &&
		    b->d->disks[i].address.controller == c->index)
			serial = b->d->disks[i].serial;
	buf_addf(value, ",id=nvme%u", c->index);
	if (serial != NULL)
		build_key(value, "serial", serial);
	else
		buf_addf(value, ",serial=%02x%02x%02x%02x%02x%02x-%u", u[0], u[1], u[2], u[3], u[4],
		    u[5], c->index);
}

static void add_members(struct builder *b, struct buf *value, const struct domain_controller *c)
{
	switch (c->type) {
	case CONTROLLER_NVME:
		add_nvme(b, value, c);
		return;
	case CONTROLLER_PCI:
		add_pci(value, c);
		return;
	case CONTROLLER_USB:
		add_usb(value, c);
		return;
	case CONTROLLER_SCSI:
		add_scsi(value, c);
		return;
	case CONTROLLER_VIRTIO_SERIAL:
		add_serial(value, c);
		return;
	case CONTROLLER_SATA:
	case CONTROLLER_CCID:
	case CONTROLLER_FDC:
		buf_addf(value, ",id=%s%u", controller_type_name(c->type), c->index);
		return;
	case CONTROLLER_IDE:
	case CONTROLLER_TYPES:
		return;
	}
}

/* Part of the chip set, or nothing at all. */
static bool is_builtin(const struct domain *d, const struct domain_controller *c)
{
	bool q35 = domain_is_q35(d);
	switch (c->type) {
	case CONTROLLER_PCI:
		return c->index == 0;
	case CONTROLLER_IDE:
		return true;
	case CONTROLLER_SATA:
		return q35 && c->index == 0;
	case CONTROLLER_FDC:
		return !q35;
	case CONTROLLER_USB:
		return str_eq(c->model, "none");
	case CONTROLLER_SCSI:
	case CONTROLLER_VIRTIO_SERIAL:
	case CONTROLLER_CCID:
	case CONTROLLER_NVME:
	case CONTROLLER_TYPES:
		break;
	}
	return false;
}

/* What is said of the root itself goes to devices that are there already. */
static void build_root(struct builder *b, const struct domain_controller *c)
{
	bool q35 = domain_is_q35(b->d);
	if (c->with_pcihole64)
		build_addf(b, "-global", "%s.pci-hole64-size=%lluK",
		    q35 ? "q35-pcihost" : "i440FX-pcihost", (unsigned long long)c->pcihole64);
	if (c->hotplug != SWITCH_ABSENT && !q35)
		build_addf(b, "-global", "PIIX4_PM.acpi-root-pci-hotplug=%s",
		    c->hotplug == SWITCH_ON ? "on" : "off");
}

int build_controller(struct builder *b, const struct domain_controller *c)
{
	CLEANUP_BUF struct buf value = BUF_INIT;
	if (c->type == CONTROLLER_PCI && c->index == 0)
		build_root(b, c);
	if (is_builtin(b->d, c))
		return 0;
	const char *device = device_of(c);
	if (device == NULL)
		return build_unsupported(b, "controller", c->line,
		    "type='%s' model='%s' is not supported", controller_type_name(c->type),
		    c->model != NULL ? c->model : "");
	buf_adds(&value, device);
	add_members(b, &value, c);
	build_address(b, &value, &c->address);
	add_number(&value, "acpi-index", c->address.acpi_index);
	return build_device(b, "controller", c->line, &value);
}

/* --- order --- */
#define BUSES 256

/* How many buses are between a PCI controller and the root; domain_pci.c has seen to it that there is no ring. */
static int depth(const struct domain *d, const struct domain_controller *c)
{
	int n = 0;
	for (; c != NULL && c->index > 0 && n < BUSES; n++)
		c = domain_controller(d, CONTROLLER_PCI, c->address.bus);
	return n;
}

/* Buses before what sits on them, and these before what sits on theirs; an EHCI before its companions; USB before the
 * card reader on it. */
static int rank(const struct domain *d, const struct domain_controller *c)
{
	if (c->type == CONTROLLER_PCI)
		return depth(d, c) * BUSES + (int)c->index;
	int last = (BUSES + 1) * BUSES;
	if (c->type == CONTROLLER_CCID)
		return last + 2;
	return last + c->has_master;
}

int build_controllers(struct builder *b)
{
	const struct domain *d = b->d;
	int next = 0;
	for (int done = -1; next < INT32_MAX; done = next) {
		next = INT32_MAX;
		for (size_t i = 0; i < d->n_controllers; i++) {
			int r = rank(d, &d->controllers[i]);
			if (r > done && r < next)
				next = r;
		}
		for (size_t i = 0; next < INT32_MAX && i < d->n_controllers; i++)
			if (rank(d, &d->controllers[i]) == next &&
			    build_controller(b, &d->controllers[i]) < 0)
				return -1;
	}
	return 0;
}
