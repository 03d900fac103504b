/* log_time: points in time as people write them, for --since and --until. */
#ifndef CLI_LOG_TIME_H
#define CLI_LOG_TIME_H

#include <stdint.h>

#include "core/err.h"

#define LOG_TIME_WORDS \
	"2h, 30m, 7d, yesterday, 10:00, 2026-11-20, '2026-11-20 10:00', 2026-11-20T10:00:00Z"

/* now_ns: what "2h" and "yesterday" count from. Local time, but where a Z is behind it. ERR_USAGE. */
int log_time_parse(const char *text, uint64_t now_ns, uint64_t *ns, struct err *err);

#endif
