/* domain_controller: controllers, iothreads of a definition as plain data. Owner: struct domain. */
#ifndef CORE_DOMAIN_CONTROLLER_H
#define CORE_DOMAIN_CONTROLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/domain_address.h"
#include "core/domain_words.h"

/* Controllers are in the document because libvirt writes every one into it. Those that the machine
 * has anyway (pci-root, pcie-root, ide of pc, sata of q35) are here too. */
enum controller_type {
	CONTROLLER_PCI,
	CONTROLLER_USB,
	CONTROLLER_IDE,
	CONTROLLER_SATA,
	CONTROLLER_SCSI,
	CONTROLLER_FDC,
	CONTROLLER_VIRTIO_SERIAL,
	CONTROLLER_CCID,
	CONTROLLER_NVME,
	CONTROLLER_TYPES
};

struct domain_controller {
	enum controller_type type;
	unsigned index;
	bool with_index;  /* given, or made by controllers_number */
	bool index_made;  /* … and has to be written back */
	char *model;      /* "pcie-root-port", "qemu-xhci" …; NULL the default of its type */
	char *serial;     /* nvme; NULL that of its first disk, or one made up */
	char *model_name; /* pci: <model name=…>, the QEMU device: "ioh3420"; NULL the default */
	unsigned chassis, port; /* pcie-root-port, pci-bridge … */
	bool with_chassis, with_port;
	unsigned bus_nr; /* expander buses; 0 not given */
	int node;        /* expander buses; -1 none */
	enum domain_switch hotplug;
	uint64_t pcihole64; /* KiB */
	bool with_pcihole64;
	bool has_master;     /* ich9-uhciN: a companion of the ich9-ehci1 of this index */
	unsigned start_port; /* first port of the companion */
	unsigned ports;      /* usb, virtio-serial; 0 QEMU's default */
	unsigned vectors;
	bool with_vectors;
	unsigned queues, cmd_per_lun, max_sectors, iothread; /* scsi's driver; 0 none given */
	enum domain_switch ioeventfd, iommu, ats, packed, page_per_vq;
	char *alias; /* see domain_alias.h; NULL none */
	struct domain_address address;
	unsigned line, element;
};

#define DOMAIN_IOTHREADS_MAX 256u
#define DOMAIN_IOTHREAD_MAX 1000000u /* the largest id */

/* A thread of QEMU for disks and SCSI controllers. */
struct domain_iothread {
	unsigned id;
	int pool_min, pool_max; /* -1 QEMU's default */
	unsigned line;
};

struct domain;
/* The controller of this type and index that the document names, or NULL. Of USB companions, their master. */
const struct domain_controller *domain_controller(
    const struct domain *d, enum controller_type type, unsigned index);
void controller_fini(struct domain_controller *c);
/* Words of the format; never NULL. */
const char *controller_type_name(enum controller_type t);

#endif
