/* wall_pace: how much of the wall may be drawn anew. A link that is slower than sixteen consoles gets fewer frames of
 * those that are only looked at, so that an answer to a key waits behind little. Pure: time and counters are given. */
#ifndef TUI_WALL_PACE_H
#define TUI_WALL_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define WALL_PACE_MAX \
	65536u /* bytes a second: an SSH link hides how slow it is until its buffers are full */
#define WALL_PACE_MIN 100u
#define WALL_PACE_AHEAD_MS 250u /* what may be on its way when more is drawn */

struct wall_pace {
	uint64_t rate;                           /* bytes a second, believed */
	uint64_t queue;                          /* bytes on their way, believed */
	uint64_t at_ms, sent, moved_ms;          /* moved: when something went out last */
	bool blocked;                            /* when last looked */
	uint64_t full_ms, full_sent;             /* when that began */
	uint64_t measured, measured_ms, hold_ms; /* 0 never */
};

void wall_pace_init(struct wall_pace *p, uint64_t now_ms, uint64_t sent);
/* sent: bytes ever written to the terminal; blocked: it takes no more now. */
void wall_pace_look(struct wall_pace *p, uint64_t now_ms, uint64_t sent, bool blocked);
/* May `bytes` more be drawn now? Whatever they are, when nothing is on its way. */
bool wall_pace_room(const struct wall_pace *p, uint64_t bytes);

#endif
