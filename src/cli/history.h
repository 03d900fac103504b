/* history: the events of the past, from each domain's journal (core/audit.h), as `events` prints those of
 * the present. */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "cli/dispatch.h"

/* domain, type: NULL any. since_ns: CLOCK_REALTIME, 0 all that is kept. Returns the exit status. */
int history_print(struct cli *c, const char *domain, const char *type, uint64_t since_ns);

#endif
