/* guests: a set of domains with what their definitions say of the order at boot and halt. Owner: the
 * verbs guests-start and guests-stop. */
#ifndef CLI_GUESTS_H
#define CLI_GUESTS_H

#include "cli/dispatch.h"
#include "core/boot_order.h"
#include "core/domain_meta.h"

struct guests {
	size_t n;
	char **names;               /* NULL-terminated */
	struct domain_meta *meta;   /* by the names' index */
	struct boot_entry *entries; /* in the order of boot_order */
	struct boot_order order;
};

/* names (a NULL-terminated array of store_names' kind, taken). Definitions that cannot be read, and
 * orders that make no sense, are warned of and treated as none. live: the running domains' own
 * documents. */
void guests_init(struct guests *g, const struct cli *c, char **names, size_t n, bool live);
void guests_fini(struct guests *g);
const struct domain_meta *guests_meta(const struct guests *g, size_t entry);

#endif
