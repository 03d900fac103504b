/* qcow2_alloc: free clusters of the file, for data and tables. What is allocated counts 1 in memory at once
 * (disk/qcow2_refcount.h tells when that reaches the file). Owner: struct qcow2. */
#ifndef DISK_QCOW2_ALLOC_H
#define DISK_QCOW2_ALLOC_H

#include "disk/qcow2.h"
#include "disk/qcow2_refcount.h"

/* The first run of at least `min` free clusters, of which it takes `want` at most (min <= want, min > 0). */
int qcow2_alloc(
    struct qcow2 *q, uint64_t min, uint64_t want, uint64_t *first, uint64_t *got, struct err *err);
/* Whole clusters in a row for so many bytes; where in the file. */
int qcow2_alloc_bytes(struct qcow2 *q, uint64_t bytes, uint64_t *offset, struct err *err);
/* Refcount block k, made where there is none, in memory and at a place where it may change. NULL on error. */
struct qcow2_block *qcow2_alloc_block(struct qcow2 *q, uint64_t k, struct err *err);
/* A refcount table of a place of its own, as a shadow needs one. */
int qcow2_alloc_move_table(struct qcow2 *q, struct err *err);

#endif
