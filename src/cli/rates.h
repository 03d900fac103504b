/* rates: "average,peak,burst,floor" of an interface's traffic, as virsh takes it. */
#ifndef CLI_RATES_H
#define CLI_RATES_H

#include <stdint.h>

#include "core/err.h"

enum { RATE_AVERAGE, RATE_PEAK, RATE_BURST, RATE_FLOOR, RATE_FIELDS };

/* KiB/s, KiB of a burst; 0 not given. A floor is for "inbound" alone. Fields between may be empty: "100,,50". */
int rates_read(const char *element, const char *text, uint64_t v[RATE_FIELDS], struct err *err);
const char *rates_field(unsigned field); /* "average" */

#endif
