/* Disks: block nodes and the devices that show them to the guest; boot order. */
#include "kvm/argv_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* --- boot order --- */
static unsigned boot_rank(const struct domain *d, enum domain_boot kind)
{
	if (d->n_boot == 0)
		return 0;
	for (unsigned i = 0; i < d->n_boot; i++)
		if (d->boot[i] == kind)
			return i + 1;
	return 0;
}

/* Neither <boot dev=…> nor <boot order=…> anywhere: the first hard disk, as libvirt has it. */
static bool boot_is_default(const struct domain *d)
{
	for (size_t i = 0; i < d->n_disks; i++)
		if (d->disks[i].boot_order != 0)
			return false;
	for (size_t i = 0; i < d->n_nets; i++)
		if (d->nets[i].boot_order != 0)
			return false;
	return d->n_boot == 0;
}

unsigned build_disk_bootindex(const struct domain *d, size_t disk)
{
	enum disk_device device = d->disks[disk].device;
	if (d->disks[disk].boot_order != 0)
		return d->disks[disk].boot_order;
	for (size_t i = 0; i < disk; i++)
		if (d->disks[i].device == device)
			return 0;
	if (boot_is_default(d))
		return device == DISK_DISK;
	return boot_rank(d, device == DISK_CDROM ? BOOT_CDROM : BOOT_HD);
}

unsigned build_net_bootindex(const struct domain *d, size_t net)
{
	if (d->nets[net].boot_order != 0)
		return d->nets[net].boot_order;
	return net == 0 ? boot_rank(d, BOOT_NETWORK) : 0;
}

/* --- places on IDE and SATA --- */
/* The number of the port (IDE: bus * 2 + unit): the address given, else the target's letter, else
 * the first that is free. -1 none is left. */
static bool port_taken(const struct domain *d, const struct domain_disk *disk, int port)
{
	for (size_t i = 0; i < d->n_disks; i++) {
		const struct domain_disk *o = &d->disks[i];
		if (o != disk && o->bus == disk->bus && o->address.type == ADDRESS_DRIVE &&
		    (int)(o->address.bus * 2 + o->address.unit) == port)
			return true;
	}
	return false;
}

static int disk_port(const struct domain *d, size_t disk)
{
	bool used[6] = {false};
	enum disk_bus bus = d->disks[disk].bus;
	int ports = bus == DISK_IDE ? 4 : 6;
	for (size_t i = 0; i <= disk; i++) {
		const struct domain_disk *k = &d->disks[i];
		if (k->bus != bus)
			continue;
		int port = disk_target_index(k->target);
		if (k->address.type == ADDRESS_DRIVE)
			port = (int)(k->address.bus * 2 + k->address.unit);
		else if (port < 0 || port >= ports || used[port] || port_taken(d, k, port))
			for (port = 0; port < ports && (used[port] || port_taken(d, k, port));)
				port++;
		if (port >= ports)
			return -1;
		used[port] = true;
		if (i == disk)
			return port;
	}
	return -1;
}

void argv_disk_id(const struct domain *d, size_t disk, char id[ARGV_ID_MAX])
{
	const struct domain_disk *k = &d->disks[disk];
	int index = disk_target_index(k->target), port = disk_port(d, disk);
	if (k->bus == DISK_VIRTIO && index >= 0 && str_prefix(k->target, "vd"))
		snprintf(id, ARGV_ID_MAX, "virtio-disk%d", index);
	else if (k->bus == DISK_VIRTIO)
		snprintf(id, ARGV_ID_MAX, "virtio-disk-%s", k->target);
	else if (k->bus == DISK_IDE)
		snprintf(id, ARGV_ID_MAX, "ide0-%d-%d", port / 2, port % 2);
	else
		snprintf(id, ARGV_ID_MAX, "sata0-0-%d", port);
}

/* --- block nodes --- */
static bool cache_is(const struct domain_disk *disk, const char *a, const char *b)
{
	return disk->cache != NULL && (strcmp(disk->cache, a) == 0 || strcmp(disk->cache, b) == 0);
}

/* What both nodes of a disk must agree on. */
static void add_node_options(struct buf *value, const struct domain_disk *disk)
{
	if (disk->discard != NULL)
		buf_addf(value, ",discard=%s", disk->discard);
	if (disk->cache != NULL)
		buf_addf(value, ",cache.direct=%s,cache.no-flush=%s",
		    cache_is(disk, "none", "directsync") ? "on" : "off",
		    cache_is(disk, "unsafe", "unsafe") ? "on" : "off");
}

static void build_nodes(struct builder *b, const struct domain_disk *disk)
{
	struct buf value = BUF_INIT;
	buf_addf(&value, "driver=file,node-name=%s-file", disk->target);
	build_key(&value, "filename", disk->image.path);
	buf_adds(&value, ",auto-read-only=on");
	if (disk->io != NULL)
		build_key(&value, "aio", str_eq(disk->io, "io_uring") ? "io_uring" : disk->io);
	add_node_options(&value, disk);
	build_take(b, "-blockdev", &value);
	buf_addf(&value, "driver=%s,node-name=%s-format,read-only=%s",
	    disk->image.format == DISK_QCOW2 ? "qcow2" : "raw", disk->target,
	    disk->readonly ? "on" : "off");
	if (disk->detect_zeroes != NULL)
		buf_addf(&value, ",detect-zeroes=%s", disk->detect_zeroes);
	add_node_options(&value, disk);
	buf_addf(&value, ",file=%s-file", disk->target);
	build_take(b, "-blockdev", &value);
}

/* --- devices --- */
static int add_place(struct builder *b, struct buf *value, size_t i)
{
	const struct domain_disk *disk = &b->d->disks[i];
	int port = disk_port(b->d, i);
	if (disk->bus == DISK_VIRTIO) {
		build_address(b, value, &disk->address);
		return 0;
	}
	if (port < 0)
		return build_unsupported(b, "disk", disk->line,
		    "no place for '%s' is left on bus '%s'", disk->target,
		    disk_bus_name(disk->bus));
	if (disk->bus == DISK_IDE)
		buf_addf(value, ",bus=ide.%d,unit=%d", port / 2, port % 2);
	else /* q35's own AHCI is named like an IDE controller */
		buf_addf(value, ",bus=%s.%d", domain_is_q35(b->d) ? "ide" : "sata0", port);
	return 0;
}

static int build_disk(struct builder *b, size_t i)
{
	const struct domain_disk *disk = &b->d->disks[i];
	const char *device = disk->bus == DISK_VIRTIO     ? "virtio-blk-pci"
	                     : disk->device == DISK_CDROM ? "ide-cd"
	                                                  : "ide-hd";
	unsigned bootindex = build_disk_bootindex(b->d, i);
	char id[ARGV_ID_MAX];
	CLEANUP_BUF struct buf value = BUF_INIT;
	if (disk->bus == DISK_IDE && domain_is_q35(b->d))
		return build_unsupported(b, "disk", disk->line,
		    "machine 'q35' has no IDE for '%s'; use bus='sata'", disk->target);
	if (disk->bus == DISK_IDE && disk->readonly && disk->device == DISK_DISK)
		return build_unsupported(b, "disk", disk->line,
		    "IDE disks cannot be read only ('%s'); use bus='virtio' or 'sata'",
		    disk->target);
	if (build_need(b, "disk", disk->line, device) < 0)
		return -1;
	if (disk->image.path != NULL)
		build_nodes(b, disk);
	argv_disk_id(b->d, i, id);
	buf_adds(&value, device);
	if (add_place(b, &value, i) < 0)
		return -1;
	if (disk->image.path != NULL)
		buf_addf(&value, ",drive=%s-format", disk->target);
	buf_addf(&value, ",id=%s", id);
	if (bootindex > 0)
		buf_addf(&value, ",bootindex=%u", bootindex);
	if (disk->serial != NULL)
		build_key(&value, "serial", disk->serial);
	if (disk->shareable)
		buf_adds(&value, ",share-rw=on");
	if (disk->cache != NULL && disk->device == DISK_DISK)
		buf_addf(&value, ",write-cache=%s",
		    cache_is(disk, "writethrough", "directsync") ? "off" : "on");
	build_take(b, "-device", &value);
	return 0;
}

int build_disks(struct builder *b)
{
	for (size_t i = 0; i < b->d->n_disks; i++)
		if (build_disk(b, i) < 0)
			return -1;
	return 0;
}
