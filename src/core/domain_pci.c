/* The PCI buses of a machine: what each takes, and whether the addresses of a document are possible. */
#include "core/domain_pci.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

#define PLUG_ANY (PLUG_PCI | PLUG_PCIE)

/* Source: libvirt's "PCI topology and hotplug", QEMU's docs/pcie.txt. */
static const struct pci_model models[] = {
    {"pci-root", 0, PLUG_ANY | PLUG_BRIDGE | PLUG_EXPANDER, PLUG_ANY | PLUG_BRIDGE | PLUG_EXPANDER,
        1, 31},
    {"pcie-root", 0,
        PLUG_ANY | PLUG_ROOT_PORT | PLUG_DMI_BRIDGE | PLUG_PCIE_BRIDGE | PLUG_PCIE_EXPANDER |
            PLUG_UPSTREAM,
        PLUG_ROOT_PORT | PLUG_DMI_BRIDGE | PLUG_PCIE_EXPANDER, 1, 31},
    {"pci-bridge", PLUG_BRIDGE, PLUG_ANY | PLUG_BRIDGE, PLUG_PCI | PLUG_BRIDGE, 1, 31},
    {"dmi-to-pci-bridge", PLUG_DMI_BRIDGE, PLUG_ANY | PLUG_BRIDGE, PLUG_BRIDGE, 0, 31},
    {"pcie-to-pci-bridge", PLUG_PCIE_BRIDGE, PLUG_ANY | PLUG_BRIDGE, PLUG_PCI | PLUG_BRIDGE, 1, 31},
    {"pcie-root-port", PLUG_ROOT_PORT, PLUG_ANY | PLUG_UPSTREAM | PLUG_PCIE_BRIDGE,
        PLUG_PCIE | PLUG_UPSTREAM | PLUG_PCIE_BRIDGE, 0, 0},
    {"pcie-switch-upstream-port", PLUG_UPSTREAM, PLUG_DOWNSTREAM, PLUG_DOWNSTREAM, 0, 31},
    {"pcie-switch-downstream-port", PLUG_DOWNSTREAM, PLUG_ANY | PLUG_UPSTREAM | PLUG_PCIE_BRIDGE,
        PLUG_PCIE | PLUG_UPSTREAM | PLUG_PCIE_BRIDGE, 0, 0},
    {"pci-expander-bus", PLUG_EXPANDER, PLUG_ANY | PLUG_BRIDGE, PLUG_PCI | PLUG_BRIDGE, 0, 31},
    {"pcie-expander-bus", PLUG_PCIE_EXPANDER, PLUG_ROOT_PORT | PLUG_DMI_BRIDGE,
        PLUG_ROOT_PORT | PLUG_DMI_BRIDGE, 0, 31},
};

const struct pci_model *pci_model_find(const char *model)
{
	for (size_t i = 0; i < ARRAY_LEN(models); i++)
		if (strcmp(models[i].model, model) == 0)
			return &models[i];
	return NULL;
}

unsigned pci_plug_of(const struct domain *d, const struct seat_user *user)
{
	const struct domain_controller *c = user->device;
	switch (user->seat) {
	case SEAT_PCI:
	case SEAT_HDA:
		return PLUG_PCI;
	case SEAT_PCIE:
	case SEAT_PCIE_ROOT:
		return domain_is_q35(d) ? PLUG_PCIE : PLUG_PCI;
	case SEAT_BUS:
		return pci_model_find(c->model)->is;
	case SEAT_NONE:
	case SEAT_USB:
	case SEAT_USB_HUB:
	case SEAT_VIRTIO_SERIAL:
	case SEAT_VIRTIO_CONSOLE:
	case SEAT_CCID:
	case SEAT_SCSI:
		break;
	}
	return 0;
}

/* What the chip set has at fixed places. */
static void reserve_builtin(struct pci_map *m)
{
	if (domain_is_q35(m->d)) {
		m->bus[0].used[0x1f] = 0x0d; /* LPC, SATA, SMBus */
		return;
	}
	m->bus[0].used[1] =
	    0x0b; /* ISA, IDE, power management; 1.2 is for the first USB controller */
}

void pci_map_init(struct pci_map *m, struct domain *d, const char *file, struct err *err)
{
	memset(m, 0, sizeof *m);
	m->d = d;
	m->file = file;
	m->err = err;
	m->n_buses = 1;
	m->bus[0].model = pci_model_find(domain_is_q35(d) ? "pcie-root" : "pci-root");
	m->bus[0].used[0] = 0xff; /* host bridge */
	reserve_builtin(m);
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct domain_controller *c = &d->controllers[i];
		if (c->type != CONTROLLER_PCI)
			continue;
		m->bus[c->index].model = pci_model_find(c->model);
		if (c->index >= m->n_buses)
			m->n_buses = c->index + 1;
	}
}

/* --- checking --- */
static int refuse_address(struct pci_map *m, const struct seat_user *user, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse_address(struct pci_map *m, const struct seat_user *user, const char *fmt, ...)
{
	const struct domain_address *a = user->address;
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *why = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(m->err, ERR_INVALID, "%s:%u: <%s>: PCI address %02x:%02x.%x %s", m->file,
	    user->line, user->element, a->bus, a->slot, a->function, why);
}

/* The chip set's own controllers may have their address in the document. */
static int check_builtin(struct pci_map *m, const struct seat_user *user)
{
	const struct domain_controller *c = user->device;
	const struct domain_address *a = user->address;
	if (strcmp(user->element, "controller") != 0)
		return refuse_address(m, user, "is given, but the device is not on PCI");
	bool q35 = domain_is_q35(m->d);
	if (c->type == CONTROLLER_IDE && !q35)
		return a->bus == 0 && a->slot == 1 && a->function == 1
		           ? 0
		           : refuse_address(m, user,
		                 "is wrong: the IDE controller of '%s' is at 00:01.1",
		                 m->d->machine != NULL ? m->d->machine : "pc");
	if (c->type == CONTROLLER_SATA && q35)
		return a->bus == 0 && a->slot == 0x1f && a->function == 2
		           ? 0
		           : refuse_address(
		                 m, user, "is wrong: the SATA controller of q35 is at 00:1f.2");
	/* USB 'none', fdc: nothing is there. */
	return refuse_address(m, user, "is given, but the controller is not on PCI");
}

static int check_fits(struct pci_map *m, const struct seat_user *user, unsigned plug)
{
	const struct domain_address *a = user->address;
	const struct domain_controller *c = user->device;
	const struct pci_bus *bus = &m->bus[a->bus];
	if (bus->model == NULL)
		return refuse_address(m, user,
		    "is on a bus that is not there: no <controller type='pci'> has its index");
	if (!(bus->model->accepts & plug))
		return refuse_address(m, user, "is on bus %u, a %s, which takes no %s", a->bus,
		    bus->model->model, user->seat == SEAT_BUS ? c->model : "device like this");
	if (a->slot < bus->model->first && a->slot == 0 && a->bus > 0)
		return refuse_address(m, user, "is slot 0 of a bridge, which is its own");
	if (a->slot > bus->model->last)
		return refuse_address(
		    m, user, "is behind a %s, which has slot 0 only", bus->model->model);
	if (plug == PLUG_BRIDGE && c->index <= a->bus)
		return refuse_address(m, user,
		    "is on bus %u: the index of a bus has to be larger than that of the bus it is on (index='%u')",
		    a->bus, c->index);
	return 0;
}

static int mark_address(void *arg, const struct seat_user *user)
{
	struct pci_map *m = arg;
	const struct domain_address *a = user->address;
	if (a->type != ADDRESS_PCI)
		return 0;
	unsigned plug = pci_plug_of(m->d, user);
	if (plug == 0)
		return check_builtin(m, user);
	if (check_fits(m, user, plug) < 0)
		return -1;
	struct pci_bus *bus = &m->bus[a->bus];
	uint8_t bit = (uint8_t)(1u << a->function);
	if (bus->used[a->slot] & bit)
		return refuse_address(m, user,
		    a->bus == 0 && (a->slot <= 1 || a->slot == 0x1f)
		        ? "is taken by the machine's own chip set or another device"
		        : "is taken by another device");
	bus->used[a->slot] |= bit;
	if (plug == PLUG_ROOT_PORT)
		bus->ports[a->slot] |= bit;
	return 0;
}

/* From every bus the root can be reached. */
static int check_ring(struct pci_map *m, const struct domain_controller *c)
{
	const struct domain_controller *at = c;
	for (unsigned i = 0; i <= PCI_BUSES; i++) {
		if (at == NULL || at->index == 0 || at->address.type != ADDRESS_PCI)
			return 0;
		at = domain_controller(m->d, CONTROLLER_PCI, at->address.bus);
	}
	return err_set(m->err, ERR_INVALID,
	    "%s:%u: <controller>: index='%u' is on bus %u, and that is behind it", m->file, c->line,
	    c->index, c->address.bus);
}

int pci_map_fill(struct pci_map *m)
{
	if (domain_seats(m->d, mark_address, m) != 0)
		return -1;
	for (size_t i = 0; i < m->d->n_controllers; i++)
		if (m->d->controllers[i].type == CONTROLLER_PCI &&
		    check_ring(m, &m->d->controllers[i]) < 0)
			return -1;
	return 0;
}

/* Buses that are not there and whose number is less than that of one that is: libvirt puts in what is usual for the
 * machine. On i440fx an address may name such a bus as well. */
struct named {
	struct domain *d;
	unsigned highest;
};

static int find_highest(void *arg, const struct seat_user *user)
{
	struct named *g = arg;
	if (user->address->type == ADDRESS_PCI && pci_plug_of(g->d, user) != 0 &&
	    user->address->bus > g->highest)
		g->highest = user->address->bus;
	return 0;
}

static void add_named(struct domain *d)
{
	struct named g = {.d = d};
	bool q35 = domain_is_q35(d);
	if (!q35)
		domain_seats(d, find_highest, &g);
	for (size_t i = 0; i < d->n_controllers; i++)
		if (d->controllers[i].type == CONTROLLER_PCI && d->controllers[i].index > g.highest)
			g.highest = d->controllers[i].index;
	for (unsigned i = 1; i <= g.highest; i++)
		domain_need_controller(d, CONTROLLER_PCI, i, q35 ? "pcie-root-port" : "pci-bridge");
}

int domain_pci_check(struct domain *d, const char *file, struct err *err)
{
	struct pci_map *m = xmalloc(sizeof *m);
	add_named(d);
	pci_map_init(m, d, file, err);
	int rc = pci_map_fill(m);
	free(m);
	return rc;
}
