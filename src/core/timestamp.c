#include "core/timestamp.h"

#include <stdio.h>
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

void timestamp_now(char out[TIMESTAMP_MAX])
{
	timestamp_format(timestamp_ns(), out);
}
