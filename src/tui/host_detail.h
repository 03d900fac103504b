/* host_detail: the machine underneath, for the host pane: processors, NUMA, hugepages, swap, pressure. Read from /proc and
 * /sys while somebody looks. Owner: the panes. */
#ifndef TUI_HOST_DETAIL_H
#define TUI_HOST_DETAIL_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_NODES_MAX 16
#define HOST_SIZES_MAX 4 /* of huge pages */

struct host_pressure { /* per cent of the last 10 seconds, times 100; proc's pressure files */
	bool known;
	uint32_t some, full;
};

struct host_node {
	unsigned id;
	char cpus[40]; /* "0-3,8" */
	uint64_t total_kib, free_kib;
};

struct host_pages {
	uint64_t size_kib, total, free;
};

struct host_detail {
	char model[80];
	unsigned cpus;
	struct host_node nodes[HOST_NODES_MAX];
	unsigned n_nodes; /* more are not shown */
	struct host_pages pages[HOST_SIZES_MAX];
	unsigned n_pages;
	char thp[16]; /* transparent huge pages: "madvise"; "" unknown */
	uint64_t swap_kib, swap_free_kib, ksm_pages;
	struct host_pressure cpu, memory, io;
	char kvm[80]; /* what /dev/kvm is to us */
};

/* root: "" in life; a folder with proc, sys and dev in it in tests. */
void host_detail_read(struct host_detail *h, const char *root);

#endif
