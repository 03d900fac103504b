/* qcow2_layout: what a fresh qcow2 image looks like, computed before a byte is written: which table lies where, and what
 * stands in it. Pure functions of the options; `create`, `convert` and `measure` are three users of them.
 * The tables lie one behind the other: header, refcount table, refcount blocks, L1, L2 tables, data. */
#ifndef DISK_QCOW2_LAYOUT_H
#define DISK_QCOW2_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "disk/qcow2.h"

#define QCOW2_CLUSTER_DEFAULT 65536u
#define QCOW2_BACKING_NAME_MAX 1023u
#define QCOW2_SUBCLUSTERS 32u /* of a cluster, with extended L2 entries */
#define QCOW2_EXTENDED_CLUSTER_MIN 16384u

enum img_prealloc {
	IMG_PREALLOC_OFF,
	IMG_PREALLOC_METADATA, /* tables for everything; the data a hole */
	IMG_PREALLOC_FALLOC,   /* … with space reserved for them */
	IMG_PREALLOC_FULL,     /* … with zeroes written over them */
};

/* Words are borrowed. All zero but for the size is what qemu-img makes by default. */
struct qcow2_options {
	uint64_t size;          /* bytes; rounded up to sectors */
	uint64_t cluster;       /* bytes, 0 QCOW2_CLUSTER_DEFAULT */
	unsigned version;       /* 2, 3, 0: 3 */
	uint64_t refcount_bits; /* 0: 16 */
	bool lazy_refcounts, extended_l2, data_file_raw;
	unsigned compression; /* QCOW2_ZLIB, QCOW2_ZSTD */
	enum img_prealloc prealloc;
	const char *backing, *backing_format; /* NULL none */
	const char *data_file;                /* as the header is to name it; NULL none */
};

struct qcow2_layout {
	uint64_t size, cluster;
	unsigned version, cluster_bits, l2_bits, refcount_bits;
	bool extended_l2;
	uint64_t reftable, reftable_clusters;
	uint64_t refblocks, n_refblocks; /* offset; one cluster each */
	uint64_t l1, l1_entries;         /* offset 0 when there are none */
	uint64_t l2, n_l2;               /* offset; preallocated, one cluster each */
	uint64_t data, n_data; /* offset; preallocated clusters, here or in the data file */
	bool data_elsewhere;
	uint64_t end; /* of the file, whole clusters */
};

/* Checks what cannot be combined in qemu-img's words. ERR_INVALID. */
int qcow2_layout_plan(const struct qcow2_options *o, struct qcow2_layout *l, struct err *err);
/* The same with room for n L2 tables and n_data clusters behind them, wherever the guest's bytes will be: what a writer
 * needs that knows its clusters before it begins. */
int qcow2_layout_plan_for(const struct qcow2_options *o, uint64_t n_l2, uint64_t n_data,
    struct qcow2_layout *l, struct err *err);

/* Words of the tables, in the host's order, by their index: of the refcount table, of the refcount blocks one behind the
 * other (every cluster up to the end counts one), of L1, of the L2 tables one behind the other. */
uint64_t qcow2_layout_reftable(const struct qcow2_layout *l, uint64_t i);
uint64_t qcow2_layout_refblocks(const struct qcow2_layout *l, uint64_t i);
uint64_t qcow2_layout_l1(const struct qcow2_layout *l, uint64_t i);
uint64_t qcow2_layout_l2(const struct qcow2_layout *l, uint64_t i);

/* The header's cluster with its extensions and the backing file's name, zeroes behind; room: l->cluster bytes.
 * Fails when they do not fit. */
int qcow2_layout_header(
    const struct qcow2_options *o, const struct qcow2_layout *l, uint8_t *room, struct err *err);

#endif
