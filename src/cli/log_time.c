#include "cli/log_time.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "core/str.h"

#define NS 1000000000ull
#define SECONDS_MAX (UINT64_MAX / NS)

static const struct {
	const char *word;
	uint64_t seconds;
} units[] = {
    {"s", 1},
    {"sec", 1},
    {"second", 1},
    {"seconds", 1},
    {"m", 60},
    {"min", 60},
    {"minute", 60},
    {"minutes", 60},
    {"h", 3600},
    {"hour", 3600},
    {"hours", 3600},
    {"d", 86400},
    {"day", 86400},
    {"days", 86400},
    {"w", 604800},
    {"week", 604800},
    {"weeks", 604800},
};

static uint64_t unit_seconds(const char *p, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strlen(units[i].word) == n && memcmp(units[i].word, p, n) == 0)
			return units[i].seconds;
	return 0;
}

/* "2h", "-90m", "1d 12h", "2 hours ago" */
static bool parse_ago(const char *p, uint64_t now_ns, uint64_t *ns)
{
	uint64_t total = 0;
	bool any = false;

	p += *p == '-';
	while (*p) {
		char *end;
		uint64_t n, unit;
		size_t len;

		p += strspn(p, " ");
		if (any && str_eq(p, "ago"))
			break;
		if (*p < '0' || *p > '9' || strspn(p, "0123456789") > 9)
			return false;
		n = strtoull(p, &end, 10);
		p = end + strspn(end, " ");
		len = strspn(p, "abcdefghijklmnopqrstuvwxyz");
		unit = unit_seconds(p, len);
		if (!unit)
			return false;
		total += n * unit;
		p += len;
		any = true;
	}
	if (!any || total > SECONDS_MAX)
		return false;
	*ns = total * NS < now_ns ? now_ns - total * NS : 0;
	return true;
}

static bool make_time(struct tm *tm, bool utc, uint64_t *ns)
{
	struct tm asked = *tm;
	time_t t;

	tm->tm_isdst = -1;
	t = utc ? timegm(tm) : mktime(tm);
	/* The 31st of November is a mistake, not the 1st of December. */
	if (t < 0 || (uint64_t)t > SECONDS_MAX || tm->tm_mday != asked.tm_mday ||
	    tm->tm_mon != asked.tm_mon)
		return false;
	*ns = (uint64_t)t * NS;
	return true;
}

static bool parse_day(const char *p, uint64_t now_ns, uint64_t *ns)
{
	time_t now = (time_t)(now_ns / NS);
	struct tm tm;

	if (str_eq(p, "now")) {
		*ns = now_ns;
		return true;
	}
	if (!str_eq(p, "today") && !str_eq(p, "yesterday"))
		return false;
	localtime_r(&now, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	/* Not 24 hours back: there are days of 23 and of 25. */
	tm.tm_mday -= str_eq(p, "yesterday");
	tm.tm_isdst = -1;
	*ns = (uint64_t)mktime(&tm) * NS;
	return true;
}

/* Forms of strptime(3); those without a day are of today. */
static bool parse_clock(const char *p, uint64_t now_ns, uint64_t *ns)
{
	static const char *const forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
	    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M"};
	time_t now = (time_t)(now_ns / NS);

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm;
		const char *end;
		bool utc;

		localtime_r(&now, &tm);
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		end = strptime(p, forms[i], &tm);
		/* Fractions of a second, as time stamps of ours have them. */
		if (end && *end == '.' && forms[i][strlen(forms[i]) - 1] == 'S')
			end += 1 + strspn(end + 1, "0123456789");
		utc = end && *end == 'Z';
		if (end && end[utc] == '\0')
			return make_time(&tm, utc, ns);
	}
	return false;
}

int log_time_parse(const char *text, uint64_t now_ns, uint64_t *ns, struct err *err)
{
	uint64_t seconds;

	if (text[0] == '@' && str_u64(text + 1, SECONDS_MAX, &seconds) == 0) {
		*ns = seconds * NS;
		return 0;
	}
	if (parse_day(text, now_ns, ns) || parse_ago(text, now_ns, ns) ||
	    parse_clock(text, now_ns, ns))
		return 0;
	return err_set(
	    err, ERR_USAGE, "'%s' is no time: something like %s is needed", text, LOG_TIME_WORDS);
}
