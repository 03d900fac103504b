/* record: what tests/disk/shim/record.c writes down, and tests/disk/replay.c does again: after each struct come the path of the
 * file (its length in `path`) and the bytes that were written (`bytes` of them for RECORD_WRITE). */
#ifndef TESTS_DISK_RECORD_H
#define TESTS_DISK_RECORD_H

#include <stdint.h>

enum record_op { RECORD_WRITE, RECORD_PUNCH, RECORD_ALLOCATE, RECORD_TRUNCATE, RECORD_SYNC };

struct record {
	uint32_t op, path;
	uint64_t offset, bytes;
};

/* About half of a write, up to where a sector begins. */
static inline uint64_t record_half(uint64_t offset, uint64_t bytes)
{
	uint64_t end = (offset + bytes / 2) / 512 * 512;
	return end > offset ? end - offset : 0;
}

#endif
