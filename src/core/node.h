/* node: the host as libvirt describes it: processors, NUMA cells, memory, pages, times. Read from /proc and /sys once.
 * Owner: whoever called node_read. */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define NODE_CPUS_MAX 8192u /* as the largest kernels are built for */
#define NODE_CELLS_MAX 1024u
#define NODE_PAGE_SIZES_MAX 8u

struct node_cpu {
	bool present, online;
	unsigned socket, die, core; /* of an online one */
	unsigned cell;
	char siblings[64]; /* "0-1": threads of the same core */
};

struct node_pages {
	uint64_t size_kib, total, free; /* in pages */
};

struct node_cell {
	unsigned id;
	uint64_t memory_kib, free_kib;
	struct node_pages pages[NODE_PAGE_SIZES_MAX]; /* the normal size first */
	size_t n_pages;
};

struct node {
	char arch[32];   /* "x86_64" */
	char vendor[32]; /* "AuthenticAMD"; "" unknown */
	char model[96];  /* "AMD EPYC"; "" unknown */
	char *flags;  /* of the first processor, each between blanks: " fpu vme … "; never NULL */
	unsigned mhz; /* of the first processor, 0 unknown */
	unsigned microcode;
	struct node_cpu *cpus; /* by number */
	size_t n_cpus;         /* the highest present one and 1 */
	struct node_cell *cells;
	size_t n_cells; /* at least 1 */
	uint64_t memory_kib, free_kib, buffers_kib, cached_kib;
};

/* libvirt's virNodeInfo: when the topology is not the same everywhere, one socket with all processors as cores. */
struct node_topology {
	unsigned cpus, cells, sockets, cores, threads; /* sockets: of a cell */
};

struct node_times {
	uint64_t user_ns, system_ns, idle_ns, iowait_ns;
};

/* root: "" or, for tests, a folder with proc and sys in it. */
int node_read(const char *root, struct node *n, struct err *err);
void node_fini(struct node *n);
struct node_topology node_topology(const struct node *n);
bool node_has_flag(const struct node *n, const char *flag);
/* cpu -1: all together. ERR_INVALID for one that is not there. */
int node_times(const char *root, int cpu, struct node_times *t, struct err *err);

#endif
