/* qcow2_build: fills a qcow2 image that was made just now, in the guest's order and in large pieces: clusters one behind the
 * other, each table written once when it is full. For convert; what is changed later is disk/qcow2_write's.
 * Owner: whoever made it, on the heap. One thread. Memory: an L2 table, a piece of L1, a refcount block, the refcount table. */
#ifndef DISK_QCOW2_BUILD_H
#define DISK_QCOW2_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "disk/disk_io.h"

struct qcow2_build;

/* io: as qcow2_create left it, without preallocation; borrowed. data: the external data file or NULL, borrowed; the guest's
 * bytes lie there where the guest sees them. NULL on error. */
struct qcow2_build *qcow2_build_new(struct disk_io *io, struct disk_io *data, struct err *err);
uint64_t qcow2_build_cluster(const struct qcow2_build *b); /* bytes */
unsigned qcow2_build_compression(const struct qcow2_build *b);

/* All offsets of the guest are whole clusters, each larger than the one before. */
/* A cluster whose bytes the caller writes at *host, in whichever file qcow2_build_file tells. */
int qcow2_build_data(struct qcow2_build *b, uint64_t guest, uint64_t *host, struct err *err);
struct disk_io *qcow2_build_file(const struct qcow2_build *b);
/* n < the cluster's bytes, compressed; copied. */
int qcow2_build_packed(
    struct qcow2_build *b, uint64_t guest, const void *bytes, size_t n, struct err *err);
/* Zeroes, whatever backs the image. `clusters` of them. */
int qcow2_build_zero(struct qcow2_build *b, uint64_t guest, uint64_t clusters, struct err *err);
/* Writes what is still in memory. Not synced. */
int qcow2_build_end(struct qcow2_build *b, struct err *err);
/* Always. Without qcow2_build_end before it the image is not to be used. */
void qcow2_build_free(struct qcow2_build *b);

#endif
