/* autostart: which domains the host starts when it boots: conf/autostart/NAME.xml, a symbolic link
 * to ../domains/NAME.xml, as libvirt keeps it. A link that was made by hand, or brought from
 * libvirt, counts whatever it points to; one whose domain is not defined does not.
 *
 * Every change is one system call and is synced: a power cut leaves the old or the new state. Who
 * undefines a domain takes its mark away first, so that no later domain of that name inherits it. */
#ifndef CORE_AUTOSTART_H
#define CORE_AUTOSTART_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/home.h"

/* Setting what is so already is no error. ERR_NOT_FOUND for a domain that is not defined (to take
 * the mark away it need not be). Callers that check and change hold store_lock. */
int autostart_set(const struct home *h, const char *name, bool on, struct err *err);
bool autostart_get(const struct home *h, const char *name);
/* The marked domains that are defined, sorted; store_names_free. */
int autostart_names(const struct home *h, char ***names, size_t *n, struct err *err);

#endif
