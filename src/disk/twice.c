#include "disk/twice.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/mem.h"

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

uint64_t twice_find(const uint64_t *words, size_t n, uint64_t mask)
{
	size_t used = 0;
	uint64_t last = 0;
	bool ascends = true;
	for (size_t i = 0; i < n; i++) {
		uint64_t word = words[i] & mask;
		if (word == 0)
			continue;
		ascends = ascends && word > last;
		last = word;
		used++;
	}
	if (ascends) /* as most do */
		return 0;
	CLEANUP_FREE uint64_t *sorted = xcalloc(used, sizeof(*sorted));
	used = 0;
	for (size_t i = 0; i < n; i++)
		if (words[i] & mask)
			sorted[used++] = words[i] & mask;
	qsort(sorted, used, sizeof(*sorted), by_value);
	for (size_t i = 1; i < used; i++)
		if (sorted[i] == sorted[i - 1])
			return sorted[i];
	return 0;
}
