/* pool: command lines of this program run side by side as children, their words collected. Owner:
 * the verb that needs many others done. */
#ifndef CLI_POOL_H
#define CLI_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/dispatch.h"

struct pool;

/* most: how many at a time. */
struct pool *pool_new(const struct cli *c, unsigned most);
/* Children that run still are not waited for. */
void pool_free(struct pool *p);
bool pool_full(const struct pool *p);
bool pool_empty(const struct pool *p);
/* `hvmux VERB NAME`; a failure to make a process comes back from pool_wait. */
void pool_run(struct pool *p, const char *verb, const char *name, size_t tag);

struct pool_result {
	size_t tag;
	bool ok;
	char *words; /* what it printed, its last line end cut; on the heap */
};
/* The next one that ends within ms (-1: for ever); false: none. */
bool pool_wait(struct pool *p, int ms, struct pool_result *r);

#endif
