/* plug_menu: `+`: what can be plugged into a domain, or taken more or less of. What there is no command for is not offered. */
#ifndef TUI_PLUG_MENU_H
#define TUI_PLUG_MENU_H

#include "tui/app.h"

void plug_menu_open(struct app *app, const char *domain);

#endif
