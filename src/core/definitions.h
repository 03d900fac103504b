/* definitions: the store's definitions together, for what none of them shows alone: whose name,
 * uuid or MAC address is taken. Owner: whoever called definitions_read. */
#ifndef CORE_DEFINITIONS_H
#define CORE_DEFINITIONS_H

#include <stddef.h>

#include "core/domain.h"
#include "core/err.h"
#include "core/home.h"

struct definitions {
	struct domain *domains;
	size_t n;
	size_t
	    n_cached; /* what the first of them say comes from a cache (core/definition_index.h) */
};

/* Of each definition no more than its name, uuid and MAC addresses. Those that do not parse are not there.
 * definitions_fini in every case. */
int definitions_read(const struct home *h, struct definitions *all, struct err *err);
/* The same with all that they say, in many times the time. */
int definitions_read_whole(const struct home *h, struct definitions *all, struct err *err);
void definitions_fini(struct definitions *all);
/* Appends one more document; -1 when it does not parse. */
int definitions_add(
    struct definitions *all, const char *xml, size_t n, const char *file, struct err *err);
/* The domain's name that has this MAC address, own_name's own not counted; NULL nobody. */
const char *definitions_mac_owner(
    const struct definitions *all, const char *own_name, const char *mac);
/* May d be defined beside the others? libvirt's rules: a name keeps its uuid, a uuid its name; no
 * MAC address twice. A domain without a uuid gets the one that its name has. ERR_EXISTS. */
int definitions_check(
    const struct home *h, const struct definitions *all, struct domain *d, struct err *err);
/* Notes name, uuid and MAC addresses of a domain that has just been stored, so that the next one of many is checked
 * against it. */
void definitions_put(struct definitions *all, const struct domain *d);
/* Checks and completes (domain_complete): the document to be stored, on the heap; NULL on failure. */
char *definitions_prepare(
    const struct home *h, const struct definitions *all, struct domain *d, struct err *err);
/* Checks, completes (domain_complete) and writes. Under store_lock, with all read under it. */
int definitions_store(
    const struct home *h, const struct definitions *all, struct domain *d, struct err *err);

#endif
