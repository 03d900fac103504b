/* qcow2_counts: a count for each cluster of a file, a byte where it is small. Memory that nothing was counted in is not
 * touched. Owner: struct qcow2_walk. */
#ifndef DISK_QCOW2_COUNTS_H
#define DISK_QCOW2_COUNTS_H

#include <stddef.h>
#include <stdint.h>

struct qcow2_counts {
	uint8_t *small; /* 255: look at large */
	uint64_t n;
	struct qcow2_count {
		uint64_t cluster, count; /* count 0: empty */
	} * large;                       /* a hash table of a power of two */
	size_t n_large, slots;
};

void qcow2_counts_init(struct qcow2_counts *c, uint64_t n);
void qcow2_counts_fini(struct qcow2_counts *c);
/* cluster < n */
uint64_t qcow2_counts_get(const struct qcow2_counts *c, uint64_t cluster);
void qcow2_counts_add(struct qcow2_counts *c, uint64_t cluster, uint64_t more);

#endif
