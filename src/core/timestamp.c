#include "core/timestamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t timestamp_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void timestamp_format(uint64_t ns, char out[TIMESTAMP_MAX])
{
	time_t s = (time_t)(ns / 1000000000u);
	struct tm tm;
	gmtime_r(&s, &tm);
	size_t n = strftime(out, TIMESTAMP_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, TIMESTAMP_MAX - n, ".%03uZ", (unsigned)(ns / 1000000u % 1000u));
}

/* The attribute in the header has the callers' formats checked. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void timestamp_local(uint64_t seconds, const char *format, char *out, size_t max)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	if (localtime_r(&t, &tm) == NULL || strftime(out, max, format, &tm) == 0)
		out[0] = '\0';
}
#pragma GCC diagnostic pop

void timestamp_now(char out[TIMESTAMP_MAX])
{
	timestamp_format(timestamp_ns(), out);
}

uint64_t timestamp_parse(const char *text, const char **end)
{
	struct tm tm = {0};
	unsigned ms;
	int n = 0;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3uZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
	        &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms, &n) != 7 ||
	    n == 0)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	time_t t = timegm(&tm);
	if (t <= 0)
		return 0;
	*end = text + n;
	return (uint64_t)t * 1000000000u + ms * 1000000ull;
}

int timestamp_from_xml(const char *text, uint64_t *seconds)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end == NULL || (strcmp(end, "") != 0 && strcmp(end, "Z") != 0))
		return -1;
	struct tm same = tm;
	time_t t = timegm(&tm);
	/* 31 February is March to timegm. */
	if (t < 0 || tm.tm_mday != same.tm_mday || tm.tm_mon != same.tm_mon)
		return -1;
	*seconds = (uint64_t)t;
	return 0;
}
