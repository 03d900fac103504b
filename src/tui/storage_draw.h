/* storage_draw: the Storage screen as a pure function of its facts: pools above, the chosen pool's volumes, what is known of
 * the one under the cursor, background jobs. */
#ifndef TUI_STORAGE_DRAW_H
#define TUI_STORAGE_DRAW_H

#include "tui/disk_chain.h"
#include "tui/sheet.h"
#include "tui/storage_facts.h"

enum storage_part { STORAGE_POOLS, STORAGE_VOLUMES, STORAGE_JOBS, STORAGE_PARTS };
enum storage_sort {
	STORAGE_SORT_NAME,
	STORAGE_SORT_SIZE,
	STORAGE_SORT_USED,
	STORAGE_SORT_CHANGED,
	STORAGE_SORTS
};

/* Rows of a terminal for each part; 0: no room. */
struct storage_layout {
	int header;               /* its row, -1 none */
	int title[STORAGE_PARTS]; /* row of the titles, -1 none */
	int top[STORAGE_PARTS];   /* first row of the part */
	int height[STORAGE_PARTS];
	int rule, detail, detail_height; /* rule: -1 none */
	int footer;                      /* -1 none */
};
/* rows: of the terminal. On a low one the part that has the focus is all there is. */
void storage_layout_make(
    int rows, unsigned pools, unsigned jobs, enum storage_part focus, struct storage_layout *l);

struct storage_screen {
	const struct storage_facts *facts;           /* NULL: nothing is known yet */
	const struct storage_volume *const *volumes; /* of the chosen pool, filtered, in order */
	unsigned n_volumes;
	unsigned at[STORAGE_PARTS], first[STORAGE_PARTS]; /* cursor; row at the top */
	enum storage_part focus;
	enum storage_sort sort;
	bool inverted;
	const char *filter;             /* "" none */
	const struct disk_chain *chain; /* of the volume under the cursor; NULL not known */
	const char *host, *clock;
};
/* The sheet is the whole screen; the footer's row is left blank. */
void storage_draw(const struct storage_screen *v, const struct storage_layout *l, struct sheet *s);
/* What at[part] counts. */
unsigned storage_count(const struct storage_screen *v, enum storage_part part);
/* The pool under the cursor; NULL none. */
const struct storage_pool *storage_pool_at(const struct storage_screen *v);
/* The volume; NULL none. */
const struct storage_volume *storage_volume_at(const struct storage_screen *v);
/* Moves first so that the cursor is in sight. */
void storage_scroll(struct storage_screen *v, const struct storage_layout *l);

#endif
