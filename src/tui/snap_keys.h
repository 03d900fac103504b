/* snap_keys: the keys of the Snapshots screen, once: dispatch, footer and help are made of this table. As in tui/keys.h: lower
 * case is reversible, upper case disrupts and asks. */
#ifndef TUI_SNAP_KEYS_H
#define TUI_SNAP_KEYS_H

#include "core/buf.h"
#include "serial/vt_keys.h"
#include "tui/sheet.h"

enum snap_action {
	SNAP_ACT_NONE,
	SNAP_ACT_UP,
	SNAP_ACT_DOWN,
	SNAP_ACT_PAGE_UP,
	SNAP_ACT_PAGE_DOWN,
	SNAP_ACT_TOP,
	SNAP_ACT_BOTTOM,
	SNAP_ACT_NEW,
	SNAP_ACT_REVERT,
	SNAP_ACT_DELETE,
	SNAP_ACT_SCHEDULE,
	SNAP_ACT_SHOW, /* runs the verb on the snapshot */
	SNAP_ACT_CANCEL_JOB,
	SNAP_ACT_PALETTE,
	SNAP_ACT_EVENTS,
	SNAP_ACT_HELP,
	SNAP_ACT_REDRAW,
	SNAP_ACT_SUSPEND,
	SNAP_ACT_CANCEL,
	SNAP_ACT_BACK,
};

struct snap_binding {
	const char *keys[3]; /* as input_key_parse reads them; NULL ends */
	enum snap_action action;
	const char
	    *verb; /* the command line that it runs; the key is not there without it. NULL none */
	const char *label; /* in the footer; NULL not there */
	const char *help;
};

extern const struct snap_binding snap_keys[];
extern const unsigned snap_key_count;

/* NULL none. */
const struct snap_binding *snap_keys_find(const struct vt_key *k);
void snap_keys_help(struct buf *out);
void snap_keys_footer(struct sheet *s, int row);

#endif
