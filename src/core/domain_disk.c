/* <disk> into struct domain_disk. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define SERIAL_MAX 128  /* bytes; QEMU shows 20 (virtio) or 20 (ide) of them to the guest */
#define QUEUES_MAX 1024 /* virtio's own limit */
#define QUEUE_SIZE_MAX 1024
#define VENDOR_MAX 8 /* SCSI's INQUIRY */
#define PRODUCT_MAX 16
#define BLOCK_SIZE_MAX (2u << 20) /* QEMU's limit */
#define CYLINDERS_MAX 65535

/* --- driver --- */
/* A word of an element, kept as text once it was found good; word 0 is QEMU's default. */
static int parse_choice(
    struct parse *p, const xmlNode *node, const char *attr, const char *const *words, char **out)
{
	int i;
	if (parse_attr_word(p, node, attr, words, 0, &i) < 0)
		return -1;
	*out = i > 0 ? xstrdup(words[i]) : NULL;
	return 0;
}

static int parse_policies(struct parse *p, const xmlNode *driver, struct domain_disk *disk)
{
	static const char *const cache[] = {
	    "default", "none", "writethrough", "writeback", "directsync", "unsafe", NULL};
	static const char *const io[] = {"", "threads", "native", "io_uring", NULL};
	static const char *const discard[] = {"", "unmap", "ignore", NULL};
	static const char *const zeroes[] = {"", "off", "on", "unmap", NULL};
	static const char *const error[] = {"", "stop", "report", "ignore", "enospace", NULL};
	static const char *const read_error[] = {"", "stop", "report", "ignore", NULL};
	if (parse_choice(p, driver, "cache", cache, &disk->cache) < 0 ||
	    parse_choice(p, driver, "io", io, &disk->io) < 0 ||
	    parse_choice(p, driver, "discard", discard, &disk->discard) < 0 ||
	    parse_choice(p, driver, "detect_zeroes", zeroes, &disk->detect_zeroes) < 0 ||
	    parse_choice(p, driver, "error_policy", error, &disk->error_policy) < 0 ||
	    parse_choice(p, driver, "rerror_policy", read_error, &disk->rerror_policy) < 0)
		return -1;
	bool direct = str_eq(disk->cache, "none") || str_eq(disk->cache, "directsync");
	if (str_eq(disk->io, "native") && !direct)
		return parse_invalid(
		    p, driver, "io='native' needs cache='none' or cache='directsync'");
	/* Zeroes that may not be unmapped are written as zeroes, as libvirt has it. */
	if (str_eq(disk->detect_zeroes, "unmap") && !str_eq(disk->discard, "unmap"))
		memcpy(disk->detect_zeroes, "on", sizeof "on");
	return 0;
}

static int parse_switches(struct parse *p, const xmlNode *driver, struct domain_disk *disk)
{
	const struct {
		const char *attr;
		enum domain_switch *out;
	} switches[] = {
	    {"copy_on_read", &disk->copy_on_read},
	    {"event_idx", &disk->event_idx},
	    {"ioeventfd", &disk->ioeventfd},
	    {"packed", &disk->packed},
	    {"ats", &disk->ats},
	    {"iommu", &disk->iommu},
	    {"page_per_vq", &disk->page_per_vq},
	    {"discard_no_unref", &disk->discard_no_unref},
	};
	for (size_t i = 0; i < ARRAY_LEN(switches); i++)
		if (parse_switch(p, driver, switches[i].attr, switches[i].out) < 0)
			return -1;
	for (size_t i = 1; i < ARRAY_LEN(switches) - 1; i++)
		if (*switches[i].out != SWITCH_ABSENT && disk->bus != DISK_VIRTIO)
			return parse_invalid(
			    p, driver, "%s is for bus='virtio' only", switches[i].attr);
	return 0;
}

/* A throttle group each: <throttlefilter group=…/>, the nearest to the image first. */
static int parse_filters(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	const xmlNode *filters = xml_child(node, "throttlefilters");
	for (const xmlNode *n = xml_first(filters); n != NULL; n = xml_next(n)) {
		if (!xml_is(n, "throttlefilter"))
			continue;
		char *group = xml_attr(n, "group");
		if (group == NULL)
			return parse_invalid(p, n, "has no group");
		*DOMAIN_ADD(disk->throttle, disk->n_throttle) = group;
	}
	if (disk->n_throttle > 0 && disk->with_iotune)
		return parse_invalid(p, node, "<iotune> and <throttlefilters> exclude each other");
	return 0;
}

static int parse_driver(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	const xmlNode *driver = xml_child(node, "driver");
	CLEANUP_FREE char *name = xml_attr(driver, "name");
	CLEANUP_FREE char *type = xml_attr(driver, "type");
	if (name != NULL && strcmp(name, "qemu") != 0)
		return parse_refuse(p, driver, "only the driver 'qemu' is supported");
	if (format_parse(p, driver, type, &disk->image.format) < 0 ||
	    parse_policies(p, driver, disk) < 0 || parse_switches(p, driver, disk) < 0 ||
	    parse_number(p, driver, "queues", QUEUES_MAX, &disk->queues) < 0 ||
	    parse_number(p, driver, "queue_size", QUEUE_SIZE_MAX, &disk->queue_size) < 0 ||
	    parse_number(p, driver, "iothread", DOMAIN_IOTHREAD_MAX, &disk->iothread) < 0 ||
	    metadata_cache_parse(p, driver, &disk->image.metadata_cache) < 0)
		return -1;
	if (xml_child(driver, "iothreads") != NULL &&
	    parse_refuse(p, xml_child(driver, "iothreads"),
	        "several iothreads for a disk need QEMU 9.0") < 0)
		return -1;
	if (disk->bus != DISK_VIRTIO && (disk->queues > 0 || disk->queue_size > 0))
		return parse_invalid(p, driver, "queues and queue_size are for bus='virtio' only");
	if (disk->bus != DISK_VIRTIO && disk->iothread > 0)
		return parse_invalid(p, driver,
		    "iothread is for bus='virtio' only; SCSI disks use that of their controller");
	if ((disk->queue_size & (disk->queue_size - 1)) != 0)
		return parse_invalid(
		    p, driver, "queue_size='%u' is not a power of two", disk->queue_size);
	if (disk->copy_on_read == SWITCH_ON && (disk->readonly || disk->device != DISK_DISK))
		return parse_invalid(
		    p, driver, "copy_on_read='on' is for disks that are written to");
	return 0;
}

/* --- target --- */
/* libvirt's: the bus decides, then the target's first letters. */
static int parse_bus(
    struct parse *p, const xmlNode *target, const char *bus, struct domain_disk *disk)
{
	static const struct {
		const char *word, *prefix;
		enum disk_bus bus;
	} buses[] = {
	    {"virtio", "vd", DISK_VIRTIO},
	    {"ide", "hd", DISK_IDE},
	    {"sata", "sd", DISK_SATA},
	    {"scsi", "sd", DISK_SCSI},
	    {"usb", "sd", DISK_USB},
	    {"fdc", "fd", DISK_FDC},
	    {"nvme", "nvme", DISK_NVME},
	};
	for (size_t i = 0; i < ARRAY_LEN(buses); i++) {
		/* Without a bus "sd" is SCSI. */
		if (bus != NULL ? strcmp(bus, buses[i].word) != 0
		                : !str_prefix(disk->target, buses[i].prefix) || i == 2)
			continue;
		disk->bus = buses[i].bus;
		if (!str_prefix(disk->target, buses[i].prefix))
			parse_warn(p, target, "dev='%s' is unusual for bus='%s' (%sa, %sb …)",
			    disk->target, buses[i].word, buses[i].prefix, buses[i].prefix);
		return 0;
	}
	CLEANUP_FREE char *s =
	    str_printable(bus != NULL ? bus : "", bus != NULL ? strlen(bus) : 0, 40);
	return parse_refuse(p, target,
	    "bus='%s': only 'virtio', 'scsi', 'sata', 'ide', 'usb', 'nvme' and 'fdc' are supported",
	    s);
}

static int parse_target(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	static const char *const trays[] = {"closed", "open", NULL};
	const xmlNode *target = xml_child(node, "target");
	CLEANUP_FREE char *bus = xml_attr(target, "bus");
	CLEANUP_FREE char *tray = xml_attr(target, "tray");
	disk->target = xml_attr(target, "dev");
	if (disk->target == NULL)
		return parse_invalid(p, node, "has no <target dev=…>");
	size_t n = strlen(disk->target),
	       letters = strspn(disk->target, "abcdefghijklmnopqrstuvwxyz");
	if (n == 0 || n > 15 || strspn(disk->target, "abcdefghijklmnopqrstuvwxyz0123456789") != n) {
		CLEANUP_FREE char *s = str_printable(disk->target, n, 40);
		return parse_invalid(p, target, "dev='%s' is not a target like vda or sdb", s);
	}
	unsigned nvme[2];
	if (letters != n && disk_target_index(disk->target) < 0 && letters > 2 &&
	    !disk_target_nvme(disk->target, &nvme[0], &nvme[1]))
		return parse_invalid(p, target,
		    "dev='%s' is a partition; a target is a whole disk like vda", disk->target);
	int open;
	if (parse_attr_word(p, target, "tray", trays, 0, &open) < 0 ||
	    parse_switch(p, target, "removable", &disk->removable) < 0 ||
	    parse_number(p, target, "rotation_rate", 65534, &disk->rotation_rate) < 0)
		return -1;
	disk->tray_open = open == 1;
	int rc = parse_bus(p, target, bus, disk);
	if (rc != 0)
		return rc;
	bool ejects = disk->device == DISK_CDROM || disk->device == DISK_FLOPPY;
	if (tray != NULL && !ejects)
		return parse_invalid(p, target, "tray is for CD and floppy drives only");
	if (disk->removable != SWITCH_ABSENT && disk->bus != DISK_USB && disk->bus != DISK_SCSI)
		return parse_invalid(p, target, "removable is for USB and SCSI disks only");
	bool rotates = disk->bus == DISK_IDE || disk->bus == DISK_SATA || disk->bus == DISK_SCSI;
	if (disk->rotation_rate > 0 && (!rotates || disk->device != DISK_DISK))
		return parse_invalid(
		    p, target, "rotation_rate is for disks on bus='ide', 'sata' and 'scsi' only");
	return 0;
}

/* --- what the guest reads of the device --- */
static int parse_text(
    struct parse *p, const xmlNode *node, const char *name, size_t max, char **out)
{
	*out = xml_child_text(node, name);
	if (*out == NULL || (strlen(*out) <= max && parse_text_ok(*out)))
		return 0;
	return parse_invalid(p, xml_child(node, name), "not a line of at most %zu bytes", max);
}

static int parse_wwn(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	const xmlNode *wwn = xml_child(node, "wwn");
	disk->wwn = xml_child_text(node, "wwn");
	if (disk->wwn == NULL)
		return 0;
	if (str_prefix(disk->wwn, "0x"))
		memmove(disk->wwn, disk->wwn + 2, strlen(disk->wwn) - 1);
	if (strlen(disk->wwn) != 16 || strspn(disk->wwn, "0123456789abcdefABCDEF") != 16)
		return parse_invalid(p, wwn, "is not 16 hexadecimal digits");
	if (disk->bus != DISK_IDE && disk->bus != DISK_SATA && disk->bus != DISK_SCSI)
		return parse_invalid(p, wwn, "is for disks on bus='ide', 'sata' and 'scsi' only");
	return disk->device != DISK_LUN ? 0 : parse_invalid(p, wwn, "is not for device='lun'");
}

static int parse_identity(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	if (parse_text(p, node, "serial", SERIAL_MAX, &disk->serial) < 0 ||
	    parse_text(p, node, "vendor", VENDOR_MAX, &disk->vendor) < 0 ||
	    parse_text(p, node, "product", PRODUCT_MAX, &disk->product) < 0 ||
	    parse_wwn(p, node, disk) < 0)
		return -1;
	bool named = disk->vendor != NULL || disk->product != NULL;
	if (named && (disk->bus != DISK_SCSI || disk->device == DISK_LUN))
		return parse_invalid(
		    p, node, "<vendor> and <product> are for disks on bus='scsi' only");
	return 0;
}

static int parse_geometry(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	static const char *const translations[] = {"", "none", "auto", "lba", NULL};
	const xmlNode *g = xml_child(node, "geometry"), *io = xml_child(node, "blockio");
	if (parse_number(p, g, "cyls", CYLINDERS_MAX, &disk->cylinders) < 0 ||
	    parse_number(p, g, "heads", 255, &disk->heads) < 0 ||
	    parse_number(p, g, "secs", 255, &disk->sectors) < 0 ||
	    parse_choice(p, g, "trans", translations, &disk->translation) < 0 ||
	    parse_number(p, io, "logical_block_size", BLOCK_SIZE_MAX, &disk->logical_block) < 0 ||
	    parse_number(p, io, "physical_block_size", BLOCK_SIZE_MAX, &disk->physical_block) < 0 ||
	    parse_number(p, io, "discard_granularity", UINT32_MAX, &disk->discard_granularity) < 0)
		return -1;
	CLEANUP_FREE char *granularity = xml_attr(io, "discard_granularity");
	disk->with_discard_granularity = granularity != NULL;
	if (g != NULL && (disk->cylinders == 0 || disk->heads == 0 || disk->sectors == 0))
		return parse_invalid(p, g, "has to have cyls, heads and secs, from 1");
	bool shaped = disk->bus == DISK_VIRTIO || disk->bus == DISK_IDE || disk->bus == DISK_SATA ||
	              disk->bus == DISK_SCSI;
	if (g != NULL && (!shaped || disk->device != DISK_DISK))
		return parse_invalid(p, g, "is not for device='%s' on bus='%s'",
		    disk_device_name(disk->device), disk_bus_name(disk->bus));
	if (disk->translation != NULL && disk->bus != DISK_IDE && disk->bus != DISK_SATA)
		return parse_invalid(p, g, "trans is for bus='ide' and 'sata' only");
	const unsigned sizes[] = {disk->logical_block, disk->physical_block};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (sizes[i] != 0 && (sizes[i] < 512 || (sizes[i] & (sizes[i] - 1)) != 0))
			return parse_invalid(
			    p, io, "block size %u is not a power of two from 512", sizes[i]);
	if (disk->bus == DISK_FDC && io != NULL)
		return parse_invalid(p, io, "is not for floppy drives");
	return 0;
}

/* --- where it sits --- */
static int parse_place(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	static const enum address_type types[] = {[DISK_VIRTIO] = ADDRESS_PCI,
	    [DISK_IDE] = ADDRESS_DRIVE,
	    [DISK_SATA] = ADDRESS_DRIVE,
	    [DISK_SCSI] = ADDRESS_DRIVE,
	    [DISK_USB] = ADDRESS_USB,
	    [DISK_FDC] = ADDRESS_DRIVE,
	    [DISK_NVME] = ADDRESS_DRIVE};
	static const struct {
		unsigned controllers, buses, targets, units;
		const char *words;
	} limits[] = {
	    [DISK_IDE] = {0, 255, 0, 255, "IDE has controller 0, buses 0 and 1, units 0 and 1"},
	    [DISK_SATA] = {255, 0, 0, 5, "SATA has bus 0, target 0, units 0 to 5"},
	    [DISK_SCSI] = {255, 0, 255, 16383,
	        "SCSI has bus 0, targets 0 to 255, units 0 to 16383"},
	    [DISK_FDC] = {0, 0, 0, 1, "a floppy controller has units 0 and 1"},
	    [DISK_NVME] = {255, 0, 0, 255, "NVMe has bus 0, target 0, units 0 to 255"},
	};
	struct domain_address *a = &disk->address;
	int rc = parse_address(p, node, ADDRESS_BIT(types[disk->bus]), a);
	if (rc != 0 || a->type != ADDRESS_DRIVE)
		return rc;
	if (a->controller > limits[disk->bus].controllers || a->bus > limits[disk->bus].buses ||
	    a->target > limits[disk->bus].targets || a->unit > limits[disk->bus].units)
		return parse_invalid(p, xml_child(node, "address"),
		    "controller='%u' bus='%u' target='%u' unit='%u': %s", a->controller, a->bus,
		    a->target, a->unit, limits[disk->bus].words);
	return 0;
}

static int parse_boot(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	const xmlNode *boot = xml_child(node, "boot");
	if (parse_number(p, boot, "order", 1000, &disk->boot_order) < 0)
		return -1;
	if (boot != NULL && disk->boot_order == 0)
		return parse_invalid(p, boot, "order must be 1 or more");
	return 0;
}

/* --- what fits together --- */
static int check_device(struct parse *p, const xmlNode *node, const struct domain_disk *disk)
{
	enum disk_bus bus = disk->bus;
	bool virtio = bus == DISK_VIRTIO;
	if (bus == DISK_NVME && disk->device != DISK_DISK)
		return parse_invalid(p, node, "device='%s' does not go with bus='nvme'",
		    disk_device_name(disk->device));
	if (disk->device == DISK_CDROM && (virtio || bus == DISK_FDC))
		return parse_invalid(p, node,
		    "a CD drive cannot be on bus='%s'; use 'sata' or 'ide'", disk_bus_name(bus));
	if ((disk->device == DISK_FLOPPY) != (bus == DISK_FDC))
		return parse_invalid(p, node, "device='%s' does not go with bus='%s'",
		    disk_device_name(disk->device), disk_bus_name(bus));
	if (disk->model != NULL && !virtio)
		return parse_invalid(p, node, "model='%s' is for bus='virtio'", disk->model);
	if (disk->device == DISK_LUN && bus != DISK_SCSI && !virtio)
		return parse_invalid(p, node, "device='lun' is for bus='scsi' and 'virtio' only");
	if (disk->readonly && disk->device == DISK_DISK && (bus == DISK_IDE || bus == DISK_SATA))
		return parse_invalid(p, node,
		    "a disk on bus='%s' cannot be read only; use 'virtio' or 'scsi'",
		    disk_bus_name(bus));
	return 0;
}

static int check_lun(struct parse *p, const xmlNode *node, const struct domain_disk *disk)
{
	const struct disk_image *image = &disk->image;
	if (disk->device != DISK_LUN)
		return 0;
	if (image->format != DISK_RAW || image->slice_size != 0 || image->encryption != NULL)
		return parse_invalid(p, node,
		    "device='lun' is the host's own device: raw, whole and not encrypted by QEMU");
	if (disk->serial != NULL || disk->cylinders != 0)
		return parse_invalid(
		    p, node, "device='lun' has the <serial> and <geometry> of the host's device");
	return 0;
}

static int check_image(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	struct disk_image *image = &disk->image;
	bool may_be_empty = disk->device == DISK_CDROM || disk->device == DISK_FLOPPY;
	if (!disk_has_image(disk) && !may_be_empty)
		return parse_invalid(p, node, "has no usable <source>");
	const xmlNode *driver = xml_child(node, "driver");
	CLEANUP_FREE char *type = xml_attr(driver, "type");
	if (image->type == IMAGE_DIR && type == NULL)
		image->format = DISK_FAT;
	bool folder = image->type == IMAGE_DIR || image->type == IMAGE_VOLUME;
	if ((image->type == IMAGE_DIR && image->format != DISK_FAT) ||
	    (image->format == DISK_FAT && !folder))
		return parse_invalid(p, node, "type='dir' and the driver type 'fat' go together");
	if (image->type == IMAGE_VHOST_USER && disk->bus != DISK_VIRTIO)
		return parse_invalid(p, node, "type='vhostuser' is for bus='virtio' only");
	if (disk->shareable && !disk->readonly && image->format != DISK_RAW)
		return parse_invalid(p, node,
		    "<shareable/> needs type='raw': two writers would destroy a %s image",
		    disk_format_name(image->format));
	return 0;
}

static int parse_transient(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	const xmlNode *transient = xml_child(node, "transient");
	disk->transient = transient != NULL;
	if (transient == NULL)
		return 0;
	if (disk->readonly || disk->device != DISK_DISK || disk->image.type != IMAGE_FILE)
		return parse_invalid(
		    p, transient, "is for disks of type='file' that are written to");
	return 0;
}

static int parse_policy(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	static const char *const policies[] = {"", "mandatory", "requisite", "optional", NULL};
	const xmlNode *source = xml_child(node, "source");
	if (parse_choice(p, source, "startupPolicy", policies, &disk->startup_policy) < 0)
		return -1;
	if (disk->startup_policy != NULL && disk->image.type == IMAGE_NETWORK)
		return parse_invalid(p, source, "startupPolicy is not for disks of type='network'");
	bool ejects = disk->device == DISK_CDROM || disk->device == DISK_FLOPPY;
	if (str_eq(disk->startup_policy, "requisite") && !ejects)
		return parse_invalid(
		    p, source, "startupPolicy='requisite' is for CD and floppy drives only");
	return 0;
}

static int parse_kind(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	static const char *const devices[] = {"disk", "cdrom", "floppy", "lun", NULL};
	static const char *const models[] = {
	    "", "virtio", "virtio-transitional", "virtio-non-transitional", NULL};
	static const char *const snapshots[] = {"", "no", "internal", "external", "manual", NULL};
	int kind, snapshot;
	if (parse_attr_word(p, node, "device", devices, 0, &kind) < 0 ||
	    parse_attr_word(p, node, "snapshot", snapshots, 0, &snapshot) < 0 ||
	    parse_choice(p, node, "model", models, &disk->model) < 0)
		return -1;
	disk->device = (enum disk_device)kind;
	disk->readonly = xml_child(node, "readonly") != NULL || disk->device == DISK_CDROM;
	disk->shareable = xml_child(node, "shareable") != NULL;
	CLEANUP_FREE char *rawio = xml_attr(node, "rawio");
	CLEANUP_FREE char *sgio = xml_attr(node, "sgio");
	if ((rawio != NULL || sgio != NULL) && disk->device != DISK_LUN)
		return parse_invalid(p, node, "rawio and sgio are for device='lun' only");
	return 0;
}

static int parse_disk(struct parse *p, const xmlNode *node, struct domain_disk *disk)
{
	static int (*const parts[])(struct parse *, const xmlNode *, struct domain_disk *) = {
	    parse_kind, parse_target, parse_driver, parse_place, parse_identity, parse_geometry,
	    parse_boot};
	const xmlNode *iotune = xml_child(node, "iotune");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int rc = parts[i](p, node, disk);
		if (rc != 0)
			return rc;
	}
	int rc = image_parse(p, node, &disk->image);
	disk->with_iotune = iotune != NULL;
	if (rc == 0 && iotune != NULL)
		rc = iotune_parse(p, iotune, &disk->iotune);
	static int (*const checks[])(struct parse *, const xmlNode *, struct domain_disk *) = {
	    parse_filters, parse_transient, parse_policy, check_image};
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(checks); i++)
		rc = checks[i](p, node, disk);
	if (rc == 0)
		rc = check_device(p, node, disk);
	return rc == 0 ? check_lun(p, node, disk) : rc;
}

int disk_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain *d = p->d;
	if (d->n_disks >= DOMAIN_DISKS_MAX)
		return parse_invalid(p, node, "more than %u disks", DOMAIN_DISKS_MAX);
	struct domain_disk *disk = DOMAIN_ADD(d->disks, d->n_disks);
	disk->line = (unsigned)xmlGetLineNo((xmlNode *)node);
	disk->element = element;
	disk->alias = alias_parse(p, node);
	return parse_disk(p, node, disk);
}
