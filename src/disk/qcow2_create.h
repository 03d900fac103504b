/* qcow2_create: writes a fresh qcow2 image. */
#ifndef DISK_QCOW2_CREATE_H
#define DISK_QCOW2_CREATE_H

#include "core/err.h"
#include "disk/disk_io.h"
#include "disk/qcow2_layout.h"

/* Into an empty file, or over what a block device holds; data: the data file, where o names one, else NULL. The header is
 * the last that is written: what a crash leaves is no image, rather than half of one. Not synced. */
int qcow2_create(
    const struct qcow2_options *o, struct disk_io *io, struct disk_io *data, struct err *err);

/* The guest's bytes of a fresh image: `bytes` at `at`, all zeroes, kept as `prealloc` says. */
int qcow2_create_space(
    struct disk_io *io, uint64_t at, uint64_t bytes, enum img_prealloc prealloc, struct err *err);

#endif
