/* qcow2_shadow: changes of an image that are seen as a whole or not at all: what changes is written to free clusters, then
 * one write of the header switches. Snapshots need it: there counts of clusters and the flags that repeat them
 * (QCOW2_COPIED) change together, in different tables, and no order of single writes keeps both true. */
#ifndef DISK_QCOW2_SHADOW_H
#define DISK_QCOW2_SHADOW_H

#include "disk/qcow2.h"

/* From now on counts change beside the file. Whatever else is written must be to clusters allocated since. */
int qcow2_shadow_begin(struct qcow2 *q, struct err *err);
/* The counts and their table, a sync, the header as struct qcow2 is now, a sync; then what is no longer used is given back. After
 * an error the image is broken for us, and in the file as it was. */
int qcow2_shadow_switch(struct qcow2 *q, struct err *err);

#endif
