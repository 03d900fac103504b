/* conlog_reader: the history of one console, forward from any time, boot or number of bytes: rotated files, the live
 * log, and what the ring has and the log has not; whether the VM runs or not. Owner: whoever made it. Reads only, one
 * thread, asks nobody.
 *
 * What it hands out is a guest's bytes as they were written, cut into pieces, with the times that are known for them,
 * and the marks between them. A line may go on from piece to piece; a mark ends it. */
#ifndef SERIAL_CONLOG_READER_H
#define SERIAL_CONLOG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"
#include "serial/conlog_index.h"

#define CONLOG_PIECE_MAX 65536u /* bytes of one piece */

struct conlog_reader;

struct conlog_time {
	size_t at;   /* in the piece's bytes */
	uint64_t ns; /* from there on; 0 not known */
};
struct conlog_piece {
	bool is_mark;
	struct conlog_record mark; /* time, kind, value and number tell; CONLOG_DAMAGED too */
	uint8_t *data; /* CONLOG_PIECE_MAX bytes; made by the reader, conlog_piece_fini */
	size_t n;
	struct conlog_time *times; /* the first is at 0 */
	size_t n_times, cap_times;
};
void conlog_piece_fini(struct conlog_piece *p);
/* When the byte at `at` came, as far as is known; 0 not at all. */
uint64_t conlog_piece_time(const struct conlog_piece *p, size_t at);

/* index: consoleN. A console without any history is no error. */
struct conlog_reader *conlog_reader_new(
    const struct home *h, const char *name, unsigned index, struct err *err);
void conlog_reader_free(struct conlog_reader *r);
/* The next piece: 1; 0 at the present end, where a later call may find more. A reader begins at the oldest byte. */
int conlog_reader_next(struct conlog_reader *r, struct conlog_piece *p);

/* At or somewhat before the first byte that came at ns or later: who wants it exactly looks at the pieces' times. By the
 * indexes: nothing before it is read. */
void conlog_reader_seek_time(struct conlog_reader *r, uint64_t ns);
/* No piece is handed out any more once all that follows came after ns. */
void conlog_reader_until(struct conlog_reader *r, uint64_t ns);
/* About the last n bytes; true when that is all there is. */
bool conlog_reader_seek_back(struct conlog_reader *r, uint64_t bytes);

/* Boots, the oldest first. What was written before the first one that is kept counts as one, too. */
struct conlog_boot {
	uint64_t number; /* since this log began; 0 not known */
	uint64_t begin_ns,
	    end_ns; /* 0 not known; the end is that of the next boot's beginning or the last time known */
	enum { CONLOG_BOOT_STARTED, CONLOG_BOOT_RESET, CONLOG_BOOT_CUT } how;
	unsigned file; /* of the reader's: where it begins */
	uint64_t pos;
};
size_t conlog_reader_boots(
    struct conlog_reader *r, struct conlog_boot **boots); /* the caller frees */
/* From boots[i] on, to the end of it. */
void conlog_reader_seek_boot(
    struct conlog_reader *r, const struct conlog_boot *boots, size_t n, size_t i);

/* A descriptor that becomes readable when there may be more (or never: the ring tells nobody); -1 none. */
int conlog_reader_watch(struct conlog_reader *r);
/* Bytes read from files so far, indexes too. */
uint64_t conlog_reader_bytes_read(const struct conlog_reader *r);

#endif
