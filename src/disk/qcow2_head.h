/* qcow2_head: the header's cluster, written as a whole: one call switches from one state of the image to the next.
 * Source: docs/interop/qcow2.txt, "Header" and "Header extensions". */
#ifndef DISK_QCOW2_HEAD_H
#define DISK_QCOW2_HEAD_H

#include "disk/qcow2.h"

/* Writes what struct qcow2 and its image say: version, sizes, tables, features, backing file and its format, data file;
 * other extensions and header fields stay. Bare of what makes no sense in version 2. Not synced. ERR_INVALID: the names do not fit into a
 * cluster. */
int qcow2_head_write(struct qcow2 *q, struct err *err);
/* Another backing file, at once in the file; NULL none, format NULL: not said. */
int qcow2_head_set_backing(struct qcow2 *q, const char *name, const char *format, struct err *err);
/* Sets or takes away (data NULL) an extension in memory. */
void qcow2_head_extension(struct qcow2 *q, uint32_t type, const void *data, uint32_t bytes);

#endif
