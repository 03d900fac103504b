#include "tui/wall_pace.h"

#include <string.h>

#define MEASURE_MS 80    /* shorter than this tells of a buffer, not of a link */
#define STOPPED_MS 3000  /* nothing at all for so long: Ctrl+S, not a slow link */
#define HOLD_MS 20000    /* a measured rate is believed for this long … */
#define HOLD_MAX 600000u /* … and for twice as long each time that it is found again */

void wall_pace_init(struct wall_pace *p, uint64_t now_ms, uint64_t sent)
{
	memset(p, 0, sizeof(*p));
	p->rate = WALL_PACE_MAX;
	p->hold_ms = HOLD_MS;
	p->at_ms = p->moved_ms = now_ms;
	p->sent = sent;
}

static uint64_t clamp(uint64_t rate)
{
	return rate < WALL_PACE_MIN ? WALL_PACE_MIN : rate > WALL_PACE_MAX ? WALL_PACE_MAX : rate;
}

/* While a terminal takes no more at once, what goes out is what the link carries. */
static void measure(struct wall_pace *p, uint64_t now_ms, uint64_t sent, bool over)
{
	uint64_t took = now_ms - p->full_ms, rate;
	if (took < MEASURE_MS || sent == p->full_sent)
		return;
	rate = clamp((sent - p->full_sent) * 1000 / took);
	p->rate = clamp(rate * 9 / 10); /* a little less: the buffers stay empty */
	if (!over)
		return;
	p->hold_ms = p->measured && rate < p->measured * 2 ? p->hold_ms * 2 : HOLD_MS;
	p->hold_ms = p->hold_ms < HOLD_MAX ? p->hold_ms : HOLD_MAX;
	p->measured = rate;
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
	if (!blocked && !p->blocked && p->measured && now_ms - p->measured_ms > p->hold_ms)
		p->rate = WALL_PACE_MAX;
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
