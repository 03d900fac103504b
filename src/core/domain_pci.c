/* Where devices sit on PCI: checked, and assigned to those that have no address. The places are
 * libvirt's: a document that it wrote means the same here. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define SLOTS 32
#define FUNCTIONS 8
#define BUSES 256

/* One bit for each function of a slot. */
struct pci_map {
	uint8_t used[BUSES][SLOTS];
	const struct domain *d;
	const char *file;
	struct err *err;
};

/* What the chip set has at fixed places, as functions of slots of bus 0. */
static void reserve_builtin(struct pci_map *m)
{
	m->used[0][0] = 0xff; /* host bridge */
	if (domain_is_q35(m->d))
		m->used[0][0x1f] = 0x0d; /* LPC, SATA, SMBus */
	else
		m->used[0][1] = 0x0b; /* ISA, IDE, power management */
}

static const char *bus_model(const struct domain *d, unsigned bus)
{
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct domain_controller *c = &d->controllers[i];
		if (c->type == CONTROLLER_PCI && c->index == bus && c->model != NULL)
			return c->model;
	}
	return bus == 0 ? domain_is_q35(d) ? "pcie-root" : "pci-root" : NULL;
}

static int refuse_address(
    struct pci_map *m, const struct domain_address *a, const char *what, const char *why)
{
	return err_set(m->err, ERR_INVALID, "%s:%u: <%s>: PCI address %02x:%02x.%x %s", m->file,
	    a->line, what, a->bus, a->slot, a->function, why);
}

static bool on_pci(const struct seat_user *user)
{
	return user->seat >= SEAT_PCI && user->seat <= SEAT_BUS;
}

static int mark_address(void *arg, const struct seat_user *user)
{
	struct pci_map *m = arg;
	const struct domain_address *a = user->address;
	const char *what = user->element;
	if (a->type != ADDRESS_PCI || !on_pci(user))
		return 0;
	const char *model = bus_model(m->d, a->bus);
	if (model == NULL)
		return refuse_address(m, a, what,
		    "is on a bus that is not there: no <controller type='pci'> has its index");
	if (strcmp(model, "pcie-root-port") == 0 && a->slot != 0)
		return refuse_address(m, a, what, "is behind a root port, which has slot 0 only");
	if (a->bus != 0 && a->slot == 0 && strstr(model, "bridge") != NULL)
		return refuse_address(m, a, what, "is slot 0 of a bridge, which is its own");
	uint8_t bit = (uint8_t)(1u << a->function);
	if (m->used[a->bus][a->slot] & bit)
		return refuse_address(m, a, what,
		    a->bus == 0 && (a->slot <= 1 || a->slot == 0x1f)
		        ? "is taken by the machine's own chip set or another device"
		        : "is taken by another device");
	m->used[a->bus][a->slot] |= bit;
	return 0;
}

int domain_pci_check(struct domain *d, const char *file, struct err *err)
{
	struct pci_map *m = xcalloc(1, sizeof *m);
	m->d = d;
	m->file = file;
	m->err = err;
	reserve_builtin(m);
	int rc = domain_seats(d, mark_address, m);
	free(m);
	return rc;
}

/* --- assigning --- */
static int assign_address(void *arg, const struct seat_user *user)
{
	struct pci_map *m = arg;
	struct domain_address *a = user->address;
	const char *what = user->element;
	if (a->type != ADDRESS_NONE || !on_pci(user))
		return 0;
	/* Slot 1 (q35) and 2 (i440fx) are left to the first video card, which takes them by itself.
	 */
	bool q35 = domain_is_q35(m->d);
	unsigned first = q35 ? 2 : 3, last = q35 ? 0x1e : 0x1f;
	if (strcmp(what, "video") == 0)
		first = q35 ? 1 : 2;
	for (unsigned slot = first; slot <= last; slot++) {
		if (m->used[0][slot] != 0)
			continue;
		m->used[0][slot] = 0xff;
		*a = (struct domain_address){.type = ADDRESS_PCI, .slot = slot, .line = a->line};
		return 0;
	}
	return err_set(m->err, ERR_INVALID,
	    "domain '%s': no free PCI slot is left for <%s>; give addresses on buses of their own",
	    m->d->name, what);
}

int domain_pci_assign(struct domain *d, struct err *err)
{
	struct pci_map *m = xcalloc(1, sizeof *m);
	m->d = d;
	m->file = d->name;
	m->err = err;
	reserve_builtin(m);
	int rc = domain_seats(d, mark_address, m);
	/* The video card first: its slot must not go to another. */
	struct domain_dev *video = (struct domain_dev *)domain_primary_video(d);
	if (rc == 0 && video != NULL)
		rc = assign_address(m, &(struct seat_user){.seat = domain_dev_seat(d, video),
		                           .element = "video",
		                           .address = &video->address});
	if (rc == 0)
		rc = domain_seats(d, assign_address, m);
	free(m);
	return rc;
}
