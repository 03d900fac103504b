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
/* d's document with what was resolved and opened. */
int sup_devices_note(struct domain *d, struct err *err);
/* QEMU listens: what kept its ports for it ends. Tells it which cards have no cable. */
void sup_devices_up(struct supervisor *s);
/* Takes back what a start has made: opened: by *d itself, which then failed; else d is live.xml, where all is ours. */
void sup_devices_drop(const struct supervisor *s, const struct domain *d, bool opened);
/* After a run, while live.xml is there: what does not go by itself. */
void sup_devices_clear(struct supervisor *s);

#endif
