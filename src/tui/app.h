/* app: what the views share. Owner: tui_run or tui_console, on its stack. */
#ifndef TUI_APP_H
#define TUI_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/home.h"
#include "core/loop.h"
#include "tui/console_keys.h"
#include "tui/host.h"
#include "tui/input.h"
#include "tui/jobs.h"
#include "tui/model.h"
#include "tui/offload.h"
#include "tui/theme.h"
#include "tui/tty.h"
#include "tui/tui.h"
#include "tui/view.h"

struct app {
	const struct home *home;
	const struct tui_options *options;
	struct loop *loop;
	struct tty *tty;
	struct input *input;
	struct theme theme;
	struct model *model; /* NULL in a console of its own */
	struct jobs *jobs;
	struct offload *offload; /* NULL: nothing was given to it yet */
	struct host host;
	struct foreground *foreground; /* NULL: the terminal is ours */
	struct view *top;
	char *selected; /* the row's name; NULL none */
	char *message;  /* in the footer until a key; NULL none */
	enum style message_style;
	uint64_t message_ms;      /* when it came */
	struct console_keys keys; /* that an attached console keeps for itself */
	int status;
	int signal; /* that ended us, 0 none */
	bool dirty, quitting;
	bool whole;        /* the next frame is drawn from nothing, not on top of the last one */
	bool keyed;        /* a key came since the last frame: its answer does not wait */
	uint64_t frame_ms; /* when the last frame was drawn */
	size_t frame_bytes;
	struct event *frame_timer, *tick_timer, *signals[8];
};

/* Something changed: a frame is drawn soon (at once for a key, at most 25 a second for a guest's flood). */
void app_dirty(struct app *app);
/* The same, of what the top view's draw_changes finds by itself: the rest of the screen is as it was. */
void app_dirty_rows(struct app *app);
void app_quit(struct app *app, int status);
/* One line in the footer until the next key. */
void app_message(struct app *app, enum style st, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A view that refused a key or a paste can take it now. */
void app_input_continue(struct app *app);
/* Threads for looks that may take their time. */
struct offload *app_offload(struct app *app);
/* Looks at the VMs now, not at the next second. */
void app_refresh(struct app *app);
/* The footer of every view: the message when there is one; true: drawn, the view's own footer is not. */
bool app_draw_message(struct app *app, int row);

#endif
