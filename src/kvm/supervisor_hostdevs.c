/* Devices of the host that a guest gets: there, and QEMU's to open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/store.h"
#include "kvm/hostdev_pci.h"
#include "kvm/supervisor_devices.h"

/* --- PCI devices --- */
int sup_pci_take(const struct supervisor *s, const struct domain_attrs *a, struct err *err)
{
	CLEANUP_FREE char *address = xasprintf("%04llx:%02llx:%02llx.%llx",
	    (unsigned long long)attrs_number(a, "source/address@domain", 0),
	    (unsigned long long)attrs_number(a, "source/address@bus", 0),
	    (unsigned long long)attrs_number(a, "source/address@slot", 0),
	    (unsigned long long)attrs_number(a, "source/address@function", 0));
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, HOSTDEV_TAKEN);
	bool needed;
	if (hostdev_pci_check(HOSTDEV_SYSFS, address, attrs_on(a, "@managed"), &needed, err) < 0)
		return -1;
	if (!needed)
		return 0;
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s\n", address) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return hostdev_pci_take(HOSTDEV_SYSFS, address, err);
}

void sup_pci_give_back(const struct supervisor *s)
{
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, HOSTDEV_TAKEN);
	CLEANUP_BUF struct buf list = BUF_INIT;
	struct err err;
	char *save = NULL;
	if (access(path, F_OK) < 0 || file_read(path, STORE_XML_MAX, &list, &err) < 0)
		return;
	for (char *a = strtok_r(list.data, "\n", &save); a != NULL; a = strtok_r(NULL, "\n", &save))
		if (hostdev_pci_give_back(HOSTDEV_SYSFS, a, &err) < 0)
			log_warn("PCI device %s stays with vfio-pci: %s", a, err.msg);
	unlink(path);
}

static bool sys_number_is(const char *device, const char *file, uint64_t want)
{
	CLEANUP_FREE char *path = xasprintf("/sys/bus/usb/devices/%s/%s", device, file);
	CLEANUP_BUF struct buf text = BUF_INIT;
	return access(path, R_OK) == 0 && file_read(path, 64, &text, NULL) == 0 &&
	       text.data != NULL && strtoull(text.data, NULL, 16) == want;
}

/* Who insists on the device does not want to wait for it. */
static int need_maker(const struct domain_attrs *a, struct err *err)
{
	uint64_t vendor = attrs_number(a, "source/vendor@id", 0);
	uint64_t product = attrs_number(a, "source/product@id", 0);
	const char *policy = attrs_get(a, "source@startupPolicy");
	if (policy == NULL || strcmp(policy, "optional") == 0)
		return 0;
	DIR *dir = opendir("/sys/bus/usb/devices");
	struct dirent *e;
	bool found = false;
	while (dir != NULL && !found && (e = readdir(dir)) != NULL)
		found = e->d_name[0] != '.' && sys_number_is(e->d_name, "idVendor", vendor) &&
		        sys_number_is(e->d_name, "idProduct", product);
	if (dir != NULL)
		closedir(dir);
	if (found)
		return 0;
	return err_set(err, ERR_NOT_FOUND,
	    "the host has no USB device %04llx:%04llx, and startupPolicy='%s'",
	    (unsigned long long)vendor, (unsigned long long)product, policy);
}

/* A USB device by its place on the bus makes QEMU fail when it is not there; one by its makers' numbers it waits for. */
static int resolve_usb(struct domain_dev *dev, struct err *err)
{
	const struct domain_attrs *a = &dev->attrs;
	if (attrs_has(a, "source/vendor@id") || !attrs_has(a, "source/address@device"))
		return need_maker(a, err);
	CLEANUP_FREE char *path =
	    xasprintf("/dev/bus/usb/%03u/%03u", (unsigned)attrs_number(a, "source/address@bus", 0),
	        (unsigned)attrs_number(a, "source/address@device", 0));
	if (access(path, F_OK) == 0)
		return 0;
	if (attrs_is(a, "source@startupPolicy", "optional")) {
		log_info("the host has no USB device '%s': the guest starts without it", path);
		dev->address.type = ADDRESS_UNASSIGNED;
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND,
	    "the host has no USB device '%s' (startupPolicy='optional' starts without)", path);
}

/* Which /dev/sgN the numbers of an address mean. */
static int resolve_scsi(struct domain_dev *dev, struct err *err)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *adapter = attrs_get(a, "source/adapter@name");
	if (adapter == NULL)
		return 0;
	CLEANUP_FREE char *place = xasprintf("%s:%u:%u:%u", adapter + strlen("scsi_host"),
	    (unsigned)attrs_number(a, "source/address@bus", 0),
	    (unsigned)attrs_number(a, "source/address@target", 0),
	    (unsigned)attrs_number(a, "source/address@unit", 0));
	CLEANUP_FREE char *path = xasprintf("/sys/bus/scsi/devices/%s/scsi_generic", place);
	DIR *dir = opendir(path);
	struct dirent *e;
	CLEANUP_FREE char *found = NULL;
	while (dir != NULL && found == NULL && (e = readdir(dir)) != NULL)
		if (str_prefix(e->d_name, "sg"))
			found = xasprintf("/dev/%s", e->d_name);
	if (dir != NULL)
		closedir(dir);
	if (found == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "the host has no SCSI device %s with a /dev/sgN (modprobe sg)", place);
	attrs_set(&dev->attrs, "source@path", found);
	return 0;
}

int sup_hostdev_resolve(struct supervisor *s, struct domain_dev *dev, struct err *err)
{
	const struct domain_attrs *a = &dev->attrs;
	CLEANUP_FREE char *mdev = xasprintf("/sys/bus/mdev/devices/%s",
	    attrs_has(a, "source/address@uuid") ? attrs_get(a, "source/address@uuid") : "");
	switch (domain_hostdev_type(dev)) {
	case HOSTDEV_USB:
		return resolve_usb(dev, err);
	case HOSTDEV_PCI:
		return sup_pci_take(s, a, err);
	case HOSTDEV_MDEV:
		return sup_devices_need("the host has no such mediated device", mdev, F_OK, err);
	case HOSTDEV_SCSI:
		return resolve_scsi(dev, err);
	case HOSTDEV_SCSI_HOST:
		return sup_devices_need(
		    "vhost-scsi (modprobe vhost_scsi)", "/dev/vhost-scsi", R_OK | W_OK, err);
	}
	return 0;
}
