/* wall_pace: how much of the wall may be drawn anew. A link that is slower than sixteen consoles gets fewer frames of
 * those that are only looked at, so that an answer to a key waits behind little. Pure: time and counters are given. */
#ifndef TUI_WALL_PACE_H
#define TUI_WALL_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes a second: some frames of a whole screen. More would be seen by nobody, and an SSH connection hides how slow it is
 * until buffers of a size that nobody knows are full. */
#define WALL_PACE_MAX 16384u
#define WALL_PACE_MIN 100u
#define WALL_PACE_AHEAD_MS 250u /* what may be on its way when more is drawn */

struct wall_pace {
	uint64_t most;  /* bytes a second that are never exceeded */
	uint64_t rate;  /* bytes a second, believed */
	uint64_t queue; /* bytes on their way, believed */
	uint64_t at_ms, sent;
	bool blocked;                /* when last looked */
	uint64_t full_ms, full_sent; /* when that began last; 0 never */
	uint64_t room;               /* bytes that had gone by then: what the buffers hold */
	uint64_t fast_sent;          /* before the first of them */
	uint64_t held_ms,
	    hold_ms; /* since when, for how long the rate is believed; 0 it was not measured */
};

/* line: bytes a second that the terminal's line carries, 0 not known. */
void wall_pace_init(struct wall_pace *p, uint64_t now_ms, uint64_t sent, unsigned line);
/* sent: bytes ever written to the terminal; blocked: it takes no more now. */
void wall_pace_look(struct wall_pace *p, uint64_t now_ms, uint64_t sent, bool blocked);
/* May `bytes` more be drawn now? Whatever they are, when nothing is on its way. */
bool wall_pace_room(const struct wall_pace *p, uint64_t bytes);

#endif
