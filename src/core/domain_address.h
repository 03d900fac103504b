/* domain_address: where a device sits: <address>, and what it can sit on. Embedded in the devices of struct domain; holds
 * nothing on the heap. Source: libvirt's "Domain XML format", "Device Addresses". */
#ifndef CORE_DOMAIN_ADDRESS_H
#define CORE_DOMAIN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USB_PORT_MAX 16 /* "255.255.255.255": USB allows five hubs in a row, libvirt four numbers */

enum address_type {
	ADDRESS_NONE, /* not given, or not assigned yet */
	ADDRESS_PCI,
	ADDRESS_DRIVE, /* ide, sata, scsi, fdc */
	ADDRESS_USB,
	ADDRESS_VIRTIO_SERIAL,
	ADDRESS_CCID,
	ADDRESS_ISA,
	ADDRESS_DIMM,
	ADDRESS_UNASSIGNED, /* a hostdev that the guest shall not see */
	ADDRESS_TYPES
};

/* The members that count are told by type. */
struct domain_address {
	enum address_type type;
	unsigned line;        /* of the device in the source document, for messages */
	bool multifunction;   /* pci */
	bool single_function; /* pci: multifunction='off' was said */
	unsigned acpi_index;  /* pci: <acpi index=…> beside <address>; 0 none */
	unsigned domain, bus, slot,
	    function; /* pci: all; usb, drive, virtio-serial: bus; ccid, dimm: slot */
	unsigned controller, target, unit; /* drive, virtio-serial, ccid: controller */
	unsigned port;               /* virtio-serial: number of the port; 0 not assigned yet */
	char usb_port[USB_PORT_MAX]; /* usb: "1.2"; "" not assigned yet */
	unsigned iobase, irq;        /* isa; 0 not given */
	uint64_t base;               /* dimm; 0 not given */
};

/* What a device needs to sit on. On machines without PCI Express there is no difference between the three of PCI. */
enum seat {
	SEAT_NONE,      /* built in, or on no bus */
	SEAT_PCI,       /* conventional PCI: on q35 behind a bridge */
	SEAT_HDA,       /* the same, but where a board has its sound (ICH9) if that is free */
	SEAT_PCIE,      /* PCI Express: on q35 behind a root port of its own */
	SEAT_PCIE_ROOT, /* on q35 on the root itself (virtio-iommu) */
	SEAT_BUS,       /* a PCI controller: what its model says */
	SEAT_USB,
	SEAT_USB_HUB, /* is given its port before the others */
	SEAT_VIRTIO_SERIAL,
	SEAT_VIRTIO_CONSOLE, /* the same, but may have port 0 */
	SEAT_CCID,
	SEAT_SCSI, /* a host's SCSI device; disks see to themselves */
};

struct domain;
struct seat_user {
	enum seat seat;
	const char *element; /* "interface" */
	struct domain_address *address;
	unsigned line;
	size_t number;      /* among its kind, from 0 */
	const void *device; /* the struct that `address` is in */
};

/* fn for every device that has an address or needs one, in libvirt's order of handing them out, until one returns not 0.
 * New kinds of devices are added to domain_seats.c, with a line each. */
typedef int (*seat_fn)(void *arg, const struct seat_user *user);
int domain_seats(struct domain *d, seat_fn fn, void *arg);

/* The seat of a virtio device: "virtio-transitional" fits conventional PCI only. model may be NULL. */
enum seat seat_of_virtio(const char *model);

bool address_equal(const struct domain_address *a, const struct domain_address *b);

#endif
