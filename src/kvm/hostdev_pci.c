#include "kvm/hostdev_pci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define OWNER "vfio-pci"

static char *device_file(const char *sysfs, const char *address, const char *file)
{
	return xasprintf("%s/bus/pci/devices/%s/%s", sysfs, address, file);
}

/* The name of its driver on the heap; NULL none. */
static char *driver_of(const char *sysfs, const char *address)
{
	char target[256];
	CLEANUP_FREE char *link = device_file(sysfs, address, "driver");
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return NULL;
	target[n] = '\0';
	const char *name = strrchr(target, '/');
	return xstrdup(name != NULL ? name + 1 : target);
}

static int put(const char *path, const char *words, struct err *err)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, words, strlen(words)) < 0)
		return err_errno(err, errno, "cannot write to '%s'", path);
	return 0;
}

/* The kernel looks for a driver anew: the one of this name, or any where it is "\n". */
static int rebind(const char *sysfs, const char *address, const char *driver, struct err *err)
{
	CLEANUP_FREE char *override = device_file(sysfs, address, "driver_override");
	CLEANUP_FREE char *unbind = device_file(sysfs, address, "driver/unbind");
	CLEANUP_FREE char *probe = xasprintf("%s/bus/pci/drivers_probe", sysfs);
	if (put(override, driver, err) < 0)
		return -1;
	if (access(unbind, F_OK) == 0 && put(unbind, address, err) < 0)
		return -1;
	return put(probe, address, err);
}

int hostdev_pci_give_back(const char *sysfs, const char *address, struct err *err)
{
	return rebind(sysfs, address, "\n", err);
}

static int check_vfio(const char *sysfs, const char *address, struct err *err)
{
	CLEANUP_FREE char *group = device_file(sysfs, address, "iommu_group");
	CLEANUP_FREE char *driver = xasprintf("%s/bus/pci/drivers/" OWNER, sysfs);
	if (access(group, F_OK) < 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "PCI device %s is behind no IOMMU: switch VT-d or AMD-Vi on in the firmware, and boot with "
		    "intel_iommu=on",
		    address);
	if (access(driver, F_OK) < 0)
		return err_set(
		    err, ERR_UNSUPPORTED, "the host has no driver " OWNER " (modprobe " OWNER ")");
	return 0;
}

int hostdev_pci_check(
    const char *sysfs, const char *address, bool managed, bool *needed, struct err *err)
{
	CLEANUP_FREE char *device = device_file(sysfs, address, "");
	*needed = false;
	if (access(device, F_OK) < 0)
		return err_set(err, ERR_NOT_FOUND, "the host has no PCI device %s", address);
	CLEANUP_FREE char *driver = driver_of(sysfs, address);
	if (driver != NULL && str_prefix(driver, "vfio"))
		return 0;
	if (!managed)
		return err_set(err, ERR_STATE,
		    "PCI device %s is with the host's driver '%s': managed='yes' takes it for the run",
		    address, driver != NULL ? driver : "none");
	*needed = true;
	return check_vfio(sysfs, address, err);
}

int hostdev_pci_take(const char *sysfs, const char *address, struct err *err)
{
	int rc = rebind(sysfs, address, OWNER, err);
	CLEANUP_FREE char *now = driver_of(sysfs, address);
	if (rc == 0 && str_eq(now, OWNER))
		return 0;
	if (rc == 0)
		err_set(
		    err, ERR_FAIL, "PCI device %s does not go to " OWNER " (see dmesg)", address);
	return -1;
}
