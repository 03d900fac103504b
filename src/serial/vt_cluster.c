#include "serial/vt_cluster.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define SLOTS (VT_CLUSTERS_MAX * 2) /* a power of two; at most half full */

void vt_clusters_init(struct vt_clusters *k)
{
	*k = (struct vt_clusters){0};
}

void vt_clusters_fini(struct vt_clusters *k)
{
	free(k->all);
	free(k->slots);
	vt_clusters_init(k);
}

bool vt_clusters_full(const struct vt_clusters *k)
{
	return k->count == VT_CLUSTERS_MAX;
}

static unsigned hash(const uint32_t *cp, size_t n)
{
	uint32_t h = 2166136261u; /* FNV-1a, by code point */
	for (size_t i = 0; i < n; i++)
		h = (h ^ cp[i]) * 16777619u;
	return (h ^ h >> 15) & (SLOTS - 1);
}

static bool equal(const struct vt_cluster *c, const uint32_t *cp, size_t n)
{
	return c->n == n && memcmp(c->cp, cp, n * sizeof(*cp)) == 0;
}

static unsigned find_slot(const struct vt_clusters *k, const uint32_t *cp, size_t n)
{
	unsigned at = hash(cp, n);
	while (k->slots[at] && !equal(&k->all[k->slots[at] - 1], cp, n))
		at = (at + 1) & (SLOTS - 1);
	return at;
}

uint32_t vt_clusters_add(struct vt_clusters *k, uint32_t base, uint32_t mark)
{
	uint32_t cp[VT_CLUSTER_CHARS];
	size_t n = vt_clusters_get(k, base, cp);
	if (n == VT_CLUSTER_CHARS)
		return base;
	cp[n++] = mark;
	if (!k->all) {
		k->all = xcalloc(VT_CLUSTERS_MAX, sizeof(*k->all));
		k->slots = xcalloc(SLOTS, sizeof(*k->slots));
	}
	unsigned at = find_slot(k, cp, n);
	if (k->slots[at])
		return VT_CLUSTER | (uint32_t)(k->slots[at] - 1);
	if (vt_clusters_full(k))
		return base;
	while (k->all[k->next].n)
		k->next = (k->next + 1) % VT_CLUSTERS_MAX;
	struct vt_cluster *c = &k->all[k->next];
	memcpy(c->cp, cp, n * sizeof(*cp));
	c->n = (uint8_t)n;
	k->count++;
	k->slots[at] = (uint16_t)(k->next + 1);
	return VT_CLUSTER | k->next;
}

size_t vt_clusters_get(const struct vt_clusters *k, uint32_t cp, uint32_t out[VT_CLUSTER_CHARS])
{
	if (cp < VT_CLUSTER) {
		out[0] = cp ? cp : ' ';
		return 1;
	}
	const struct vt_cluster *c = &k->all[cp & (VT_CLUSTERS_MAX - 1)];
	memcpy(out, c->cp, c->n * sizeof(*out));
	return c->n;
}

void vt_clusters_mark(struct vt_clusters *k, uint32_t cp)
{
	k->all[cp & (VT_CLUSTERS_MAX - 1)].used = true;
}

void vt_clusters_sweep(struct vt_clusters *k)
{
	memset(k->slots, 0, SLOTS * sizeof(*k->slots));
	k->count = 0;
	for (unsigned i = 0; i < VT_CLUSTERS_MAX; i++) {
		struct vt_cluster *c = &k->all[i];
		if (!c->used)
			c->n = 0;
		c->used = false;
		if (!c->n)
			continue;
		k->slots[find_slot(k, c->cp, c->n)] = (uint16_t)(i + 1);
		k->count++;
	}
}
