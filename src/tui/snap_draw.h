/* snap_draw: the snapshots of a domain on a sheet: the pane's table, and the screen with the details of one. Pure. */
#ifndef TUI_SNAP_DRAW_H
#define TUI_SNAP_DRAW_H

#include "tui/sheet.h"
#include "tui/snap_rows.h"

/* Titles and rows in rows [top, top + height) of s, from row `first` on; at: under the cursor, SIZE_MAX nothing. */
void snap_table_draw(const struct snap_rows *rows, size_t first, size_t at, uint64_t now_s,
    struct sheet *s, int top, int height);
/* What is known of one, in rows [top, top + height). r NULL: nothing is selected. */
void snap_details_draw(
    const struct snap_row *r, uint64_t now_s, struct sheet *s, int top, int height);

#endif
