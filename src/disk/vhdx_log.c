#include "disk/vhdx_log.h"

#include <string.h>

#include "core/mem.h"
#include "disk/crc32c.h"
#include "disk/le.h"

/* Source: MS-VHDX, "Log". A ring of sectors, in which an entry counts when its checksum and the log's guid are right. */
#define SECTOR 4096u
#define ENTRY_SIGNATURE 0x65676f6cu /* "loge" */
#define ENTRY_BYTES 64u
/* Bytes that are summed up at most before we give up: entries that overlap would make it a square. */
#define SUM_MAX (256u << 20)

enum { /* offsets in an entry's header */
	AT_CHECKSUM = 4,
	AT_LENGTH = 8,
	AT_TAIL = 12,
	AT_SEQUENCE = 16,
	AT_GUID = 32,
};

struct log {
	const struct disk_io *file;
	uint64_t at, bytes, summed;
	uint8_t sector[SECTOR];
};

/* 1 right, 0 wrong. */
static int sum_entry(struct log *l, uint64_t from, uint32_t length, uint32_t want, struct err *err)
{
	uint32_t crc = 0;
	l->summed += length;
	if (l->summed > SUM_MAX)
		return err_set(
		    err, ERR_UNSUPPORTED, "'%s': its log cannot be looked through", l->file->path);
	for (uint32_t done = 0; done < length; done += SECTOR) {
		if (disk_io_read(
		        l->file, l->at + (from + done) % l->bytes, l->sector, SECTOR, err) < 0)
			return -1;
		if (done == 0)
			memset(l->sector + AT_CHECKSUM, 0, 4);
		crc = crc32c(crc, l->sector, SECTOR);
	}
	return crc == want;
}

static int entry_counts(struct log *l, uint64_t from, const uint8_t *guid, struct err *err)
{
	uint8_t h[ENTRY_BYTES];
	if (disk_io_read(l->file, l->at + from, h, sizeof(h), err) < 0)
		return -1;
	uint32_t length = le32_get(h + AT_LENGTH);
	if (le32_get(h) != ENTRY_SIGNATURE || memcmp(h + AT_GUID, guid, VHDX_GUID) != 0 ||
	    length == 0 || length % SECTOR || length > l->bytes || le32_get(h + AT_TAIL) % SECTOR ||
	    le32_get(h + AT_TAIL) >= l->bytes || le64_get(h + AT_SEQUENCE) == 0)
		return 0;
	return sum_entry(l, from, length, le32_get(h + AT_CHECKSUM), err);
}

int vhdx_log_dirty(const struct disk_io *file, uint64_t at, uint64_t bytes,
    const uint8_t guid[VHDX_GUID], struct err *err)
{
	CLEANUP_FREE struct log *l = xcalloc(1, sizeof(*l));
	int result = 0;
	l->file = file;
	l->at = at;
	l->bytes = bytes;
	for (uint64_t from = 0; result == 0 && from < bytes; from += SECTOR)
		result = entry_counts(l, from, guid, err);
	return result;
}
