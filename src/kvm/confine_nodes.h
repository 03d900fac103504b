/* confine_nodes: device files of the host that QEMU opens by name itself (VFIO groups, USB devices), given to its user for the run. Who
 * had them stands in run/NAME/nodes before they are given, and whoever ends or starts the VM gives them back. /dev does not
 * outlive the host's boot: after a power cut there is nothing to give back. */
#ifndef KVM_CONFINE_NODES_H
#define KVM_CONFINE_NODES_H

#include "core/domain.h"
#include "core/home.h"
#include "kvm/confine.h"

/* sys, dev: "/sys" and "/dev", or a test's. Sets c->lock_memory where devices reach into the guest's memory. */
int confine_nodes_give(struct confine *c, const char *sys, const char *dev, const struct home *h,
    const struct domain *d, struct err *err);
void confine_nodes_take_back(const struct home *h, const char *name);

#endif
