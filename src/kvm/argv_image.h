/* argv_image: a disk's block nodes, for argv_disk.c. */
#ifndef KVM_ARGV_IMAGE_H
#define KVM_ARGV_IMAGE_H

#include "kvm/argv_impl.h"

#define NODE_NAME_MAX 32 /* QEMU's, with the NUL */

/* The nodes of disk number i; top is the name of the one that its device takes. */
int build_image(struct builder *b, size_t i, char top[NODE_NAME_MAX]);

/* argv_iothread.c: the id of the throttle group that the <iotune> of disk i belongs to. */
void build_iotune_group(const struct domain *d, size_t i, char id[NODE_NAME_MAX]);

#endif
