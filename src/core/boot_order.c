#include "core/boot_order.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static size_t find(const struct boot_order *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->entries[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

static void resolve(struct boot_order *b, struct boot_entry *e, struct buf *notes)
{
	e->needs = xcalloc(e->n_after + 1, sizeof(*e->needs));
	for (size_t k = 0; k < e->n_after; k++) {
		e->needs[k] = find(b, e->after[k]);
		if (e->needs[k] == SIZE_MAX && notes)
			buf_addf(notes, "'%s' comes after '%s', which is not among them\n", e->name,
			    e->after[k]);
	}
}

/* Depth-first; the edge that closes a circle is cut. colour: 0 not seen, 1 on the path, 2 done. Its depth
 * is bounded by the number of domains, each with a small frame. */
static void cut_circles(struct boot_order *b, size_t i, unsigned char *colour, struct buf *notes)
{
	struct boot_entry *e = &b->entries[i];
	colour[i] = 1;
	for (size_t k = 0; k < e->n_after; k++) {
		size_t to = e->needs[k];
		if (to == SIZE_MAX)
			continue;
		if (colour[to] == 1) {
			if (notes)
				buf_addf(notes,
				    "'%s' cannot come after '%s': they wait for each other\n",
				    e->name, b->entries[to].name);
			e->needs[k] = SIZE_MAX;
		} else if (colour[to] == 0) {
			cut_circles(b, to, colour, notes);
		}
	}
	colour[i] = 2;
}

/* What others wait for takes their rank when that is lower. No circles: n rounds are enough. */
static void pull_ranks(struct boot_order *b)
{
	bool again = true;
	for (size_t i = 0; i < b->n; i++)
		b->entries[i].rank = b->entries[i].order ? b->entries[i].order : UINT_MAX;
	while (again) {
		again = false;
		for (size_t i = 0; i < b->n; i++) {
			const struct boot_entry *e = &b->entries[i];
			for (size_t k = 0; k < e->n_after; k++) {
				if (e->needs[k] == SIZE_MAX ||
				    b->entries[e->needs[k]].rank <= e->rank)
					continue;
				b->entries[e->needs[k]].rank = e->rank;
				again = true;
			}
		}
	}
}

static bool needs(const struct boot_order *b, size_t i, size_t other)
{
	const struct boot_entry *e = &b->entries[i];
	if (b->entries[other].rank < e->rank)
		return true;
	for (size_t k = 0; k < e->n_after; k++)
		if (e->needs[k] == other)
			return true;
	return false;
}

static int by_rank(const void *pa, const void *pb)
{
	const struct boot_entry *a = pa, *b = pb;
	unsigned x = a->order ? a->order : UINT_MAX, y = b->order ? b->order : UINT_MAX;
	if (x != y)
		return x < y ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void set_levels(struct boot_order *b)
{
	bool again = true;
	while (again) {
		again = false;
		for (size_t i = 0; i < b->n; i++) {
			for (size_t k = 0; k < b->n; k++) {
				if (i == k || !needs(b, i, k) ||
				    b->entries[i].level > b->entries[k].level)
					continue;
				b->entries[i].level = b->entries[k].level + 1;
				again = true;
			}
		}
	}
}

void boot_order_init(struct boot_order *b, struct boot_entry *entries, size_t n, struct buf *notes)
{
	b->entries = entries;
	b->n = n;
	qsort(entries, n, sizeof(*entries), by_rank);
	CLEANUP_FREE unsigned char *colour = xcalloc(n + 1, 1);
	for (size_t i = 0; i < n; i++) {
		entries[i].state = BOOT_WAITS;
		entries[i].level = 0;
		resolve(b, &entries[i], notes);
	}
	for (size_t i = 0; i < n; i++)
		if (colour[i] == 0)
			cut_circles(b, i, colour, notes);
	pull_ranks(b);
	set_levels(b);
}

void boot_order_fini(struct boot_order *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->entries[i].needs);
	b->n = 0;
}

/* Is everything that i waits for done by then? */
static bool free_at(const struct boot_order *b, size_t i, uint64_t ms)
{
	for (size_t k = 0; k < b->n; k++) {
		const struct boot_entry *e = &b->entries[k];
		if (k != i && (e->state != BOOT_DONE || e->free_ms > ms) && needs(b, i, k))
			return false;
	}
	return true;
}

ptrdiff_t boot_order_next(struct boot_order *b, uint64_t now_ms)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->entries[i].state != BOOT_WAITS || !free_at(b, i, now_ms))
			continue;
		b->entries[i].state = BOOT_BEGUN;
		return (ptrdiff_t)i;
	}
	return -1;
}

void boot_order_done(struct boot_order *b, size_t i, bool delayed, uint64_t now_ms)
{
	b->entries[i].state = BOOT_DONE;
	b->entries[i].free_ms = now_ms + (delayed ? b->entries[i].delay * 1000ull : 0);
}

uint64_t boot_order_wait(const struct boot_order *b, uint64_t now_ms)
{
	uint64_t soonest = UINT64_MAX;
	for (size_t i = 0; i < b->n; i++)
		if (b->entries[i].state == BOOT_DONE && b->entries[i].free_ms > now_ms &&
		    b->entries[i].free_ms - now_ms < soonest)
			soonest = b->entries[i].free_ms - now_ms;
	return soonest;
}

unsigned boot_order_levels(const struct boot_order *b)
{
	unsigned most = 0;
	for (size_t i = 0; i < b->n; i++)
		if (b->entries[i].level >= most)
			most = b->entries[i].level + 1;
	return most;
}
