/* list_row: the list's columns: which fit, and one VM's row in them. */
#ifndef TUI_LIST_ROW_H
#define TUI_LIST_ROW_H

#include "tui/app.h"

enum list_column {
	COL_NAME,
	COL_STATE,
	COL_UP,
	COL_CPU,
	COL_SPARK,
	COL_MEM,
	COL_DISK,
	COL_NET,
	COL_ADDRESS,
	COL_CONSOLE,
	COL_COUNT
};

#define LIST_INDENT 2 /* columns per level of groups */

struct list_layout {
	int at[COL_COUNT], width[COL_COUNT]; /* width 0: not shown */
	int cols;
};

/* name: columns of the longest name. */
void list_layout(struct list_layout *l, int cols, int name);
void list_titles_draw(struct app *app, const struct list_layout *l, int row);
void list_row_draw(
    struct app *app, const struct list_layout *l, const struct vm_entry *e, int row, bool selected);

#endif
