/* conlog: what a guest wrote to one console, kept on disk: log/NAME/consoleN.log, and when that is full or old
 * consoleN.log.1 …, soon after consoleN.log.1.gz …; beside each its index of times and events (conlog_index.h). Bytes as
 * the guest wrote them. All of it waits for the disk: its owner in a supervisor is a thread (conlog_writer.h). One more,
 * short-lived, compresses: it gets two open files and touches nothing else.
 *
 * A disk that is full (or fails) stops the logging, not the guest: conlog_write takes nothing until a retry works;
 * whatever its caller could not keep until then shows as one marked gap:
 *   "\n[hvmux: 12345 bytes are missing here]\n"
 * The guest's start, reset and end, a connection to it that was made anew, and a file that somebody took away leave
 * marks of the same form. The index knows where they are: a guest's own text of that form is not taken for one. */
#ifndef SERIAL_CONLOG_H
#define SERIAL_CONLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/err.h"
#include "serial/ring.h"

#define CONLOG_SIZE_DEFAULT (4u << 20)   /* bytes of one file */
#define CONLOG_FILES_DEFAULT 4u          /* the live one and three rotated ones */
#define CONLOG_TOTAL_DEFAULT (64u << 20) /* of all consoles of a VM */
#define CONLOG_RETRY_MS 2000             /* after an error */
#define CONLOG_CALM_MS \
	500 /* without a rotation before compressing: in a storm files fall off first */

struct conlog_limits {
	uint64_t size;  /* bytes of one file */
	unsigned files; /* of one console, the live one among them */
	uint64_t age;   /* seconds that one file is written to; 0: whatever its age */
	uint64_t
	    total; /* bytes of all files of all consoles in the folder; 0: no limit. Live files stay. */
};
#define CONLOG_LIMITS_DEFAULT \
	((struct conlog_limits){CONLOG_SIZE_DEFAULT, CONLOG_FILES_DEFAULT, 0, CONLOG_TOTAL_DEFAULT})

/* Where the ring stands. */
struct conlog_place {
	uint64_t run; /* ring_run; 0: not known, nothing is gone on with */
	uint64_t
	    next; /* offset of the first byte that the log has not seen, as far as the ring knows */
	uint64_t end; /* of the ring */
};

struct conlog;

/* path: of the live file; its directory exists. Never fails: what is wrong with the disk is tried again later. Where
 * the log holds more of this run than at->next says (its writer was killed between the two), it goes on behind that. */
struct conlog *conlog_new(
    const char *path, const struct conlog_limits *limits, const struct conlog_place *at);
/* Takes bytes that begin at offset; the number taken (less than all after an error). An offset
 * beyond the last one taken writes the gap's mark first. */
size_t conlog_write(struct conlog *c, uint64_t offset, const struct iovec *iov, int parts);
/* What happened before the byte at note->offset; in the order of the ring, each before that byte is written. A note
 * that the disk does not take now is written before the next byte that it takes. */
void conlog_note(struct conlog *c, const struct ring_note *note);
uint64_t conlog_next(const struct conlog *c); /* offset after the last byte taken */
/* What the disk said ("No space left on device"), while logging stands still; NULL when it works.
 */
const char *conlog_trouble(const struct conlog *c);
/* Nothing is taken before (loop_now_ms); 0: it is at any time. */
uint64_t conlog_rests_until(const struct conlog *c);
/* Why the next gap is there, where its writer could not even be asked. */
void conlog_late(struct conlog *c, const char *why);
/* Rotated files are compressed meanwhile: waits until fd (-1 none) is readable: true; or ms (-1 never) are over. */
bool conlog_turn(struct conlog *c, int fd, int ms);
/* Tells a compression that runs to give up, waits for it (milliseconds), closes. */
void conlog_free(struct conlog *c);

#endif
