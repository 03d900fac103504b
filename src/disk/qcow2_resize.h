/* qcow2_resize: another size of the disk. The header says it last when it grows, and after what is behind the new end is gone when
 * it shrinks. Owner: struct qcow2. */
#ifndef DISK_QCOW2_RESIZE_H
#define DISK_QCOW2_RESIZE_H

#include "disk/qcow2.h"
#include "disk/qcow2_layout.h"

/* Of struct img_driver; size in whole sectors. */
int qcow2_resize(struct img *im, uint64_t size, struct err *err);
/* Room for the guest's [from, to), which nothing was ever written to; reads as zeroes. */
int qcow2_resize_preallocate(
    struct img *im, uint64_t from, uint64_t to, enum img_prealloc how, struct err *err);
/* Nothing is left of the disk: what backs it shows, or zeroes; the file gets short again. Snapshots stay. */
int qcow2_resize_empty(struct qcow2 *q, struct err *err);

#endif
