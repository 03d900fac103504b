/* disk_volumes: disks of type='volume' become what their pools say they are: files and block devices. */
#ifndef KVM_DISK_VOLUMES_H
#define KVM_DISK_VOLUMES_H

#include "core/domain.h"
#include "core/err.h"
#include "core/home.h"

/* *d alone changes; its document goes on naming pool and volume. The error names the disk, and what to do; ERR_TIMEOUT when what
 * a pool lies on does not answer. */
int disk_volumes_resolve(const struct home *h, struct domain *d, struct err *err);

#endif
