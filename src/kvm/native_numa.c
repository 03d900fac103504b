/* NUMA nodes: -numa node with its memory, all of them or none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

#define NODES_MAX 128

/* Two cpus= in one option add up. */
static char *cpus_of(struct nat_opt *o)
{
	struct buf cpus = BUF_INIT;
	for (size_t i = 0; i < o->n_keys; i++)
		if (strcmp(o->keys[i].key, "cpus") == 0) {
			buf_addf(&cpus, "%s%s", cpus.len > 0 ? "," : "", o->keys[i].value);
			o->keys[i].taken = true;
		}
	if (cpus.len > 0)
		return buf_take(&cpus);
	buf_fini(&cpus);
	return NULL;
}

/* Bytes of a node; 0: not what an element says. */
static uint64_t memory_of(struct native *n, struct nat_opt *o, bool *shared)
{
	const char *id = nat_take(o, "memdev"), *mem = nat_take(o, "mem");
	if (id == NULL)
		return nat_size(mem, true);
	struct nat_opt *b = nat_find(n, "object", "id", id);
	if (b == NULL || !str_eq(nat_get(b, "qom-type"), "memory-backend-ram"))
		return 0;
	nat_open(n, b);
	nat_take(b, "qom-type");
	nat_take(b, "id");
	*shared = nat_is_on(nat_take(b, "share"));
	return nat_size(nat_take(b, "size"), false);
}

static bool express_node(struct native *n, struct nat_opt *o, xmlNode *numa, unsigned number)
{
	bool shared = false;
	const char *id = nat_take(o, "nodeid");
	CLEANUP_FREE char *cpus = cpus_of(o);
	if (!str_eq(nat_take(o, "type"), "node"))
		return false;
	uint64_t bytes = memory_of(n, o, &shared);
	xmlNode *cell = nat_el(numa, "cell");
	nat_attrf(cell, "id", "%u", id != NULL ? (unsigned)strtoul(id, NULL, 0) : number);
	nat_attr(cell, "cpus", cpus);
	nat_attru(cell, "memory", bytes / 1024);
	nat_attr(cell, "unit", "KiB");
	if (shared)
		nat_attr(cell, "memAccess", "shared");
	return bytes > 0;
}

/* Memory that can be plugged needs a node to be plugged into: QEMU makes one by itself. */
static void add_single(struct native *n, xmlNode *numa, uint64_t memory_kib, uint64_t cpus)
{
	(void)n;
	xmlNode *cell = nat_el(numa, "cell");
	nat_attr(cell, "id", "0");
	if (cpus > 1)
		nat_attrf(cell, "cpus", "0-%llu", (unsigned long long)cpus - 1);
	else
		nat_attr(cell, "cpus", "0");
	nat_attru(cell, "memory", memory_kib);
	nat_attr(cell, "unit", "KiB");
}

void nat_numa(struct native *n, uint64_t memory_kib, uint64_t cpus, bool pluggable)
{
	unsigned nodes = 0;
	bool ok = true;
	xmlNode *numa = nat_el(n->cpu, "numa");
	n->n_open = 0;
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (strcmp(o->name, "numa") != 0)
			continue;
		nat_open(n, o);
		ok = ok && nodes < NODES_MAX && express_node(n, o, numa, nodes);
		nodes++;
	}
	/* More options than can be undone together are kept as they stand. */
	ok = ok && n->n_open < NAT_OPEN_MAX;
	if (nodes > 0) {
		nat_end(n, numa, ok);
		return;
	}
	if (pluggable) {
		add_single(n, numa, memory_kib, cpus);
		return;
	}
	xmlUnlinkNode(numa);
	xmlFreeNode(numa);
}
