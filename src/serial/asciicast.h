/* asciicast: recordings in version 2 of asciinema's format (docs.asciinema.org/manual/asciicast/v2): a header object and an event a
 * line, [seconds, "o", text] for output and [seconds, "r", "COLSxROWS"] for a new size. Written so that the file itself
 * holds no control character but line ends, C1 included. Read from whoever made it: every number is range-checked. Pure.
 * Owner: the caller. */
#ifndef SERIAL_ASCIICAST_H
#define SERIAL_ASCIICAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

#define ASCIICAST_FILE_MAX (512u << 20) /* bytes that are read */
#define ASCIICAST_LINE_MAX (16u << 20)
#define ASCIICAST_TIME_MAX 3155760000.0 /* seconds: a century */

/* --- writing --- */
/* title may be NULL. unix_s: when it began. */
void asciicast_header(
    struct buf *out, unsigned rows, unsigned cols, uint64_t unix_s, const char *title);
void asciicast_resize(struct buf *out, uint64_t ns, unsigned rows, unsigned cols);
/* Output in any cuts: what is left of a character at the end of one event is kept for the next. Broken UTF-8 becomes U+FFFD. */
struct asciicast_text {
	uint8_t rest[4];
	unsigned n;
};
void asciicast_output(
    struct buf *out, struct asciicast_text *t, uint64_t ns, const void *p, size_t n);
/* Nothing follows. */
void asciicast_output_end(struct buf *out, struct asciicast_text *t, uint64_t ns);

/* --- reading --- */
struct asciicast_event {
	double time;         /* seconds from the start; never less than that of the one before */
	char *text;          /* output; NULL: a size */
	size_t n;            /* bytes of text */
	unsigned rows, cols; /* 1..VT_ROWS_MAX, 1..VT_COLS_MAX */
};
struct asciicast {
	unsigned rows, cols;
	uint64_t unix_s; /* 0 not said */
	char *title;     /* printable; NULL none */
	struct asciicast_event *events;
	size_t n_events;
	bool
	    cut; /* its last line has no end and was left out: whoever wrote it was killed, or still writes */
};
/* name: of the file, for messages: "boot.cast:7: …". asciicast_fini on success only. */
int asciicast_parse(
    const char *data, size_t n, const char *name, struct asciicast *cast, struct err *err);
void asciicast_fini(struct asciicast *cast);

#endif
