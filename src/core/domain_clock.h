/* domain_clock: <clock> and its timers. Owner: struct domain. */
#ifndef CORE_DOMAIN_CLOCK_H
#define CORE_DOMAIN_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/domain_words.h"

enum clock_offset { CLOCK_UTC, CLOCK_LOCALTIME, CLOCK_TIMEZONE, CLOCK_VARIABLE, CLOCK_ABSOLUTE };

enum timer_name {
	TIMER_PLATFORM,
	TIMER_PIT,
	TIMER_RTC,
	TIMER_HPET,
	TIMER_TSC,
	TIMER_KVMCLOCK,
	TIMER_HYPERVCLOCK,
	TIMER_ARMVTIMER,
	TIMER_COUNT
};
enum timer_policy { TICK_NONE, TICK_DELAY, TICK_CATCHUP, TICK_MERGE, TICK_DISCARD };
enum timer_track { TRACK_NONE, TRACK_BOOT, TRACK_GUEST, TRACK_WALL, TRACK_REALTIME };
enum timer_mode {
	TIMER_MODE_NONE,
	TIMER_AUTO,
	TIMER_NATIVE,
	TIMER_EMULATE,
	TIMER_PARAVIRT,
	TIMER_SMPSAFE
};

struct clock_timer {
	bool given;
	enum domain_switch present;
	enum timer_policy policy;
	enum timer_track track;
	enum timer_mode mode;
	uint64_t frequency; /* Hz, 0 none */
};

struct domain_clock {
	enum clock_offset offset;
	char *timezone;     /* "Europe/Paris" */
	int64_t adjustment; /* seconds; variable */
	bool basis_localtime;
	int64_t start; /* absolute: seconds since 1970 */
	struct clock_timer timers[TIMER_COUNT];
};

void domain_clock_fini(struct domain_clock *c);

#endif
