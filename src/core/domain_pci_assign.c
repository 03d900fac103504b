/* PCI addresses for those that have none, and the buses that this takes. The places are libvirt's: a document that it
 * wrote and one that we complete mean the same. First the places that hardware is known by; then twice over the
 * devices: on trial, to see how many buses are needed, and for good, with the new buses among the controllers, which
 * are served first. */
#include <stdlib.h>
#include <string.h>

#include "core/domain_impl.h"
#include "core/domain_pci.h"
#include "core/mem.h"
#include "core/str.h"

#define SPARE_PORTS 4 /* root ports of a new q35 machine for devices plugged in later */

struct assign {
	struct pci_map *map;
	bool trial; /* no address is written, buses may grow */
	/* By index: the slot of an EHCI and its companions. */
	struct domain_address usb[256];
};

/* --- finding a place --- */
static bool slot_free(const struct pci_bus *bus, unsigned slot, unsigned plug, unsigned *function)
{
	*function = 0;
	if (bus->used[slot] == 0)
		return true;
	/* Root ports alone share a slot, eight of them. */
	if (plug != PLUG_ROOT_PORT || bus->ports[slot] != bus->used[slot] ||
	    bus->used[slot] == 0xff)
		return false;
	while (bus->used[slot] & (1u << *function))
		(*function)++;
	return true;
}

static bool find_on(struct pci_map *m, unsigned b, unsigned plug, struct domain_address *out)
{
	const struct pci_bus *bus = &m->bus[b];
	if (bus->model == NULL || !(bus->model->takes & plug))
		return false;
	if (bus->for_bridge && plug != PLUG_PCIE_BRIDGE)
		return false;
	out->bus = b;
	for (out->slot = bus->model->first; out->slot <= bus->model->last; out->slot++)
		if (slot_free(bus, out->slot, plug, &out->function))
			return true;
	return false;
}

/* May the bus be above the controller `self`? Not its own, none behind it, and for a bridge none of a larger index:
 * domain_pci.c would not have it. */
static bool may_be_on(const struct pci_map *m, unsigned b, const struct domain_controller *self)
{
	if (self == NULL)
		return true;
	if (pci_model_find(self->model)->is == PLUG_BRIDGE && b >= self->index)
		return false;
	for (unsigned n = 0; b != 0 && n < PCI_BUSES; n++) {
		const struct domain_controller *at = domain_controller(m->d, CONTROLLER_PCI, b);
		if (b == self->index)
			return false;
		if (at == NULL || at->address.type != ADDRESS_PCI)
			return true;
		b = at->address.bus;
	}
	return true;
}

/* self: the PCI controller that is to be placed; NULL a device. */
static bool find_place(struct pci_map *m, unsigned plug, const struct domain_controller *self,
    struct domain_address *out)
{
	for (unsigned b = 0; b < m->n_buses; b++)
		if (may_be_on(m, b, self) && find_on(m, b, plug, out))
			return true;
	return false;
}

static bool add_bus(struct pci_map *m, const char *model, bool for_bridge)
{
	if (m->n_buses >= PCI_BUSES)
		return false;
	m->bus[m->n_buses++] =
	    (struct pci_bus){.model = pci_model_find(model), .for_bridge = for_bridge};
	return true;
}

/* One bus more, or a root port with a bridge behind it. */
static bool grow(struct pci_map *m, unsigned plug)
{
	if (plug == PLUG_PCIE || plug == PLUG_UPSTREAM || plug == PLUG_PCIE_BRIDGE)
		return add_bus(m, "pcie-root-port", plug == PLUG_PCIE_BRIDGE);
	if (plug != PLUG_PCI)
		return false;
	for (unsigned b = 0; b < m->n_buses; b++)
		if (m->bus[b].model != NULL && (m->bus[b].model->takes & PLUG_BRIDGE))
			return add_bus(m, "pci-bridge", false);
	return add_bus(m, "pcie-root-port", true) && add_bus(m, "pcie-to-pci-bridge", false);
}

static void mark(struct pci_map *m, const struct domain_address *a, unsigned plug)
{
	uint8_t bit = (uint8_t)(1u << a->function);
	m->bus[a->bus].used[a->slot] |= bit;
	if (plug == PLUG_ROOT_PORT)
		m->bus[a->bus].ports[a->slot] |= bit;
}

static void settle(struct domain_address *a, const struct domain_address *place)
{
	a->type = ADDRESS_PCI;
	a->bus = place->bus;
	a->slot = place->slot;
	a->function = place->function;
	a->multifunction = place->multifunction;
}

static int reserve(struct assign *s, unsigned plug, const struct domain_controller *self,
    struct domain_address *place)
{
	while (!find_place(s->map, plug, self, place))
		if (!s->trial || !grow(s->map, plug))
			return -1;
	mark(s->map, place, plug);
	return 0;
}

/* --- EHCI and companions: one slot --- */
static const struct {
	const char *model;
	unsigned function;
	bool multifunction;
} usb_functions[] = {
    {"ich9-uhci1", 0, true},
    {"ich9-uhci2", 1, false},
    {"ich9-uhci3", 2, false},
    {"ich9-ehci1", 7, false},
};

static const struct domain_controller *usb_of(const struct seat_user *user)
{
	const struct domain_controller *c = user->device;
	return strcmp(user->element, "controller") == 0 && usb_is_ich9(c) ? c : NULL;
}

static void usb_place(const struct domain_controller *c, struct domain_address *place)
{
	for (size_t i = 0; i < ARRAY_LEN(usb_functions); i++)
		if (strcmp(usb_functions[i].model, c->model) == 0) {
			place->function = usb_functions[i].function;
			place->multifunction = usb_functions[i].multifunction;
		}
}

/* Where those stand that have an address. */
static int note_usb(void *arg, const struct seat_user *user)
{
	struct assign *s = arg;
	const struct domain_controller *c = usb_of(user);
	if (c != NULL && user->address->type == ADDRESS_PCI)
		s->usb[c->index] = *user->address;
	return 0;
}

static int assign_usb(struct assign *s, const struct domain_controller *c, struct domain_address *a)
{
	struct domain_address place = s->usb[c->index];
	if (place.type == ADDRESS_NONE) {
		if (reserve(s, PLUG_PCI, NULL, &place) < 0)
			return -1;
		/* The whole slot is theirs; the bit of function 0 may be another's. */
		s->map->bus[place.bus].used[place.slot] = 0;
		place.type = ADDRESS_PCI;
		s->usb[c->index] = place;
	}
	usb_place(c, &place);
	if (s->map->bus[place.bus].used[place.slot] & (1u << place.function))
		return reserve(s, PLUG_PCI, NULL, &place) < 0 ? -1 : (settle(a, &place), 0);
	mark(s->map, &place, PLUG_PCI);
	if (!s->trial)
		settle(a, &place);
	return 0;
}

/* --- places that hardware is known by --- */
/* What sits where on a real board, and where firmware expects it: the first PIIX3 USB controller in the chip set, the
 * first video card in the first slot after that, ICH9's USB at 1d and 1a, its sound at 1b, a DMI bridge at 1e. */
static bool known_place(
    struct pci_map *m, const struct seat_user *user, unsigned plug, struct domain_address *place)
{
	bool q35 = domain_is_q35(m->d), controller = strcmp(user->element, "controller") == 0;
	const struct domain_controller *c = controller ? user->device : NULL;
	const uint8_t *used[PCI_SLOTS];
	for (unsigned i = 0; i < PCI_SLOTS; i++)
		used[i] = &m->bus[0].used[i];
	if (controller && !q35 && c->type == CONTROLLER_USB && c->index == 0 &&
	    (c->model == NULL || strcmp(c->model, "piix3-uhci") == 0)) {
		place->slot = 1;
		place->function = 2;
		return !(*used[1] & 4);
	}
	if (strcmp(user->element, "video") == 0 &&
	    user->device == (const void *)domain_primary_video(m->d))
		place->slot = q35 ? 1 : 2;
	else if (q35 && controller && str_eq(c->model, "ich9-uhci1"))
		place->slot = *used[0x1d] == 0 ? 0x1d : 0x1a;
	else if (q35 && user->seat == SEAT_HDA)
		place->slot = 0x1b;
	else if (q35 && plug == PLUG_DMI_BRIDGE)
		place->slot = 0x1e;
	place->multifunction = controller && str_eq(c->model, "ich9-uhci1");
	return place->slot != 0 && *used[place->slot] == 0;
}

static int assign_known(void *arg, const struct seat_user *user)
{
	struct assign *s = arg;
	unsigned plug = pci_plug_of(s->map->d, user);
	const struct domain_controller *usb = usb_of(user);
	struct domain_address place = {0};
	if (user->address->type != ADDRESS_NONE || plug == 0)
		return 0;
	if (usb != NULL && s->usb[usb->index].type != ADDRESS_NONE)
		return 0; /* to its own */
	if (!known_place(s->map, user, plug, &place))
		return 0;
	mark(s->map, &place, plug);
	settle(user->address, &place);
	return note_usb(s, user);
}

/* --- the others --- */
static int assign_one(void *arg, const struct seat_user *user)
{
	struct assign *s = arg;
	unsigned plug = pci_plug_of(s->map->d, user);
	struct domain_address place = {0};
	if (user->address->type != ADDRESS_NONE || plug == 0)
		return 0;
	const struct domain_controller *usb = usb_of(user);
	const struct domain_controller *self = user->seat == SEAT_BUS ? user->device : NULL;
	if (usb != NULL && assign_usb(s, usb, user->address) == 0)
		return 0;
	bool root = user->seat == SEAT_PCIE_ROOT && domain_is_q35(s->map->d);
	if (usb == NULL && root)
		for (place.slot = 1; place.slot < PCI_SLOTS; place.slot++)
			if (s->map->bus[0].used[place.slot] == 0) {
				mark(s->map, &place, plug);
				if (!s->trial)
					settle(user->address, &place);
				return 0;
			}
	if (usb != NULL || reserve(s, plug, self, &place) < 0)
		return err_set(s->map->err, ERR_INVALID,
		    "domain '%s': no place on PCI is left for <%s>%s; add a controller that takes it",
		    s->map->d->name, user->element, user->seat == SEAT_BUS ? " like this" : "");
	if (!s->trial)
		settle(user->address, &place);
	return 0;
}

/* The new buses of the trial among the controllers. */
static void add_controllers(struct domain *d, const struct pci_map *m, unsigned from)
{
	for (unsigned b = from; b < m->n_buses; b++) {
		struct domain_controller *c = DOMAIN_ADD(d->controllers, d->n_controllers);
		*c = (struct domain_controller){.type = CONTROLLER_PCI,
		    .index = b,
		    .with_index = true,
		    .model = xstrdup(m->bus[b].model->model),
		    .node = -1};
	}
}

/* Buses that a document needs and does not name. */
static int plan_buses(struct assign *s)
{
	struct pci_map *m = s->map;
	unsigned before = m->n_buses;
	struct domain_address spare = {0};
	s->trial = true;
	/* i440fx keeps a slot for what comes later, which may be a bridge. */
	if (!domain_is_q35(m->d) && find_place(m, PLUG_PCI, NULL, &spare))
		mark(m, &spare, PLUG_PCI);
	if (domain_seats(m->d, assign_one, s) < 0)
		return -1;
	/* A new machine, whose buses are ours to decide. */
	if (before == 1 && m->n_buses > 1 && domain_is_q35(m->d))
		for (int i = 0; i < SPARE_PORTS; i++)
			if (reserve(s, PLUG_PCIE, NULL, &spare) < 0)
				break;
	add_controllers(m->d, m, before);
	return 0;
}

/* A bridge's own root port must go to no other. */
static void lock_ports(struct pci_map *m)
{
	for (unsigned b = 1; b + 1 < m->n_buses; b++)
		if (m->bus[b].model == pci_model_find("pcie-root-port") &&
		    m->bus[b + 1].model == pci_model_find("pcie-to-pci-bridge") &&
		    m->bus[b].used[0] == 0) {
			const struct domain_controller *c =
			    domain_controller(m->d, CONTROLLER_PCI, b + 1);
			m->bus[b].for_bridge = c->address.type == ADDRESS_NONE;
		}
}

/* --- what follows from the places --- */
static int set_multifunction(void *arg, const struct seat_user *user)
{
	struct pci_map *m = arg;
	struct domain_address *a = user->address;
	if (a->type == ADDRESS_PCI && a->function == 0 && pci_plug_of(m->d, user) != 0 &&
	    (m->bus[a->bus].used[a->slot] & 0xfe))
		a->multifunction = true;
	return 0;
}

static void number_ports(struct domain *d)
{
	for (size_t i = 0; i < d->n_controllers; i++) {
		struct domain_controller *c = &d->controllers[i];
		if (c->type != CONTROLLER_PCI || c->index == 0)
			continue;
		unsigned is = pci_model_find(c->model)->is;
		if ((is == PLUG_ROOT_PORT || is == PLUG_DOWNSTREAM || is == PLUG_BRIDGE) &&
		    !c->with_chassis) {
			c->chassis = c->index;
			c->with_chassis = true;
		}
		if ((is == PLUG_ROOT_PORT || is == PLUG_DOWNSTREAM) && !c->with_port) {
			c->port = is == PLUG_DOWNSTREAM
			              ? c->address.slot
			              : c->address.slot << 3 | c->address.function;
			c->with_port = true;
		}
	}
}

/* The numbers of the buses behind an expander begin at its own: from 254 downwards, room between them. */
static void number_expanders(struct domain *d)
{
	unsigned lowest = 256;
	for (size_t i = 0; i < d->n_controllers; i++)
		if (d->controllers[i].bus_nr != 0 && d->controllers[i].bus_nr < lowest)
			lowest = d->controllers[i].bus_nr;
	for (size_t i = 0; i < d->n_controllers; i++) {
		struct domain_controller *c = &d->controllers[i];
		if (c->type == CONTROLLER_PCI && strstr(c->model, "expander") != NULL &&
		    c->bus_nr == 0 && lowest > 3) {
			lowest -= 2;
			c->bus_nr = lowest;
		}
	}
}

int domain_pci_assign(struct domain *d, struct err *err)
{
	struct assign *s = xcalloc(1, sizeof *s);
	s->map = xmalloc(sizeof *s->map);
	pci_map_init(s->map, d, d->name, err);
	int rc = pci_map_fill(s->map);
	domain_seats(d, note_usb, s);
	if (rc == 0)
		rc = domain_seats(d, assign_known, s);
	if (rc == 0)
		rc = plan_buses(s);
	memset(s->usb, 0, sizeof s->usb);
	if (rc == 0) {
		s->trial = false;
		pci_map_init(s->map, d, d->name, err);
		rc = pci_map_fill(s->map);
	}
	if (rc == 0) {
		lock_ports(s->map);
		domain_seats(d, note_usb, s);
		rc = domain_seats(d, assign_one, s);
	}
	if (rc == 0) {
		domain_seats(d, set_multifunction, s->map);
		number_ports(d);
		number_expanders(d);
	}
	free(s->map);
	free(s);
	return rc;
}
