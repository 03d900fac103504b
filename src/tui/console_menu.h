/* console_menu: what the prefix key opens in an attached console: one table makes keys, menu and help. */
#ifndef TUI_CONSOLE_MENU_H
#define TUI_CONSOLE_MENU_H

#include "core/buf.h"
#include "tui/console_keys.h"

/* The keys of an attached console in words: what leaves it, the menu, the scrollback. */
void console_menu_help(const struct console_keys *keys, struct buf *out);

#endif
