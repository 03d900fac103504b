/* vt_reflow: a grid with history into another size: lines that were wrapped are joined and wrapped
 * anew. */
#ifndef SERIAL_VT_REFLOW_H
#define SERIAL_VT_REFLOW_H

#include <stdbool.h>

#include "serial/vt_cluster.h"
#include "serial/vt_grid.h"

struct vt_reflow_cursor {
	int row, col;
	bool wrap;
};

/* The cursor stays on its character. The screen keeps its first line while the cursor fits below
 * it, as xterm does; growing takes lines back from the history. */
void vt_reflow(
    struct vt_grid *g, struct vt_clusters *k, int rows, int cols, struct vt_reflow_cursor *cursor);

#endif
