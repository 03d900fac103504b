/* vmdk: VMware's disk images, read only: monolithicSparse, streamOptimized, monolithicFlat, twoGbMaxExtentSparse,
 * twoGbMaxExtentFlat, vmfs. Shared by img_vmdk.c and vmdk_*.c alone. A descriptor (text, a file of its own or inside of a
 * sparse one) names extents, which follow each other in the guest. Source: VMware's Virtual Disk Format 1.1 and 5.0. */
#ifndef DISK_VMDK_H
#define DISK_VMDK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "disk/block_table.h"
#include "disk/img.h"

#define VMDK_DESCRIPTOR_MAX (1u << 20)
#define VMDK_EXTENTS_MAX 2048u        /* 4 TiB in pieces of 2 GiB; each takes a descriptor */
#define VMDK_GRAIN_MAX (1u << 30)     /* bytes */
#define VMDK_PACKED_MAX (2u << 20)    /* bytes of a grain that is compressed; 64 KiB is usual */
#define VMDK_GTES_MAX 512u            /* entries of a grain table */
#define VMDK_NO_PARENT 0xffffffffu    /* parentCID */
#define VMDK_SPARSE_MAGIC 0x564d444bu /* "KDMV" */
#define VMDK_COWD_MAGIC 0x44574f43u   /* "COWD" */
#define VMDK_DESCRIPTOR_HEAD "# Disk DescriptorFile"

/* --- vmdk_descriptor: the text --- */
struct vmdk_line { /* RW 4192256 SPARSE "disk-s001.vmdk" 0 */
	char *access, *type, *name;
	uint64_t sectors, offset; /* offset: of a flat extent in its file, sectors */
};
struct vmdk_descriptor {
	char *create_type, *parent; /* parent: its file, as named; NULL none told */
	uint32_t cid, parent_cid;
	struct vmdk_line *lines;
	size_t n_lines;
};
bool vmdk_descriptor_probe(const uint8_t *head, size_t n);
/* text: n bytes, up to a NUL. file: for messages. vmdk_descriptor_fini in every case. */
int vmdk_descriptor_parse(
    const char *text, size_t n, const char *file, struct vmdk_descriptor *d, struct err *err);
void vmdk_descriptor_fini(struct vmdk_descriptor *d);

/* --- vmdk_sparse: a file with grain tables --- */
struct vmdk_sparse {
	uint64_t sectors;      /* of the guest in it */
	uint32_t grain, gtes;  /* bytes of a grain; entries of a grain table */
	uint64_t directory_at; /* bytes */
	bool zero_grains, packed, markers;
	uint64_t descriptor_at, descriptor_bytes; /* 0 none inside */
};
int vmdk_sparse_open(const struct disk_io *file, struct vmdk_sparse *s, struct err *err);
/* Grain by number; b->file is file. */
int vmdk_sparse_lookup(const struct img *im, const struct vmdk_sparse *s,
    const struct disk_io *file, struct block_table *table, uint64_t number, struct block *b,
    struct err *err);
/* Part of a compressed grain; `skip` bytes of it come first. Safe for threads. */
int vmdk_sparse_unpack(
    const struct img_extent *e, bool markers, uint64_t skip, void *buf, size_t n, struct err *err);

#endif
