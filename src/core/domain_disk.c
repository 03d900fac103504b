/* <disk> into struct domain_disk. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define SERIAL_MAX 128 /* bytes; QEMU shows 20 (virtio) or 20 (ide) of them to the guest */

/* A word of the driver element, kept as text once it was found good. */
static int parse_driver_word(
    struct parse *p, const xmlNode *driver, const char *attr, const char *const *words, char **out)
{
	int i;
	if (parse_attr_word(p, driver, attr, words, 0, &i) < 0)
		return -1;
	*out = i > 0 ? xstrdup(words[i]) : NULL; /* word 0 is QEMU's default */
	return 0;
}

static int parse_driver(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	static const char *const cache[] = {
	    "default", "none", "writethrough", "writeback", "directsync", "unsafe", NULL};
	static const char *const io[] = {"", "threads", "native", "io_uring", NULL};
	static const char *const discard[] = {"", "unmap", "ignore", NULL};
	static const char *const zeroes[] = {"", "off", "on", "unmap", NULL};
	const xmlNode *driver = xml_child(node, "driver");
	CLEANUP_FREE char *name = xml_attr(driver, "name");
	CLEANUP_FREE char *type = xml_attr(driver, "type");
	if (name != NULL && strcmp(name, "qemu") != 0)
		return parse_refuse(p, driver, "only the driver 'qemu' is supported");
	/* Never guessed from the content: a guest could write a qcow2 header that names any file. */
	disk->image.format = DISK_RAW;
	if (str_eq(type, "qcow2")) {
		disk->image.format = DISK_QCOW2;
	} else if (type != NULL && strcmp(type, "raw") != 0) {
		CLEANUP_FREE char *s = str_printable(type, strlen(type), 40);
		return parse_refuse(
		    p, driver, "type='%s': only 'raw' and 'qcow2' are supported", s);
	}
	if (parse_driver_word(p, driver, "cache", cache, &disk->cache) < 0 ||
	    parse_driver_word(p, driver, "io", io, &disk->io) < 0 ||
	    parse_driver_word(p, driver, "discard", discard, &disk->discard) < 0 ||
	    parse_driver_word(p, driver, "detect_zeroes", zeroes, &disk->detect_zeroes) < 0)
		return -1;
	bool direct = str_eq(disk->cache, "none") || str_eq(disk->cache, "directsync");
	if (str_eq(disk->io, "native") && !direct)
		return parse_invalid(
		    p, driver, "io='native' needs cache='none' or cache='directsync'");
	if (str_eq(disk->detect_zeroes, "unmap") && !str_eq(disk->discard, "unmap"))
		return parse_invalid(p, driver, "detect_zeroes='unmap' needs discard='unmap'");
	return 0;
}

/* libvirt's: the bus decides, then the target's first letters. */
static int parse_bus(
    struct parse *p, const xmlNode *target, const char *bus, struct domain_disk *disk)
{
	static const struct {
		const char *word, *prefix;
		enum disk_bus bus;
	} buses[] = {
	    {"virtio", "vd", DISK_VIRTIO}, {"ide", "hd", DISK_IDE}, {"sata", "sd", DISK_SATA}};
	for (size_t i = 0; i < ARRAY_LEN(buses); i++) {
		if (bus != NULL ? strcmp(bus, buses[i].word) != 0
		                : !str_prefix(disk->target, buses[i].prefix))
			continue;
		disk->bus = buses[i].bus;
		if (!str_prefix(disk->target, buses[i].prefix))
			parse_warn(p, target, "dev='%s' is unusual for bus='%s' (%sa, %sb …)",
			    disk->target, buses[i].word, buses[i].prefix, buses[i].prefix);
		return 0;
	}
	CLEANUP_FREE char *s =
	    str_printable(bus != NULL ? bus : "", bus != NULL ? strlen(bus) : 0, 40);
	return parse_refuse(
	    p, target, "bus='%s': only 'virtio', 'ide' and 'sata' are supported", s);
}

static int parse_target(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	const xmlNode *target = xml_child(node, "target");
	CLEANUP_FREE char *bus = xml_attr(target, "bus");
	disk->target = xml_attr(target, "dev");
	if (disk->target == NULL)
		return parse_invalid(p, node, "has no <target dev=…>");
	size_t n = strlen(disk->target);
	if (n == 0 || n > 15 || strspn(disk->target, "abcdefghijklmnopqrstuvwxyz0123456789") != n) {
		CLEANUP_FREE char *s = str_printable(disk->target, n, 40);
		return parse_invalid(p, target, "dev='%s' is not a target like vda or sdb", s);
	}
	return parse_bus(p, target, bus, disk);
}

static int parse_drive(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	struct domain_address *a = &disk->address;
	const xmlNode *address = xml_child(node, "address");
	enum address_type type = disk->bus == DISK_VIRTIO ? ADDRESS_PCI : ADDRESS_DRIVE;
	int rc = parse_address(p, node, ADDRESS_BIT(type), a);
	if (rc != 0 || a->type != ADDRESS_DRIVE)
		return rc;
	bool ide = disk->bus == DISK_IDE;
	if (a->controller > 0 || a->target > 0)
		return parse_refuse(p, address, "only controller='0' target='0' is supported");
	if (a->bus > (ide ? 1u : 0u) || a->unit > (ide ? 1u : 5u))
		return parse_invalid(p, address, "bus='%u' unit='%u': %s", a->bus, a->unit,
		    ide ? "IDE has buses 0 and 1 with units 0 and 1"
		        : "SATA has bus 0, units 0 to 5");
	return 0;
}

static int parse_source(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	const xmlNode *source = xml_child(node, "source");
	disk->image.path = xml_attr(source, "file");
	if (disk->image.path == NULL && disk->device == DISK_DISK)
		return parse_invalid(p, node, "has no <source file=…>");
	if (parse_path_check(p, source, disk->image.path) < 0)
		return -1;
	disk->serial = xml_child_text(node, "serial");
	if (disk->serial != NULL &&
	    (strlen(disk->serial) > SERIAL_MAX || !parse_text_ok(disk->serial)))
		return parse_invalid(
		    p, xml_child(node, "serial"), "not a line of at most %d bytes", SERIAL_MAX);
	return 0;
}

static int parse_disk(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	static const char *const devices[] = {"disk", "cdrom", NULL};
	CLEANUP_FREE char *type = xml_attr(node, "type");
	CLEANUP_FREE char *device = xml_attr(node, "device");
	if (type != NULL && strcmp(type, "file") != 0) {
		CLEANUP_FREE char *s = str_printable(type, strlen(type), 40);
		return parse_refuse(p, node, "type='%s': only 'file' is supported", s);
	}
	if (str_eq(device, "floppy") || str_eq(device, "lun"))
		return parse_refuse(
		    p, node, "device='%s': only 'disk' and 'cdrom' are supported", device);
	int kind = device != NULL ? parse_word(p, node, "device", device, devices) : 0;
	if (kind < 0)
		return -1;
	disk->device = (enum disk_device)kind;
	disk->readonly = xml_child(node, "readonly") != NULL || disk->device == DISK_CDROM;
	disk->shareable = xml_child(node, "shareable") != NULL;
	int rc = parse_target(p, node, disk);
	if (rc == 0)
		rc = parse_driver(p, node, disk);
	if (rc == 0)
		rc = parse_drive(p, node, disk);
	if (rc != 0)
		return rc;
	if (disk->device == DISK_CDROM && disk->bus == DISK_VIRTIO)
		return parse_invalid(
		    p, node, "a CD drive cannot be on bus='virtio'; use 'sata' or 'ide'");
	const xmlNode *boot = xml_child(node, "boot");
	if (parse_source(p, node, disk) < 0 ||
	    parse_number(p, boot, "order", 1000, &disk->boot_order) < 0)
		return -1;
	if (boot != NULL && disk->boot_order == 0)
		return parse_invalid(p, boot, "order must be 1 or more");
	return 0;
}

int disk_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain *d = p->d;
	if (d->n_disks >= DOMAIN_DISKS_MAX)
		return parse_invalid(p, node, "more than %u disks", DOMAIN_DISKS_MAX);
	struct domain_disk *disk = DOMAIN_ADD(d->disks, d->n_disks);
	disk->line = (unsigned)xmlGetLineNo((xmlNode *)node);
	disk->element = element;
	return parse_disk(p, node, disk);
}
