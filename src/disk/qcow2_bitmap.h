/* qcow2_bitmap: the persistent dirty bitmaps of an image. Owner: struct qcow2. */
#ifndef DISK_QCOW2_BITMAP_H
#define DISK_QCOW2_BITMAP_H

#include "disk/qcow2.h"

/* May the guest's bytes change? ERR_UNSUPPORTED when a bitmap would have to record it. */
int qcow2_bitmap_check_write(const struct qcow2 *q, struct err *err);

#endif
