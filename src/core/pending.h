/* pending: changes of the store that take more than one file: renaming and undefining a domain, each with its autostart mark
 * and its logs. A note in conf/.pending is written first; what a power cut or a kill left half-done is taken back or
 * finished by the next holder of the store's lock, so that everybody sees the old state or the new one. */
#ifndef CORE_PENDING_H
#define CORE_PENDING_H

#include <stddef.h>

#include "core/err.h"
#include "core/home.h"

/* Under store_lock, with neither domain running and `to` not defined. xml: the definition under its new name. Logs and snapshots of an
 * earlier domain `to` stay where they are, and those of `from` then stay, too. */
int pending_rename(const struct home *h, const char *from, const char *to, const char *xml,
    size_t n, struct err *err);
/* Under store_lock: the definition and its autostart mark go. ERR_NOT_FOUND. */
int pending_undefine(const struct home *h, const char *name, struct err *err);

/* Under store_lock, which calls it. */
void pending_settle_locked(const struct home *h);
/* For whoever is about to look at the store: settles where there is something to settle, else costs one access(2). */
void pending_settle(const struct home *h);

#endif
