#include "tui/wall_pace.h"

#include <string.h>

#define MEASURE_MS 80 /* shorter than this tells of a buffer, not of a link */
/* How long a rate is believed: a modem stays one, and to find that out again fills its buffers; what was a hiccup of a
 * fast link is soon forgotten. */
#define HOLD_SLOW_MS 600000u
#define HOLD_GUESS_MS 120000u
#define HOLD_FAST_MS 20000u
#define SLOW_RATE 8192u /* bytes a second */

static uint64_t clamp(const struct wall_pace *p, uint64_t rate)
{
	return rate < WALL_PACE_MIN ? WALL_PACE_MIN : rate > p->most ? p->most : rate;
}

void wall_pace_init(struct wall_pace *p, uint64_t now_ms, uint64_t sent, unsigned line)
{
	memset(p, 0, sizeof(*p));
	p->most = WALL_PACE_MAX;
	if (line)
		p->most = clamp(p, (uint64_t)line * 9 / 10);
	p->rate = p->most;
	p->at_ms = now_ms;
	p->sent = p->fast_sent = sent;
}

static void believe(struct wall_pace *p, uint64_t rate, uint64_t hold_ms)
{
	p->rate = clamp(p, rate);
	p->hold_ms = hold_ms;
	p->held_ms = p->at_ms;
}

/* The buffers are full. When they were full before, what went in since then is what the link carried. */
static void filled(struct wall_pace *p)
{
	uint64_t took = p->at_ms - p->full_ms, rate;
	if (p->full_ms && took >= MEASURE_MS) {
		rate = (p->sent - p->full_sent) * 1000 / took;
		/* A little less, so that they empty. */
		believe(p, rate * 9 / 10, rate < SLOW_RATE ? HOLD_SLOW_MS : HOLD_FAST_MS);
	} else if (!p->full_ms) {
		p->room = p->sent - p->fast_sent;
	}
	p->queue = p->room;
	p->full_ms = p->at_ms;
	p->full_sent = p->sent;
}

/* There is room again. A pseudo-terminal says so when most of its buffer is empty: the link carried no more than that. */
static void emptied(struct wall_pace *p)
{
	uint64_t took = p->at_ms - p->full_ms;
	if (p->hold_ms || took < MEASURE_MS)
		return;
	believe(p, p->room * 1000 / took * 7 / 10, HOLD_GUESS_MS);
	p->queue = p->room / 4;
}

void wall_pace_look(struct wall_pace *p, uint64_t now_ms, uint64_t sent, bool blocked)
{
	uint64_t gone = p->rate * (now_ms - p->at_ms) / 1000;
	p->queue = (p->queue > gone ? p->queue - gone : 0) + (sent - p->sent);
	p->at_ms = now_ms;
	p->sent = sent;
	if (blocked && !p->blocked)
		filled(p);
	else if (!blocked && p->blocked)
		emptied(p);
	else if (!blocked && p->hold_ms && now_ms - p->held_ms > p->hold_ms) {
		p->rate = p->most;
		p->hold_ms = p->full_ms = 0;
		p->fast_sent = sent;
	}
	p->blocked = blocked;
}

bool wall_pace_room(const struct wall_pace *p, uint64_t bytes)
{
	if (p->blocked)
		return false;
	return p->queue == 0 || p->queue + bytes <= p->rate * WALL_PACE_AHEAD_MS / 1000;
}
