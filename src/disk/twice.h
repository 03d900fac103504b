/* twice: does a table name one place more than once? Who walks a table that does walks what it names as often: tables of a
 * few MiB make that days. Pure. */
#ifndef DISK_TWICE_H
#define DISK_TWICE_H

#include <stddef.h>
#include <stdint.h>

/* One of the words, cut to `mask`, that occurs again; 0: none does, but for 0 itself. */
uint64_t twice_find(const uint64_t *words, size_t n, uint64_t mask);

#endif
