/* host: the machine's own figures for the header: CPU, memory, load. Kept /proc descriptors, one read each per tick.
 * Owner: the dashboard. */
#ifndef TUI_HOST_H
#define TUI_HOST_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_HISTORY 64 /* seconds */

struct host {
	char name[65];
	int stat_fd, mem_fd, load_fd;
	uint64_t busy, total;           /* of the last read, clock ticks of all CPUs */
	bool seen;                      /* busy and total are of a read before */
	uint32_t cpu_permille;          /* of all CPUs together */
	uint32_t cpu_shown;             /* the same, steadied */
	uint32_t history[HOST_HISTORY]; /* cpu_permille, newest last */
	uint64_t samples;               /* ever taken */
	uint64_t mem_kib, mem_used_kib;
	char load[12]; /* "3.1" */
};

void host_init(struct host *h);
void host_fini(struct host *h);
void host_tick(struct host *h);

/* For tests: the lines of /proc/stat and /proc/meminfo. 0 or -1. */
int host_parse_stat(const char *text, uint64_t *busy, uint64_t *total);
int host_parse_meminfo(const char *text, uint64_t *total_kib, uint64_t *available_kib);

#endif
