#include "tui/wall_pace.h"

#include <string.h>

#define MEASURE_MS 80   /* shorter than this tells of a buffer, not of a link */
#define STOPPED_MS 3000 /* nothing at all for so long: Ctrl+S, not a slow link */
#define HOLD_TIMES 50u  /* what was measured for a second is believed for so many … */
#define HOLD_MIN 5000u
#define HOLD_MAX 600000u /* … but not for ever: a modem stays one, a hiccup does not */

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
	p->at_ms = p->moved_ms = now_ms;
	p->sent = sent;
}

/* While a terminal takes no more at once, what goes out is what the link carries. */
static void measure(struct wall_pace *p, uint64_t now_ms, uint64_t sent, bool over)
{
	uint64_t took = now_ms - p->full_ms, rate;
	if (took < MEASURE_MS || sent == p->full_sent)
		return;
	rate = (sent - p->full_sent) * 1000 / took;
	p->rate = clamp(p, rate * 9 / 10); /* a little less: the buffers stay empty */
	if (!over)
		return;
	p->hold_ms = took * HOLD_TIMES < HOLD_MIN ? HOLD_MIN : took * HOLD_TIMES;
	p->hold_ms = p->hold_ms < HOLD_MAX ? p->hold_ms : HOLD_MAX;
	p->measured_ms = now_ms;
}

void wall_pace_look(struct wall_pace *p, uint64_t now_ms, uint64_t sent, bool blocked)
{
	uint64_t gone = p->rate * (now_ms - p->at_ms) / 1000;
	p->queue = (p->queue > gone ? p->queue - gone : 0) + (sent - p->sent);
	if (sent != p->sent)
		p->moved_ms = now_ms;
	if (p->blocked && now_ms - p->moved_ms < STOPPED_MS) {
		measure(p, now_ms, sent, !blocked);
	} else {
		p->full_ms = now_ms;
		p->full_sent = sent;
	}
	if (!blocked && !p->blocked && p->hold_ms && now_ms - p->measured_ms > p->hold_ms) {
		p->rate = p->most;
		p->hold_ms = 0;
	}
	p->blocked = blocked;
	p->at_ms = now_ms;
	p->sent = sent;
}

bool wall_pace_room(const struct wall_pace *p, uint64_t bytes)
{
	if (p->blocked)
		return false;
	return p->queue == 0 || p->queue + bytes <= p->rate * WALL_PACE_AHEAD_MS / 1000;
}
