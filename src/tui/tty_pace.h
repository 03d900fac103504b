/* tty_pace: how much may be on its way to the operator's terminal. An SSH link and the buffers before it take whatever they
 * are given, and what answers a key then waits behind all of it. So the terminal is asked now and then whether it is there
 * (DSR, ECMA-48 8.3.35, which terminals have answered since the VT100), and no more is sent than got through in about a
 * fifth of a second before. One that does not answer is not waited for. Pure: times and counters are given. */
#ifndef TUI_TTY_PACE_H
#define TUI_TTY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TTY_PACE_ASK "\033[5n"
#define TTY_PACE_ANSWER "\033[0n"
#define TTY_PACE_WINDOW_MIN 128u /* bytes: a line or two; 0.13 s at 9600 baud */
#define TTY_PACE_WINDOW_MAX 65536u
#define TTY_PACE_MARKS 8 /* questions open at a time */

struct tty_pace {
	bool off;             /* nobody answers: nothing is held back */
	bool answered;        /* at least once */
	unsigned silent;      /* questions in a row without an answer */
	uint64_t window;      /* bytes that may be on their way */
	uint64_t changed_at;  /* what was sent before it says nothing of the window */
	uint64_t sent, known; /* ever; of them those that got through */
	struct {
		uint64_t at, ahead, ms; /* sent by then; on their way then; when */
		bool full;              /* the window held something back */
	} mark[TTY_PACE_MARKS];
	unsigned n_marks;
	uint64_t base_ms; /* what an answer takes that waits behind nothing */
};

/* ask: a terminal of the kind that answers. */
void tty_pace_init(struct tty_pace *p, bool ask);
/* How much may be sent now: SIZE_MAX when nothing limits it. */
size_t tty_pace_room(const struct tty_pace *p);
void tty_pace_sent(struct tty_pace *p, size_t n);
/* Is it time for a question? more: there is something that had to wait. */
bool tty_pace_due(const struct tty_pace *p, bool more);
void tty_pace_asked(struct tty_pace *p, uint64_t now_ms, bool more);
void tty_pace_answered(struct tty_pace *p, uint64_t now_ms);
/* Gives up on answers that are too late. The milliseconds until that is to be looked at again; -1: nothing is awaited. */
int tty_pace_look(struct tty_pace *p, uint64_t now_ms);

/* Where p[0, n), which begins between two characters, can be parted so that a question may stand there: at most at want,
 * or as early as possible behind it; n when nowhere. Never inside a sequence or between a character and what is put on it. */
size_t tty_pace_cut(const char *p, size_t n, size_t want);

#endif
