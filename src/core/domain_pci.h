/* domain_pci: the PCI buses of a machine and what is taken on them; for the files of domain_pci*.c and their test.
 * Borrowed from the domain while it lives. */
#ifndef CORE_DOMAIN_PCI_H
#define CORE_DOMAIN_PCI_H

#include "core/domain.h"

#define PCI_SLOTS 32
#define PCI_BUSES 256

/* What can be plugged in. */
enum pci_plug {
	PLUG_PCI = 1,
	PLUG_PCIE = 2,
	PLUG_ROOT_PORT = 4,
	PLUG_BRIDGE = 8,
	PLUG_DMI_BRIDGE = 16,
	PLUG_PCIE_BRIDGE = 32, /* pcie-to-pci-bridge */
	PLUG_UPSTREAM = 64,
	PLUG_DOWNSTREAM = 128,
	PLUG_EXPANDER = 256,
	PLUG_PCIE_EXPANDER = 512,
};

struct pci_model {
	const char *model;
	unsigned is;          /* the plug that it is itself; 0 the root */
	unsigned accepts;     /* by an address that is given */
	unsigned takes;       /* by itself */
	unsigned first, last; /* slots */
};

struct pci_bus {
	const struct pci_model *model; /* NULL: there is no such bus */
	uint8_t used[PCI_SLOTS];       /* a bit for each function */
	uint8_t ports[PCI_SLOTS];      /* the same, of root ports alone: they share slots */
	bool for_bridge;               /* a root port that was made for a bridge alone */
};

struct pci_map {
	struct pci_bus bus[PCI_BUSES];
	unsigned n_buses; /* highest index + 1 */
	struct domain *d;
	const char *file;
	struct err *err;
};

const struct pci_model *pci_model_find(const char *model);
/* The buses that the document names and what the chip set has taken; no devices yet. */
void pci_map_init(struct pci_map *m, struct domain *d, const char *file, struct err *err);
/* What is given is marked as used; refused when it is twice or impossible. */
int pci_map_fill(struct pci_map *m);
unsigned pci_plug_of(const struct domain *d, const struct seat_user *user);

#endif
