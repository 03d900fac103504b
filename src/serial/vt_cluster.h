/* vt_cluster: the sequences of a base character and its combining marks that cells refer to by
 * number. Owner: struct vt_screen. At most VT_CLUSTERS_MAX at a time; those that no cell uses any
 * more are collected. */
#ifndef SERIAL_VT_CLUSTER_H
#define SERIAL_VT_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serial/vt_screen.h"

#define VT_CLUSTER_UNPACKED 0x40000000u /* of a cell value: see vt_pack */

struct vt_cluster {
	uint32_t cp[VT_CLUSTER_CHARS];
	uint8_t n; /* 0: free */
	bool used; /* mark of the collector */
};

struct vt_clusters {
	struct vt_cluster *all; /* NULL until the first one is needed */
	uint16_t *slots;        /* hash table: number + 1, 0 empty */
	unsigned count;         /* in use */
	unsigned next;          /* where the search for a free one starts */
};

void vt_clusters_init(struct vt_clusters *k);
void vt_clusters_fini(struct vt_clusters *k);
bool vt_clusters_full(const struct vt_clusters *k);
/* The cell value for base (a code point or a cluster) with one more mark; base itself when there is
 * no room. */
uint32_t vt_clusters_add(struct vt_clusters *k, uint32_t base, uint32_t mark);
/* Code points of a cell value; returns how many. */
size_t vt_clusters_get(const struct vt_clusters *k, uint32_t cp, uint32_t out[VT_CLUSTER_CHARS]);
/* Collection: mark every value in use, then sweep frees the rest. */
void vt_clusters_mark(struct vt_clusters *k, uint32_t cp);
void vt_clusters_sweep(struct vt_clusters *k);

#endif
