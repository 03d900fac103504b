/* Memory: its backends, NUMA nodes with their distances and HMAT, memory devices. */
#include "kvm/argv_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* QEMU's name of all RAM on the machines of the pc families, which migration and snapshots go by. */
#define RAM_ID "pc.ram"

/* What one backend is to be. */
struct backend {
	const char *id;
	uint64_t size_kib;
	bool huge;
	uint64_t page_kib; /* huge; 0 the host's default size */
	enum memory_access access;
	bool discard;
	const char *path; /* a file that it maps; NULL none */
	const struct numset *nodes;
	enum numa_mode mode;
};

/* --- backends --- */
static bool shared_file(const struct domain *d, const struct backend *k)
{
	return d->memory.source == MEMORY_SOURCE_MEMFD ||
	       (k->access == ACCESS_SHARED && d->memory.source != MEMORY_SOURCE_FILE &&
	           d->memory.source != MEMORY_SOURCE_ANONYMOUS);
}

static const char *backend_kind(const struct domain *d, const struct backend *k)
{
	if (k->path != NULL)
		return "memory-backend-file";
	if (k->huge || shared_file(d, k))
		return "memory-backend-memfd";
	return d->memory.source == MEMORY_SOURCE_FILE ? "memory-backend-file"
	                                              : "memory-backend-ram";
}

static void add_nodes(struct buf *value, const struct backend *k)
{
	static const char *const policies[] = {[NUMA_STRICT] = "bind",
	    [NUMA_PREFERRED] = "preferred",
	    [NUMA_INTERLEAVE] = "interleave"};
	/* The restrictive mode is kept by a cgroup alone: QEMU's own policy would forbid to move pages. */
	if (k->nodes == NULL || numset_empty(k->nodes) || k->mode == NUMA_RESTRICTIVE)
		return;
	CLEANUP_FREE char *nodes = numset_format(k->nodes, ",host-nodes=");
	buf_addf(value, ",host-nodes=%s,policy=%s", nodes, policies[k->mode]);
}

static void start_backend(struct builder *b, struct buf *value, const struct backend *k)
{
	const char *kind = backend_kind(b->d, k);
	bool file = strcmp(kind, "memory-backend-file") == 0;
	buf_addf(value, "%s,id=%s,size=%lluk", kind, k->id, (unsigned long long)k->size_kib);
	if (k->huge)
		buf_adds(value, ",hugetlb=on");
	if (k->huge && k->page_kib > 0)
		buf_addf(value, ",hugetlbsize=%lluk", (unsigned long long)k->page_kib);
	if (file)
		build_key(value, "mem-path",
		    k->path != NULL          ? k->path
		    : b->in->ram_dir != NULL ? b->in->ram_dir
		                             : b->in->run_dir);
	if (file && k->discard)
		buf_adds(value, ",discard-data=on");
	/* A memfd is shared unless told otherwise, the others are private. */
	if (k->access != ACCESS_DEFAULT || strcmp(kind, "memory-backend-memfd") == 0)
		buf_addf(value, ",share=%s", k->access == ACCESS_SHARED ? "on" : "off");
}

static void build_backend(struct builder *b, const struct backend *k)
{
	const struct domain_memory *m = &b->d->memory;
	struct buf value = BUF_INIT;
	start_backend(b, &value, k);
	if (m->immediate || k->huge) {
		buf_adds(&value, ",prealloc=on");
		if (m->threads > 0)
			buf_addf(&value, ",prealloc-threads=%u", m->threads);
	}
	add_nodes(&value, k);
	build_take(b, "-object", &value);
}

/* Where a cell's memory (without cells: 0, all of it) comes from on the host. */
static void choose_nodes(const struct domain *d, unsigned cell, struct backend *k)
{
	const struct domain_numatune *t = &d->tune.numa;
	k->nodes = &t->nodes;
	k->mode = t->mode;
	for (size_t i = 0; i < t->n_memnodes; i++)
		if (d->cpu.n_cells > 0 && t->memnodes[i].cell == cell) {
			k->nodes = &t->memnodes[i].nodes;
			k->mode = t->memnodes[i].mode;
		}
}

static int check_huge(struct builder *b, const struct backend *k)
{
	if (!k->huge || k->page_kib == 0 || k->size_kib % k->page_kib == 0)
		return 0;
	return build_unsupported(b, "hugepages", 0,
	    "%llu KiB of memory are no multiple of pages of %llu KiB",
	    (unsigned long long)k->size_kib, (unsigned long long)k->page_kib);
}

/* --- without NUMA cells: one backend, when it is to be anything special --- */
static struct backend whole_backend(const struct domain *d)
{
	const struct domain_memory *m = &d->memory;
	struct backend k = {
	    .id = RAM_ID, .size_kib = m->boot_kib, .access = m->access, .discard = m->discard};
	k.huge = memory_huge(m, 0, &k.page_kib);
	choose_nodes(d, 0, &k);
	return k;
}

static bool needs_backend(const struct domain *d)
{
	const struct domain_memory *m = &d->memory;
	bool nodes = !numset_empty(&d->tune.numa.nodes) && d->tune.numa.mode != NUMA_RESTRICTIVE;
	return d->cpu.n_cells == 0 &&
	       (m->hugepages || m->source != MEMORY_SOURCE_DEFAULT || m->access != ACCESS_DEFAULT ||
	           m->immediate || m->discard || nodes);
}

void build_memory_machine(struct builder *b, struct buf *machine)
{
	const struct domain_memory *m = &b->d->memory;
	if (needs_backend(b->d))
		buf_adds(machine, ",memory-backend=" RAM_ID);
	if (m->nosharepages)
		buf_adds(machine, ",mem-merge=off");
	for (size_t i = 0; i < m->n_devices; i++)
		if (m->devices[i].model == MEMDEV_NVDIMM) {
			buf_adds(machine, ",nvdimm=on");
			break;
		}
	if (cpu_has_hmat(&b->d->cpu))
		buf_adds(machine, ",hmat=on");
	unsigned epc = 0;
	for (size_t i = 0; i < m->n_devices; i++) {
		if (m->devices[i].model != MEMDEV_SGX_EPC)
			continue;
		buf_addf(machine, ",sgx-epc.%u.memdev=memepc%u", epc, epc);
		if (m->devices[i].has_node)
			buf_addf(machine, ",sgx-epc.%u.node=%u", epc, m->devices[i].node);
		epc++;
	}
}

/* Most of QEMU's CPUs have 40 bits of physical address, and it refuses more <maxMemory> than they reach: libvirt's
 * documents often have a number that means "no limit". Beside RAM there are PCI's windows and a hole under 1 TiB, and each
 * slot may be aligned to 1 GiB. */
static uint64_t reachable_max(struct builder *b)
{
	const struct domain *d = b->d;
	const uint64_t gib = 1u << 20;
	unsigned bits = d->type == DOMAIN_KVM && d->cpu.phys_bits > 0 ? d->cpu.phys_bits : 40;
	uint64_t all = bits >= 64 ? UINT64_MAX : UINT64_C(1) << (bits - 10);
	uint64_t taken = (uint64_t)(76 + d->memory.slots) * gib;
	if (d->cpu.phys == CPU_PHYS_PASSTHROUGH || all <= taken || d->memory.max_kib <= all - taken)
		return d->memory.max_kib;
	buf_addf(&b->notes,
	    "<maxMemory> %llu KiB instead of %llu KiB, which %u bits of physical address do not reach\n",
	    (unsigned long long)(all - taken), (unsigned long long)d->memory.max_kib, bits);
	return all - taken;
}

int build_memory(struct builder *b)
{
	const struct domain *d = b->d;
	const struct domain_memory *m = &d->memory;
	struct buf value = BUF_INIT;
	buf_addf(&value, "size=%lluk", (unsigned long long)m->boot_kib);
	if (m->max_kib > 0 && m->slots > 0)
		buf_addf(&value, ",slots=%u", m->slots);
	if (m->max_kib > 0)
		buf_addf(&value, ",maxmem=%lluk", (unsigned long long)reachable_max(b));
	build_take(b, "-m", &value);
	build_addf(b, "-overcommit", "mem-lock=%s", d->tune.locked ? "on" : "off");
	if (!needs_backend(d))
		return 0;
	struct backend k = whole_backend(d);
	if (check_huge(b, &k) < 0)
		return -1;
	build_backend(b, &k);
	return 0;
}

/* --- NUMA cells --- */
static int build_cell(struct builder *b, size_t cell, const struct numset *cpus)
{
	const struct domain *d = b->d;
	const struct cpu_cell *c = &d->cpu.cells[cell];
	CLEANUP_FREE char *id = xasprintf("ram-node%zu", cell);
	CLEANUP_FREE char *list = numset_format(cpus, ",cpus=");
	struct buf value = BUF_INIT;
	struct backend k = {.id = id, .size_kib = c->memory_kib};
	k.access = c->access != ACCESS_DEFAULT ? c->access : d->memory.access;
	k.discard = c->discard == SWITCH_ON || (c->discard == SWITCH_ABSENT && d->memory.discard);
	k.huge = memory_huge(&d->memory, (unsigned)cell, &k.page_kib);
	choose_nodes(d, (unsigned)cell, &k);
	if (check_huge(b, &k) < 0)
		return -1;
	if (c->memory_kib > 0)
		build_backend(b, &k);
	buf_addf(&value, "node,nodeid=%zu%s%s", cell, list[0] != '\0' ? ",cpus=" : "", list);
	if (cpu_has_hmat(&d->cpu)) {
		/* Memory without processors is nearest to the first cell that has some. */
		size_t initiator = cell;
		for (size_t i = 0;
		     numset_empty(&d->cpu.cells[initiator].cpus) && i < d->cpu.n_cells; i++)
			initiator = i;
		buf_addf(&value, ",initiator=%zu", initiator);
	}
	if (c->memory_kib > 0)
		buf_addf(&value, ",memdev=%s", id);
	build_take(b, "-numa", &value);
	return 0;
}

static void build_hmat(struct builder *b)
{
	static const char *const hierarchies[] = {
	    "memory", "first-level", "second-level", "third-level"};
	static const char *const types[] = {
	    [LINK_ACCESS] = "access", [LINK_READ] = "read", [LINK_WRITE] = "write"};
	static const char *const associativities[] = {[CELL_ASSOC_NONE] = "none",
	    [CELL_ASSOC_DIRECT] = "direct",
	    [CELL_ASSOC_FULL] = "complex"};
	static const char *const policies[] = {[CELL_POLICY_NONE] = "none",
	    [CELL_POLICY_WRITEBACK] = "write-back",
	    [CELL_POLICY_WRITETHROUGH] = "write-through"};
	const struct domain_cpu *cpu = &b->d->cpu;
	for (size_t i = 0; i < cpu->n_links; i++) {
		const struct cpu_interconnect *l = &cpu->links[i];
		const char *what = l->bandwidth ? "bandwidth" : "latency";
		build_addf(b, "-numa",
		    "hmat-lb,initiator=%u,target=%u,hierarchy=%s,data-type=%s-%s,%s=%llu%s",
		    l->initiator, l->target, hierarchies[l->cache], types[l->type], what, what,
		    (unsigned long long)l->value, l->bandwidth ? "K" : "");
	}
	for (size_t i = 0; i < cpu->n_cells; i++)
		for (size_t k = 0; k < cpu->cells[i].n_caches; k++) {
			const struct cell_cache *c = &cpu->cells[i].caches[k];
			build_addf(b, "-numa",
			    "hmat-cache,node-id=%zu,size=%llu,level=%u,associativity=%s,policy=%s,line=%u",
			    i, (unsigned long long)c->size, c->level,
			    associativities[c->associativity], policies[c->policy], c->line);
		}
}

int build_numa(struct builder *b)
{
	const struct domain *d = b->d;
	const struct domain_cpu *cpu = &d->cpu;
	int rc = 0;
	if (cpu->n_cells == 0)
		return 0;
	/* vCPUs that are in no cell belong to the first, as libvirt has it. */
	struct numset first = {0};
	for (unsigned i = 0; i < d->vcpus_max; i++) {
		bool elsewhere = false;
		for (size_t k = 1; k < cpu->n_cells; k++)
			elsewhere = elsewhere || numset_has(&cpu->cells[k].cpus, i);
		if (!elsewhere)
			numset_add(&first, i);
	}
	for (size_t i = 0; rc == 0 && i < cpu->n_cells; i++)
		rc = build_cell(b, i, i == 0 ? &first : &cpu->cells[i].cpus);
	numset_fini(&first);
	if (rc < 0)
		return -1;
	for (size_t i = 0; cpu_has_distances(cpu) && i < cpu->n_cells; i++)
		for (size_t k = 0; k < cpu->n_cells; k++)
			build_addf(b, "-numa", "dist,src=%zu,dst=%zu,val=%u", i, k,
			    cpu_distance(cpu, i, k));
	if (cpu_has_hmat(cpu))
		build_hmat(b);
	return 0;
}

/* --- memory devices --- */
static void build_memdev_backend(struct builder *b, const struct domain_memdev *m, const char *id)
{
	const struct domain *d = b->d;
	struct buf value = BUF_INIT;
	struct backend k = {.id = id, .size_kib = m->size_kib, .path = m->path, .nodes = &m->nodes};
	if (m->path == NULL && m->page_kib > MEMORY_PAGE_KIB) {
		k.huge = true;
		k.page_kib = m->page_kib;
	} else if (m->path == NULL && m->page_kib == 0 && m->model != MEMDEV_VIRTIO_MEM) {
		k.huge = memory_huge(&d->memory, m->has_node ? m->node : 0, &k.page_kib);
	}
	k.access = m->access;
	if (k.access == ACCESS_DEFAULT)
		k.access = m->has_node && d->cpu.cells[m->node].access != ACCESS_DEFAULT
		               ? d->cpu.cells[m->node].access
		               : d->memory.access;
	/* The host writes virtio-pmem's file through to the disk: it has to be shared. */
	if (m->model == MEMDEV_VIRTIO_PMEM && k.access == ACCESS_DEFAULT)
		k.access = ACCESS_SHARED;
	/* What is in a file of the user's own is not thrown away. */
	k.discard = m->path == NULL &&
	            (m->discard == SWITCH_ON || (m->discard == SWITCH_ABSENT && d->memory.discard));
	k.mode = d->tune.numa.given ? d->tune.numa.mode : NUMA_STRICT;
	if (numset_empty(k.nodes) && m->path == NULL)
		choose_nodes(d, m->has_node ? m->node : 0, &k);
	start_backend(b, &value, &k);
	if (m->align_kib > 0)
		buf_addf(&value, ",align=%lluk", (unsigned long long)m->align_kib);
	if (m->pmem)
		buf_adds(&value, ",pmem=on");
	/* virtio-mem takes its pages as the guest asks for them. */
	if (m->model == MEMDEV_VIRTIO_MEM)
		buf_adds(&value, ",reserve=off");
	else if (k.huge || (m->path == NULL && d->memory.immediate) ||
	         (m->model == MEMDEV_NVDIMM && !m->pmem))
		buf_adds(&value, ",prealloc=on");
	add_nodes(&value, &k);
	build_take(b, "-object", &value);
}

/* SGX's memory is the processor's: -machine names the backend. */
static void build_epc(struct builder *b, const struct domain_memdev *m, const char *id)
{
	struct buf value = BUF_INIT;
	const struct backend k = {.nodes = &m->nodes, .mode = NUMA_STRICT};
	buf_addf(&value, "memory-backend-epc,id=%s,size=%lluk,prealloc=on", id,
	    (unsigned long long)m->size_kib);
	add_nodes(&value, &k);
	build_take(b, "-object", &value);
}

static int build_memdev(struct builder *b, size_t index, const char *memdev)
{
	static const char *const drivers[MEMDEV_COUNT] = {[MEMDEV_DIMM] = "pc-dimm",
	    [MEMDEV_NVDIMM] = "nvdimm",
	    [MEMDEV_VIRTIO_PMEM] = "virtio-pmem-pci",
	    [MEMDEV_VIRTIO_MEM] = "virtio-mem-pci"};
	const struct domain_memdev *m = &b->d->memory.devices[index];
	struct buf value = BUF_INIT;
	buf_addf(&value, "%s", drivers[m->model]);
	if (m->has_node)
		buf_addf(&value, ",node=%u", m->node);
	if (m->label_kib > 0)
		buf_addf(&value, ",label-size=%lluk", (unsigned long long)m->label_kib);
	if (m->uuid != NULL)
		build_key(&value, "uuid", m->uuid);
	if (m->readonly)
		buf_adds(&value, ",unarmed=on");
	if (m->model == MEMDEV_VIRTIO_MEM)
		buf_addf(&value, ",block-size=%lluk,requested-size=%lluk",
		    (unsigned long long)m->block_kib, (unsigned long long)m->requested_kib);
	if (m->model == MEMDEV_VIRTIO_MEM && m->page_kib > MEMORY_PAGE_KIB)
		buf_adds(&value, ",prealloc=on");
	buf_addf(&value, ",memdev=%s,id=%s", memdev, memdev + strlen("mem"));
	build_address(b, &value, &m->address);
	return build_device(b, "memory", m->line, &value);
}

/* libvirt's aliases: by slot on the board, else counted by kind. */
char *build_memdev_id(const struct domain_memory *mem, size_t index)
{
	static const char *const names[MEMDEV_COUNT] = {[MEMDEV_DIMM] = "dimm",
	    [MEMDEV_NVDIMM] = "nvdimm",
	    [MEMDEV_VIRTIO_PMEM] = "virtiopmem",
	    [MEMDEV_VIRTIO_MEM] = "virtiomem",
	    [MEMDEV_SGX_EPC] = "epc"};
	const struct domain_memdev *m = &mem->devices[index];
	unsigned n = 0;
	if (m->alias != NULL)
		return xasprintf("mem%s", m->alias);
	for (size_t i = 0; i < index; i++)
		n += mem->devices[i].model == m->model;
	if (m->address.type == ADDRESS_DIMM)
		n = m->address.slot;
	return xasprintf("mem%s%u", names[m->model], n);
}

int build_memdev_one(struct builder *b, size_t i)
{
	const struct domain_memdev *m = &b->d->memory.devices[i];
	CLEANUP_FREE char *memdev = build_memdev_id(&b->d->memory, i);
	if (m->model == MEMDEV_SGX_EPC) {
		build_epc(b, m, memdev);
		return 0;
	}
	if (memdev_in_slot(m) && !b->d->features.acpi)
		return build_unsupported(b, "memory", m->line,
		    "model='%s' needs <acpi/> in <features>", memdev_model_name(m->model));
	build_memdev_backend(b, m, memdev);
	return build_memdev(b, i, memdev);
}

int build_memdevs(struct builder *b)
{
	const struct domain_memory *mem = &b->d->memory;
	/* Those with an address of their own first: QEMU gives away what is free. */
	for (int placed = 1; placed >= 0; placed--)
		for (size_t i = 0; i < mem->n_devices; i++)
			if ((mem->devices[i].address.base > 0) == placed &&
			    build_memdev_one(b, i) < 0)
				return -1;
	return 0;
}
