/* block_table: images that look up each of their blocks in a table on the disk: VDI, VHD, VHDX, VMDK, QED. Tables are read
 * through windows, so that a hostile header cannot ask for memory: what it claims is only where we read.
 * Owner: the driver's state; block_table_fini. Not for threads. */
#ifndef DISK_BLOCK_TABLE_H
#define DISK_BLOCK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "disk/img.h"

#define BLOCK_TABLE_WINDOW (64u << 10) /* bytes; tables begin at multiples of their entries' size */
#define BLOCK_TABLE_WINDOWS 8u         /* at once: 512 KiB */
#define BLOCK_TABLE_RUN 4096u          /* blocks that one extent joins at most */

struct block_table {
	struct {
		const struct disk_io *file;
		uint64_t at;
		size_t bytes;
		uint8_t *data;
	} windows[BLOCK_TABLE_WINDOWS];
};
void block_table_fini(struct block_table *t);
/* An entry of 4 or 8 bytes at a multiple of that. NULL: an error, for instance that it lies behind the end of the file. Valid
 * until the next call. */
const uint8_t *block_table_entry(
    struct block_table *t, const struct disk_io *file, uint64_t at, size_t bytes, struct err *err);
/* Drivers' check of what an entry points to: a block that begins in the file. What it lacks of its end reads as zeroes, as
 * in QEMU. what: "block", "grain". */
int block_table_check(const struct img *im, const struct disk_io *file, uint64_t host,
    const char *what, uint64_t number, struct err *err);

/* What the table says of a block; file NULL: im->file. */
struct block {
	enum img_extent_kind kind;
	uint64_t host, packed;
	const struct disk_io *file;
};
typedef int block_lookup(struct img *im, uint64_t number, struct block *b, struct err *err);
/* img_driver's map for blocks of `size` bytes, the first at guest offset 0: neighbours that continue each other are one extent. */
int block_table_map(struct img *im, uint64_t size, block_lookup *lookup, uint64_t offset,
    uint64_t bytes, struct img_extent *e, struct err *err);
/* A DATA extent of a file that may have been preallocated: ends where a hole begins or ends, and says so. */
int block_table_holes(struct img_extent *e, struct err *err);

#endif
