/* numset: a set of small numbers (CPUs, NUMA nodes, vCPUs) and its text, libvirt's "0-3,^2,8". Owner: whoever holds
 * the struct; {0} is the empty set. */
#ifndef CORE_NUMSET_H
#define CORE_NUMSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define NUMSET_MAX \
	16384u /* numbers, from 0: libvirt's own bound, four times the CPUs of any kernel */

struct numset {
	uint64_t *words; /* NULL: empty */
	size_t n_words;
};

/* Numbers and ranges between commas, each of them under `end` (at most NUMSET_MAX); "^" takes out what stands before
 * it. White space around them is allowed; a text that leaves nothing over is refused. *s is empty on failure. */
int numset_parse(const char *text, unsigned end, struct numset *s, struct err *err);
void numset_fini(struct numset *s);
/* "0-1,3,8-20": ascending, on the heap; "" when empty. between stands between the ranges. */
char *numset_format(const struct numset *s, const char *between);

void numset_add(struct numset *s, unsigned number); /* number < NUMSET_MAX */
void numset_add_all(struct numset *s, const struct numset *others);
bool numset_has(const struct numset *s, unsigned number);
bool numset_empty(const struct numset *s);
unsigned numset_count(const struct numset *s);
/* The smallest member that is at least `from`; NUMSET_MAX when there is none. Walks the set:
 * for (i = numset_next(s, 0); i < NUMSET_MAX; i = numset_next(s, i + 1)) */
unsigned numset_next(const struct numset *s, unsigned from);
unsigned numset_last(const struct numset *s); /* NUMSET_MAX when empty */
/* The smallest number that is in both; NUMSET_MAX when none is. */
unsigned numset_common(const struct numset *a, const struct numset *b);

#endif
