/* <memory>, <currentMemory>, <maxMemory>, <memoryBacking> into struct domain. */
#include "core/domain_memory.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"

#define MEMORY_MAX_KIB (1ull << 53) /* of <maxMemory>: what libvirt takes for unlimited */
#define PAGE_MAX_KIB (16ull << 20)  /* of huge pages: 16 GiB is PowerPC's largest */
#define THREADS_MAX 1024u

static void memdev_fini(struct domain_memdev *m)
{
	free(m->path);
	free(m->uuid);
	free(m->alias);
	numset_fini(&m->nodes);
}

void domain_memory_fini(struct domain_memory *m)
{
	for (size_t i = 0; i < m->n_pages; i++)
		numset_fini(&m->pages[i].cells);
	for (size_t i = 0; i < m->n_devices; i++)
		memdev_fini(&m->devices[i]);
	free(m->pages);
	free(m->devices);
	*m = (struct domain_memory){0};
}

void memory_drop_element(struct domain_memory *m, unsigned element)
{
	if (m->n_devices > 0 && m->devices[m->n_devices - 1].element == element)
		memdev_fini(&m->devices[--m->n_devices]);
}

bool memory_huge(const struct domain_memory *m, unsigned cell, uint64_t *page_kib)
{
	const struct memory_page *best = NULL;
	*page_kib = 0;
	if (!m->hugepages)
		return false;
	if (m->n_pages == 0)
		return true;
	for (size_t i = 0; i < m->n_pages; i++) {
		const struct memory_page *page = &m->pages[i];
		if (numset_has(&page->cells, cell) || (numset_empty(&page->cells) && best == NULL))
			best = page;
	}
	/* Pages of the ordinary size are no huge pages; a cell that none is for has ordinary ones. */
	if (best == NULL || best->size_kib <= MEMORY_PAGE_KIB)
		return false;
	*page_kib = best->size_kib;
	return true;
}

/* --- memory, currentMemory, maxMemory --- */
static int parse_sizes(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	const xmlNode *memory = xml_child(root, "memory");
	const xmlNode *current = xml_child(root, "currentMemory");
	/* Without a <memory>, the cells may say it. */
	if (memory == NULL && d->cpu.n_cells == 0)
		return parse_invalid(p, root, "has no <memory>");
	for (size_t i = 0; memory == NULL && i < d->cpu.n_cells; i++)
		d->memory_kib += d->cpu.cells[i].memory_kib;
	if (parse_kib(p, memory, DOMAIN_MEMORY_MAX_KIB, &d->memory_kib) < 0 ||
	    parse_switch(p, memory, "dumpCore", &d->memory.dump_core) < 0)
		return -1;
	if (d->memory_kib < DOMAIN_MEMORY_MIN_KIB && d->cpu.n_cells == 0)
		return parse_invalid(p, memory, "%llu KiB is too little, at least %llu KiB",
		    (unsigned long long)d->memory_kib, DOMAIN_MEMORY_MIN_KIB);
	d->current_memory_kib = d->memory_kib;
	if (parse_kib(p, current, DOMAIN_MEMORY_MAX_KIB, &d->current_memory_kib) < 0)
		return -1;
	if (current != NULL &&
	    (d->current_memory_kib == 0 || d->current_memory_kib > d->memory_kib))
		return parse_invalid(p, current,
		    "%llu KiB is not between 1 and the %llu KiB of <memory>",
		    (unsigned long long)d->current_memory_kib, (unsigned long long)d->memory_kib);
	return 0;
}

static int parse_max(struct parse *p, const xmlNode *root)
{
	struct domain_memory *m = &p->d->memory;
	const xmlNode *node = xml_child(root, "maxMemory");
	uint64_t slots = 0;
	if (node == NULL)
		return 0;
	if (parse_kib(p, node, MEMORY_MAX_KIB, &m->max_kib) < 0 ||
	    parse_attr_number(p, node, "slots", 0, MEMORY_SLOTS_MAX, &slots) < 0)
		return -1;
	m->slots = (unsigned)slots;
	if (m->max_kib == 0)
		return parse_invalid(p, node, "0 is no size");
	return 0;
}

/* --- memoryBacking --- */
static int parse_page(struct parse *p, const xmlNode *node, struct domain_memory *m)
{
	CLEANUP_FREE char *size = xml_attr(node, "size");
	CLEANUP_FREE char *unit = xml_attr(node, "unit");
	struct err why = {0};
	if (m->n_pages >= MEMORY_PAGES_MAX)
		return parse_invalid(p, node, "more than %u sizes", MEMORY_PAGES_MAX);
	struct memory_page *page = DOMAIN_ADD(m->pages, m->n_pages);
	page->line = node_line(node);
	if (size == NULL)
		return parse_invalid(p, node, "has no size");
	if (units_kib(size, unit, PAGE_MAX_KIB, &page->size_kib, &why) < 0)
		return parse_invalid(p, node, "%s", why.msg);
	if (page->size_kib < MEMORY_PAGE_KIB || (page->size_kib & (page->size_kib - 1)) != 0)
		return parse_invalid(
		    p, node, "%llu KiB is no size of a page", (unsigned long long)page->size_kib);
	return parse_set(p, node, "nodeset", NUMSET_MAX, &page->cells);
}

static int check_pages(struct parse *p, const xmlNode *pages, const struct domain *d)
{
	const struct domain_memory *m = &d->memory;
	unsigned cells = d->cpu.n_cells > 0 ? (unsigned)d->cpu.n_cells : 1;
	for (size_t i = 0; i < m->n_pages; i++) {
		const struct memory_page *a = &m->pages[i];
		unsigned last = numset_last(&a->cells);
		if (last < NUMSET_MAX && last >= cells)
			return parse_invalid(
			    p, pages, "line %u: the guest has no NUMA node %u", a->line, last);
		for (size_t k = 0; k < i; k++) {
			const struct memory_page *b = &m->pages[k];
			unsigned both = numset_common(&a->cells, &b->cells);
			bool all = numset_empty(&a->cells) && numset_empty(&b->cells);
			if (all || d->cpu.n_cells == 0)
				return parse_invalid(p, pages,
				    "two sizes for the same memory: %llu and %llu KiB",
				    (unsigned long long)b->size_kib,
				    (unsigned long long)a->size_kib);
			if (both < NUMSET_MAX)
				return parse_invalid(p, pages, "two sizes for NUMA node %u", both);
		}
	}
	return 0;
}

static int parse_pages(struct parse *p, const xmlNode *backing)
{
	struct domain_memory *m = &p->d->memory;
	const xmlNode *pages = xml_child(backing, "hugepages");
	m->hugepages = pages != NULL;
	for (const xmlNode *n = NULL; (n = parse_next(pages, n, "page")) != NULL;)
		if (parse_page(p, n, m) < 0)
			return -1;
	return check_pages(p, pages, p->d);
}

static int parse_backing(struct parse *p, const xmlNode *backing)
{
	static const char *const sources[] = {"", "anonymous", "file", "memfd", NULL};
	static const char *const modes[] = {"", "shared", "private", NULL};
	static const char *const allocations[] = {"ondemand", "immediate", NULL};
	struct domain_memory *m = &p->d->memory;
	const xmlNode *allocation = xml_child(backing, "allocation");
	uint64_t threads = 0;
	int source, access, mode;
	m->nosharepages = xml_child(backing, "nosharepages") != NULL;
	m->discard = xml_child(backing, "discard") != NULL;
	if (parse_pages(p, backing) < 0 ||
	    parse_attr_word(p, xml_child(backing, "source"), "type", sources, 0, &source) < 0 ||
	    parse_attr_word(p, xml_child(backing, "access"), "mode", modes, 0, &access) < 0 ||
	    parse_attr_word(p, allocation, "mode", allocations, 0, &mode) < 0 ||
	    parse_attr_number(p, allocation, "threads", 1, THREADS_MAX, &threads) < 0)
		return -1;
	m->source = (enum memory_source)source;
	m->access = (enum memory_access)access;
	m->immediate = mode == 1;
	m->threads = (unsigned)threads;
	if (m->hugepages && m->source == MEMORY_SOURCE_ANONYMOUS)
		return parse_invalid(
		    p, backing, "<hugepages> and <source type='anonymous'> exclude each other");
	return 0;
}

int memory_parse(struct parse *p, const xmlNode *root)
{
	if (parse_sizes(p, root) < 0 || parse_max(p, root) < 0)
		return -1;
	return parse_backing(p, xml_child(root, "memoryBacking"));
}

/* --- the whole --- */
static uint64_t aligned(uint64_t kib)
{
	return (kib + MEMORY_ALIGN_KIB - 1) / MEMORY_ALIGN_KIB * MEMORY_ALIGN_KIB;
}

static int check_hotplug(struct parse *p, const xmlNode *root)
{
	const struct domain *d = p->d;
	const struct domain_memory *m = &d->memory;
	const xmlNode *node = xml_child(root, "maxMemory");
	size_t hotplug = 0;
	for (size_t i = 0; i < m->n_devices; i++)
		hotplug += m->devices[i].model != MEMDEV_SGX_EPC;
	if (m->max_kib == 0 && hotplug == 0)
		return memdev_check(p);
	if (m->max_kib == 0)
		return parse_invalid(p, root, "memory devices need a <maxMemory>");
	if (d->cpu.n_cells == 0)
		return parse_invalid(p, node, "needs at least one NUMA cell in <cpu>");
	if (m->max_kib < d->memory_kib)
		return parse_invalid(p, node, "%llu KiB is less than the memory there is, %llu KiB",
		    (unsigned long long)m->max_kib, (unsigned long long)d->memory_kib);
	return memdev_check(p);
}

static int check_memnodes(struct parse *p, const xmlNode *root)
{
	const struct domain *d = p->d;
	const xmlNode *numatune = xml_child(root, "numatune");
	for (size_t i = 0; i < d->tune.numa.n_memnodes; i++)
		if (d->tune.numa.memnodes[i].cell >= d->cpu.n_cells)
			return parse_invalid(p, xml_child(numatune, "memnode"),
			    "cellid %u: the guest has %zu NUMA cells in <cpu>",
			    d->tune.numa.memnodes[i].cell, d->cpu.n_cells);
	return 0;
}

/* Expander buses belong to a node. */
static int check_controllers(struct parse *p)
{
	const struct domain *d = p->d;
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct domain_controller *c = &d->controllers[i];
		if (c->node >= 0 && (size_t)c->node >= d->cpu.n_cells)
			return err_set(p->err, ERR_INVALID,
			    "%s:%u: <controller>: there is no NUMA node %d: the guest has %zu cells in <cpu>",
			    p->file, c->line, c->node, d->cpu.n_cells);
	}
	return 0;
}

int memory_finish(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	const xmlNode *node = xml_child(root, "memory");
	uint64_t cells = 0, devices = 0, said = d->memory_kib;
	for (size_t i = 0; i < d->cpu.n_cells; i++)
		cells += d->cpu.cells[i].memory_kib;
	/* SGX's pages are the host's own, beside all RAM. */
	for (size_t i = 0; i < d->memory.n_devices; i++)
		if (d->memory.devices[i].model != MEMDEV_SGX_EPC)
			devices += d->memory.devices[i].size_kib;
	if (cells > DOMAIN_MEMORY_MAX_KIB || devices > DOMAIN_MEMORY_MAX_KIB)
		return parse_invalid(p, root,
		    "cells and memory devices are %llu KiB together, at most %llu",
		    (unsigned long long)(cells + devices), DOMAIN_MEMORY_MAX_KIB);
	d->memory.boot_kib = cells > 0 ? cells : said > devices ? aligned(said - devices) : 0;
	if (d->memory.boot_kib < DOMAIN_MEMORY_MIN_KIB)
		return parse_invalid(
		    p, node != NULL ? node : root, "nothing is left beside the memory devices");
	/* As libvirt does: the parts count, <memory> is their sum. */
	if (cells > 0 || devices > 0)
		d->memory_kib = d->memory.boot_kib + devices;
	if (cells > 0 && said != cells && said != cells + devices)
		parse_warn(p, node, "%llu KiB, but the NUMA cells have %llu KiB, which counts",
		    (unsigned long long)said, (unsigned long long)cells);
	if (d->current_memory_kib > d->memory_kib || xml_child(root, "currentMemory") == NULL)
		d->current_memory_kib = d->memory_kib;
	if (check_hotplug(p, root) < 0 || check_memnodes(p, root) < 0)
		return -1;
	return check_controllers(p);
}
