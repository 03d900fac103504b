/* qcow2_cache: tables of an image in memory, each as it is in the file (big-endian), the longest unused written back
 * first. Made for L2 tables; refcount blocks have their own home (disk/qcow2_refcount.h), as their order is another.
 * Owner: struct qcow2. Threads: one. */
#ifndef DISK_QCOW2_CACHE_H
#define DISK_QCOW2_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "disk/disk_io.h"

#define QCOW2_CACHE_BYTES (2u << 20) /* that a cache may hold; at least QCOW2_CACHE_MIN tables */
#define QCOW2_CACHE_MIN 4u
#define QCOW2_CACHE_MAX 1024u

struct qcow2_cache;

/* Nothing is allocated before the first table is wanted. io is borrowed. */
struct qcow2_cache *qcow2_cache_new(struct disk_io *io, size_t table_bytes);
/* Drops everything, also what was not written; passes NULL through. */
void qcow2_cache_free(struct qcow2_cache *c);
/* What must be in the file before any changed table goes there: called before the first one of a round of writing. */
void qcow2_cache_before(
    struct qcow2_cache *c, int (*before)(void *arg, struct err *err), void *arg);
/* The table at `offset` of the file. It stays where it is until the call after the next of _get or _fresh (so that two
 * can be used together) or _free. */
void *qcow2_cache_get(struct qcow2_cache *c, uint64_t offset, struct err *err);
/* A table of zeroes that nothing in the file points to yet; counts as changed. */
void *qcow2_cache_fresh(struct qcow2_cache *c, uint64_t offset, struct err *err);
/* The table was changed; it is written by qcow2_cache_flush, or when its place is needed. */
void qcow2_cache_dirty(struct qcow2_cache *c, const void *table);
/* Writes what was changed, in the order of the file; it stays cached. Does not sync. */
int qcow2_cache_flush(struct qcow2_cache *c, struct err *err);
/* Would _flush write something? */
bool qcow2_cache_changed(const struct qcow2_cache *c);
/* What is cached of the tables there no longer counts: the space is free, or the file is changed behind our back. */
void qcow2_cache_forget(struct qcow2_cache *c, uint64_t from, uint64_t bytes);

#endif
