/* qcow2_snapshot: internal snapshots, made, taken back to and deleted. Each is seen as a whole or not at all
 * (disk/qcow2_shadow.h). Owner: struct qcow2. */
#ifndef DISK_QCOW2_SNAPSHOT_H
#define DISK_QCOW2_SNAPSHOT_H

#include "disk/qcow2.h"

/* Of the disk alone, now, under the next free id. */
int qcow2_snapshot_create(struct qcow2 *q, const char *name, struct err *err);
/* The disk as it was, its size too; what it is now is lost. */
int qcow2_snapshot_apply(struct qcow2 *q, uint32_t which, struct err *err);
int qcow2_snapshot_delete(struct qcow2 *q, uint32_t which, struct err *err);
/* By name; or by id when by_id and no name is it. UINT32_MAX: none. */
uint32_t qcow2_snapshot_find(const struct qcow2 *q, const char *name, bool by_id);
/* In a shadow: the table to a new place, the old one's to be given back. */
int qcow2_snapshot_write_table(struct qcow2 *q, struct err *err);

#endif
