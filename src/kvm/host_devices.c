#include "kvm/host_devices.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"

#define DEVICES_MAX 4096
#define SHOWN_MAX 80 /* bytes of a name */
#define CLASS_BRIDGE 0x06
#define CLASS_DISPLAY 0x03
#define CLASS_SMBUS 0x0c05
#define USB_CLASS_HUB 0x09

const struct host_probe host_probe_real = {.sys = "/sys", .proc = "/proc"};

void host_devices_fini(struct host_devices *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct host_device *d = &l->list[i];
		char *const strings[] = {
		    d->address, d->path, d->maker, d->name, d->driver, d->refused};
		for (size_t k = 0; k < ARRAY_LEN(strings); k++)
			free(strings[k]);
	}
	free(l->list);
	*l = (struct host_devices){0};
}

/* --- one device --- */

/* A file's first line, printable, on the heap; NULL. */
static char *read_word(const char *device, const char *file)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", device, file);
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (access(path, R_OK) < 0 || file_read(path, 4096, &text, NULL) < 0 || text.len == 0)
		return NULL;
	size_t n = 0;
	while (n < text.len && text.data[n] != '\n' && text.data[n] != '\0')
		n++;
	while (n > 0 && text.data[n - 1] == ' ')
		n--;
	return n > 0 ? str_printable(text.data, n, SHOWN_MAX) : NULL;
}

static unsigned read_number(const char *device, const char *file, int base)
{
	CLEANUP_FREE char *text = read_word(device, file);
	return text != NULL ? (unsigned)strtoul(text, NULL, base) : 0;
}

/* The last part of what a link of the device points to; NULL none. */
static char *link_name(const char *device, const char *link)
{
	char target[PATH_MAX];
	CLEANUP_FREE char *path = xasprintf("%s/%s", device, link);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return NULL;
	target[n] = '\0';
	const char *slash = strrchr(target, '/');
	return xstrdup(slash != NULL ? slash + 1 : target);
}

static void read_pci(struct host_device *d)
{
	CLEANUP_FREE char *group = link_name(d->path, "iommu_group");
	d->vendor = read_number(d->path, "vendor", 16);
	d->product = read_number(d->path, "device", 16);
	d->class = read_number(d->path, "class", 16);
	d->group = group != NULL ? atoi(group) : -1;
}

static void read_usb(struct host_device *d)
{
	d->vendor = read_number(d->path, "idVendor", 16);
	d->product = read_number(d->path, "idProduct", 16);
	d->class = read_number(d->path, "bDeviceClass", 16);
	d->usb_bus = read_number(d->path, "busnum", 10);
	d->usb_device = read_number(d->path, "devnum", 10);
	d->maker = read_word(d->path, "manufacturer");
	d->name = read_word(d->path, "product");
	d->group = -1;
}

static void add_device(
    struct host_devices *l, enum host_bus bus, const char *link, const char *address)
{
	char path[PATH_MAX];
	if (l->n >= DEVICES_MAX || realpath(link, path) == NULL)
		return;
	l->list = xreallocarray(l->list, l->n + 1, sizeof *l->list);
	struct host_device *d = &l->list[l->n++];
	*d = (struct host_device){.bus = bus, .address = xstrdup(address), .path = xstrdup(path)};
	d->driver = link_name(path, "driver");
	if (bus == HOST_PCI)
		read_pci(d);
	else
		read_usb(d);
}

/* --- why not --- */

static bool is_above(const char *device, const char *path)
{
	size_t n = strlen(device);
	return strncmp(device, path, n) == 0 && path[n] == '/';
}

static char *own_obstacle(const struct host_device *d)
{
	unsigned base = d->class >> 16;
	if (d->bus == HOST_USB)
		return d->class == USB_CLASS_HUB ? xstrdup("it is a hub: other devices are on it")
		                                 : NULL;
	if (base == CLASS_BRIDGE || d->class >> 8 == CLASS_SMBUS)
		return xstrdup("it is part of the host's board");
	if (base == CLASS_DISPLAY && read_number(d->path, "boot_vga", 10) == 1)
		return xstrdup("it is the display that the host itself shows its console on");
	return NULL;
}

static char *obstacle(const struct host_device *d, const struct host_uses *uses)
{
	char *why = own_obstacle(d);
	for (size_t i = 0; why == NULL && i < uses->n; i++)
		if (is_above(d->path, uses->list[i].path))
			why = xstrdup(uses->list[i].words);
	if (why == NULL && d->bus == HOST_PCI && d->group < 0)
		why = xstrdup(
		    "the host has no IOMMU for it: switch VT-d or AMD-Vi on in the firmware, and boot with intel_iommu=on");
	return why;
}

/* Devices of one group reach into each other: all go, or none. Bridges of a group stay with the host. */
static void refuse_groups(struct host_devices *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct host_device *d = &l->list[i];
		if (d->bus != HOST_PCI || d->group < 0 || d->refused != NULL)
			continue;
		for (size_t k = 0; k < l->n && d->refused == NULL; k++) {
			const struct host_device *o = &l->list[k];
			bool bridge = o->class >> 16 == CLASS_BRIDGE;
			if (k != i && o->bus == HOST_PCI && o->group == d->group && !bridge &&
			    o->refused != NULL && !str_prefix(o->refused, "it is in IOMMU group"))
				d->refused =
				    xasprintf("it is in IOMMU group %d with %s, and of that: %s",
				        d->group, o->address, o->refused);
		}
	}
}

/* --- all --- */

static int by_address(const void *a, const void *b)
{
	const struct host_device *x = a, *y = b;
	return x->bus != y->bus ? (int)x->bus - (int)y->bus : strcmp(x->address, y->address);
}

static void read_bus(const struct host_probe *h, struct host_devices *l, enum host_bus bus)
{
	CLEANUP_FREE char *folder =
	    xasprintf("%s/bus/%s/devices", h->sys, bus == HOST_PCI ? "pci" : "usb");
	DIR *dir = opendir(folder);
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		CLEANUP_FREE char *link = xasprintf("%s/%s", folder, e->d_name);
		/* "1-2:1.0" is an interface of 1-2, "usb1" the root hub of a bus. */
		bool part = bus == HOST_USB &&
		            (strchr(e->d_name, ':') != NULL || str_prefix(e->d_name, "usb"));
		if (e->d_name[0] != '.' && !part)
			add_device(l, bus, link, e->d_name);
	}
	if (dir != NULL)
		closedir(dir);
}

int host_devices_read(const struct host_probe *h, struct host_devices *out, struct err *err)
{
	struct host_uses uses;
	*out = (struct host_devices){0};
	if (access(h->sys, R_OK) < 0)
		return err_set(err, ERR_IO, "'%s' cannot be read", h->sys);
	read_bus(h, out, HOST_PCI);
	read_bus(h, out, HOST_USB);
	if (out->n > 0)
		qsort(out->list, out->n, sizeof *out->list, by_address);
	host_uses_read(h, &uses);
	for (size_t i = 0; i < out->n; i++)
		out->list[i].refused = obstacle(&out->list[i], &uses);
	host_uses_fini(&uses);
	refuse_groups(out);
	return 0;
}

static bool is_only_one(const struct host_devices *l, const struct host_device *d)
{
	for (size_t i = 0; i < l->n; i++)
		if (&l->list[i] != d && l->list[i].bus == HOST_USB &&
		    l->list[i].vendor == d->vendor && l->list[i].product == d->product)
			return false;
	return true;
}

char *host_device_xml(const struct host_devices *l, const struct host_device *d)
{
	unsigned n[4] = {0};
	if (d->bus == HOST_USB && is_only_one(l, d))
		return xasprintf(
		    "<hostdev mode='subsystem' type='usb'><source><vendor id='0x%04x'/><product id='0x%04x'/></source></hostdev>",
		    d->vendor, d->product);
	if (d->bus == HOST_USB)
		return xasprintf(
		    "<hostdev mode='subsystem' type='usb'><source><address bus='%u' device='%u'/></source></hostdev>",
		    d->usb_bus, d->usb_device);
	sscanf(d->address, "%x:%x:%x.%x", &n[0], &n[1], &n[2], &n[3]);
	return xasprintf(
	    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x%04x' "
	    "bus='0x%02x' slot='0x%02x' function='0x%x'/></source></hostdev>",
	    n[0], n[1], n[2], n[3]);
}

const struct host_device *host_devices_find(const struct host_devices *l, const char *word)
{
	const struct host_device *found = NULL;
	unsigned vendor, product;
	int end = -1;
	CLEANUP_FREE char *full = xasprintf("0000:%s", word);
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->list[i].address, word) == 0 ||
		    (l->list[i].bus == HOST_PCI && strcmp(l->list[i].address, full) == 0))
			return &l->list[i];
	if (sscanf(word, "%4x:%4x%n", &vendor, &product, &end) != 2 || end < 0 || word[end] != '\0')
		return NULL;
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].vendor == vendor && l->list[i].product == product) {
			if (found != NULL)
				return NULL;
			found = &l->list[i];
		}
	return found;
}
