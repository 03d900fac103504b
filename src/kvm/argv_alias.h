/* argv_alias: QEMU's ids of all devices, and their being written into the document of a machine that runs, where they stay. */
#ifndef KVM_ARGV_ALIAS_H
#define KVM_ARGV_ALIAS_H

#include "core/domain_alias.h"

/* The id that the command line gives to it; NULL: QEMU knows it by none (a lease, the picture of a display). On the heap. */
char *argv_device_id(const struct domain *d, struct device_ref r);
/* Gives an alias to every device that has none: its id, or where another device has that, the next free number. Sets d->live. */
void argv_aliases(struct domain *d);

#endif
