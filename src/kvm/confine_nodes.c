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

int confine_nodes_give(struct confine *c, const char *sys, const char *dev, const struct home *h,
    const struct domain *d, struct err *err)
{
	CLEANUP_FREE char *list = list_path(h, d->name);
	c->lock_memory = d->tune.locked;
	for (size_t i = 0; i < d->n_devs; i++) {
		if (d->devs[i].kind != DEV_HOSTDEV)
			continue;
		CLEANUP_FREE char *folder = device_folder(sys, &d->devs[i]);
		if (folder == NULL)
			continue;
		c->lock_memory = true;
		CLEANUP_FREE char *link = xasprintf("%s/iommu_group", folder);
		CLEANUP_FREE char *group = link_name(link);
		if (!c->other_user || group == NULL)
			continue; /* QEMU says what is wrong with it */
		CLEANUP_FREE char *node = xasprintf("%s/vfio/%s", dev, group);
		if (give(c, list, node, err) < 0)
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
