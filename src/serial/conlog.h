/* conlog: what a guest wrote to one console, kept on disk: log/NAME/consoleN.log, and when that is
 * full consoleN.log.1 …, soon after consoleN.log.1.gz …. Bytes as the guest wrote them. Owner: the
 * hub. One thread, but for a short-lived one that compresses: it gets two open files and touches
 * nothing else.
 *
 * A disk that is full (or fails) stops the logging, not the guest: conlog_write takes nothing until
 * a retry works; whatever its caller could not keep until then shows as one marked gap:
 *   "\n[hvmux: 12345 bytes are missing here]\n"
 * The guest's start, reset and end, and a connection to it that was made anew, leave marks of the same form. */
#ifndef SERIAL_CONLOG_H
#define SERIAL_CONLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/err.h"
#include "core/loop.h"
#include "serial/ring.h"

#define CONLOG_SIZE_DEFAULT (4u << 20) /* bytes of one file */
#define CONLOG_FILES_DEFAULT 4u        /* the live one and three rotated ones */
#define CONLOG_RETRY_MS 2000           /* after an error */
#define CONLOG_CALM_MS \
	500 /* without a rotation before compressing: in a storm files fall off first */

struct conlog;

/* path: of the live file; its directory exists. next: offset of the first byte that the log has not
 * seen. Never fails: what is wrong with the disk is tried again later. */
struct conlog *conlog_new(
    struct loop *l, const char *path, size_t size, unsigned files, uint64_t next);
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
/* Tells a compression that runs to give up, waits for it (milliseconds), closes. */
void conlog_free(struct conlog *c);

#endif
