/* Disks as devices on their buses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv_image.h"

/* --- ids --- */
/* Controllers whose disks have no targets: libvirt's ids of them have three numbers. */
static bool is_narrow(const struct domain *d, unsigned controller)
{
	static const char *const narrow[] = {"lsilogic", "dc390", "am53c974"};
	const struct domain_controller *c = domain_controller(d, CONTROLLER_SCSI, controller);
	for (size_t i = 0; i < ARRAY_LEN(narrow); i++)
		if (c == NULL || c->model == NULL || strcmp(c->model, narrow[i]) == 0)
			return true;
	return false;
}

void argv_disk_id(const struct domain *d, size_t disk, char id[ARGV_ID_MAX])
{
	const struct domain_disk *k = &d->disks[disk];
	const struct domain_address *a = &k->address;
	const char *bus = disk_bus_name(k->bus);
	int index = disk_target_index(k->target);
	if (k->alias != NULL && strlen(k->alias) < ARGV_ID_MAX) {
		snprintf(id, ARGV_ID_MAX, "%s", k->alias);
		return;
	}
	if (k->bus == DISK_VIRTIO || k->bus == DISK_USB) {
		/* The letters give the number, where nobody else has it by other letters. */
		if (index >= 0 && str_prefix(k->target, k->bus == DISK_VIRTIO ? "vd" : "sd"))
			snprintf(id, ARGV_ID_MAX, "%s-disk%d", bus, index);
		else
			snprintf(id, ARGV_ID_MAX, "%s-disk-%s", bus, k->target);
	} else if (k->bus == DISK_SCSI && !is_narrow(d, a->controller)) {
		snprintf(
		    id, ARGV_ID_MAX, "scsi%u-%u-%u-%u", a->controller, a->bus, a->target, a->unit);
	} else {
		snprintf(id, ARGV_ID_MAX, "%s%u-%u-%u", bus, a->controller, a->bus, a->unit);
	}
}

/* --- places --- */
static void add_place(struct builder *b, struct buf *value, const struct domain_disk *disk)
{
	const struct domain_address *a = &disk->address;
	switch (disk->bus) {
	case DISK_VIRTIO:
	case DISK_USB:
		build_address(b, value, a);
		if (a->acpi_index != 0)
			buf_addf(value, ",acpi-index=%u", a->acpi_index);
		return;
	case DISK_IDE:
		buf_addf(value, ",bus=ide.%u,unit=%u", a->bus, a->unit);
		return;
	case DISK_SATA: /* q35's own AHCI is named like an IDE controller */
		if (a->controller == 0 && domain_is_q35(b->d))
			buf_addf(value, ",bus=ide.%u", a->unit);
		else
			buf_addf(value, ",bus=sata%u.%u", a->controller, a->unit);
		return;
	case DISK_SCSI:
		buf_addf(value, ",bus=scsi%u.0", a->controller);
		if (is_narrow(b->d, a->controller))
			buf_addf(value, ",scsi-id=%u", a->unit);
		else
			buf_addf(
			    value, ",channel=%u,scsi-id=%u,lun=%u", a->bus, a->target, a->unit);
		return;
	case DISK_FDC:
		buf_addf(value, ",unit=%u", a->unit);
		return;
	case DISK_NVME:
		buf_addf(value, ",bus=nvme%u,nsid=%u", a->controller, a->unit + 1);
		return;
	}
}

static const char *device_of(const struct domain_disk *disk)
{
	bool cdrom = disk->device == DISK_CDROM;
	switch (disk->bus) {
	case DISK_VIRTIO:
		if (disk->image.type == IMAGE_VHOST_USER)
			return "vhost-user-blk-pci";
		return str_eq(disk->model, "virtio-transitional") ? "virtio-blk-pci-transitional"
		       : str_eq(disk->model, "virtio-non-transitional")
		           ? "virtio-blk-pci-non-transitional"
		           : "virtio-blk-pci";
	case DISK_IDE:
	case DISK_SATA:
		return cdrom ? "ide-cd" : "ide-hd";
	case DISK_SCSI:
		return disk->device == DISK_LUN ? "scsi-block" : cdrom ? "scsi-cd" : "scsi-hd";
	case DISK_USB:
		return cdrom ? "scsi-cd" : "usb-storage";
	case DISK_FDC:
		return "floppy";
	case DISK_NVME:
		return "nvme-ns";
	}
	return "";
}

/* --- properties --- */
static void add_switch(struct buf *value, const char *key, enum domain_switch s)
{
	if (s != SWITCH_ABSENT)
		buf_addf(value, ",%s=%s", key, s == SWITCH_ON ? "on" : "off");
}

static void add_number(struct buf *value, const char *key, unsigned n)
{
	if (n != 0)
		buf_addf(value, ",%s=%u", key, n);
}

static void add_text(struct buf *value, const char *key, const char *text)
{
	if (text != NULL)
		build_key(value, key, text);
}

static void add_virtio(struct buf *value, const struct domain_disk *disk)
{
	if (disk->bus != DISK_VIRTIO)
		return;
	if (disk->iothread != 0)
		buf_addf(value, ",iothread=iothread%u", disk->iothread);
	add_switch(value, "ioeventfd", disk->ioeventfd);
	add_switch(value, "event_idx", disk->event_idx);
	add_switch(value, "iommu_platform", disk->iommu);
	add_switch(value, "ats", disk->ats);
	add_switch(value, "packed", disk->packed);
	add_switch(value, "page-per-vq", disk->page_per_vq);
	add_number(value, "num-queues", disk->queues);
	/* SCSI commands to the host's disk went with virtio 0.9 and not further. */
	if (disk->device == DISK_LUN)
		buf_addf(value, ",scsi=on%s", disk->model == NULL ? ",disable-modern=on" : "");
	add_number(value, "queue-size", disk->queue_size);
}

/* QEMU's word for ENOSPC alone is for writing only; reading then goes as by default. */
static void add_policies(struct buf *value, const struct domain_disk *disk)
{
	const char *write = disk->error_policy, *read = disk->rerror_policy;
	bool enospc = str_eq(write, "enospace");
	if (write != NULL)
		buf_addf(value, ",werror=%s", enospc ? "enospc" : write);
	if (read == NULL && !enospc)
		read = write;
	add_text(value, "rerror", read);
}

static void add_identity(struct buf *value, const struct domain_disk *disk, const char *id)
{
	bool scsi = disk->bus == DISK_SCSI && disk->device != DISK_LUN;
	/* The name that the guest reads of the disk was once that of the drive, and must not change. */
	if (scsi && disk->serial != NULL)
		build_key(value, "device_id", disk->serial);
	else if (scsi)
		buf_addf(value, ",device_id=drive-%s", id);
	if (disk->bus != DISK_NVME) /* the controller's */
		add_text(value, "serial", disk->serial);
	if (disk->wwn != NULL)
		buf_addf(value, ",wwn=0x%s", disk->wwn);
	add_text(value, "vendor", disk->vendor);
	add_text(value, "product", disk->product);
	add_number(value, "rotation_rate", disk->rotation_rate);
}

static void add_shape(struct buf *value, const struct domain_disk *disk)
{
	add_number(value, "logical_block_size", disk->logical_block);
	add_number(value, "physical_block_size", disk->physical_block);
	if (disk->with_discard_granularity)
		buf_addf(value, ",discard_granularity=%u", disk->discard_granularity);
	add_number(value, "cyls", disk->cylinders);
	add_number(value, "heads", disk->heads);
	add_number(value, "secs", disk->sectors);
	add_text(value, "bios-chs-trans", disk->translation);
}

static bool writes_through(const struct domain_disk *disk)
{
	return str_eq(disk->cache, "writethrough") || str_eq(disk->cache, "directsync");
}

static void add_properties(
    struct buf *value, const struct domain_disk *disk, const char *id, unsigned bootindex)
{
	add_virtio(value, disk);
	/* A floppy's is the controller's: see build_floppy_boot. */
	if (disk->bus != DISK_FDC)
		add_number(value, "bootindex", bootindex);
	if (disk->image.type == IMAGE_VHOST_USER)
		return;
	add_identity(value, disk, id);
	add_shape(value, disk);
	if (disk->shareable)
		buf_adds(value, ",share-rw=on");
	if (disk->bus == DISK_USB && disk->device != DISK_CDROM)
		buf_addf(value, ",removable=%s", disk->removable == SWITCH_ON ? "on" : "off");
	else if (disk->bus == DISK_SCSI)
		add_switch(value, "removable", disk->removable);
	if (disk->cache != NULL && disk->device == DISK_DISK)
		buf_addf(value, ",write-cache=%s", writes_through(disk) ? "off" : "on");
	if (disk->bus != DISK_NVME) /* it reports errors to the guest, and knows nothing else */
		add_policies(value, disk);
}

/* --- the device --- */
static int build_vhost_user(struct builder *b, const struct domain_disk *disk, const char *id)
{
	struct buf value = BUF_INIT;
	buf_addf(&value, "socket,id=chr-vu-%s", id);
	build_key(&value, "path", disk->image.path);
	if (disk->image.vhost_reconnect > 0)
		buf_addf(&value, ",reconnect=%u", disk->image.vhost_reconnect);
	build_take(b, "-chardev", &value);
	return 0;
}

/* QEMU's usb-storage knows no CD; its bulk-only transport carries a SCSI drive. */
static int build_usb_cdrom(struct builder *b, const struct domain_disk *disk, const char *id)
{
	struct buf value = BUF_INIT;
	buf_addf(&value, "usb-bot,id=%s-bot", id);
	build_address(b, &value, &disk->address);
	return build_device(b, "disk", disk->line, &value);
}

static void build_floppy_boot(struct builder *b, const struct domain_disk *disk, unsigned bootindex)
{
	if (disk->bus == DISK_FDC && bootindex > 0)
		build_addf(b, "-global", "isa-fdc.bootindex%c=%u",
		    disk->address.unit == 0 ? 'A' : 'B', bootindex);
}

/* --- what QEMU would refuse less clearly --- */
static bool names_one_file(const struct domain_disk *a, const struct domain_disk *b)
{
	bool files = a->image.type <= IMAGE_BLOCK && b->image.type <= IMAGE_BLOCK;
	return files && a->image.path != NULL && str_eq(a->image.path, b->image.path) &&
	       !(a->readonly && b->readonly) && !(a->shareable && b->shareable);
}

static int check_disk(struct builder *b, size_t i)
{
	const struct domain_disk *disk = &b->d->disks[i];
	const struct domain_address *a = &disk->address;
	if (disk->bus == DISK_IDE && (a->bus > 1 || a->unit > 1))
		return build_unsupported(b, "disk", disk->line,
		    "'%s': bus='%u' unit='%u': IDE has buses 0 and 1 with units 0 and 1",
		    disk->target, a->bus, a->unit);
	if (disk->device == DISK_LUN && disk->image.type != IMAGE_BLOCK &&
	    !str_eq(disk->image.protocol, "iscsi"))
		return build_unsupported(b, "disk", disk->line,
		    "'%s': device='lun' needs type='block', or iscsi", disk->target);
	for (size_t k = 0; k < i; k++)
		if (names_one_file(&b->d->disks[k], disk))
			return build_unsupported(b, "disk", disk->line,
			    "'%s': file '%s' is that of '%s' too, and one of them writes",
			    disk->target, disk->image.path, b->d->disks[k].target);
	return 0;
}

int build_disk(struct builder *b, size_t i)
{
	const struct domain_disk *disk = &b->d->disks[i];
	bool vhost_user = disk->image.type == IMAGE_VHOST_USER;
	bool usb_cdrom = disk->bus == DISK_USB && disk->device == DISK_CDROM;
	unsigned bootindex = build_disk_bootindex(b->d, i);
	char id[ARGV_ID_MAX], top[NODE_NAME_MAX];
	CLEANUP_BUF struct buf value = BUF_INIT;
	if (check_disk(b, i) < 0)
		return -1;
	argv_disk_id(b->d, i, id);
	if (vhost_user && build_vhost_user(b, disk, id) < 0)
		return -1;
	if (!vhost_user && disk_has_image(disk) && build_image(b, i, top) < 0)
		return -1;
	build_floppy_boot(b, disk, bootindex);
	if (usb_cdrom && build_usb_cdrom(b, disk, id) < 0)
		return -1;
	buf_adds(&value, device_of(disk));
	if (usb_cdrom)
		buf_addf(&value, ",bus=%s-bot.0", id);
	else
		add_place(b, &value, disk);
	if (vhost_user)
		buf_addf(&value, ",chardev=chr-vu-%s", id);
	else if (disk_has_image(disk))
		buf_addf(&value, ",drive=%s", top);
	buf_addf(&value, ",id=%s", id);
	add_properties(&value, disk, id, bootindex);
	return build_device(b, "disk", disk->line, &value);
}

int build_disks(struct builder *b)
{
	for (size_t i = 0; i < b->d->n_disks; i++)
		if (build_disk(b, i) < 0)
			return -1;
	return 0;
}
