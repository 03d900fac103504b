/* snap_rows: a domain's snapshots as they are shown: a tree, in the order of time, drawn so that a long line of snapshots stays
 * at the left edge and only branches move right. Owner: the caller; snap_rows_fini. Strings are on the heap and printable, ""
 * where there is nothing. */
#ifndef TUI_SNAP_ROWS_H
#define TUI_SNAP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/home.h"

#define SNAP_LEVELS 32 /* of branches that are drawn; deeper ones stand on the last */
#define SNAP_KEPT 4000 /* rows: nobody reads more; the rest is counted */

struct snap_row {
	char *name, *shown; /* shown: what a terminal may be told */
	char *description, *parent, *state, *disks, *memory_file, *schedule;
	uint64_t created,
	    size; /* seconds since 1970; bytes it takes on the host beyond the images; 0 unknown */
	bool external, memory, current, nvram;
	unsigned children, below; /* of it, and of all levels */
	unsigned level;           /* branches above it */
	uint32_t more;            /* bit k: at level k of the tree another branch follows below */
	bool first, last;         /* of a branch: its first row; the last branch of its parent */
};

struct snap_rows {
	struct snap_row *row;
	size_t n, left_out;
	size_t current; /* row; n: none */
	char *trouble;  /* what could not be read; "" nothing */
	char *schedule; /* "every 6h, kept 7d"; "" none */
	bool looked;
};

/* Reads all documents, and for sizes the files that they name: a thread's work. */
void snap_rows_read(struct snap_rows *s, const struct home *h, const char *domain);
void snap_rows_fini(struct snap_rows *s);
/* n when there is none. */
size_t snap_rows_find(const struct snap_rows *s, const char *name);

#endif
