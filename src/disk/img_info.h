/* img_info: what is known of an image, for `img info`, the dashboard and pools. Owner: the caller; img_info_fini. */
#ifndef DISK_IMG_INFO_H
#define DISK_IMG_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "disk/img.h"

struct img_snapshot {
	char *id, *name;
	uint64_t vm_state; /* bytes; 0 of the disk alone */
	uint64_t date;     /* seconds since 1970 */
	uint32_t date_ns;
	uint64_t clock_ns; /* how long the guest had run */
	uint64_t disk_size;
	uint64_t icount; /* UINT64_MAX: not recorded */
};
struct img_bitmap {
	char *name;
	uint64_t granularity;   /* bytes */
	bool automatic, in_use; /* QEMU's "auto" and "in-use" */
};
struct img_part { /* VMDK: the files that it is made of */
	char *filename;
	const char *format; /* VMDK's word: "SPARSE", "FLAT" … */
	uint64_t virtual_size, cluster;
	bool compressed;
};
struct img_info {
	char *filename;
	enum disk_format format;
	uint64_t virtual_size, actual_size; /* bytes; actual: blocks in use on the host */
	uint32_t cluster;                   /* 0 none */
	bool dirty, encrypted, compressed;
	char *backing, *backing_full, *backing_format; /* as named, resolved, NULL */
	struct img_snapshot *snapshots;
	size_t n_snapshots;
	struct img_bitmap *bitmaps;
	size_t n_bitmaps;
	/* qcow2 */
	const char *compat, *compression,
	    *encryption; /* "1.1", "zlib", "aes" or "luks"; NULL no qcow2, none */
	bool lazy_refcounts, corrupt, extended_l2, data_file_raw;
	unsigned refcount_bits;
	char *data_file;
	/* vmdk */
	char *vmdk_type;
	uint32_t vmdk_cid, vmdk_parent_cid;
	struct img_part *parts;
	size_t n_parts;
};

/* Of an open image alone, not of its chain. */
int img_info(const struct img *im, struct img_info *info, struct err *err);
void img_info_fini(struct img_info *info);

#endif
