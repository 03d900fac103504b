#include "core/rate.h"

bool rate_take(struct rate *r, uint64_t now_ns, unsigned most, uint64_t every_ns)
{
	uint64_t back = r->taken > 0 ? (now_ns - r->since_ns) / every_ns : 0;

	if (back >= r->taken) {
		r->taken = 0;
		r->since_ns = now_ns;
	} else {
		r->taken -= (unsigned)back;
		r->since_ns += back * every_ns;
	}
	if (r->taken >= most) {
		r->left_out++;
		return false;
	}
	r->taken++;
	return true;
}
