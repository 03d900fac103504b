/* Which devices sit on which buses, in the order in which libvirt hands addresses out: a document that it wrote and one
 * that we complete mean the same. */
#include "core/domain_address.h"

#include <string.h>

#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

#define SEAT_SKIP ((enum seat) - 1) /* not to be told of now */

struct visit {
	struct domain *d;
	seat_fn fn;
	void *arg;
};

enum seat seat_of_virtio(const char *model)
{
	return str_eq(model, "virtio-transitional") ? SEAT_PCI : SEAT_PCIE;
}

static int tell(struct visit *v, enum seat seat, const char *element, struct domain_address *a,
    unsigned line, size_t number, const void *device)
{
	if (seat == SEAT_SKIP)
		return 0;
	const struct seat_user user = {seat, element, a, line, number, device};
	return v->fn(v->arg, &user);
}

/* All of an array of struct domain; `seat` may use `it`, the entry. */
#define EACH(array, n, name, it, seat)                                                     \
	do {                                                                               \
		for (size_t i_ = 0; i_ < v->d->n; i_++) {                                  \
			__typeof__(v->d->array[0]) *it = &v->d->array[i_];                 \
			int rc_ = tell(v, (seat), (name), &it->address, it->line, i_, it); \
			if (rc_ != 0)                                                      \
				return rc_;                                                \
		}                                                                          \
	} while (0)
static enum seat bus_seat(const struct domain_controller *c)
{
	return c->type != CONTROLLER_PCI ? SEAT_SKIP : c->index > 0 ? SEAT_BUS : SEAT_NONE;
}

static enum seat net_seat(const struct domain_net *net)
{
	if (net->type == NET_HOSTDEV)
		return SEAT_PCIE;
	if (net->model == NULL)
		return SEAT_PCI;
	if (str_prefix(net->model, "virtio"))
		return seat_of_virtio(net->model);
	return strcmp(net->model, "e1000e") == 0 || strcmp(net->model, "igb") == 0 ? SEAT_PCIE
	                                                                           : SEAT_PCI;
}

static enum seat disk_seat(const struct domain_disk *disk)
{
	if (disk->bus == DISK_USB)
		return SEAT_USB;
	return disk->bus == DISK_VIRTIO ? seat_of_virtio(disk->model) : SEAT_NONE;
}

static enum seat controller_seat(const struct domain *d, const struct domain_controller *c)
{
	switch (c->type) {
	case CONTROLLER_PCI: /* told before */
	case CONTROLLER_TYPES:
		return SEAT_SKIP;
	case CONTROLLER_FDC:
		return SEAT_NONE;
	case CONTROLLER_CCID:
		return SEAT_USB;
	case CONTROLLER_SCSI:
		return c->model != NULL && !str_prefix(c->model, "virtio")
		           ? SEAT_PCI
		           : seat_of_virtio(c->model);
	case CONTROLLER_USB:
		if (str_eq(c->model, "none"))
			return SEAT_NONE;
		return c->model != NULL && strstr(c->model, "xhci") != NULL ? SEAT_PCIE : SEAT_PCI;
	case CONTROLLER_IDE: /* part of the chip set */
		return SEAT_NONE;
	case CONTROLLER_SATA:
		return domain_is_q35(d) && c->index == 0 ? SEAT_NONE : SEAT_PCI;
	case CONTROLLER_VIRTIO_SERIAL:
		return seat_of_virtio(c->model);
	case CONTROLLER_NVME:
		return SEAT_PCIE;
	}
	return SEAT_NONE;
}

static bool is_first_of_type(const struct domain *d, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (d->controllers[i].type == d->controllers[at].type)
			return false;
	return true;
}

/* The smallest index from `from` on; false: there is none. */
static bool next_index(
    const struct domain *d, enum controller_type type, unsigned from, unsigned *out)
{
	bool found = false;
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct domain_controller *c = &d->controllers[i];
		if (c->type == type && c->index >= from && (!found || c->index < *out)) {
			*out = c->index;
			found = true;
		}
	}
	return found;
}

/* Those of one type together, by index: libvirt's order in a document. */
static int visit_controllers(struct visit *v)
{
	struct domain *d = v->d;
	for (size_t i = 0; i < d->n_controllers; i++) {
		enum controller_type type = d->controllers[i].type;
		unsigned index = 0;
		if (type == CONTROLLER_PCI || !is_first_of_type(d, i))
			continue;
		for (unsigned from = 0; next_index(d, type, from, &index); from = index + 1)
			for (size_t k = i; k < d->n_controllers; k++) {
				struct domain_controller *c = &d->controllers[k];
				if (c->type != type || c->index != index)
					continue;
				int rc = tell(v, controller_seat(d, c), "controller", &c->address,
				    c->line, k, c);
				if (rc != 0)
					return rc;
			}
	}
	return 0;
}

static int visit_storage(struct visit *v)
{
	int rc = visit_controllers(v);
	if (rc != 0)
		return rc;
	EACH(disks, n_disks, "disk", disk, disk_seat(disk));
	return 0;
}

static int visit_kind(struct visit *v, enum domain_dev_kind kind)
{
	struct domain *d = v->d;
	int rc = 0;
	size_t number = 0;
	for (size_t i = 0; rc == 0 && i < d->n_devs; i++)
		if (d->devs[i].kind == kind)
			rc = tell(v, domain_dev_seat(d, &d->devs[i]), domain_dev_name(kind),
			    &d->devs[i].address, d->devs[i].line, number++, &d->devs[i]);
	return rc;
}

static int visit_kinds(struct visit *v, const enum domain_dev_kind *kinds, size_t n)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = visit_kind(v, kinds[i]);
	return rc;
}

static enum seat chr_seat(const struct domain_chr *chr)
{
	static const enum seat seats[] = {
	    [CHR_ISA_SERIAL] = SEAT_NONE,
	    [CHR_USB_SERIAL] = SEAT_USB,
	    [CHR_PCI_SERIAL] = SEAT_PCI,
	    [CHR_ISA_DEBUGCON] = SEAT_NONE,
	    [CHR_VIRTIO_CONSOLE] = SEAT_VIRTIO_CONSOLE,
	};
	return seats[chr->target];
}

static int visit_devices(struct visit *v)
{
	static const enum domain_dev_kind kinds[] = {DEV_HOSTDEV, DEV_BALLOON, DEV_RNG,
	    DEV_WATCHDOG, DEV_VIDEO, DEV_SHMEM, DEV_INPUT, DEV_HUB, DEV_REDIRDEV, DEV_SMARTCARD,
	    DEV_VSOCK, DEV_PANIC, DEV_CRYPTO, DEV_IOMMU};
	int rc = visit_kinds(v, kinds, ARRAY_LEN(kinds));
	if (rc != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < v->d->memory.n_devices; i++) {
		struct domain_memdev *m = &v->d->memory.devices[i];
		rc = tell(v, memdev_on_pci(m) ? SEAT_PCIE : SEAT_NONE, "memory", &m->address,
		    m->line, i, m);
	}
	if (rc != 0)
		return rc;
	EACH(consoles, n_consoles, "serial", chr, chr_seat(chr));
	EACH(channels, n_channels, "channel", c,
	    c->target == CHANNEL_VIRTIO ? SEAT_VIRTIO_SERIAL : SEAT_NONE);
	return 0;
}

int domain_seats(struct domain *d, seat_fn fn, void *arg)
{
	struct visit visit = {d, fn, arg}, *v = &visit;
	EACH(controllers, n_controllers, "controller", c, bus_seat(c));
	const enum domain_dev_kind filesystem = DEV_FILESYSTEM, sound = DEV_SOUND;
	int rc = visit_kinds(v, &filesystem, 1);
	if (rc != 0)
		return rc;
	EACH(nets, n_nets, "interface", net, net_seat(net));
	rc = visit_kinds(v, &sound, 1);
	if (rc == 0)
		rc = visit_storage(v);
	return rc != 0 ? rc : visit_devices(v);
}
