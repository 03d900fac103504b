/* <cpu><numa>: the guest's own NUMA nodes, with their distances, caches and links, into struct domain_cpu. */
#include <stdlib.h>
#include <string.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"

#define LINKS_MAX 4096u
#define CACHE_LEVELS 3u

/* --- words of the finished cells --- */
bool cpu_has_distances(const struct domain_cpu *c)
{
	for (size_t i = 0; i < c->n_cells; i++)
		if (c->cells[i].distances != NULL)
			return true;
	return false;
}

bool cpu_has_hmat(const struct domain_cpu *c)
{
	for (size_t i = 0; i < c->n_cells; i++)
		if (c->cells[i].n_caches > 0)
			return true;
	return c->n_links > 0;
}

static unsigned given_distance(const struct domain_cpu *c, size_t from, size_t to)
{
	return c->cells[from].distances != NULL ? c->cells[from].distances[to] : 0;
}

unsigned cpu_distance(const struct domain_cpu *c, size_t from, size_t to)
{
	unsigned there = given_distance(c, from, to), back = given_distance(c, to, from);
	if (there > 0 || back > 0)
		return there > 0 ? there : back;
	return from == to ? CPU_DISTANCE_LOCAL : CPU_DISTANCE_REMOTE;
}

/* --- cells --- */
static int parse_access(struct parse *p, const xmlNode *node, struct cpu_cell *cell)
{
	static const char *const words[] = {"", "shared", "private", NULL};
	int access;
	if (parse_attr_word(p, node, "memAccess", words, 0, &access) < 0 ||
	    parse_switch(p, node, "discard", &cell->discard) < 0)
		return -1;
	cell->access = (enum memory_access)access;
	return 0;
}

static int parse_cell_memory(struct parse *p, const xmlNode *node, struct cpu_cell *cell)
{
	CLEANUP_FREE char *number = xml_attr(node, "memory");
	CLEANUP_FREE char *unit = xml_attr(node, "unit");
	struct err why = {0};
	if (number == NULL)
		return 0;
	if (units_kib(number, unit, DOMAIN_MEMORY_MAX_KIB, &cell->memory_kib, &why) < 0)
		return parse_invalid(p, node, "memory: %s", why.msg);
	cell->memory_kib =
	    (cell->memory_kib + MEMORY_ALIGN_KIB - 1) / MEMORY_ALIGN_KIB * MEMORY_ALIGN_KIB;
	return 0;
}

static int parse_distances(struct parse *p, const xmlNode *node, struct domain_cpu *c, size_t cell)
{
	const xmlNode *distances = xml_child(node, "distances");
	for (const xmlNode *n = NULL; (n = parse_next(distances, n, "sibling")) != NULL;) {
		uint64_t id = UINT64_MAX, value = 0;
		if (parse_attr_number(p, n, "id", 0, c->n_cells - 1, &id) < 0 ||
		    parse_attr_number(p, n, "value", CPU_DISTANCE_LOCAL, CPU_DISTANCE_MAX, &value) <
		        0)
			return -1;
		if (id == UINT64_MAX || value == 0)
			return parse_invalid(p, n, "needs id and value");
		if (id == cell && value != CPU_DISTANCE_LOCAL)
			return parse_invalid(
			    p, n, "a cell's distance to itself is %u", CPU_DISTANCE_LOCAL);
		if (c->cells[cell].distances == NULL)
			c->cells[cell].distances = xcalloc(c->n_cells, sizeof(unsigned));
		if (c->cells[cell].distances[id] != 0)
			return parse_invalid(p, n, "sibling %u is there twice", (unsigned)id);
		c->cells[cell].distances[id] = (unsigned)value;
	}
	return 0;
}

/* <size value='10' unit='KiB'/> */
static int parse_value(
    struct parse *p, const xmlNode *cache, const char *name, uint64_t max, uint64_t *out)
{
	const xmlNode *node = xml_child(cache, name);
	CLEANUP_FREE char *value = xml_attr(node, "value");
	CLEANUP_FREE char *unit = xml_attr(node, "unit");
	struct err why = {0};
	if (value == NULL)
		return parse_invalid(p, node != NULL ? node : cache, "has no <%s value=…>", name);
	if (units_bytes(value, unit, 1024, max, out, &why) < 0)
		return parse_invalid(p, node, "%s", why.msg);
	return 0;
}

static int parse_cache(struct parse *p, const xmlNode *node, struct cpu_cell *cell)
{
	static const char *const associativities[] = {"none", "direct", "full", NULL};
	static const char *const policies[] = {"none", "writeback", "writethrough", NULL};
	uint64_t level = 0, line = 0;
	int associativity, policy;
	struct cell_cache cache = {0};
	if (parse_attr_number(p, node, "level", 1, CACHE_LEVELS, &level) < 0 ||
	    parse_attr_word(p, node, "associativity", associativities, 0, &associativity) < 0 ||
	    parse_attr_word(p, node, "policy", policies, 0, &policy) < 0 ||
	    parse_value(p, node, "size", INT64_MAX, &cache.size) < 0 ||
	    parse_value(p, node, "line", UINT16_MAX, &line) < 0)
		return -1;
	if (level == 0)
		return parse_invalid(p, node, "has no level");
	cache.level = (unsigned)level;
	cache.associativity = (enum cell_associativity)associativity;
	cache.policy = (enum cell_policy)policy;
	cache.line = (unsigned)line;
	for (size_t i = 0; i < cell->n_caches; i++)
		if (cell->caches[i].level == cache.level)
			return parse_invalid(p, node, "level %u is there twice", cache.level);
	*DOMAIN_ADD(cell->caches, cell->n_caches) = cache;
	return 0;
}

static int parse_cell(struct parse *p, const xmlNode *node, struct domain_cpu *c, size_t id)
{
	struct cpu_cell *cell = &c->cells[id];
	if (parse_set(p, node, "cpus", DOMAIN_VCPUS_MAX, &cell->cpus) < 0 ||
	    parse_cell_memory(p, node, cell) < 0 || parse_access(p, node, cell) < 0 ||
	    parse_distances(p, node, c, id) < 0)
		return -1;
	for (const xmlNode *n = NULL; (n = parse_next(node, n, "cache")) != NULL;)
		if (parse_cache(p, n, cell) < 0)
			return -1;
	unsigned last = numset_last(&cell->cpus);
	if (last < NUMSET_MAX && last >= p->d->vcpus_max)
		return parse_invalid(
		    p, node, "cpus: there is no vCPU %u, <vcpu> says %u", last, p->d->vcpus_max);
	return 0;
}

static int check_cells(struct parse *p, const xmlNode *numa, const struct domain_cpu *c)
{
	bool cpus = false;
	for (size_t i = 0; i < c->n_cells; i++) {
		cpus = cpus || !numset_empty(&c->cells[i].cpus);
		for (size_t k = 0; k < i; k++) {
			unsigned both = numset_common(&c->cells[k].cpus, &c->cells[i].cpus);
			if (both < NUMSET_MAX)
				return parse_invalid(
				    p, numa, "vCPU %u is in cell %zu and in cell %zu", both, k, i);
		}
	}
	return cpus ? 0 : parse_invalid(p, numa, "no cell has cpus");
}

/* The cells' places, by their id or, without one, in order. */
static int place_cells(struct parse *p, const xmlNode *numa, const xmlNode **nodes, size_t n)
{
	size_t next = 0;
	for (const xmlNode *node = NULL; (node = parse_next(numa, node, "cell")) != NULL; next++) {
		uint64_t id = next;
		if (parse_attr_number(p, node, "id", 0, UINT32_MAX, &id) < 0)
			return -1;
		if (id >= n || nodes[id] != NULL)
			return parse_invalid(p, node,
			    "id='%u': %zu cells have to be numbered from 0 to %zu, each once",
			    (unsigned)id, n, n - 1);
		nodes[id] = node;
	}
	return 0;
}

static int parse_cells(struct parse *p, const xmlNode *numa, struct domain_cpu *c)
{
	size_t n = 0;
	for (const xmlNode *node = NULL; (node = parse_next(numa, node, "cell")) != NULL;)
		n++;
	if (n == 0 || n > CPU_CELLS_MAX)
		return parse_invalid(
		    p, numa, "%zu cells, from 1 to %u are possible", n, CPU_CELLS_MAX);
	const xmlNode **nodes = xcalloc(n, sizeof *nodes);
	c->cells = xcalloc(n, sizeof *c->cells);
	c->n_cells = n;
	int rc = place_cells(p, numa, nodes, n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = parse_cell(p, nodes[i], c, i);
	free(nodes);
	return rc;
}

/* --- interconnects --- */
static int parse_link_value(struct parse *p, const xmlNode *node, struct cpu_interconnect *link)
{
	CLEANUP_FREE char *value = xml_attr(node, "value");
	CLEANUP_FREE char *unit = xml_attr(node, "unit");
	struct err why = {0};
	if (value == NULL)
		return parse_invalid(p, node, "has no value");
	if (!link->bandwidth)
		return parse_attr_number(p, node, "value", 1, UINT32_MAX, &link->value);
	if (units_kib(value, unit, UINT32_MAX, &link->value, &why) < 0)
		return parse_invalid(p, node, "%s", why.msg);
	return 0;
}

static int parse_link(struct parse *p, const xmlNode *node, struct domain_cpu *c)
{
	static const char *const types[] = {"access", "read", "write", NULL};
	struct cpu_interconnect link = {.bandwidth = xml_is(node, "bandwidth")};
	uint64_t initiator = UINT64_MAX, target = UINT64_MAX, cache = 0;
	int type;
	if (!link.bandwidth && !xml_is(node, "latency"))
		return 0;
	if (parse_attr_number(p, node, "initiator", 0, c->n_cells - 1, &initiator) < 0 ||
	    parse_attr_number(p, node, "target", 0, c->n_cells - 1, &target) < 0 ||
	    parse_attr_number(p, node, "cache", 1, CACHE_LEVELS, &cache) < 0 ||
	    parse_attr_word(p, node, "type", types, 0, &type) < 0 ||
	    parse_link_value(p, node, &link) < 0)
		return -1;
	if (initiator == UINT64_MAX || target == UINT64_MAX)
		return parse_invalid(p, node, "needs initiator and target");
	if (numset_empty(&c->cells[initiator].cpus))
		return parse_invalid(p, node, "initiator %u has no cpus", (unsigned)initiator);
	if (c->n_links >= LINKS_MAX)
		return parse_invalid(p, node, "more than %u links", LINKS_MAX);
	link.initiator = (unsigned)initiator;
	link.target = (unsigned)target;
	link.cache = (unsigned)cache;
	link.type = (enum interconnect_type)type;
	*DOMAIN_ADD(c->links, c->n_links) = link;
	return 0;
}

int numa_parse(struct parse *p, const xmlNode *numa)
{
	struct domain_cpu *c = &p->d->cpu;
	if (numa == NULL)
		return 0;
	if (parse_cells(p, numa, c) < 0 || check_cells(p, numa, c) < 0)
		return -1;
	const xmlNode *links = xml_child(numa, "interconnects");
	for (const xmlNode *n = xml_first(links); n != NULL; n = xml_next(n))
		if (parse_link(p, n, c) < 0)
			return -1;
	return 0;
}
