/* storage_keys: the Storage screen's keys, once: dispatch, footer and help are made of this table. As in tui/keys.h: lower
 * case is reversible, upper case disrupts and asks. */
#ifndef TUI_STORAGE_KEYS_H
#define TUI_STORAGE_KEYS_H

#include "core/buf.h"
#include "serial/vt_keys.h"
#include "tui/storage_draw.h"

enum storage_action {
	STORAGE_ACT_NONE,
	STORAGE_ACT_OPEN,
	STORAGE_ACT_PART,
	STORAGE_ACT_UP,
	STORAGE_ACT_DOWN,
	STORAGE_ACT_PAGE_UP,
	STORAGE_ACT_PAGE_DOWN,
	STORAGE_ACT_TOP,
	STORAGE_ACT_BOTTOM,
	STORAGE_ACT_POOL, /* runs the verb on the pool */
	STORAGE_ACT_AUTOSTART,
	STORAGE_ACT_NEW_POOL,
	STORAGE_ACT_NEW,
	STORAGE_ACT_VOLUME, /* runs the verb on the volume */
	STORAGE_ACT_CLONE,
	STORAGE_ACT_RESIZE,
	STORAGE_ACT_UNDELETE,
	STORAGE_ACT_COMPRESS,
	STORAGE_ACT_CONVERT,
	STORAGE_ACT_XML,
	STORAGE_ACT_CANCEL_JOB,
	STORAGE_ACT_FILTER,
	STORAGE_ACT_SORT_LEFT,
	STORAGE_ACT_SORT_RIGHT,
	STORAGE_ACT_INVERT,
	STORAGE_ACT_PALETTE,
	STORAGE_ACT_EVENTS,
	STORAGE_ACT_HELP,
	STORAGE_ACT_REDRAW,
	STORAGE_ACT_SUSPEND,
	STORAGE_ACT_CANCEL,
	STORAGE_ACT_BACK,
	STORAGE_ACT_QUIT,
};

/* Where a key means something: a bit for each part. */
#define STORAGE_IN(part) (1u << (part))

struct storage_binding {
	const char *keys[3]; /* as input_key_parse reads them; NULL ends */
	enum storage_action action;
	unsigned in;       /* STORAGE_IN of the parts */
	const char *verb;  /* the command line that it runs; NULL none */
	const char *label; /* in the footer; NULL not there */
	const char *help;
};

extern const struct storage_binding storage_keys[];
extern const unsigned storage_key_count;

/* NULL none. */
const struct storage_binding *storage_keys_find(enum storage_part part, const struct vt_key *k);
/* A section of the help screen. */
void storage_keys_help(struct buf *out);
/* The footer's row. */
void storage_keys_footer(enum storage_part part, struct sheet *s, int row);

#endif
