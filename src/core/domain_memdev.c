/* <devices><memory>: DIMMs, NVDIMMs and their virtio kin. */
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"

#define DIMM_ALIGN_KIB 2048ull /* of x86 DIMMs: what libvirt rounds up to */
#define BLOCK_MIN_KIB 1024ull  /* QEMU's least block of virtio-mem */

static const char *const models[MEMDEV_COUNT + 1] = {
    [MEMDEV_DIMM] = "dimm",
    [MEMDEV_NVDIMM] = "nvdimm",
    [MEMDEV_VIRTIO_PMEM] = "virtio-pmem",
    [MEMDEV_VIRTIO_MEM] = "virtio-mem",
    [MEMDEV_SGX_EPC] = "sgx-epc",
};

const char *memdev_model_name(enum memdev_model m)
{
	return models[m];
}

bool memdev_on_pci(const struct domain_memdev *m)
{
	return m->model == MEMDEV_VIRTIO_PMEM || m->model == MEMDEV_VIRTIO_MEM;
}

bool memdev_in_slot(const struct domain_memdev *m)
{
	return m->model == MEMDEV_DIMM || m->model == MEMDEV_NVDIMM;
}

static int parse_source(struct parse *p, const xmlNode *node, struct domain_memdev *m)
{
	const xmlNode *source = xml_child(node, "source");
	const xmlNode *mask = xml_child(source, "nodemask");
	bool file = m->model == MEMDEV_NVDIMM || m->model == MEMDEV_VIRTIO_PMEM;
	CLEANUP_FREE char *nodes = xml_text(mask);
	struct err why = {0};
	m->path = xml_child_text(source, "path");
	m->pmem = xml_child(source, "pmem") != NULL;
	if (parse_path_check(p, xml_child(source, "path"), m->path) < 0 ||
	    parse_kib(p, xml_child(source, "pagesize"), DOMAIN_MEMORY_MAX_KIB, &m->page_kib) < 0 ||
	    parse_kib(p, xml_child(source, "alignsize"), DOMAIN_MEMORY_MAX_KIB, &m->align_kib) < 0)
		return -1;
	if (nodes != NULL && numset_parse(nodes, NUMSET_MAX, &m->nodes, &why) < 0)
		return parse_invalid(p, mask, "%s", why.msg);
	if (file && m->path == NULL)
		return parse_invalid(
		    p, node, "model='%s' needs a <path> in <source>", models[m->model]);
	if (!file && m->path != NULL)
		return parse_invalid(p, node, "model='%s' has no <path>", models[m->model]);
	return 0;
}

static int parse_virtio_mem(struct parse *p, const xmlNode *target, struct domain_memdev *m)
{
	const xmlNode *block = xml_child(target, "block"),
	              *requested = xml_child(target, "requested");
	if (parse_kib(p, block, DOMAIN_MEMORY_MAX_KIB, &m->block_kib) < 0 ||
	    parse_kib(p, requested, DOMAIN_MEMORY_MAX_KIB, &m->requested_kib) < 0)
		return -1;
	if (m->block_kib < BLOCK_MIN_KIB || (m->block_kib & (m->block_kib - 1)) != 0)
		return parse_invalid(p, block != NULL ? block : target,
		    "a <block> of a power of two, from %llu KiB on, is needed", BLOCK_MIN_KIB);
	if (m->requested_kib > m->size_kib)
		return parse_invalid(p, requested, "%llu KiB is more than the size, %llu KiB",
		    (unsigned long long)m->requested_kib, (unsigned long long)m->size_kib);
	if (m->size_kib % m->block_kib != 0 || m->requested_kib % m->block_kib != 0)
		return parse_invalid(
		    p, target, "<size> and <requested> have to be multiples of <block>");
	return 0;
}

static int parse_target(struct parse *p, const xmlNode *node, struct domain_memdev *m)
{
	const xmlNode *target = xml_child(node, "target");
	const xmlNode *label = xml_child(target, "label"), *size = xml_child(target, "size");
	uint64_t cell = 0;
	m->has_node = xml_child(target, "node") != NULL;
	m->readonly = xml_child(target, "readonly") != NULL;
	if (size == NULL)
		return parse_invalid(p, target != NULL ? target : node, "has no <size>");
	if (parse_kib(p, size, DOMAIN_MEMORY_MAX_KIB, &m->size_kib) < 0 ||
	    parse_text_number(p, xml_child(target, "node"), 0, UINT32_MAX, &cell) < 0 ||
	    parse_kib(p, xml_child(label, "size"), DOMAIN_MEMORY_MAX_KIB, &m->label_kib) < 0)
		return -1;
	m->node = (unsigned)cell;
	if (m->size_kib == 0)
		return parse_invalid(p, size, "0 is no size");
	if (label != NULL && (m->label_kib < 128 || m->label_kib >= m->size_kib))
		return parse_invalid(
		    p, label, "a label has at least 128 KiB and less than the device");
	if (m->model == MEMDEV_VIRTIO_MEM)
		return parse_virtio_mem(p, target, m);
	if (m->model == MEMDEV_SGX_EPC)
		return 0;
	m->size_kib = (m->size_kib + DIMM_ALIGN_KIB - 1) / DIMM_ALIGN_KIB * DIMM_ALIGN_KIB;
	return 0;
}

static int parse_uuid(struct parse *p, const xmlNode *node, struct domain_memdev *m)
{
	uuid_t uuid;
	m->uuid = xml_child_text(node, "uuid");
	if (m->uuid == NULL || uuid_parse(m->uuid, uuid) == 0)
		return 0;
	return parse_invalid(p, xml_child(node, "uuid"), "not a UUID");
}

int memdev_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	static const char *const accesses[] = {"", "shared", "private", NULL};
	CLEANUP_FREE char *model = printable_attr(node, "model");
	int word, access;
	if (model[0] == '\0')
		return parse_invalid(p, node, "has no model");
	if (parse_attr_word(p, node, "model", models, -1, &word) < 0)
		return -1;
	struct domain_memdev *m = DOMAIN_ADD(p->d->memory.devices, p->d->memory.n_devices);
	m->model = (enum memdev_model)word;
	m->element = element;
	m->alias = alias_parse(p, node);
	m->line = node_line(node);
	if (parse_attr_word(p, node, "access", accesses, 0, &access) < 0 ||
	    parse_switch(p, node, "discard", &m->discard) < 0)
		return -1;
	m->access = (enum memory_access)access;
	if (parse_source(p, node, m) < 0 || parse_target(p, node, m) < 0 ||
	    parse_uuid(p, node, m) < 0)
		return -1;
	return parse_address(
	    p, node, ADDRESS_BIT(memdev_on_pci(m) ? ADDRESS_PCI : ADDRESS_DIMM), &m->address);
}

/* --- together --- */
static int invalid(
    struct parse *p, const struct domain_memdev *m, const char *words, unsigned number)
{
	return err_set(
	    p->err, ERR_INVALID, "%s:%u: <memory>: %s %u", p->file, m->line, words, number);
}

int memdev_check(struct parse *p)
{
	const struct domain *d = p->d;
	const struct domain_memory *mem = &d->memory;
	unsigned boards = 0;
	for (size_t i = 0; i < mem->n_devices; i++) {
		const struct domain_memdev *m = &mem->devices[i];
		if (m->has_node && m->node >= d->cpu.n_cells)
			return invalid(p, m, "the guest has no NUMA node", m->node);
		if (!memdev_in_slot(m))
			continue;
		if (++boards > mem->slots)
			return invalid(
			    p, m, "one more than the slots of <maxMemory>, which has", mem->slots);
		if (m->address.type == ADDRESS_DIMM && m->address.slot >= mem->slots)
			return invalid(p, m, "<maxMemory> has no slot", m->address.slot);
		for (size_t k = 0; k < i; k++)
			if (mem->devices[k].address.type == ADDRESS_DIMM &&
			    m->address.type == ADDRESS_DIMM &&
			    mem->devices[k].address.slot == m->address.slot)
				return invalid(p, m, "another one is in slot", m->address.slot);
	}
	return 0;
}

void memdev_complete(struct domain_memory *m)
{
	struct numset used = {0};
	for (size_t i = 0; i < m->n_devices; i++)
		if (m->devices[i].address.type == ADDRESS_DIMM)
			numset_add(&used, m->devices[i].address.slot);
	for (size_t i = 0; i < m->n_devices; i++) {
		struct domain_address *a = &m->devices[i].address;
		unsigned slot = 0;
		if (!memdev_in_slot(&m->devices[i]) || a->type == ADDRESS_DIMM)
			continue;
		while (numset_has(&used, slot))
			slot++;
		numset_add(&used, slot);
		*a = (struct domain_address){.type = ADDRESS_DIMM, .line = a->line, .slot = slot};
	}
	numset_fini(&used);
}
