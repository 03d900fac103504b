/* vt_history: the lines that left the screen at its top, packed (vt_pack), as logical lines: rows
 * that the text wrapped over are one record. So a change of the width moves nothing, it counts rows
 * anew. Blocks are made as lines come and freed as the oldest go. Owner: struct vt_screen; its
 * main grid pushes to it.
 *
 * Rows have numbers that count up and never come again but by vt_history_take and a change of the
 * width; so do records. */
#ifndef SERIAL_VT_HISTORY_H
#define SERIAL_VT_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serial/vt_pack.h"

#define VT_LOGICAL_MAX 16384             /* cells of a record; a longer logical line is cut */
#define VT_HISTORY_BYTES_MAX (64u << 20) /* then the oldest lines go, however few they are */

enum vt_record_flag {
	VT_RECORD_OPEN = 1, /* its last row was wrapped: the next row to come belongs to it */
	VT_RECORD_CUT =
	    2, /* the same, but VT_LOGICAL_MAX is reached: the text goes on in the next */
	VT_RECORD_WIDE = 4, /* may hold wide characters */
	VT_RECORD_MARK = 8, /* vt_screen_mark's */
	VT_RECORD_GAP = 16, /* open, and its last row has no room for the wide character to come */
};

struct vt_record {
	uint64_t time; /* when it was last written to; 0 unknown */
	uint32_t at;   /* where its bytes start in the block */
	uint16_t cells;
	uint8_t flags;
	uint8_t size; /* enum vt_line_size */
};

struct vt_block {
	uint8_t *data;
	size_t used, size;
	struct vt_record *record;
	unsigned count, room; /* of record */
	unsigned gone;        /* the first so many were dropped */
	uint64_t row, id;     /* numbers of the first record that is kept, and of its first row */
};

struct vt_history {
	struct vt_block *block; /* the oldest first */
	unsigned blocks, room;
	unsigned max, count; /* records */
	unsigned cols;
	size_t bytes;      /* allocated by the blocks */
	uint64_t row, end; /* numbers of the first row, and of the one after the last */
	uint64_t id;       /* number of the first record */
	struct vt_pen pen; /* at the end of the last record */
	const struct vt_clusters *clusters; /* borrowed: of the cells that come */

	uint64_t seen_id,
	    seen_row; /* the record found last and its first row; id UINT64_MAX none */

	/* The record read last. */
	struct vt_cell *cells;
	unsigned cells_room;
	uint64_t cells_id; /* UINT64_MAX: none */
	struct vt_unpacked marks;
	struct vt_cell *line; /* the row read last, cols cells */
};

/* A record found, and its place among the rows. */
struct vt_spot {
	const struct vt_record *record;
	const uint8_t *data, *end;
	uint64_t id;
	uint64_t row; /* number of its first row */
	unsigned rows;
};

/* A row that leaves the screen. */
struct vt_row {
	const struct vt_cell *cells;
	int n;
	uint64_t time;
	bool
	    wrapped; /* the text goes on in the next row; n is the width then, or one less when a wide
	                 character follows */
	bool wide, mark;
	uint8_t size;
};

void vt_history_init(
    struct vt_history *h, unsigned max, unsigned cols, const struct vt_clusters *k);
void vt_history_fini(struct vt_history *h);
void vt_history_clear(struct vt_history *h);
/* Of an empty one: so many numbers of rows and records are not given out. */
void vt_history_skip(struct vt_history *h, unsigned n);
void vt_history_push(struct vt_history *h, const struct vt_row *row);
/* The text of the last record ends here, though its last row was wrapped. */
void vt_history_close(struct vt_history *h);
bool vt_history_open(const struct vt_history *h);
/* Would a row that starts with these cells belong to the last record? */
bool vt_history_joins(const struct vt_history *h, const struct vt_row *row);
/* Removes the newest record. */
void vt_history_drop_newest(struct vt_history *h);
/* Rows have so many columns from now on: numbers of rows change. */
void vt_history_set_cols(struct vt_history *h, unsigned cols);

/* The record that has the row of that number, or has that number itself. False: it is not there. */
bool vt_history_find_row(struct vt_history *h, uint64_t row, struct vt_spot *spot);
bool vt_history_find(struct vt_history *h, uint64_t id, struct vt_spot *spot);
static inline uint64_t vt_history_end_id(const struct vt_history *h)
{
	return h->id + h->count;
}
/* Its cells; borrowed until another record is read, or one changes. */
const struct vt_cell *vt_history_cells(struct vt_history *h, const struct vt_spot *spot);
/* Where row k of the record starts, in cells. */
unsigned vt_history_row_start(struct vt_history *h, const struct vt_spot *spot, unsigned k);
/* The row of that number, cols cells, borrowed likewise; NULL: it is not there. */
const struct vt_cell *vt_history_line(struct vt_history *h, uint64_t row);

#endif
