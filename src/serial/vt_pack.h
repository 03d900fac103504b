/* vt_pack: cells ↔ the bytes in which the history keeps them: their text as UTF-8, and between it
 * one-byte tokens below 0x20, which no cell's text holds:
 *
 *	0x01			the right half of the wide character before
 *	0x02 CHARACTER		a combining mark of the cell before
 *	0x03 PEN		colours and attributes of the cells that follow; see pack_pen
 *	0x04 N			N erased cells; 7 bits a byte, the least significant first
 *
 * What is unpacked was packed here, in the same process: it is trusted. */
#ifndef SERIAL_VT_PACK_H
#define SERIAL_VT_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "serial/vt_cluster.h"
#include "serial/vt_grid.h"

/* A cell takes no more: a pen of 12 bytes, then a character of 4 and VT_CLUSTER_CHARS - 1 marks of
 * 5. */
#define VT_PACK_CELL_MAX 48

/* The sequences of characters that unpacked cells refer to, cp = VT_CLUSTER | VT_CLUSTER_UNPACKED |
 * number. Embedded in its owner; zeroed before the first use. */
struct vt_unpacked {
	struct vt_cluster *all;
	unsigned n, room;
};

void vt_unpacked_fini(struct vt_unpacked *u);
/* Code points of a cell value of either kind; returns how many. */
size_t vt_unpacked_get(const struct vt_unpacked *u, const struct vt_clusters *k, uint32_t cp,
    uint32_t out[VT_CLUSTER_CHARS]);

/* Packs n cells, out has room for n * VT_PACK_CELL_MAX bytes; *pen is that of the cell before, and
 * becomes that of the last. Returns the end of what was written. */
uint8_t *vt_pack(uint8_t *out, const struct vt_cell *cells, int n, struct vt_pen *pen,
    const struct vt_clusters *k, const struct vt_unpacked *u);
/* Unpacks to at most n cells; marks go to u, which is added to. */
void vt_unpack(
    const uint8_t *p, const uint8_t *end, struct vt_cell *cells, unsigned n, struct vt_unpacked *u);
/* How many rows of cols columns the packed cells need; a wide character that does not fit goes to
 * the next. */
unsigned vt_pack_rows(const uint8_t *p, const uint8_t *end, unsigned cols);

#endif
