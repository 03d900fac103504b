/* broadcast: keys that go to many consoles at once: which members get them, and which guest takes them otherwise than
 * the rest. Pure: the time is given. Owner: the wall.
 *
 * What is compared is the echo of a burst of keys, without escape sequences, controls and blanks, up to the end of the
 * line: what a command prints afterwards may differ. A burst is judged when all have been quiet for a moment. A member
 * whose echo is not that of the most is pointed out until a later burst is echoed alike. */
#ifndef TUI_BROADCAST_H
#define TUI_BROADCAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serial/vt_keys.h"

#define BROADCAST_MAX 16u
#define BROADCAST_ECHO_MAX 256u /* bytes of one burst's echo that are compared */
#define BROADCAST_NAME_MAX 64u
#define BROADCAST_SETTLE_MS 250u /* without a key and an echo: the burst is judged … */
#define BROADCAST_LATE_MS 1500u  /* … or this long after its last key, whoever still prints */

enum broadcast_state { ECHO_TEXT, ECHO_ESCAPE, ECHO_CSI, ECHO_STRING };

struct broadcast_member {
	bool in;      /* the operator did not take it out */
	bool able;    /* its keyboard is ours */
	bool differs; /* its last echo was another than that of most */
	char name
	    [BROADCAST_NAME_MAX]; /* left out of a prompt that is drawn anew: each guest has its own */
	uint64_t heard_ms;        /* its last output */
	/* The burst's echo. */
	char text[BROADCAST_ECHO_MAX];
	size_t len, prompt_at; /* prompt_at: where a prompt may have begun anew; SIZE_MAX nowhere */
	bool ended;            /* by a line end */
	enum broadcast_state state;
};

struct broadcast {
	unsigned n;
	struct broadcast_member member[BROADCAST_MAX];
	/* The burst. */
	bool open, judged, entered; /* entered: a key in it ended the line */
	bool blind;                 /* most were still printing when it began: it tells nothing */
	bool again;                 /* judged, but one that differed has said more */
	size_t typed;               /* bytes of the burst that a guest would echo as they are */
	uint64_t key_ms, active_ms; /* last key; last key or echo */
};

/* All are in, none is able. n: at most BROADCAST_MAX. */
void broadcast_init(struct broadcast *b, unsigned n);
void broadcast_name(struct broadcast *b, unsigned i, const char *name);
void broadcast_choose(struct broadcast *b, unsigned i, bool in);
void broadcast_able(struct broadcast *b, unsigned i, bool able);
bool broadcast_gets(const struct broadcast *b, unsigned i);
unsigned broadcast_count(const struct broadcast *b); /* how many get keys */
unsigned broadcast_differing(const struct broadcast *b);

/* Before a key, or pasted text, goes out to those that get it. */
void broadcast_key(struct broadcast *b, const struct vt_key *k, uint64_t now_ms);
void broadcast_paste(struct broadcast *b, const char *p, size_t n, uint64_t now_ms);
/* Live output of a member. */
void broadcast_echo(struct broadcast *b, unsigned i, const uint8_t *p, size_t n, uint64_t now_ms);
/* Milliseconds until broadcast_judge has something to do; -1: nothing is awaited. */
int broadcast_wait(const struct broadcast *b, uint64_t now_ms);
/* True when somebody's `differs` changed. */
bool broadcast_judge(struct broadcast *b, uint64_t now_ms);

#endif
