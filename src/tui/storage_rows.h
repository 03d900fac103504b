/* storage_rows: a pool's volumes as they are shown: filtered, in order. Pure. */
#ifndef TUI_STORAGE_ROWS_H
#define TUI_STORAGE_ROWS_H

#include "tui/storage_draw.h"

/* Pointers into the pool's volumes (NULL: none), on the heap, valid as long as these are. filter "": all; else over name,
 * format, users, in any case of ASCII. What is in the trash comes last. */
const struct storage_volume **storage_rows(const struct storage_pool *p, const char *filter,
    enum storage_sort sort, bool inverted, unsigned *n);

#endif
