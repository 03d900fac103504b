#include "disk/qcow2_counts.h"

#include <stdlib.h>

#include "core/mem.h"

#define LARGE 255u
#define SLOTS_FIRST 64u

void qcow2_counts_init(struct qcow2_counts *c, uint64_t n)
{
	*c = (struct qcow2_counts){.small = xcalloc(n != 0 ? n : 1, 1), .n = n};
}

void qcow2_counts_fini(struct qcow2_counts *c)
{
	free(c->small);
	free(c->large);
	*c = (struct qcow2_counts){0};
}

static struct qcow2_count *slot_of(const struct qcow2_counts *c, uint64_t cluster)
{
	size_t i = (size_t)(cluster * 0x9e3779b97f4a7c15u >> 20) & (c->slots - 1);
	while (c->large[i].count != 0 && c->large[i].cluster != cluster)
		i = (i + 1) & (c->slots - 1);
	return &c->large[i];
}

uint64_t qcow2_counts_get(const struct qcow2_counts *c, uint64_t cluster)
{
	uint8_t small = c->small[cluster];
	return small < LARGE ? small : slot_of(c, cluster)->count;
}

static void grow(struct qcow2_counts *c)
{
	struct qcow2_counts old = *c;
	c->slots = old.slots != 0 ? old.slots * 2 : SLOTS_FIRST;
	c->large = xcalloc(c->slots, sizeof(*c->large));
	for (size_t i = 0; i < old.slots; i++)
		if (old.large[i].count != 0)
			*slot_of(c, old.large[i].cluster) = old.large[i];
	free(old.large);
}

void qcow2_counts_add(struct qcow2_counts *c, uint64_t cluster, uint64_t more)
{
	uint64_t sum = qcow2_counts_get(c, cluster);
	if (__builtin_add_overflow(sum, more, &sum))
		sum = UINT64_MAX;
	if (sum < LARGE) {
		c->small[cluster] = (uint8_t)sum;
		return;
	}
	if ((c->n_large + 1) * 2 > c->slots)
		grow(c);
	struct qcow2_count *slot = slot_of(c, cluster);
	c->n_large += slot->count == 0;
	*slot = (struct qcow2_count){cluster, sum};
	c->small[cluster] = LARGE;
}
