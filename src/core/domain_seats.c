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
    unsigned line, const void *device)
{
	if (seat == SEAT_SKIP)
		return 0;
	const struct seat_user user = {seat, element, a, line, device};
	return v->fn(v->arg, &user);
}

/* All of an array of struct domain; `seat` may use `it`, the entry. */
#define EACH(array, n, name, it, seat)                                                 \
	do {                                                                           \
		for (size_t i_ = 0; i_ < v->d->n; i_++) {                              \
			__typeof__(v->d->array[0]) *it = &v->d->array[i_];             \
			int rc_ = tell(v, (seat), (name), &it->address, it->line, it); \
			if (rc_ != 0)                                                  \
				return rc_;                                            \
		}                                                                      \
	} while (0)
#define ONE(seat, name, where, line)                                         \
	do {                                                                 \
		int rc_ = tell(v, (seat), (name), (where), (line), (where)); \
		if (rc_ != 0)                                                \
			return rc_;                                          \
	} while (0)

static enum seat bus_seat(const struct domain_controller *c)
{
	return c->type != CONTROLLER_PCI ? SEAT_SKIP : c->index > 0 ? SEAT_BUS : SEAT_NONE;
}

static enum seat net_seat(const struct domain_net *net)
{
	if (net->model == NULL)
		return SEAT_PCI;
	if (str_prefix(net->model, "virtio"))
		return seat_of_virtio(net->model);
	return strcmp(net->model, "e1000e") == 0 || strcmp(net->model, "igb") == 0 ? SEAT_PCIE
	                                                                           : SEAT_PCI;
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
		return domain_is_q35(d) ? SEAT_NONE : SEAT_PCI;
	case CONTROLLER_VIRTIO_SERIAL:
		return seat_of_virtio(c->model);
	}
	return SEAT_NONE;
}

static enum seat input_seat(const struct domain_input *in)
{
	return in->bus == INPUT_VIRTIO ? SEAT_PCIE : in->bus == INPUT_USB ? SEAT_USB : SEAT_NONE;
}

static enum seat video_seat(const struct domain_video *video)
{
	if (video->model == NULL || strcmp(video->model, "none") == 0)
		return SEAT_NONE;
	return strcmp(video->model, "virtio") == 0 || strcmp(video->model, "bochs") == 0 ? SEAT_PCIE
	                                                                                 : SEAT_PCI;
}

static int visit_storage(struct visit *v)
{
	EACH(controllers, n_controllers, "controller", c, controller_seat(v->d, c));
	EACH(disks, n_disks, "disk", disk, disk->bus == DISK_VIRTIO ? SEAT_PCIE : SEAT_NONE);
	return 0;
}

static int visit_devices(struct visit *v)
{
	struct domain *d = v->d;
	ONE(d->balloon ? SEAT_PCIE : SEAT_NONE, "memballoon", &d->balloon_address,
	    d->balloon_address.line);
	ONE(d->rng != NULL ? SEAT_PCIE : SEAT_NONE, "rng", &d->rng_address, d->rng_address.line);
	ONE(str_eq(d->watchdog_model, "i6300esb") ? SEAT_PCI : SEAT_NONE, "watchdog",
	    &d->watchdog_address, d->watchdog_address.line);
	ONE(video_seat(&d->video), "video", &d->video.address, d->video.line);
	EACH(inputs, n_inputs, "input", in, input_seat(in));
	ONE(str_eq(d->panic_model, "pvpanic") ? SEAT_PCI : SEAT_NONE, "panic", &d->panic_address,
	    d->panic_address.line);
	return 0;
}

int domain_seats(struct domain *d, seat_fn fn, void *arg)
{
	struct visit visit = {d, fn, arg}, *v = &visit;
	EACH(controllers, n_controllers, "controller", c, bus_seat(c));
	EACH(nets, n_nets, "interface", net, net_seat(net));
	int rc = visit_storage(v);
	return rc != 0 ? rc : visit_devices(v);
}
