/* What the host lives on: disks that it has mounted, cards with its addresses and routes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/host_devices.h"

#define FILE_MAX (4u << 20) /* of mountinfo and route: a host has thousands of mounts at most */
#define SLAVES_DEEP 8       /* a volume on an array on partitions */

void host_uses_fini(struct host_uses *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->list[i].path);
		free(u->list[i].words);
	}
	free(u->list);
	*u = (struct host_uses){0};
}

/* link: something in sysfs; words are taken. */
static void add_use(struct host_uses *u, const char *link, char *words)
{
	char path[PATH_MAX];
	if (realpath(link, path) == NULL) {
		free(words);
		return;
	}
	u->list = xreallocarray(u->list, u->n + 1, sizeof *u->list);
	u->list[u->n++] = (struct host_use){.path = xstrdup(path), .words = words};
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

/* --- disks --- */

/* A block device, and those that it is made of. */
static void add_block(
    struct host_uses *u, const char *link, const char *what, const char *where, unsigned depth)
{
	char path[PATH_MAX];
	if (realpath(link, path) == NULL)
		return;
	add_use(u, path,
	    xasprintf("it holds %s, which the host has %s%s%s", base_name(path), what,
	        where[0] != '\0' ? " " : "", where));
	CLEANUP_FREE char *slaves = xasprintf("%s/slaves", path);
	DIR *dir = depth < SLAVES_DEEP ? opendir(slaves) : NULL;
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		CLEANUP_FREE char *below = xasprintf("%s/%s", slaves, e->d_name);
		if (e->d_name[0] != '.')
			add_block(u, below, what, where, depth + 1);
	}
	if (dir != NULL)
		closedir(dir);
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" (proc(5)) */
static void add_mount(const struct host_probe *h, struct host_uses *u, char *line)
{
	unsigned major, minor;
	char where[512];
	if (sscanf(line, "%*u %*u %u:%u %*s %511s", &major, &minor, where) != 3)
		return;
	if (major != 0) {
		CLEANUP_FREE char *link = xasprintf("%s/dev/block/%u:%u", h->sys, major, minor);
		add_block(u, link, "mounted on", where, 0);
		return;
	}
	/* btrfs shows a number of its own, and the device after the dash. */
	const char *dash = strstr(line, " - ");
	char source[512];
	if (dash == NULL || sscanf(dash, " - %*s %511s", source) != 1 ||
	    !str_prefix(source, "/dev/"))
		return;
	CLEANUP_FREE char *link = xasprintf("%s/class/block/%s", h->sys, base_name(source));
	add_block(u, link, "mounted on", where, 0);
}

static void each_line(const struct host_probe *h, struct host_uses *u, const char *file,
    void (*fn)(const struct host_probe *h, struct host_uses *u, char *line))
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", h->proc, file);
	CLEANUP_BUF struct buf text = BUF_INIT;
	char *save = NULL;
	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		return;
	buf_addc(&text, '\0');
	for (char *l = strtok_r(text.data, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		fn(h, u, l);
}

static void add_swap(const struct host_probe *h, struct host_uses *u, char *line)
{
	char name[512];
	if (sscanf(line, "%511s", name) != 1 || !str_prefix(name, "/dev/"))
		return;
	CLEANUP_FREE char *link = xasprintf("%s/class/block/%s", h->sys, base_name(name));
	add_block(u, link, "swap on", "", 0);
}

/* The kernel gives nobody for himself alone what somebody has in use, whatever that is. */
static bool really_busy(const char *name)
{
	CLEANUP_FREE char *path = xasprintf("/dev/%s", name);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 && errno == EBUSY;
}

static void add_busy_disks(const struct host_probe *h, struct host_uses *u)
{
	CLEANUP_FREE char *folder = xasprintf("%s/block", h->sys);
	DIR *dir = opendir(folder);
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		CLEANUP_FREE char *device = xasprintf("%s/%s/device", folder, e->d_name);
		CLEANUP_FREE char *link = xasprintf("%s/%s", folder, e->d_name);
		if (e->d_name[0] == '.' || access(device, F_OK) < 0)
			continue; /* made of others, or of memory */
		if ((h->disk_busy != NULL ? h->disk_busy : really_busy)(e->d_name))
			add_block(u, link, "in use", "", SLAVES_DEEP);
	}
	if (dir != NULL)
		closedir(dir);
}

/* --- cards --- */

static bool really_has_address(const char *interface)
{
	struct ifaddrs *all = NULL;
	bool found = false;
	if (getifaddrs(&all) < 0)
		return true; /* not known: it may be */
	for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next)
		found =
		    found ||
		    (a->ifa_addr != NULL && strcmp(a->ifa_name, interface) == 0 &&
		        (a->ifa_addr->sa_family == AF_INET || a->ifa_addr->sa_family == AF_INET6));
	freeifaddrs(all);
	return found;
}

/* "eth0	00000000	0102A8C0	0003 …": the default route. */
static void add_route(const struct host_probe *h, struct host_uses *u, char *line)
{
	char name[64], to[64];
	if (sscanf(line, "%63s %63s", name, to) != 2 || strcmp(to, "00000000") != 0)
		return;
	CLEANUP_FREE char *link = xasprintf("%s/class/net/%s", h->sys, name);
	add_use(u, link, xasprintf("its card %s has the host's default route", name));
}

/* Is it part of a bridge or a bond, or is there a VLAN on it? */
static bool has_upper(const char *link)
{
	DIR *dir = opendir(link);
	bool found = false;
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
		found =
		    found || str_prefix(e->d_name, "upper_") || strcmp(e->d_name, "master") == 0;
	if (dir != NULL)
		closedir(dir);
	return found;
}

static void add_cards(const struct host_probe *h, struct host_uses *u)
{
	CLEANUP_FREE char *folder = xasprintf("%s/class/net", h->sys);
	DIR *dir = opendir(folder);
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		CLEANUP_FREE char *link = xasprintf("%s/%s", folder, e->d_name);
		if (e->d_name[0] == '.')
			continue;
		if ((h->has_address != NULL ? h->has_address : really_has_address)(e->d_name))
			add_use(u, link,
			    xasprintf("its card %s has an address of the host's", e->d_name));
		else if (has_upper(link))
			add_use(u, link,
			    xasprintf(
			        "its card %s is part of a bridge, a bond or a VLAN of the host's",
			        e->d_name));
	}
	if (dir != NULL)
		closedir(dir);
}

void host_uses_read(const struct host_probe *h, struct host_uses *out)
{
	*out = (struct host_uses){0};
	each_line(h, out, "self/mountinfo", add_mount);
	each_line(h, out, "swaps", add_swap);
	each_line(h, out, "net/route", add_route);
	add_cards(h, out);
	add_busy_disks(h, out);
}
