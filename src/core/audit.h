/* audit: log/NAME/audit.log, one line per request and state change: who asked what, when, with what
 * result; control characters are made visible. Rotated at 1 MiB, one old file.
 *   2026-11-21T10:48:00.123Z who=root(0) pid=4711 via=control.sock what=suspend result=ok
 */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include "core/home.h"

void audit_write(const struct home *h, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
