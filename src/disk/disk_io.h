/* disk_io: the file or block device that an image lies in. Every access of the disk room goes through here: whole
 * transfers or an error that names file and offset, no retry loops elsewhere, no read outside of the file.
 * Owner: whoever opened it, on the heap. Threads: read, write, zero, copy and sync may be called by several at once, on
 * different bytes; the others by one. */
#ifndef DISK_DISK_IO_H
#define DISK_DISK_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct disk_io {
	int fd;
	char *path;    /* as given, for messages and for names relative to it */
	bool writable; /* opened for it */
	bool reserve;  /* disk_io_write_fresh asks for room first */
	bool block;    /* a block device: its size is fixed, holes are BLKZEROOUT and BLKDISCARD */
	uint64_t
	    size; /* bytes, at opening and after our own writes behind the end and disk_io_resize */
};

enum disk_io_flag {
	DISK_IO_WRITE = 1,
	DISK_IO_CREATE =
	    2, /* made when it is missing, mode 0644 less the umask; what is there already is emptied, unless
	     * somebody uses it as an image (disk/img_lock.h) */
	DISK_IO_DIRECT =
	    4, /* O_DIRECT; buffers, offsets and lengths are then the caller's to align to 4096 */
};
/* Regular files and block devices only; links are followed. What is neither is not even opened: a name comes from an image
 * perhaps, and to open a watchdog or a tape does something, to open a pipe waits. NULL on error. */
struct disk_io *disk_io_open(const char *path, unsigned flags, struct err *err);
/* The same with a descriptor that is ours from now on, also when it fails; path is for messages. */
struct disk_io *disk_io_take(int fd, const char *path, bool writable, struct err *err);
/* The size as it is now, where somebody else may have changed it. */
int disk_io_look_again(struct disk_io *io, struct err *err);
/* Closes; passes NULL through. */
void disk_io_close(struct disk_io *io);

/* All n bytes; what lies behind the end of the file is ERR_INVALID: an image points outside of itself. */
int disk_io_read(const struct disk_io *io, uint64_t at, void *buf, size_t n, struct err *err);
/* The same, with zeroes for what lies behind the end: raw images, the last cluster of others. */
int disk_io_read_padded(
    const struct disk_io *io, uint64_t at, void *buf, size_t n, struct err *err);
int disk_io_write(struct disk_io *io, uint64_t at, const void *buf, size_t n, struct err *err);
/* The same, of bytes that are written for the first time: the place is asked for before they come, where that is cheaper
 * (ext4: an eighth less of the processor's time for a large file in the page cache). */
int disk_io_write_fresh(
    struct disk_io *io, uint64_t at, const void *buf, size_t n, struct err *err);
/* Reads as zeroes afterwards; punch: by giving the space back where the file system can, else by writing zeroes without
 * allocating more than is needed. Extends the file when it ends before. */
int disk_io_zero(struct disk_io *io, uint64_t at, uint64_t n, bool punch, struct err *err);
/* Gives the space back if that is possible; what is read there afterwards is undefined. Never an error. */
void disk_io_discard(struct disk_io *io, uint64_t at, uint64_t n);
/* Makes sure that there is room for what will be written there (fallocate; false zeroes on file systems that cannot). */
int disk_io_allocate(struct disk_io *io, uint64_t at, uint64_t n, struct err *err);
/* Copies inside the kernel: a reflink where the file system has them. 1 done, 0 this pair of files cannot (the caller
 * copies by hand), -1 an error such as a full disk. */
int disk_io_copy(const struct disk_io *from, uint64_t from_at, struct disk_io *to, uint64_t to_at,
    uint64_t n, struct err *err);
/* Grows (zeroes, a hole) or cuts a regular file; a block device: only checks that it is large enough. */
int disk_io_resize(struct disk_io *io, uint64_t size, struct err *err);
int disk_io_sync(struct disk_io *io, struct err *err); /* fdatasync */
/* Where at or behind `at` the next data begin and end (SEEK_DATA, SEEK_HOLE), cut to `end`; *from == end: a hole up to
 * there. A file system that cannot tell says it is all data. Bytes behind the file's end are a hole. */
int disk_io_next_data(const struct disk_io *io, uint64_t at, uint64_t end, uint64_t *from,
    uint64_t *to, struct err *err);
/* st_blocks × 512; 0 for a block device. */
uint64_t disk_io_allocated(const struct disk_io *io);

#endif
