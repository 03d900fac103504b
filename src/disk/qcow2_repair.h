/* qcow2_repair: makes the reference counts what a walk found them to be, and the flags that repeat them. In an order that
 * leaves, wherever it ends, an image that is no worse: counts grow first, then flags, then counts fall. Counts that cannot be written
 * where they are get a new table at the end of the file, which one write of the header switches to. */
#ifndef DISK_QCOW2_REPAIR_H
#define DISK_QCOW2_REPAIR_H

#include "disk/qcow2_check.h"
#include "disk/qcow2_walk.h"

/* LEAKS: counts only fall, and what is corrupt stays as it is. */
int qcow2_repair(struct qcow2_walk *w, enum qcow2_repair how, struct err *err);
/* It is neither dirty nor corrupt any more. */
int qcow2_repair_unmark(struct qcow2 *q, struct err *err);

#endif
