/* conlog_index: what is known of the bytes in one file of a console's log: when they came, and what happened between
 * them. It lies beside the file: consoleN.log.idx, and consoleN.log.K.idx for consoleN.log.K and consoleN.log.K.gz;
 * positions count uncompressed bytes. Owners: conlog writes, conlog_reader reads.
 *
 * The file: a header and records, 40 bytes each, little-endian, each closed by the CRC-32 of its first 36 bytes
 *   header: "HVMUXIDX", u32 version, u32 bytes of a record, u64 inode, u64 boots before it, u32 0, u32 CRC
 *   record: u64 pos, u64 offset, u64 time (ns since 1970), u64 number, u8 kind, u8 value, u16 length, u32 CRC
 * inode is that of the log's file while it was written: the index of another file is not gone on with.
 *
 * Nobody relies on it: what is cut, damaged, out of order or outside the file is left out when it is read, and a log
 * without an index has bytes without times. */
#ifndef SERIAL_CONLOG_INDEX_H
#define SERIAL_CONLOG_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONLOG_INDEX_RECORD 40u
#define CONLOG_INDEX_BYTES_MAX (16u << 20) /* read at most; times stop at half of it */

enum conlog_mark {
	CONLOG_TIME = 1, /* the bytes from pos on came at this time or after it */
	CONLOG_BEGIN,    /* the same, and they are from another run of the ring: number */
	CONLOG_BOOT, /* value 0: the guest was started; 1: reset. number: the how manieth boot in this log */
	CONLOG_RECONNECT, /* something may be missing */
	CONLOG_END,       /* the guest ended */
	CONLOG_HOLE,      /* number: bytes missing */
	CONLOG_REPLACED,  /* what was in the file before was removed by somebody */
	CONLOG_DAMAGED, /* of readers only: number bytes of a file, as far as is known, cannot be read */
	CONLOG_MARKS
};

struct conlog_record {
	uint64_t pos;
	uint64_t offset; /* in the ring, of the first byte behind this record and its text */
	uint64_t time_ns;
	uint64_t number;
	uint8_t kind, value;
	uint16_t length; /* bytes from pos on that are the mark's own text */
};

/* --- reading --- */
struct conlog_index {
	struct conlog_record *records; /* pos ascends; none begins or ends beyond the file */
	size_t n;
	uint64_t inode, boots;
	uint64_t bytes_read;
};

/* What fd holds, as far as it can be used for a file of `size` bytes (UINT64_MAX: not known yet). fd -1: nothing. */
void conlog_index_read(int fd, uint64_t size, struct conlog_index *x);
/* The time of the first record; 0 not known. */
uint64_t conlog_index_first_time(int fd);
/* The last record at or before pos; -1 there is none. */
long conlog_index_at(const struct conlog_index *x, uint64_t pos);
/* How many boots the log has seen by the end of it. */
uint64_t conlog_index_boots(const struct conlog_index *x);
/* The offset of the byte at pos, and the run that it belongs to. False: not known. */
bool conlog_index_offset(
    const struct conlog_index *x, uint64_t pos, uint64_t *run, uint64_t *offset);
void conlog_index_fini(struct conlog_index *x);

/* --- writing --- */
#define CONLOG_INDEX_MARKS 8u

struct conlog_index_writer {
	int fd; /* -1: none; the disk takes none */
	uint64_t bytes;
	uint64_t boots, run;                            /* after the last record */
	uint64_t began_ns;                              /* time of the first record */
	struct conlog_record last;                      /* kind 0: none yet */
	struct conlog_record marks[CONLOG_INDEX_MARKS]; /* the last ones that are no times */
	unsigned n_marks;                               /* ever; the next one's place, modulo */
};

#define CONLOG_INDEX_WRITER_INIT ((struct conlog_index_writer){.fd = -1})

/* Goes on with the index of a log of that inode and size. -1: there is none that belongs to it. */
int conlog_index_resume(
    struct conlog_index_writer *w, const char *path, uint64_t inode, uint64_t size);
/* A new one in the place of what is there. boots and run go on as they are in w. -1 with errno. */
int conlog_index_begin(struct conlog_index_writer *w, const char *path, uint64_t inode);
/* Appends; whole or not at all. A time that says too little is left out, which is no failure. -1 with errno. */
int conlog_index_add(struct conlog_index_writer *w, const struct conlog_record *r);
void conlog_index_close(struct conlog_index_writer *w);

#endif
