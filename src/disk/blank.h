/* blank: is there anything on a block device that we are about to make anew? */
#ifndef DISK_BLANK_H
#define DISK_BLANK_H

#include "core/err.h"

/* ERR_EXISTS: what blkid(8) finds: a file system, a partition table, a physical volume. */
int blank_check(const char *device, struct err *err);

#endif
