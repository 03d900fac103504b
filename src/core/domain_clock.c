/* <clock> into struct domain_clock. */
#include "core/domain_clock.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"

#define CLOCK_START_MAX 253402300799u /* the last second of year 9999: QEMU takes four digits */
#define TSC_HZ_MAX (1ull << 40)

void domain_clock_fini(struct domain_clock *c)
{
	free(c->timezone);
	*c = (struct domain_clock){0};
}

/* --- timers --- */
/* What each timer may be given, as bits. */
#define POLICY(t) (1u << (t))
#define ANY (~0u)
static const struct timer_rule {
	const char *name;
	unsigned policies; /* of enum timer_policy, besides none */
	bool frequency, mode, track;
} timer_rules[TIMER_COUNT] = {
    [TIMER_PLATFORM] = {"platform", 0, false, false, false},
    [TIMER_PIT] = {"pit", ANY, false, false, false},
    [TIMER_RTC] = {"rtc", POLICY(TICK_DELAY) | POLICY(TICK_CATCHUP), false, false, true},
    [TIMER_HPET] = {"hpet", ANY, false, false, false},
    [TIMER_TSC] = {"tsc", 0, true, true, false},
    [TIMER_KVMCLOCK] = {"kvmclock", 0, false, false, false},
    [TIMER_HYPERVCLOCK] = {"hypervclock", 0, false, false, false},
    [TIMER_ARMVTIMER] = {"armvtimer", 0, false, false, false},
};

static int check_timer(
    struct parse *p, const xmlNode *node, enum timer_name name, const struct clock_timer *t)
{
	const struct timer_rule *rule = &timer_rules[name];
	if (name == TIMER_ARMVTIMER || name == TIMER_PLATFORM)
		return parse_refuse(p, node, "timer '%s' is not of these machines", rule->name) < 0
		           ? -1
		           : 0;
	if (t->policy != TICK_NONE && !(rule->policies & POLICY(t->policy)))
		return parse_refuse(p, node, "timer '%s' is not supported with this tickpolicy",
		           rule->name) < 0
		           ? -1
		           : 0;
	if (t->frequency > 0 && !rule->frequency)
		return parse_invalid(p, node, "timer '%s' has no frequency", rule->name);
	if (t->mode != TIMER_MODE_NONE && !rule->mode)
		return parse_invalid(p, node, "timer '%s' has no mode", rule->name);
	if (t->track != TRACK_NONE && !rule->track)
		return parse_invalid(p, node, "timer '%s' has no track", rule->name);
	/* The RTC is always there, with KVM's PIT too. */
	if (name == TIMER_RTC && t->present == SWITCH_OFF)
		return parse_refuse(p, node, "the RTC cannot be taken away") < 0 ? -1 : 0;
	if (xml_child(node, "catchup") != NULL && t->policy != TICK_CATCHUP)
		return parse_invalid(p, node, "<catchup> is for tickpolicy='catchup'");
	return 0;
}

static int parse_timer(struct parse *p, const xmlNode *node, struct domain_clock *c)
{
	static const char *const policies[] = {"", "delay", "catchup", "merge", "discard", NULL};
	static const char *const tracks[] = {"", "boot", "guest", "wall", "realtime", NULL};
	static const char *const modes[] = {
	    "", "auto", "native", "emulate", "paravirt", "smpsafe", NULL};
	const char *names[TIMER_COUNT + 1] = {0};
	int name, policy, track, mode;
	struct clock_timer t = {.given = true};
	for (unsigned i = 0; i < TIMER_COUNT; i++)
		names[i] = timer_rules[i].name;
	if (!xmlHasProp((xmlNode *)node, BAD_CAST "name"))
		return parse_invalid(p, node, "has no name");
	if (parse_attr_word(p, node, "name", names, -1, &name) < 0 ||
	    parse_switch(p, node, "present", &t.present) < 0 ||
	    parse_attr_word(p, node, "tickpolicy", policies, 0, &policy) < 0 ||
	    parse_attr_word(p, node, "track", tracks, 0, &track) < 0 ||
	    parse_attr_word(p, node, "mode", modes, 0, &mode) < 0 ||
	    parse_attr_number(p, node, "frequency", 1, TSC_HZ_MAX, &t.frequency) < 0)
		return -1;
	t.policy = (enum timer_policy)policy;
	t.track = (enum timer_track)track;
	t.mode = (enum timer_mode)mode;
	if (c->timers[name].given)
		return parse_invalid(p, node, "timer '%s' is there twice", names[name]);
	c->timers[name] = t;
	return check_timer(p, node, (enum timer_name)name, &t);
}

/* --- offset --- */
static int parse_seconds(struct parse *p, const xmlNode *node, const char *value, int64_t *out)
{
	uint64_t n;
	bool minus = value[0] == '-';
	if (str_u64(value + minus, CLOCK_START_MAX, &n) < 0) {
		CLEANUP_FREE char *s = parse_shown(value);
		return parse_invalid(p, node, "adjustment='%s' is not a number of seconds", s);
	}
	*out = minus ? -(int64_t)n : (int64_t)n;
	return 0;
}

static int parse_offset(struct parse *p, const xmlNode *node, struct domain_clock *c)
{
	static const char *const offsets[] = {
	    "utc", "localtime", "timezone", "variable", "absolute", NULL};
	static const char *const bases[] = {"utc", "localtime", NULL};
	CLEANUP_FREE char *adjustment = xml_attr(node, "adjustment");
	uint64_t start = 0;
	int offset, basis;
	if (parse_attr_word(p, node, "offset", offsets, CLOCK_UTC, &offset) < 0 ||
	    parse_attr_word(p, node, "basis", bases, 0, &basis) < 0 ||
	    parse_attr_number(p, node, "start", 0, CLOCK_START_MAX, &start) < 0)
		return -1;
	c->offset = (enum clock_offset)offset;
	c->basis_localtime = basis == 1;
	c->start = (int64_t)start;
	c->timezone = xml_attr(node, "timezone");
	if (c->offset == CLOCK_TIMEZONE &&
	    (c->timezone == NULL || c->timezone[0] == '\0' || !parse_text_ok(c->timezone) ||
	        c->timezone[0] == '/' || strstr(c->timezone, "..") != NULL))
		return parse_invalid(
		    p, node, "offset='timezone' needs a timezone like Europe/Paris");
	if (c->offset == CLOCK_ABSOLUTE && !xmlHasProp((xmlNode *)node, BAD_CAST "start"))
		return parse_invalid(p, node, "offset='absolute' needs a start");
	if (adjustment == NULL || strcmp(adjustment, "reset") == 0)
		return 0;
	if (parse_seconds(p, node, adjustment, &c->adjustment) < 0)
		return -1;
	/* libvirt: UTC or local time with an adjustment is a variable clock of that basis. */
	if (c->offset == CLOCK_UTC || c->offset == CLOCK_LOCALTIME) {
		c->basis_localtime = c->offset == CLOCK_LOCALTIME;
		c->offset = CLOCK_VARIABLE;
	}
	return 0;
}

int clock_parse(struct parse *p, const xmlNode *root)
{
	struct domain_clock *c = &p->d->clock;
	const xmlNode *clock = xml_child(root, "clock");
	if (clock == NULL)
		return 0;
	if (parse_offset(p, clock, c) < 0)
		return -1;
	for (const xmlNode *n = NULL; (n = parse_next(clock, n, "timer")) != NULL;)
		if (parse_timer(p, n, c) < 0)
			return -1;
	return 0;
}
