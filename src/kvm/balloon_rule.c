#include "kvm/balloon_rule.h"

/* A step at a time: guests and hosts take a while to show what one has come to. */
#define STEP_PART 8

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t spare_min(const struct balloon_in *in)
{
	uint64_t part = in->now_kib / 8;
	return part > BALLOON_SPARE_MIN_KIB ? part : BALLOON_SPARE_MIN_KIB;
}

/* What the host lacks. Under pressure it does, whatever it says is available. */
static uint64_t shortage(const struct balloon_in *in)
{
	uint64_t lacks =
	    in->available_kib < in->reserve_kib ? in->reserve_kib - in->available_kib : 0;
	uint64_t pressed = in->pressure >= BALLOON_PRESSURE ? in->reserve_kib / 4 : 0;
	return lacks > pressed ? lacks : pressed;
}

static uint64_t shrunk(const struct balloon_in *in, uint64_t lacks)
{
	uint64_t keep = spare_min(in);
	if (in->guest_available_kib <= keep || in->now_kib <= in->floor_kib || in->spare_kib == 0)
		return in->now_kib;
	double share = (double)in->guest_available_kib / (double)in->spare_kib;
	uint64_t give = (uint64_t)((double)lacks * (share > 1 ? 1 : share));
	give = least(give, in->guest_available_kib - keep);
	give = least(give, in->now_kib - in->floor_kib);
	give = least(give, in->now_kib / STEP_PART);
	return give < BALLOON_STEP_MIN_KIB ? in->now_kib : in->now_kib - give;
}

/* Only a guest that is short of memory, only what the host has beyond its reserve and an eighth of that, and only its part of it. */
static uint64_t grown(const struct balloon_in *in)
{
	uint64_t kept = in->reserve_kib + in->reserve_kib / 8;
	if (in->guest_available_kib >= 2 * spare_min(in) || in->available_kib <= kept ||
	    in->now_kib >= in->ceiling_kib)
		return in->now_kib;
	uint64_t take = (in->available_kib - kept) / (in->guests > 0 ? in->guests : 1);
	take = least(take, in->ceiling_kib - in->now_kib);
	take = least(take, in->now_kib / STEP_PART);
	return take < BALLOON_STEP_MIN_KIB ? in->now_kib : in->now_kib + take;
}

uint64_t balloon_wanted(const struct balloon_in *in)
{
	uint64_t lacks = shortage(in);
	if (in->reserve_kib == 0 || in->guest_available_kib == 0 || in->now_kib == 0)
		return in->now_kib;
	return lacks > 0 ? shrunk(in, lacks) : grown(in);
}
