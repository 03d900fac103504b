/* Controllers onto the command line: first, because others sit on them. */
#include "kvm/argv_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static void pci_controller(struct builder *b, const struct domain_controller *c, struct buf *value)
{
	(void)b;
	/* Chassis numbers must differ; libvirt's own documents number them by index. */
	unsigned chassis = c->chassis > 0 ? c->chassis : c->index;
	if (strcmp(c->model, "pcie-root-port") == 0) {
		buf_addf(value, "pcie-root-port,id=pci.%u,chassis=%u", c->index, chassis);
		if (c->with_port)
			buf_addf(value, ",port=0x%x", c->port);
	} else if (strcmp(c->model, "pcie-to-pci-bridge") == 0) {
		buf_addf(value, "pcie-pci-bridge,id=pci.%u", c->index);
	} else {
		buf_addf(value, "pci-bridge,id=pci.%u,chassis_nr=%u", c->index, chassis);
	}
}

static int usb_controller(struct builder *b, const struct domain_controller *c, struct buf *value)
{
	static const char *const names[][2] = {
	    {"piix3-uhci", "piix3-usb-uhci"},
	    {"piix4-uhci", "piix4-usb-uhci"},
	    {"qemu-xhci", "qemu-xhci"},
	    {"nec-xhci", "nec-usb-xhci"},
	    {"ich9-ehci1", "ich9-usb-ehci1"},
	    {"ich9-uhci1", "ich9-usb-uhci1"},
	    {"ich9-uhci2", "ich9-usb-uhci2"},
	    {"ich9-uhci3", "ich9-usb-uhci3"},
	};
	const char *model = c->model;
	if (model == NULL)
		model = domain_is_q35(b->d) ? "qemu-xhci" : "piix3-uhci";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i][0], model) == 0)
			buf_adds(value, names[i][1]);
	bool xhci = strstr(model, "xhci") != NULL;
	if (xhci && c->ports > 0)
		buf_addf(value, ",p2=%u,p3=%u", c->ports, c->ports);
	else if (c->ports > 0)
		return build_unsupported(b, "controller", c->line, "ports is for xhci only");
	char id[16] = "usb";
	if (c->index > 0)
		snprintf(id, sizeof id, "usb%u", c->index);
	if (c->has_master)
		buf_addf(value, ",masterbus=%s.0,firstport=%u", id, c->start_port);
	else
		buf_addf(value, ",id=%s", id);
	return 0;
}

static int build_controller(struct builder *b, const struct domain_controller *c)
{
	CLEANUP_BUF struct buf value = BUF_INIT;
	bool q35 = domain_is_q35(b->d);
	switch (c->type) {
	case CONTROLLER_PCI:
		if (c->index == 0)
			return 0;
		if (!q35 && strcmp(c->model, "pci-bridge") != 0)
			return build_unsupported(
			    b, "controller", c->line, "model '%s' needs machine 'q35'", c->model);
		pci_controller(b, c, &value);
		break;
	case CONTROLLER_USB:
		if (str_eq(c->model, "none"))
			return 0;
		if (usb_controller(b, c, &value) < 0)
			return -1;
		break;
	case CONTROLLER_IDE:
		return q35 ? build_unsupported(
		                 b, "controller", c->line, "machine 'q35' has no IDE controller")
		           : 0;
	case CONTROLLER_SATA:
		if (q35)
			return 0;
		buf_adds(&value, "ich9-ahci,id=sata0");
		break;
	case CONTROLLER_SCSI:
	case CONTROLLER_FDC:
	case CONTROLLER_CCID:
	case CONTROLLER_TYPES:
		return 0;
	case CONTROLLER_VIRTIO_SERIAL:
		buf_adds(&value, "virtio-serial-pci,id=virtio-serial0");
		if (c->ports > 0)
			buf_addf(&value, ",max_ports=%u", c->ports);
		break;
	}
	build_address(b, &value, &c->address);
	return build_device(b, "controller", c->line, &value);
}

static const struct domain_controller *usb_master(
    const struct domain *d, const struct domain_controller *c)
{
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct domain_controller *m = &d->controllers[i];
		if (m->type == CONTROLLER_USB && m->index == c->index && !m->has_master)
			return m;
	}
	return NULL;
}

/* Buses before what sits on them, USB masters before their companions. */
int build_controllers(struct builder *b)
{
	const struct domain *d = b->d;
	for (int pass = 0; pass < 4; pass++)
		for (size_t i = 0; i < d->n_controllers; i++) {
			const struct domain_controller *c = &d->controllers[i];
			int when =
			    c->type == CONTROLLER_PCI ? c->address.bus != 0 : 2 + c->has_master;
			if (when != pass)
				continue;
			if (c->has_master && usb_master(d, c) == NULL)
				return build_unsupported(b, "controller", c->line,
				    "<master>, but no controller with index %u to be its master",
				    c->index);
			if (build_controller(b, c) < 0)
				return -1;
		}
	return 0;
}

/* Controllers that the devices need and the document does not name; domain_complete names them,
 * and then they have addresses. */
int build_implied(struct builder *b)
{
	const struct domain *d = b->d;
	struct domain_controller need = {.index = 0};
	bool sata = false, serial = false, usb = false, has_usb = false;
	for (size_t i = 0; i < d->n_channels; i++)
		serial = serial || d->channels[i].target == CHANNEL_VIRTIO;
	for (size_t i = 0; i < d->n_disks; i++)
		sata = sata || d->disks[i].bus == DISK_SATA;
	for (size_t i = 0; i < d->n_consoles; i++)
		serial = serial || d->consoles[i].target == CHR_VIRTIO_CONSOLE;
	for (size_t i = 0; i < d->n_devs; i++)
		usb = usb || domain_dev_seat(d, &d->devs[i]) == SEAT_USB;
	for (size_t i = 0; i < d->n_controllers; i++)
		has_usb = has_usb || d->controllers[i].type == CONTROLLER_USB;
	need.type = CONTROLLER_SATA;
	if (sata && domain_controller(d, need.type, 0) == NULL && build_controller(b, &need) < 0)
		return -1;
	need.type = CONTROLLER_VIRTIO_SERIAL;
	if (serial && domain_controller(d, need.type, 0) == NULL && build_controller(b, &need) < 0)
		return -1;
	need.type = CONTROLLER_USB;
	return usb && !has_usb ? build_controller(b, &need) : 0;
}
