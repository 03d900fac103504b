/* supervisor_devices: what the devices of a VM need of the host: bridges and taps, free ports, what is missing and would make
 * QEMU fail in words of its own. */
#ifndef KVM_SUPERVISOR_DEVICES_H
#define KVM_SUPERVISOR_DEVICES_H

#include "kvm/supervisor_impl.h"

/* Puts into *d what the host alone can tell: the bridge of a network, free ports for autoport, a context id; refuses what the
 * host does not have. */
int sup_devices_resolve(struct supervisor *s, struct domain *d, struct err *err);
/* The descriptor of a tap or of vhost (ARGV_TAP, ARGV_VHOST_NET). Called in the order of the queues; the name of a new tap goes
 * into *d. */
int sup_devices_open(struct domain *d, const struct argv_socket *k, struct err *err);
/* d's document with what was resolved and opened, and run/NAME/live.xml, where it differs from the one that is there. */
int sup_devices_note(const struct supervisor *s, struct domain *d, struct err *err);
/* QEMU listens: what kept its ports for it ends. Tells it which cards have no cable. */
void sup_devices_up(struct supervisor *s);
/* Takes back what a start has made: opened: by *d itself, which then failed; else d is live.xml, where all is ours. */
void sup_devices_drop(const struct supervisor *s, const struct domain *d, bool opened);
/* After a run, while live.xml is there: what does not go by itself. */
void sup_devices_clear(struct supervisor *s);

/* --- shared by supervisor_devices.c, supervisor_nets.c, supervisor_hostdevs.c --- */
/* Puts the domain and the element before err's words; -1. */
int sup_devices_refuse(const struct domain *d, const char *element, unsigned line, struct err *err);
/* The path can be used so (access(2)'s mode), or the error says what it is for. */
int sup_devices_need(const char *what, const char *path, int mode, struct err *err);
int sup_net_resolve(
    struct supervisor *s, const struct domain *d, struct domain_net *net, struct err *err);
void sup_nets_drop(const struct domain *d, bool opened);
int sup_hostdev_resolve(struct supervisor *s, struct domain_dev *dev, struct err *err);
/* The device of <source><address>: noted in the run directory before it is taken from its driver. */
int sup_pci_take(const struct supervisor *s, const struct domain_attrs *a, struct err *err);
void sup_pci_give_back(const struct supervisor *s);

#endif
