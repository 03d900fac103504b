/* storage_tables: the three tables of the Storage screen, and the lines on what is under the cursor. For storage_draw. */
#ifndef TUI_STORAGE_TABLES_H
#define TUI_STORAGE_TABLES_H

#include "tui/storage_draw.h"

void storage_pools_draw(
    const struct storage_screen *v, const struct storage_layout *l, struct sheet *s);
void storage_volumes_draw(
    const struct storage_screen *v, const struct storage_layout *l, struct sheet *s);
void storage_jobs_draw(
    const struct storage_screen *v, const struct storage_layout *l, struct sheet *s);
/* --- storage_detail.c --- */
void storage_detail_draw(
    const struct storage_screen *v, const struct storage_layout *l, struct sheet *s);
/* "3h05m", "19d" of seconds; "soon" below a minute. */
#define STORAGE_TEXT_MAX 64
void storage_full_text(const struct storage_pool *p, char out[STORAGE_TEXT_MAX]);
/* "+1.2G/d", "+300M/h" where it is nearly full; "" unknown. */
void storage_growth_text(const struct storage_pool *p, char out[STORAGE_TEXT_MAX]);
/* How full, and how soon it will be. */
enum style storage_fill_style(const struct storage_pool *p);

#endif
