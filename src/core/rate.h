/* rate: how often something may be done that a guest causes: so often in a row, and then once in a while. Pure; embedded by
 * its owner, zeroed it is ready. */
#ifndef CORE_RATE_H
#define CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	unsigned taken;
	uint64_t since_ns;
	uint64_t left_out; /* refused since the last one that was not */
};

/* May it be done now (CLOCK_MONOTONIC)? most in a row, one more for each every_ns that passes. */
bool rate_take(struct rate *r, uint64_t now_ns, unsigned most, uint64_t every_ns);

#endif
