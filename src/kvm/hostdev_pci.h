/* hostdev_pci: PCI devices of the host that a guest gets: taken from their driver for the run, given back afterwards
 * (managed='yes'). All of it is sysfs. */
#ifndef KVM_HOSTDEV_PCI_H
#define KVM_HOSTDEV_PCI_H

#include <stdbool.h>

#include "core/err.h"

#define HOSTDEV_TAKEN \
	"pci-taken"          /* in run/NAME: the addresses of those that were taken, a line each */
#define HOSTDEV_SYSFS "/sys" /* tests have one of their own */

/* Is it there, and with vfio-pci? *needed: no, but it can be taken; without `managed` that is an error. address:
 * "0000:06:12.5". */
int hostdev_pci_check(
    const char *sysfs, const char *address, bool managed, bool *needed, struct err *err);
/* On failure it may be without a driver: give it back. */
int hostdev_pci_take(const char *sysfs, const char *address, struct err *err);
/* To the driver that the host would choose. */
int hostdev_pci_give_back(const char *sysfs, const char *address, struct err *err);

#endif
