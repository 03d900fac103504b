/* audit: log/NAME/audit.log, one line per request and state change: who asked what, when, with what
 * result; control characters are made visible. Rotated at 1 MiB, one old file.
 *   2026-11-21T10:48:00.123Z who=root(0) pid=4711 via=control.sock what=suspend result=ok
 */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include <stdint.h>

#include "core/err.h"
#include "core/home.h"

void audit_write(const struct home *h, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Every record that is kept, oldest first; text is what follows the time, borrowed. A log that is not there
 * holds none; one that cannot be read is an error. */
typedef void audit_fn(void *arg, uint64_t time_ns, const char *text);
int audit_read(const struct home *h, const char *name, audit_fn *fn, void *arg, struct err *err);
/* A value of such a text by its key, on the heap; NULL: it has none. Keys stand in the order in which they were
 * written, and detail, result, words hold free text: nothing in these can pass for another key. */
char *audit_value(const char *text, const char *key);

#endif
