/* units: libvirt's scaled integers: a number and a unit of memory or storage. */
#ifndef CORE_UNITS_H
#define CORE_UNITS_H

#include <stdint.h>

#include "core/err.h"

/* unit NULL or "": `implied` bytes. "b" and "bytes" are 1; "k", "M", "G", "T", "P", "E" and the
 * same with "iB" are powers of 1024; "KB", "MB" … powers of 1000; letters' case does not matter, as
 * in libvirt. number: decimal digits, white space around them allowed. The result may be at most
 * max bytes. */
int units_bytes(const char *number, const char *unit, uint64_t implied, uint64_t max, uint64_t *out,
    struct err *err);
/* The same in KiB, rounded up; implied is KiB. */
int units_kib(
    const char *number, const char *unit, uint64_t max_kib, uint64_t *out, struct err *err);

#endif
