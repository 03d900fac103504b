/* timestamp: the present time for logs, in UTC: "2026-11-21T10:48:00.123Z"; and times as an operator reads them, in the
 * time of here. */
#ifndef CORE_TIMESTAMP_H
#define CORE_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

#define TIMESTAMP_MAX 40

void timestamp_now(char out[TIMESTAMP_MAX]);
/* ns: CLOCK_REALTIME in nanoseconds. */
void timestamp_format(uint64_t ns, char out[TIMESTAMP_MAX]);
uint64_t timestamp_ns(void);
#define TIMESTAMP_LOCAL "%Y-%m-%d %H:%M:%S"
/* By strftime(3), in the local time; empty when the year does not fit. */
void timestamp_local(uint64_t seconds, const char *format, char *out, size_t max)
    __attribute__((format(strftime, 2, 0)));
/* What stands at the beginning of text; its end in *end. 0: no time stamp of ours. */
uint64_t timestamp_parse(const char *text, const char **end);
/* "2026-11-21T10:48:00", with or without a Z: seconds since 1970, UTC. -1 when it is none. */
int timestamp_from_xml(const char *text, uint64_t *seconds);

#endif
