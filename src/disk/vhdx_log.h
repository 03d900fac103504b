/* vhdx_log: is there anything in a VHDX image's log? For img_vhdx alone. */
#ifndef DISK_VHDX_LOG_H
#define DISK_VHDX_LOG_H

#include <stdint.h>

#include "core/err.h"
#include "disk/disk_io.h"

#define VHDX_GUID 16u

/* 1: the log holds entries under this guid that were never brought into the image; 0 none; -1 an error. */
int vhdx_log_dirty(const struct disk_io *file, uint64_t at, uint64_t bytes,
    const uint8_t guid[VHDX_GUID], struct err *err);

#endif
