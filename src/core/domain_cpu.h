/* domain_cpu: the guest's processors: <vcpu>, <vcpus>, <cpu>, its NUMA cells. Owner: struct domain. */
#ifndef CORE_DOMAIN_CPU_H
#define CORE_DOMAIN_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/domain_words.h"
#include "core/numset.h"

#define CPU_CELLS_MAX 128u /* QEMU's bound of NUMA nodes */
#define CPU_DISTANCE_LOCAL 10u
#define CPU_DISTANCE_REMOTE 20u /* when the document gives none */
#define CPU_DISTANCE_MAX 255u   /* which means unreachable */

enum domain_cpu_mode { CPU_DEFAULT, CPU_CUSTOM, CPU_HOST_MODEL, CPU_HOST_PASSTHROUGH, CPU_MAXIMUM };

enum cpu_policy { CPU_FORCE, CPU_REQUIRE, CPU_OPTIONAL, CPU_DISABLE, CPU_FORBID };
struct domain_cpu_feature {
	char *name; /* libvirt's */
	enum cpu_policy policy;
};

enum cpu_cache { CPU_CACHE_ABSENT, CPU_CACHE_EMULATE, CPU_CACHE_PASSTHROUGH, CPU_CACHE_DISABLE };
enum cpu_phys { CPU_PHYS_ABSENT, CPU_PHYS_EMULATE, CPU_PHYS_PASSTHROUGH };

/* Words of HMAT's caches, in the order of QEMU's. */
enum cell_associativity { CELL_ASSOC_NONE, CELL_ASSOC_DIRECT, CELL_ASSOC_FULL };
enum cell_policy { CELL_POLICY_NONE, CELL_POLICY_WRITEBACK, CELL_POLICY_WRITETHROUGH };
struct cell_cache {
	unsigned level; /* 1 to 3 */
	enum cell_associativity associativity;
	enum cell_policy policy;
	uint64_t size; /* bytes */
	unsigned line; /* bytes */
};

enum memory_access { ACCESS_DEFAULT, ACCESS_SHARED, ACCESS_PRIVATE };
struct cpu_cell {
	struct numset cpus; /* empty: memory alone */
	uint64_t memory_kib;
	enum memory_access access;
	enum domain_switch discard;
	unsigned *distances; /* to each cell, by its number; 0 none given; NULL: none at all */
	struct cell_cache *caches;
	size_t n_caches;
};

/* <interconnects>: a latency in ns or a bandwidth in KiB/s between two cells. */
enum interconnect_type { LINK_ACCESS, LINK_READ, LINK_WRITE };
struct cpu_interconnect {
	bool bandwidth;
	unsigned initiator, target;
	unsigned cache; /* level of the target's cache; 0 its memory */
	enum interconnect_type type;
	uint64_t value;
};

/* <vcpus>: one entry each, by id; absent in most documents. */
struct cpu_vcpu {
	bool enabled, hotpluggable;
	unsigned order; /* of plugging, from 1; 0 none */
};

struct domain_cpu {
	enum domain_cpu_mode mode;
	char *model;     /* custom; libvirt's name */
	bool fallback;   /* another model may stand in for one that is not there */
	char *vendor_id; /* 12 characters that the guest sees; NULL the model's own */
	enum domain_switch migratable;
	unsigned sockets, dies, cores, threads; /* <topology>; 0 absent */
	struct domain_cpu_feature *features;
	size_t n_features;
	enum cpu_cache cache;
	enum cpu_phys phys;
	unsigned phys_bits;  /* emulate; 0 none */
	unsigned phys_limit; /* passthrough: at most; 0 none */
	struct cpu_cell *cells;
	size_t n_cells;
	struct cpu_interconnect *links;
	size_t n_links;
	struct cpu_vcpu *vcpus; /* vcpus_max of them, or NULL */
};

void domain_cpu_fini(struct domain_cpu *c);
/* Between two cells, with what the document leaves out filled in. */
unsigned cpu_distance(const struct domain_cpu *c, size_t from, size_t to);
bool cpu_has_distances(const struct domain_cpu *c);
bool cpu_has_hmat(const struct domain_cpu *c);

#endif
