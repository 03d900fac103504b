/* wall_keys: the wall's keys, once: dispatch, footer and help are made of this table. Looking, they are keys; while a
 * guest gets the keys they stand behind the prefix key. */
#ifndef TUI_WALL_KEYS_H
#define TUI_WALL_KEYS_H

#include "core/buf.h"
#include "serial/vt_keys.h"

enum wall_action {
	WALL_ACT_NONE,
	WALL_ACT_ZOOM,
	WALL_ACT_TYPE,
	WALL_ACT_BROADCAST,
	WALL_ACT_OUT,
	WALL_ACT_FORCE,
	WALL_ACT_LEFT,
	WALL_ACT_RIGHT,
	WALL_ACT_UP,
	WALL_ACT_DOWN,
	WALL_ACT_NEXT,
	WALL_ACT_PAGE_UP,
	WALL_ACT_PAGE_DOWN,
	WALL_ACT_PORT,
	WALL_ACT_START,
	WALL_ACT_HELP,
	WALL_ACT_REDRAW,
	WALL_ACT_SUSPEND,
	WALL_ACT_BACK,
};

enum { WALL_WHEN_LOOK = 1, WALL_WHEN_MENU = 2 };

struct wall_binding {
	const char *keys[3]; /* as input_key_parse reads them; NULL ends */
	enum wall_action action;
	unsigned when;     /* WALL_WHEN_* */
	const char *label; /* in the footer; NULL not there */
	const char *help;
};

extern const struct wall_binding wall_keys[];
extern const unsigned wall_key_count;

/* NULL none. */
const struct wall_binding *wall_keys_find(unsigned when, const struct vt_key *k);
/* A section of the help screen. */
void wall_keys_help(struct buf *out);

#endif
