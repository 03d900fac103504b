/* tty_out: what is on its way to the operator's terminal: one frame, and words of ours behind it, sent no faster than they
 * get through (tui/tty_pace), never waiting. Embedded in its owner, struct tty. */
#ifndef TUI_TTY_OUT_H
#define TUI_TTY_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/loop.h"
#include "tui/tty_pace.h"

struct tty_out {
	int fd;           /* the owner's; non-blocking */
	struct buf queue; /* a frame, then words: in whole sequences */
	size_t frame;     /* bytes of the frame among them */
	struct buf wire;  /* what was taken from the queue to be sent now */
	struct tty_pace pace;
	uint64_t sent;
	unsigned held; /* bytes of TTY_PACE_ANSWER that were read */
	struct event *writable, *late;
	void (*drained)(void *arg); /* all is sent */
	void *arg;
};

/* ask: a terminal of the kind that answers. */
void tty_out_init(
    struct tty_out *o, struct loop *l, int fd, bool ask, void (*drained)(void *arg), void *arg);
void tty_out_fini(struct tty_out *o);
/* Queues words that stand behind whatever waits. */
void tty_out_words(struct tty_out *o, const char *s);
bool tty_out_empty(const struct tty_out *o);
void tty_out_flush(struct tty_out *o);
/* Forgets all that waits, and what of it was cut off: who does that ends or repaints. */
void tty_out_clear(struct tty_out *o);
/* Forgets what waits of the frame; true: there was something. */
bool tty_out_supersede(struct tty_out *o);
/* The way out: waits at most ms until what was begun is sent; the queue is forgotten. False: it was cut off. */
bool tty_out_finish(struct tty_out *o, unsigned ms);
/* Bytes that were read: answers are taken out of them, the rest goes to keys, which has room for n and an answer. Returns
 * its length. What may be the beginning of an answer is held back: o->held bytes of TTY_PACE_ANSWER. */
size_t tty_out_answers(struct tty_out *o, const uint8_t *data, size_t n, uint8_t *keys);
/* Before somebody else reads this terminal: waits at most ms for the answers that are owed. Keys that come meanwhile are
 * lost. */
void tty_out_settle(struct tty_out *o, unsigned ms);

#endif
