/* hw_draw: the Hardware screen on a sheet: the devices, and all that is known of the one under the cursor. Pure. */
#ifndef TUI_HW_DRAW_H
#define TUI_HW_DRAW_H

#include "tui/hw_rows.h"
#include "tui/sheet.h"

struct hw_screen {
	const char *domain, *state, *job, *clock; /* never NULL */
	const struct hw_rows *rows;
	size_t at, first; /* first: corrected so that `at` is shown */
	size_t height;    /* rows of devices, as drawn */
};

/* All but the last row, which is the footer's. */
void hw_screen_draw(struct hw_screen *v, struct sheet *s);

#endif
