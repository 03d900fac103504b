/* keys: the list's keys, once: dispatch, footer and help are made of this table. Lower case is reversible, upper case
 * disrupts and asks (the verb's flags in cli/table.h say so, and a test compares the two). */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

#include "core/buf.h"
#include "serial/vt_keys.h"
#include "tui/console_keys.h"

enum key_action {
	ACT_NONE,
	ACT_UP,
	ACT_DOWN,
	ACT_PAGE_UP,
	ACT_PAGE_DOWN,
	ACT_TOP,
	ACT_BOTTOM,
	ACT_ATTACH,
	ACT_WALL,
	ACT_VERB,
	ACT_PAUSE,
	ACT_FILTER,
	ACT_NEXT,
	ACT_PREVIOUS,
	ACT_PALETTE,
	ACT_MARK,
	ACT_MARK_ALL,
	ACT_PANE,
	ACT_PANE_NEXT,
	ACT_SORT_LEFT,
	ACT_SORT_RIGHT,
	ACT_INVERT,
	ACT_SCALE,
	ACT_TREE,
	ACT_FOLD,
	ACT_UNFOLD,
	ACT_PANE_UP,
	ACT_PANE_DOWN,
	ACT_HARDWARE,
	ACT_LOG,
	ACT_CRASHES,
	ACT_RUN,
	ACT_STORAGE,
	ACT_SNAPSHOTS,
	ACT_PLUG,
	ACT_EVENTS,
	ACT_HELP,
	ACT_REDRAW,
	ACT_SUSPEND,
	ACT_CANCEL,
	ACT_BACK,
	ACT_QUIT,
	ACT_COUNT
};

struct key_binding {
	const char *keys[3]; /* as input_key_parse reads them; NULL ends */
	enum key_action action;
	const char *verb;  /* the command line that it runs; NULL none */
	const char *label; /* in the footer; NULL not there */
	const char *group, *help;
};

extern const struct key_binding key_table[];
extern const unsigned key_count;

/* NULL none. Which of the names matched goes to *which (may be NULL). */
const struct key_binding *keys_find(const struct vt_key *k, unsigned *which);
/* The help screen's text. */
void keys_help(struct buf *out, const struct console_keys *console);

#endif
