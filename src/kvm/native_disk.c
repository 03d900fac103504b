/* Disks: a -device with its drive, a -drive that makes its own device, and the flash of firmware. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_source.h"

#define IDE_PORTS 4
#define SATA_PORTS 6

/* --- names: hda, sdb, vdaa, fda --- */
enum { NAME_HD, NAME_SD, NAME_VD, NAME_FD };
static const char *const prefixes[] = {"hd", "sd", "vd", "fd"};
#define NAMES_MAX (26 * 27)

/* wish: its number, -1 none; the next free one when it is taken. */
static void name_target(struct native *n, xmlNode *target, unsigned kind, int wish)
{
	unsigned i = wish >= 0 && wish < NAMES_MAX ? (unsigned)wish : 0;
	if (n->targets[kind][i])
		for (i = 0; i + 1 < NAMES_MAX && n->targets[kind][i];)
			i++;
	n->targets[kind][i] = true;
	if (i < 26)
		nat_attrf(target, "dev", "%s%c", prefixes[kind], 'a' + (int)i);
	else
		nat_attrf(target, "dev", "%s%c%c", prefixes[kind], 'a' + (int)(i / 26 - 1),
		    'a' + (int)(i % 26));
}

/* Our own and libvirt's ids tell the name that a disk had: "virtio-disk3", "vdd-format". */
static int wished_name(const struct nat_opt *o, const char *prefix)
{
	const char *id = nat_get(o, "id"), *drive = nat_get(o, "drive");
	uint64_t number;
	if (id != NULL && str_prefix(id, "virtio-disk") && strcmp(prefix, "vd") == 0 &&
	    str_u64(id + strlen("virtio-disk"), NAMES_MAX - 1, &number) == 0)
		return (int)number;
	if (drive != NULL && str_prefix(drive, prefix) && drive[2] >= 'a' && drive[2] <= 'z' &&
	    drive[3] == '-')
		return drive[2] - 'a';
	return -1;
}

/* --- what all devices have --- */
static void add_drive_address(
    xmlNode *disk, unsigned controller, unsigned bus, unsigned target, unsigned unit)
{
	xmlNode *a = nat_el(disk, "address");
	nat_attr(a, "type", "drive");
	nat_attru(a, "controller", controller);
	nat_attru(a, "bus", bus);
	nat_attru(a, "target", target);
	nat_attru(a, "unit", unit);
}

static void take_text(struct nat_opt *o, xmlNode *disk, const char *key, const char *element)
{
	const char *value = nat_take(o, key);
	if (value != NULL)
		nat_text(disk, element, value);
}

/* The target of a disk stands before what is optional; driver is its <driver>, NULL none. */
static void express_device(struct native *n, struct nat_opt *o, const struct nat_source *s,
    xmlNode *disk, const char *device)
{
	static const struct {
		const char *key, *attr;
	} driver_keys[] = {{"num-queues", "queues"}, {"queue-size", "queue_size"},
	    {"iothread", "iothread"}, {"event_idx", "event_idx"}, {"ioeventfd", "ioeventfd"},
	    {"packed", "packed"}, {"ats", "ats"}, {"iommu_platform", "iommu"},
	    {"page-per-vq", "page_per_vq"}};
	const char *boot = nat_take(o, "bootindex");
	xmlNode *driver = disk->children;
	while (driver != NULL && !xmlStrEqual(driver->name, (const xmlChar *)"driver"))
		driver = driver->next;
	for (size_t i = 0; i < ARRAY_LEN(driver_keys); i++) {
		const char *v = nat_get(o, driver_keys[i].key);
		if (v == NULL)
			continue;
		if (driver == NULL) {
			driver = nat_el(disk, "driver");
			nat_attr(driver, "name", "qemu");
		}
		if (strcmp(driver_keys[i].key, "iothread") != 0)
			nat_attr(driver, driver_keys[i].attr, v);
		else if (nat_iothread(n, v) > 0)
			nat_attru(driver, "iothread", nat_iothread(n, v));
		else
			continue;
		nat_take(o, driver_keys[i].key);
	}
	nat_attr(disk, "device", device);
	if (s->readonly || strcmp(device, "cdrom") == 0)
		nat_el(disk, "readonly");
	if (nat_is_on(nat_take(o, "share-rw")))
		nat_el(disk, "shareable");
	if (s->serial != NULL)
		nat_text(disk, "serial", s->serial);
	take_text(o, disk, "serial", "serial");
	const char *wwn = nat_take(o, "wwn");
	if (wwn != NULL)
		nat_text(disk, "wwn", str_prefix(wwn, "0x") ? wwn + 2 : wwn);
	take_text(o, disk, "vendor", "vendor");
	take_text(o, disk, "product", "product");
	const char *logical = nat_take(o, "logical_block_size");
	const char *physical = nat_take(o, "physical_block_size");
	if (logical != NULL || physical != NULL) {
		xmlNode *b = nat_el(disk, "blockio");
		nat_attr(b, "logical_block_size", logical);
		nat_attr(b, "physical_block_size", physical);
	}
	if (boot != NULL)
		nat_attr(nat_el(disk, "boot"), "order", boot);
	nat_ignore(o, "scsi", "off");
}

/* --- places --- */
static int first_free(const bool *used, int n)
{
	for (int i = 0; i < n; i++)
		if (!used[i])
			return i;
	return -1;
}

/* The number after the last dot of "ide.1"; -1 none. */
static int bus_number(const char *bus)
{
	uint64_t number;
	const char *dot = bus != NULL ? strrchr(bus, '.') : NULL;
	return dot != NULL && str_u64(dot + 1, 255, &number) == 0 ? (int)number : -1;
}

static bool place_sata(struct native *n, struct nat_opt *o, xmlNode *disk, xmlNode *target)
{
	const char *bus = nat_get(o, "bus");
	bool own = n->q35 && (bus == NULL || str_prefix(bus, "ide."));
	const struct nat_bus *b = own ? NULL : nat_bus(n, NAT_BUS_SATA, bus);
	int port = bus != NULL ? bus_number(bus) : first_free(n->sata, SATA_PORTS);
	unsigned controller = b != NULL ? b->index : 0;
	if ((!own && b == NULL) || port < 0)
		return false;
	nat_take(o, "bus");
	nat_ignore(o, "unit", "0");
	if (controller == 0 && port < SATA_PORTS)
		n->sata[port] = true;
	int wish = wished_name(o, "sd");
	name_target(n, target, NAME_SD, wish >= 0 ? wish : controller == 0 ? port : -1);
	nat_attr(target, "bus", "sata");
	add_drive_address(disk, controller, 0, 0, (unsigned)port);
	return true;
}

static bool place_ide(struct native *n, struct nat_opt *o, xmlNode *disk, xmlNode *target)
{
	const char *bus = nat_get(o, "bus"), *unit_text = nat_get(o, "unit");
	int number = bus_number(bus), place;
	uint64_t unit = 0;
	if (n->q35 || (bus != NULL && !str_prefix(bus, "ide.")))
		return place_sata(n, o, disk, target);
	if (unit_text != NULL && str_u64(unit_text, 1, &unit) < 0)
		return false;
	if (bus == NULL)
		place = first_free(n->ide, IDE_PORTS);
	else
		place = unit_text != NULL ? number * 2 + (int)unit
		                          : number * 2 + n->ide[number & 1 ? 2 : 0];
	if (place < 0 || place >= IDE_PORTS)
		return false;
	nat_take(o, "bus");
	nat_take(o, "unit");
	n->ide[place] = true;
	name_target(n, target, NAME_HD, place);
	nat_attr(target, "bus", "ide");
	add_drive_address(disk, 0, (unsigned)place / 2, 0, (unsigned)place % 2);
	return true;
}

static uint64_t take_number(struct nat_opt *o, const char *key)
{
	uint64_t value = 0;
	const char *text = nat_get(o, key);
	if (text != NULL && str_u64(text, 65535, &value) == 0)
		nat_take(o, key);
	return value;
}

static bool place_scsi(struct native *n, struct nat_opt *o, xmlNode *disk, xmlNode *target)
{
	const struct nat_bus *b = nat_bus(n, NAT_BUS_SCSI, nat_get(o, "bus"));
	const char *device_id = nat_get(o, "device_id");
	bool placed = nat_get(o, "scsi-id") != NULL || nat_get(o, "lun") != NULL;
	if (b == NULL)
		return false;
	nat_take(o, "bus");
	/* libvirt's own form, which it gives to every disk. */
	if (device_id != NULL && str_prefix(device_id, "drive-scsi"))
		nat_take(o, "device_id");
	name_target(n, target, NAME_SD, wished_name(o, "sd"));
	nat_attr(target, "bus", "scsi");
	nat_attr(target, "rotation_rate", nat_take(o, "rotation_rate"));
	uint64_t channel = take_number(o, "channel"), id = take_number(o, "scsi-id");
	uint64_t lun = take_number(o, "lun");
	if (placed)
		add_drive_address(disk, b->index, (unsigned)channel, (unsigned)id, (unsigned)lun);
	return true;
}

static bool place_virtio(struct native *n, struct nat_opt *o, xmlNode *disk, xmlNode *target)
{
	name_target(n, target, NAME_VD, wished_name(o, "vd"));
	nat_attr(target, "bus", "virtio");
	nat_pci(n, o, disk);
	return true;
}

static bool place_usb(struct native *n, struct nat_opt *o, xmlNode *disk, xmlNode *target)
{
	name_target(n, target, NAME_SD, wished_name(o, "sd"));
	nat_attr(target, "bus", "usb");
	const char *removable = nat_take(o, "removable");
	nat_attr(target, "removable",
	    removable == NULL      ? NULL
	    : nat_is_on(removable) ? "on"
	                           : "off");
	nat_usb(n, o, disk);
	return true;
}

static bool place_floppy(struct native *n, struct nat_opt *o, xmlNode *disk, xmlNode *target)
{
	uint64_t unit = take_number(o, "unit");
	if (unit > 1)
		return false;
	nat_ignore(o, "bus", "floppy-bus.0");
	name_target(n, target, NAME_FD, (int)unit);
	nat_attr(target, "bus", "fdc");
	add_drive_address(disk, 0, 0, 0, (unsigned)unit);
	return true;
}

static const struct kind {
	const char *driver, *device, *model;
	bool (*place)(struct native *n, struct nat_opt *o, xmlNode *disk, xmlNode *target);
} kinds[] = {
    {"virtio-blk-pci", "disk", NULL, place_virtio},
    {"virtio-blk-pci-transitional", "disk", "virtio-transitional", place_virtio},
    {"virtio-blk-pci-non-transitional", "disk", "virtio-non-transitional", place_virtio},
    {"virtio-blk", "disk", NULL, place_virtio},
    {"ide-hd", "disk", NULL, place_ide},
    {"ide-cd", "cdrom", NULL, place_ide},
    {"scsi-hd", "disk", NULL, place_scsi},
    {"scsi-cd", "cdrom", NULL, place_scsi},
    {"scsi-block", "lun", NULL, place_scsi},
    {"usb-storage", "disk", NULL, place_usb},
    {"floppy", "floppy", NULL, place_floppy},
};

bool nat_disk_device(struct native *n, struct nat_opt *o)
{
	const char *driver = nat_get(o, "driver"), *drive = nat_get(o, "drive");
	const struct kind *k = NULL;
	struct nat_source s = {0};
	for (size_t i = 0; driver != NULL && i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].driver, driver) == 0)
			k = &kinds[i];
	if (k == NULL)
		return false;
	nat_begin(n, o);
	xmlNode *disk = nat_device(n, NAT_DISK, "disk");
	nat_attr(disk, "model", k->model);
	if (drive != NULL && !nat_source_find(n, drive, &s)) {
		nat_note(n, "-device %s: there is no drive '%s'", driver, drive);
		return nat_end(n, disk, false);
	}
	nat_take(o, "driver");
	nat_take(o, "drive");
	const char *write_cache = nat_take(o, "write-cache");
	nat_attr(disk, "type", "file");
	bool ok = nat_source_express(n, &s, disk, write_cache);
	xmlNode *target = nat_el(disk, "target");
	ok = ok && k->place(n, o, disk, target);
	nat_take(o, "id");
	express_device(n, o, &s, disk, k->device);
	return nat_end(n, disk, ok);
}

/* --- drives that make their own device --- */
static void replace(struct nat_opt *o, const char *fmt, const char *file)
{
	struct buf value = BUF_INIT;
	buf_adds(&value, fmt);
	buf_adds(&value, "file=");
	for (const char *s = file; *s != '\0'; s++) {
		if (*s == ',')
			buf_addc(&value, ',');
		buf_addc(&value, *s);
	}
	nat_opt_fini(o);
	nat_opt_init(o, "drive", value.data);
	buf_fini(&value);
}

/* -hda and the like are abbreviations. */
static void spell_out(struct native *n)
{
	static const char *const shorts[][2] = {{"hda", "index=0,media=disk,"},
	    {"hdb", "index=1,media=disk,"}, {"hdc", "index=2,media=disk,"},
	    {"hdd", "index=3,media=disk,"}, {"cdrom", "index=2,media=cdrom,"},
	    {"fda", "if=floppy,index=0,"}, {"fdb", "if=floppy,index=1,"}, {"pflash", "if=pflash,"}};
	for (size_t i = 0; i < n->opts.n; i++)
		for (size_t k = 0; k < ARRAY_LEN(shorts); k++) {
			struct nat_opt *o = &n->opts.o[i];
			if (strcmp(o->name, shorts[k][0]) != 0 || o->value == NULL)
				continue;
			CLEANUP_FREE char *file = xstrdup(o->value);
			replace(o, shorts[k][1], file);
		}
	/* The array has room for one option for each word. */
	for (size_t i = 0; i < n->opts.n_loose; i++) {
		struct nat_opt *o = &n->opts.o[n->opts.n++];
		nat_opt_init(o, "drive", "");
		replace(o, "index=0,media=disk,", n->opts.loose[i]);
	}
}

/* A device of this kind for the drive, its place in keys of the drive itself. */
static bool express_drive(struct native *n, struct nat_opt *o, const char *bus, int index)
{
	struct nat_source s = {0};
	bool cdrom = str_eq(nat_get(o, "media"), "cdrom"), floppy = strcmp(bus, "fdc") == 0;
	nat_begin(n, o);
	xmlNode *disk = nat_device(n, NAT_DISK, "disk");
	nat_take(o, "media");
	nat_take(o, "if");
	nat_take(o, "index");
	nat_take(o, "bus");
	nat_take(o, "unit");
	nat_source_drive(n, o, &s);
	nat_attr(disk, "type", "file");
	bool ok = nat_source_express(n, &s, disk, NULL);
	xmlNode *target = nat_el(disk, "target");
	if (strcmp(bus, "virtio") == 0) {
		name_target(n, target, NAME_VD, -1);
		nat_pci_at(n, disk, 0, nat_pci_slot(n, 0), 0);
	} else if (floppy) {
		name_target(n, target, NAME_FD, index);
		add_drive_address(disk, 0, 0, 0, (unsigned)index);
	} else if (n->q35) {
		n->sata[index % SATA_PORTS] = true;
		bus = "sata";
		name_target(n, target, NAME_SD, index);
		add_drive_address(disk, 0, 0, 0, (unsigned)index);
	} else {
		n->ide[index % IDE_PORTS] = true;
		name_target(n, target, NAME_HD, index);
		add_drive_address(disk, 0, (unsigned)index / 2, 0, (unsigned)index % 2);
	}
	nat_attr(target, "bus", bus);
	express_device(n, o, &s, disk, floppy ? "floppy" : cdrom ? "cdrom" : "disk");
	return nat_end(n, disk, ok);
}

/* index=, or bus= and unit=, or the next that is free. */
static int drive_index(const struct nat_opt *o, const bool *used, int max, int per_bus)
{
	uint64_t index, bus = 0, unit = 0;
	const char *i = nat_get(o, "index"), *b = nat_get(o, "bus"), *u = nat_get(o, "unit");
	if (i != NULL)
		return str_u64(i, (uint64_t)max - 1, &index) == 0 ? (int)index : -1;
	if (b == NULL && u == NULL)
		return first_free(used, max);
	if ((b != NULL && str_u64(b, 16, &bus) < 0) || (u != NULL && str_u64(u, 16, &unit) < 0))
		return -1;
	int place = (int)bus * per_bus + (int)unit;
	return place < max ? place : -1;
}

static void express_one(struct native *n, struct nat_opt *o)
{
	const char *interface = nat_get(o, "if");
	int index;
	if (interface == NULL || strcmp(interface, "ide") == 0) {
		bool *used = n->q35 ? n->sata : n->ide;
		index = drive_index(o, used, n->q35 ? SATA_PORTS : IDE_PORTS, n->q35 ? 1 : 2);
		if (index >= 0)
			express_drive(n, o, "ide", index);
	} else if (strcmp(interface, "virtio") == 0) {
		express_drive(n, o, "virtio", 0);
	} else if (strcmp(interface, "floppy") == 0) {
		index = drive_index(o, n->targets[NAME_FD], 2, 2);
		if (index >= 0)
			express_drive(n, o, "fdc", index);
	}
}

/* QEMU gives every machine an empty CD drive, and a pc a floppy drive, unless told otherwise. */
static void express_defaults(struct native *n)
{
	bool cdrom = nat_has_device(n, "ide-cd ide-hd ide-cf scsi-cd scsi-hd");
	bool floppy = n->q35 || nat_has_device(n, "isa-fdc floppy") || n->targets[NAME_FD][0];
	for (size_t i = 0; i < n->opts.n; i++) {
		const struct nat_opt *o = &n->opts.o[i];
		cdrom = cdrom ||
		        (strcmp(o->name, "drive") == 0 && (str_eq(nat_get(o, "media"), "cdrom") ||
		                                              str_eq(nat_get(o, "index"), "2")));
	}
	if (!cdrom && !(n->q35 ? n->sata : n->ide)[2]) {
		struct nat_opt empty;
		nat_opt_init(&empty, "drive", "media=cdrom");
		express_drive(n, &empty, "ide", 2);
		nat_opt_fini(&empty);
	}
	if (!floppy) {
		struct nat_opt empty;
		nat_opt_init(&empty, "drive", "if=floppy");
		express_drive(n, &empty, "fdc", 0);
		nat_opt_fini(&empty);
	}
}

void nat_disk_drives(struct native *n)
{
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (strcmp(o->name, "drive") == 0 && !o->used)
			express_one(n, o);
	}
	if (!n->nodefaults)
		express_defaults(n);
}

/* --- firmware --- */
static struct nat_opt *find_flash(struct native *n, unsigned unit)
{
	CLEANUP_FREE char *wanted = xasprintf("%u", unit);
	unsigned seen = 0;
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (o->used || strcmp(o->name, "drive") != 0 || !str_eq(nat_get(o, "if"), "pflash"))
			continue;
		const char *u =
		    nat_get(o, "unit") != NULL ? nat_get(o, "unit") : nat_get(o, "index");
		if (u != NULL ? strcmp(u, wanted) == 0 : seen == unit)
			return o;
		seen++;
	}
	return NULL;
}

static bool flash_source(struct native *n, unsigned unit, struct nat_source *s)
{
	struct nat_opt *m = nat_first(n, "machine"), *o = find_flash(n, unit);
	CLEANUP_FREE char *key = xasprintf("pflash%u", unit);
	*s = (struct nat_source){0};
	if (o != NULL) {
		nat_open(n, o);
		nat_take(o, "if");
		nat_take(o, "unit");
		nat_take(o, "index");
		nat_source_drive(n, o, s);
		return s->file != NULL;
	}
	return m != NULL && nat_get(m, key) != NULL && nat_source_find(n, nat_get(m, key), s) &&
	       s->file != NULL && nat_take(m, key) != NULL;
}

static bool take_secure(struct native *n)
{
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (o->used || strcmp(o->name, "global") != 0 || o->value == NULL)
			continue;
		if (strcmp(o->value, "driver=cfi.pflash01,property=secure,value=on") == 0 ||
		    strcmp(o->value, "cfi.pflash01.secure=on") == 0) {
			o->used = true;
			return true;
		}
	}
	return false;
}

static void express_flash(struct native *n)
{
	struct nat_source code, vars;
	n->n_open = 0;
	if (!flash_source(n, 0, &code)) {
		n->n_open = 0;
		return;
	}
	CLEANUP_FREE char *path = nat_path(n, code.file);
	xmlNode *loader = nat_text(n->os, "loader", path);
	nat_attr(loader, "readonly", code.readonly ? "yes" : "no");
	if (take_secure(n))
		nat_attr(loader, "secure", "yes");
	nat_attr(loader, "type", "pflash");
	if (str_eq(code.format, "qcow2"))
		nat_attr(loader, "format", "qcow2");
	nat_end(n, loader, true);
	n->n_open = 0;
	if (!flash_source(n, 1, &vars)) {
		n->n_open = 0;
		return;
	}
	CLEANUP_FREE char *vars_path = nat_path(n, vars.file);
	xmlNode *nvram = nat_text(n->os, "nvram", vars_path);
	if (str_eq(vars.format, "qcow2"))
		nat_attr(nvram, "format", "qcow2");
	nat_end(n, nvram, true);
}

void nat_firmware(struct native *n)
{
	struct nat_opt *bios = nat_first(n, "bios"), *m = nat_first(n, "machine");
	const char *left;
	spell_out(n);
	express_flash(n);
	if (m != NULL && !m->used)
		m->used = nat_all_taken(m, &left);
	if (bios == NULL || bios->value == NULL)
		return;
	CLEANUP_FREE char *path = nat_path(n, bios->value);
	nat_attr(nat_text(n->os, "loader", path), "type", "rom");
	bios->used = true;
}
