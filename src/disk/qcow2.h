/* qcow2: an opened qcow2 image, shared by the files qcow2_*.c and nobody else. Source of the format: QEMU's
 * docs/interop/qcow2.txt. Owner: struct img's state.
 *
 * Order of writing, so that a crash at any point leaks clusters at worst: a cluster's refcount is on the disk before anything
 * points to it, what points to it is on the disk before its refcount falls; data and tables lie there before the pointer.
 * "Before" is the order of the system calls, and disk_io_sync stands between where a power cut counts. */
#ifndef DISK_QCOW2_H
#define DISK_QCOW2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "disk/img.h"
#include "disk/img_info.h"

#define QCOW2_MAGIC 0x514649fbu
#define QCOW2_CLUSTER_BITS_MIN 9u
#define QCOW2_CLUSTER_BITS_MAX 21u
#define QCOW2_L1_BYTES_MAX (32u << 20) /* QEMU's limits, all of them */
#define QCOW2_REFTABLE_BYTES_MAX (8u << 20)
#define QCOW2_SNAPSHOTS_MAX 65536u
#define QCOW2_SNAPSHOTS_BYTES_MAX (64u << 20) /* of the whole table */
#define QCOW2_SNAPSHOT_EXTRA_MAX 1024u
#define QCOW2_BITMAPS_MAX 65535u
#define QCOW2_EXTENSIONS_BYTES_MAX (2u << 20)

enum { /* incompatible_features */
	QCOW2_DIRTY = 1,
	QCOW2_CORRUPT = 2,
	QCOW2_DATA_FILE = 4,
	QCOW2_COMPRESSION = 8,
	QCOW2_EXTENDED_L2 = 16,
	QCOW2_INCOMPATIBLE_KNOWN = 31,
};
enum { QCOW2_LAZY_REFCOUNTS = 1 };                             /* compatible_features */
enum { QCOW2_AUTOCLEAR_BITMAPS = 1, QCOW2_AUTOCLEAR_RAW = 2 }; /* autoclear_features */
enum { QCOW2_ZLIB, QCOW2_ZSTD };
enum { /* header extensions */
	QCOW2_EXT_BACKING_FORMAT = 0xe2792aca,
	QCOW2_EXT_FEATURES = 0x6803f857,
	QCOW2_EXT_BITMAPS = 0x23852875,
	QCOW2_EXT_ENCRYPTION = 0x0537be77,
	QCOW2_EXT_DATA_FILE = 0x44415441,
};

#define QCOW2_COPIED (1ull << 63)     /* of L1 and L2 entries: the refcount is exactly one */
#define QCOW2_COMPRESSED (1ull << 62) /* of L2 entries */
#define QCOW2_ZERO 1ull               /* of L2 entries, version 3 without subclusters */
#define QCOW2_OFFSET 0x00fffffffffffe00ull

struct qcow2_extension { /* of the header, kept as it is unless we know better */
	uint32_t type, bytes;
	uint8_t *data;
};
struct qcow2_snapshot {
	struct img_snapshot what;
	uint64_t l1_offset;
	uint32_t l1_entries;
	uint8_t *extra; /* unknown extra data, kept */
	uint32_t extra_bytes;
};
struct qcow2_cache; /* disk/qcow2_cache.h: L2 tables in memory, written back in order */
struct
    qcow2_refs; /* disk/qcow2_refcount.h: refcount blocks in memory, and what is to be given back */

struct qcow2 {
	struct img *img;
	struct disk_io *file, *data; /* data == file unless the guest's bytes are in another file */
	char *data_name;             /* as the header says; NULL: not external */
	unsigned version, header_bytes, cluster_bits, crypt_method, compression;
	uint64_t cluster;        /* bytes */
	unsigned l2_entry_bytes; /* 8; 16 with subclusters */
	unsigned l2_bits;        /* log2 of the entries of an L2 table */
	unsigned refcount_bits;  /* 1 … 64 */
	uint64_t incompatible, compatible, autoclear;
	uint64_t *l1; /* in the host's order */
	uint64_t l1_offset;
	uint32_t l1_entries;
	uint32_t l1_stale_from, l1_stale_to; /* entries that the file does not have yet */
	struct qcow2_refs *refs; /* from the first qcow2_refcount_load on, NULL before */
	uint64_t reftable_offset;
	uint32_t reftable_clusters;
	struct qcow2_snapshot *snapshots;
	uint32_t n_snapshots;
	uint64_t snapshots_offset, snapshots_bytes; /* of the whole table */
	struct qcow2_extension *extensions;
	size_t n_extensions;
	struct qcow2_cache *l2_cache;
	bool written; /* autoclear bits were cleared, refcounts read, as the first write demands */
	bool bitmaps_checked; /* none records what is written */
	bool unsynced;        /* the guest's bytes were written since the last sync */
	bool broken; /* writing failed half-way: nothing more is written, as after a crash */
	/* Were clusters allocated ahead and not written? qcow2_map finds out. */
	enum { QCOW2_SPARSE_UNKNOWN, QCOW2_SPARSE_NO, QCOW2_SPARSE_YES } sparse;
};

static inline struct qcow2 *qcow2_of(const struct img *im)
{
	return im->state;
}

/* Of struct img_driver: disk/qcow2.c has the table. */
int qcow2_open(struct img *im, struct err *err);
int qcow2_map(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err);
int qcow2_unpack(const struct img *im, const struct img_extent *e, uint64_t offset, void *buf,
    size_t n, struct err *err);
int qcow2_info(const struct img *im, struct img_info *info, struct err *err);

/* May a table of so many entries be there? bytes_max: the limit; what: its name in the message. */
int qcow2_check_table(const struct qcow2 *q, uint64_t offset, uint64_t entries, uint64_t each,
    uint64_t bytes_max, const char *what, struct err *err);
/* The first of the type; NULL there is none. A NUL stands behind its data. */
const struct qcow2_extension *qcow2_extension_find(const struct qcow2 *q, uint32_t type);
/* Reads n_snapshots and snapshots_offset's table; n_snapshots is how many are loaded, also on error. */
int qcow2_snapshots_load(struct qcow2 *q, struct err *err);
void qcow2_snapshots_free(struct qcow2_snapshot *snapshots, uint32_t n);

#endif
