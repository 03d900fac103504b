/* panes: what the lower part of the list shows of the selected VM. Owner: the list view. */
#ifndef TUI_PANES_H
#define TUI_PANES_H

#include "tui/app.h"

struct panes;

struct panes *panes_new(struct app *app);
void panes_free(struct panes *p);
/* Which is open: '1', '2' …; 0 none. A key of no pane is no change; the key of the open one closes it. */
void panes_choose(struct panes *p, char key);
void panes_next(struct panes *p);
char panes_open(const struct panes *p);
void panes_toggle_scale(struct panes *p);
/* Half a pane back or forth, where a pane has more lines than it shows. */
void panes_scroll(struct panes *p, int by);
/* The line with the panes' names. */
void panes_draw_tabs(struct panes *p, int row);
/* e NULL: nothing is selected. */
void panes_draw(struct panes *p, const struct vm_entry *e, int row, int height);
/* New facts: reads on in the console's ring; redraws when something of it changed. */
void panes_tick(struct panes *p, const struct vm_entry *e);

#endif
