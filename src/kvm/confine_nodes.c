#include "kvm/confine_nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"

#define LIST_MAX (1u << 20) /* bytes */

static char *list_path(const struct home *h, const char *name)
{
	return home_run_file(h, name, "nodes");
}

/* Symbolic links are not followed: what stands behind one is not the device that was meant. */
static int give(const struct confine *c, const char *list, const char *node, struct err *err)
{
	struct stat st;
	if (lstat(node, &st) < 0)
		return err_errno(err, errno, "cannot give '%s' to user %s", node, c->user);
	if (st.st_uid == c->uid)
		return 0;
	CLEANUP_CLOSE int fd =
	    open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || dprintf(fd, "%u %s\n", (unsigned)st.st_uid, node) < 0)
		return err_errno(err, errno, "cannot write '%s'", list);
	if (lchown(node, c->uid, (gid_t)-1) < 0)
		return err_errno(err, errno, "cannot give '%s' to user %s", node, c->user);
	return 0;
}

/* The last part of a link's target: "/sys/…/iommu_group" points to "…/iommu_groups/17". */
static char *link_name(const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return NULL;
	target[n] = '\0';
	const char *slash = strrchr(target, '/');
	return xstrdup(slash == NULL ? target : slash + 1);
}

/* The device's folder in sysfs; NULL: it is of another kind. */
static char *device_folder(const char *sys, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	switch (domain_hostdev_type(dev)) {
	case HOSTDEV_PCI:
		return xasprintf("%s/bus/pci/devices/%04llx:%02llx:%02llx.%llx", sys,
		    (unsigned long long)attrs_number(a, "source/address@domain", 0),
		    (unsigned long long)attrs_number(a, "source/address@bus", 0),
		    (unsigned long long)attrs_number(a, "source/address@slot", 0),
		    (unsigned long long)attrs_number(a, "source/address@function", 0));
	case HOSTDEV_MDEV:
		return xasprintf(
		    "%s/bus/mdev/devices/%s", sys, attrs_get(a, "source/address@uuid"));
	case HOSTDEV_USB:
	case HOSTDEV_SCSI:
	case HOSTDEV_SCSI_HOST:
		break;
	}
	return NULL;
}

/* The device file that QEMU opens; NULL: none that we know, and QEMU says what is wrong. */
static char *node_of(const char *sys, const char *dev, const struct domain_dev *d)
{
	const struct domain_attrs *a = &d->attrs;
	if (domain_hostdev_type(d) == HOSTDEV_USB) {
		uint64_t bus = attrs_number(a, "source/address@bus", 0);
		uint64_t device = attrs_number(a, "source/address@device", 0);
		return bus > 0 && device > 0
		           ? xasprintf("%s/bus/usb/%03llu/%03llu", dev, (unsigned long long)bus,
		                 (unsigned long long)device)
		           : NULL;
	}
	CLEANUP_FREE char *folder = device_folder(sys, d);
	CLEANUP_FREE char *link = folder == NULL ? NULL : xasprintf("%s/iommu_group", folder);
	CLEANUP_FREE char *group = link == NULL ? NULL : link_name(link);
	return group == NULL ? NULL : xasprintf("%s/vfio/%s", dev, group);
}

int confine_nodes_give(struct confine *c, const char *sys, const char *dev, const struct home *h,
    const struct domain *d, struct err *err)
{
	CLEANUP_FREE char *list = list_path(h, d->name);
	c->lock_memory = d->tune.locked;
	for (size_t i = 0; i < d->n_devs; i++) {
		if (d->devs[i].kind != DEV_HOSTDEV)
			continue;
		enum hostdev_type type = domain_hostdev_type(&d->devs[i]);
		c->lock_memory = c->lock_memory || type == HOSTDEV_PCI || type == HOSTDEV_MDEV;
		CLEANUP_FREE char *node = c->other_user ? node_of(sys, dev, &d->devs[i]) : NULL;
		if (node != NULL && give(c, list, node, err) < 0)
			return -1;
	}
	return 0;
}

void confine_nodes_take_back(const struct home *h, const char *name)
{
	CLEANUP_FREE char *list = list_path(h, name);
	CLEANUP_BUF struct buf text = BUF_INIT;
	char *save = NULL;
	if (file_read(list, LIST_MAX, &text, NULL) < 0 || text.data == NULL)
		return;
	for (char *l = strtok_r(text.data, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save)) {
		unsigned uid;
		int used = 0;
		if (sscanf(l, "%u %n", &uid, &used) == 1 && used > 0 && l[used] == '/' &&
		    lchown(l + used, (uid_t)uid, (gid_t)-1) < 0 && errno != ENOENT)
			log_warn("'%s' stays with QEMU's user: %s", l + used, strerror(errno));
	}
	unlink(list);
}
