/* Devices of the host onto the command line. */
#include "kvm/argv_dev.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

void build_host_address(const struct domain_attrs *a, struct buf *value)
{
	buf_addf(value, ",host=%04llx:%02llx:%02llx.%llx",
	    (unsigned long long)attrs_number(a, "source/address@domain", 0),
	    (unsigned long long)attrs_number(a, "source/address@bus", 0),
	    (unsigned long long)attrs_number(a, "source/address@slot", 0),
	    (unsigned long long)attrs_number(a, "source/address@function", 0));
}

static int pci(struct builder *b, const struct domain_dev *dev, const char *id)
{
	const struct domain_attrs *a = &dev->attrs;
	struct buf value = BUF_INIT;
	buf_adds(&value, "vfio-pci");
	build_host_address(a, &value);
	buf_addf(&value, ",id=%s", id);
	if (attrs_has(a, "teaming@persistent"))
		build_key(&value, "failover_pair_id", attrs_get(a, "teaming@persistent"));
	return build_dev(b, &value, dev);
}

static int mdev(struct builder *b, const struct domain_dev *dev, const char *id)
{
	const struct domain_attrs *a = &dev->attrs;
	struct buf value = BUF_INIT;
	bool ramfb = attrs_on(a, "@ramfb");
	buf_addf(&value, "%s,id=%s,sysfsdev=/sys/bus/mdev/devices/%s",
	    ramfb ? "vfio-pci-nohotplug" : "vfio-pci", id, attrs_get(a, "source/address@uuid"));
	build_switch(&value, "display", attrs_switch(a, "@display"));
	if (ramfb)
		buf_adds(&value, ",ramfb=on");
	return build_dev(b, &value, dev);
}

static int usb(struct builder *b, const struct domain_dev *dev, const char *id)
{
	const struct domain_attrs *a = &dev->attrs;
	struct buf value = BUF_INIT;
	buf_addf(&value, "usb-host,id=%s", id);
	if (attrs_has(a, "source/vendor@id"))
		buf_addf(&value, ",vendorid=0x%04llx,productid=0x%04llx",
		    (unsigned long long)attrs_number(a, "source/vendor@id", 0),
		    (unsigned long long)attrs_number(a, "source/product@id", 0));
	if (attrs_has(a, "source/address@bus"))
		buf_addf(&value, ",hostbus=%llu",
		    (unsigned long long)attrs_number(a, "source/address@bus", 0));
	if (attrs_has(a, "source/address@device"))
		buf_addf(&value, ",hostaddr=%llu",
		    (unsigned long long)attrs_number(a, "source/address@device", 0));
	if (attrs_has(a, "source/address@port"))
		build_key(&value, "hostport", attrs_get(a, "source/address@port"));
	if (attrs_is(a, "source@guestReset", "off"))
		buf_adds(&value, ",guest-reset=off");
	else if (attrs_is(a, "source@guestReset", "uninitialized"))
		buf_adds(&value, ",guest-reset=on,guest-resets-all=off");
	else if (attrs_is(a, "source@guestReset", "on"))
		buf_adds(&value, ",guest-reset=on,guest-resets-all=on");
	return build_dev(b, &value, dev);
}

static void scsi_drive(const struct domain_attrs *a, struct buf *value)
{
	const char *path = attrs_get(a, "source@path");
	if (attrs_is(a, "source@protocol", "iscsi")) {
		const char *port = attrs_get(a, "source/host@port"),
		           *name = attrs_get(a, "source@name");
		const char *lun = strchr(name, '/');
		CLEANUP_FREE char *url =
		    xasprintf("iscsi://%s:%s/%s%s", attrs_get(a, "source/host@name"),
		        port != NULL ? port : "3260", name, lun != NULL ? "" : "/0");
		build_key(value, "file", url);
		if (attrs_has(a, "source/initiator/iqn@name"))
			build_key(value, "file.initiator-name",
			    attrs_get(a, "source/initiator/iqn@name"));
	} else {
		/* The supervisor finds out which one the address means. */
		build_key(value, "file", path != NULL ? path : "/dev/sg0");
	}
}

void build_scsi_place(struct builder *b, struct buf *value, const struct domain_address *a)
{
	const struct domain_controller *c = domain_controller(b->d, CONTROLLER_SCSI, a->controller);
	buf_addf(value, ",bus=scsi%u.0", a->controller);
	/* The old parallel buses have no more than a target. */
	if (c != NULL && c->model != NULL && str_prefix(c->model, "lsilogic"))
		buf_addf(value, ",scsi-id=%u", a->unit);
	else
		buf_addf(value, ",channel=%u,scsi-id=%u,lun=%u", a->bus, a->target, a->unit);
}

static int scsi(struct builder *b, const struct domain_dev *dev, const char *id)
{
	const struct domain_attrs *a = &dev->attrs;
	struct buf value = BUF_INIT;
	buf_adds(&value, "if=none,format=raw");
	scsi_drive(a, &value);
	if (attrs_has(a, "readonly"))
		buf_adds(&value, ",readonly=on");
	buf_addf(&value, ",id=drive-%s", id);
	build_take(b, "-drive", &value);
	buf_addf(&value, "scsi-generic,drive=drive-%s,id=%s", id, id);
	build_scsi_place(b, &value, &dev->address);
	if (attrs_has(a, "shareable"))
		buf_adds(&value, ",share-rw=on");
	if (attrs_has(a, "boot@order"))
		buf_addf(&value, ",bootindex=%s", attrs_get(a, "boot@order"));
	return build_device(b, "hostdev", dev->line, &value);
}

static int scsi_host(struct builder *b, const struct domain_dev *dev, const char *id)
{
	const struct domain_attrs *a = &dev->attrs;
	struct buf value = BUF_INIT;
	build_virtio_name(&value, "vhost-scsi", attrs_get(a, "@model"));
	buf_addf(&value, ",wwpn=%s,id=%s", attrs_get(a, "source@wwpn"), id);
	return build_dev(b, &value, dev);
}

int build_hostdev(struct builder *b, const struct domain_dev *dev)
{
	static int (*const types[])(
	    struct builder * b, const struct domain_dev *dev, const char *id) = {
	    [HOSTDEV_USB] = usb,
	    [HOSTDEV_PCI] = pci,
	    [HOSTDEV_MDEV] = mdev,
	    [HOSTDEV_SCSI] = scsi,
	    [HOSTDEV_SCSI_HOST] = scsi_host,
	};
	CLEANUP_FREE char *id = build_id(&dev->attrs, "hostdev%u", dev->index);
	/* The guest shall not see it: it is taken from the host for another function's sake. */
	if (dev->address.type == ADDRESS_UNASSIGNED)
		return 0;
	return types[domain_hostdev_type(dev)](b, dev, id);
}
