/* Where a device sits, in QEMU's words. */
#include "kvm/argv_impl.h"

#include <stdio.h>
#include <string.h>

#include "core/str.h"

static void add_pci(struct builder *b, struct buf *value, const struct domain_address *a)
{
	if (a->bus == 0)
		buf_addf(value, ",bus=%s.0", domain_is_q35(b->d) ? "pcie" : "pci");
	else
		buf_addf(value, ",bus=pci.%u", a->bus);
	if (a->multifunction)
		buf_adds(value, ",multifunction=on");
	buf_addf(value, ",addr=0x%x", a->slot);
	if (a->function != 0)
		buf_addf(value, ".0x%x", a->function);
}

void build_address(struct builder *b, struct buf *value, const struct domain_address *a)
{
	switch (a->type) {
	case ADDRESS_PCI:
		add_pci(b, value, a);
		return;
	case ADDRESS_USB:
		if (a->bus == 0)
			buf_adds(value, ",bus=usb.0");
		else
			buf_addf(value, ",bus=usb%u.0", a->bus);
		if (a->usb_port[0] != '\0')
			buf_addf(value, ",port=%s", a->usb_port);
		return;
	case ADDRESS_DRIVE: /* a SCSI device; disks on other buses have words of their own */
		buf_addf(value, ",bus=scsi%u.%u", a->controller, a->bus);
		return;
	case ADDRESS_VIRTIO_SERIAL:
		/* There is one bus, whatever the document says. */
		buf_addf(value, ",bus=virtio-serial%u.0,nr=%u", a->controller, a->port);
		return;
	case ADDRESS_CCID:
		buf_addf(value, ",bus=ccid%u.0", a->controller);
		return;
	case ADDRESS_ISA:
		if (a->iobase != 0)
			buf_addf(value, ",iobase=0x%x", a->iobase);
		if (a->irq != 0)
			buf_addf(value, ",irq=0x%x", a->irq);
		return;
	case ADDRESS_DIMM:
		buf_addf(value, ",slot=%u", a->slot);
		if (a->base != 0)
			buf_addf(value, ",addr=%llu", (unsigned long long)a->base);
		return;
	case ADDRESS_NONE:
	case ADDRESS_UNASSIGNED:
	case ADDRESS_TYPES:
		return;
	}
}
