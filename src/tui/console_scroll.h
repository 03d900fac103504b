/* console_scroll: reading back in an attached console: moving, searching, selecting, copying. While it is on, the guest gets
 * no key, and what is read stays where it is whatever the guest prints. Owner: struct console. */
#ifndef TUI_CONSOLE_SCROLL_H
#define TUI_CONSOLE_SCROLL_H

#include <event2/event.h>
#include <stdbool.h>

#include "tui/console_search.h"
#include "tui/editline.h"

struct console;

enum scroll_select { SELECT_NONE, SELECT_CHARS, SELECT_LINES };
enum scroll_line { LINE_NONE, LINE_SEARCH, LINE_SEARCH_BACK, LINE_FILE };

struct console_scroll {
	bool on;
	/* The cells at the top left of what is shown, at the cursor, at the selection's other end. */
	struct vt_place top, cursor, anchor;
	unsigned left; /* columns that are off the screen on the left */
	enum scroll_select select;
	bool times;
	bool dragged;
	enum scroll_line typing; /* what the line that is typed is for */
	struct editline line;
	struct console_search search;
	bool backward; /* n goes on that way */
	struct event *slice;
};

void console_scroll_init(struct console *c);
void console_scroll_fini(struct console *c);
void console_scroll_begin(struct console *c);
void console_scroll_end(struct console *c);
/* Begins, and asks for what is searched. */
void console_scroll_search(struct console *c, bool backward);
/* Every key while it is on. */
void console_scroll_key(struct console *c, const struct vt_key *k);
void console_scroll_paste(struct console *c, const char *p, size_t n);
void console_scroll_mouse(struct console *c, const struct vt_mouse *e);
void console_scroll_draw(struct console *c, int rows);
/* The status line's words behind the name; true: a line is being typed and was drawn in its place. */
void console_scroll_words(struct console *c, char *out, size_t n);
bool console_scroll_draw_line(struct console *c, int row);
/* The keys, for the help. */
struct buf;
void console_scroll_help(struct buf *out);
/* The selection's text; without one, all of the scrollback's. */
void console_scroll_text(struct console *c, struct buf *out);

#endif
