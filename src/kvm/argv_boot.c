/* Boot order: what <os><boot dev=…> and <boot order=…> make of each device. */
#include "kvm/argv_impl.h"

static unsigned boot_rank(const struct domain *d, enum domain_boot kind)
{
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
	for (size_t i = 0; i < d->n_devs; i++)
		if (attrs_number(&d->devs[i].attrs, "boot@order", 0) != 0)
			return false;
	return d->n_boot == 0;
}

static enum domain_boot boot_kind(const struct domain_disk *disk)
{
	return disk->device == DISK_CDROM    ? BOOT_CDROM
	       : disk->device == DISK_FLOPPY ? BOOT_FD
	                                     : BOOT_HD;
}

unsigned build_disk_bootindex(const struct domain *d, size_t disk)
{
	enum domain_boot kind = boot_kind(&d->disks[disk]);
	if (d->disks[disk].boot_order != 0)
		return d->disks[disk].boot_order;
	for (size_t i = 0; i < disk; i++)
		if (boot_kind(&d->disks[i]) == kind)
			return 0;
	if (boot_is_default(d))
		return kind == BOOT_HD;
	return boot_rank(d, kind);
}

unsigned build_net_bootindex(const struct domain *d, size_t net)
{
	if (d->nets[net].boot_order != 0)
		return d->nets[net].boot_order;
	return net == 0 ? boot_rank(d, BOOT_NETWORK) : 0;
}
