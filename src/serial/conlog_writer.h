/* conlog_writer: a console's log, written by a thread of its own, so that a disk that hangs holds nobody up: the loop
 * hands over copied pieces, one at a time, and hears when each is written. Owner: the hub, in the loop. All of the log's
 * file work is the thread's (conlog.h); it touches nothing else of the process, and no signal comes to it.
 *
 * Memory: CONLOG_PIECE bytes while there is something to write, and the thread's stack. */
#ifndef SERIAL_CONLOG_WRITER_H
#define SERIAL_CONLOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"
#include "serial/conlog.h"
#include "serial/ring.h"

#define CONLOG_PIECE 131072u    /* bytes handed over at a time */
#define CONLOG_PIECE_NOTES 32u  /* … and what happened between them */
#define CONLOG_LATE_MS 5000     /* a piece that takes longer is trouble */
#define CONLOG_PATIENCE_MS 2000 /* at the end a piece is waited for that long in all */
#define CONLOG_IDLE_MS 1000     /* … without a piece: its memory is given back */

struct conlog_writer;

/* What became of a piece. */
struct conlog_written {
	uint64_t lost;                 /* bytes of the hole that was marked */
	struct ring_note_cursor notes; /* behind the last one that was taken … */
	bool any_notes;                /* … where any was */
};

/* written: after each piece, and once more (with nothing) when the log was opened, or is late. In the loop, or in
 * conlog_writer_wait. Not to free the writer in. NULL with err when there can be no thread. */
struct conlog_writer *conlog_writer_new(struct loop *l, const char *path,
    const struct conlog_limits *limits, const struct conlog_place *at,
    void (*written)(void *arg, const struct conlog_written *done), void *arg, struct err *err);
/* Is a piece on its way, or the log not open yet, or the disk not to be tried again yet? Then nothing can be handed over. */
bool conlog_writer_busy(const struct conlog_writer *w);
/* Hands over what the ring has from `from` on, but not beyond `to`, with the notes that belong to it. False: there is
 * nothing, or it is busy. */
bool conlog_writer_give(struct conlog_writer *w, const struct ring *r, uint64_t from, uint64_t to,
    const struct ring_note_cursor *notes);
/* Offset after the last byte that is in the log, and after the last one that was handed over. */
uint64_t conlog_writer_next(const struct conlog_writer *w);
uint64_t conlog_writer_given(const struct conlog_writer *w);
/* Bytes missing before the piece that is on its way. */
uint64_t conlog_writer_hole(const struct conlog_writer *w);
/* Milliseconds that the present piece has been on its way; 0 none is. */
uint64_t conlog_writer_age(const struct conlog_writer *w);
/* As conlog_trouble; and when the disk does not answer at all. */
const char *conlog_writer_trouble(const struct conlog_writer *w);
/* Waits until the present piece is written, for what earlier calls have left of CONLOG_PATIENCE_MS, and not when it is
 * late. True: it is (and `written` may have handed over the next one). False: it is still on its way, or there is none. */
bool conlog_writer_wait(struct conlog_writer *w);
/* What was handed over is waited for as above. Then the thread is left to itself: it ends when the disk answers. */
void conlog_writer_free(struct conlog_writer *w);

/* For tests: called in the thread before it touches a file. */
extern void (*conlog_writer_hook)(void);

#endif
