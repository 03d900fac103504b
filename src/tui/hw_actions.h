/* hw_actions: what can be done to a part of a domain's hardware: one table of keys, kinds and commands. */
#ifndef TUI_HW_ACTIONS_H
#define TUI_HW_ACTIONS_H

#include "core/buf.h"
#include "tui/app.h"
#include "tui/hw_rows.h"

struct hw_action {
	const char *key, *label, *help;
	const char *verb; /* without it the action is not there */
	/* Is it for such a part? runs: the domain does. */
	bool (*fits)(const struct hw_row *r, bool runs);
	void (*act)(struct app *app, const char *domain, const struct hw_row *r);
};

extern const struct hw_action hw_actions[];
extern const unsigned hw_action_count;

bool hw_action_offered(const struct hw_action *a, const struct hw_row *r, bool runs);
/* "U unplug   r resize": in the order of the table; "" nothing can be. On the heap. */
char *hw_actions_text(const struct hw_row *r, bool runs);

#endif
