/* host_devices: the PCI and USB devices of this host, with what the host lives on: who attaches one to a guest takes it from the host, and what holds its
 * disks or its network must not go. Read from sysfs. Owner: the caller; host_devices_fini. */
#ifndef KVM_HOST_DEVICES_H
#define KVM_HOST_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

/* Where to look: a test has a sysfs of its own. */
struct host_probe {
	const char *sys, *proc;
	/* Is this block device ("sda") mounted, part of a volume group or an array, swapped to? NULL: opened with O_EXCL, which
	 * the kernel refuses then. */
	bool (*disk_busy)(const char *name);
	bool (*has_address)(const char *interface); /* NULL: getifaddrs(3) */
};
extern const struct host_probe host_probe_real;

enum host_bus { HOST_PCI, HOST_USB };
struct host_device {
	enum host_bus bus;
	char *address;                   /* "0000:06:12.5", "1-2.3" as sysfs has it */
	char *path;                      /* in sysfs, links resolved */
	unsigned usb_bus, usb_device;    /* 0 on PCI */
	unsigned vendor, product, class; /* PCI: 0x030000; USB: 0x09 */
	char *maker, *name;              /* in words, printable; NULL not known */
	char *driver;                    /* that the host has it with; NULL none */
	int group;                       /* of its IOMMU; -1 none */
	char *refused; /* why it stays the host's, a sentence; NULL it can be given */
};
struct host_devices {
	struct host_device *list;
	size_t n;
};

int host_devices_read(const struct host_probe *h, struct host_devices *out, struct err *err);
void host_devices_fini(struct host_devices *l);
/* host_names.c: names of PCI devices, where the host has a list of them; a megabyte is read. */
void host_devices_name(struct host_devices *l);
/* <hostdev> for a guest; on the heap. A USB device that is the only one of its kind is named by that: it is found again in another port. */
char *host_device_xml(const struct host_devices *l, const struct host_device *d);
/* By its address, a PCI one also without domain ("06:12.5"), or by "VENDOR:PRODUCT" in hexadecimal digits when there is one such. NULL. */
const struct host_device *host_devices_find(const struct host_devices *l, const char *word);

/* host_uses.c: what the host uses, as paths in sysfs: the devices that they go through cannot be given away. */
struct host_use {
	char *path;  /* "/sys/devices/pci0000:00/0000:00:1f.2/ata1/…/block/sda" */
	char *words; /* "it has disk sda, which is mounted on /" */
};
struct host_uses {
	struct host_use *list;
	size_t n;
};
void host_uses_read(const struct host_probe *h, struct host_uses *out);
void host_uses_fini(struct host_uses *u);

#endif
