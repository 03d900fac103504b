/* tui: the dashboard's entry points. */
#ifndef TUI_TUI_H
#define TUI_TUI_H

#include <stdbool.h>

#include "core/err.h"
#include "core/home.h"

struct tui_options {
	bool readonly;    /* a dashboard that cannot change anything */
	const char *self; /* program that child verbs are run with (/proc/self/exe resolved) */
};

/* The dashboard, until the operator quits. Returns the exit status. */
int tui_run(const struct home *h, const struct tui_options *o, struct err *err);
struct tui_console_options {
	unsigned index; /* consoleN */
	unsigned flags; /* CONSOLE_* of serial/console_client.h */
	bool readonly;  /* nothing is typed, nothing is changed */
	const char *
	    escape; /* the key that detaches in place of Ctrl+], as virsh writes it ("^]"); NULL Ctrl+] */
	const char *self; /* program that child verbs are run with; NULL: /proc/self/exe */
};

/* One console full-screen in the operator's terminal: `hvmux console NAME` and Enter run the same
 * view. 0, or -1 with err (not running, no terminal, an escape that is no key). */
int tui_console(
    const struct home *h, const char *name, const struct tui_console_options *o, struct err *err);

/* The consoles of n domains tiled: `hvmux wall` and the dashboard's w run the same view. n: at least 1. 0, or -1 with err
 * (no terminal). */
int tui_wall(const struct home *h, char *const *names, unsigned n, bool readonly, struct err *err);

#endif
