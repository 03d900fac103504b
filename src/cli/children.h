/* children: command lines of this program run side by side as children, their words collected. Owner:
 * the verb that needs many others done. */
#ifndef CLI_CHILDREN_H
#define CLI_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/dispatch.h"

struct children;

/* most: how many at a time. */
struct children *children_new(const struct cli *c, unsigned most);
/* Children that run still are not waited for. */
void children_free(struct children *p);
bool children_full(const struct children *p);
bool children_empty(const struct children *p);
/* `hvmux VERB NAME`; a failure to make a process comes back from children_wait. */
void children_run(struct children *p, const char *verb, const char *name, size_t tag);

struct children_result {
	size_t tag;
	bool ok;
	char *words; /* what it printed, its last line end cut; on the heap */
};
/* The next one that ends within ms (-1: for ever); false: none. */
bool children_wait(struct children *p, int ms, struct children_result *r);

#endif
