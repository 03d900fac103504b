/* console_impl: what the files of an attached console share: view_console (keys, pastes, drawing), console_menu (the prefix
 * key's menu), console_scroll (reading back), console_words (the status line). Owner: view_console. */
#ifndef TUI_CONSOLE_IMPL_H
#define TUI_CONSOLE_IMPL_H

#include "core/buf.h"
#include "tui/app.h"
#include "tui/console_scroll.h"
#include "tui/console_session.h"
#include "tui/screen_rows.h"

#define CONSOLE_ASK_MS 60000u  /* how long a question for the keyboard stands */
#define CONSOLE_LEND_MS 60000u /* how long a command of ours may take that types */

struct console {
	struct view v;
	struct console_session *s;
	struct console_scroll scroll;
	unsigned index, flags;
	char note[200]; /* in the status line until a key; "" none */
	enum style note_style;
	uint64_t note_ms;
	bool typed; /* the hint on how to detach was up long enough */
	uint64_t opened_ms;
	uint64_t ended_ms; /* when it ended under the operator's fingers, 0 it did not */
	uint64_t lost;     /* bytes whose loss was told */
	bool mine;         /* the keyboard, when last looked */
	char holder[64];
	char asked[96]; /* who would like our keyboard; "" nobody */
	uint64_t asked_ms;
	uint64_t wants_ms; /* when we asked for the keyboard, 0 we did not */
	uint64_t lent_ms;  /* when we lent it to a command of ours, 0 we did not */
	char title[64];    /* the guest's, at most one a second */
	struct buf ahead;  /* typed while the guest took nothing */
	struct buf paste;  /* a paste that is still coming, or asked about */
	bool paste_lost;   /* it was too long, or came when nothing could be typed */
	struct event *sync;
	struct screen_rows drawn;
};

/* In the status line until a key. */
void console_note(struct console *c, enum style st, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same view onto another console. */
void console_switch(struct console *c, const char *name, unsigned index);
bool console_readonly(const struct console *c);
/* Types bytes; says why when it may not. */
bool console_send(struct console *c, const void *p, size_t n);
/* Takes the keyboard, gives it, or asks for it. */
void console_keyboard(struct console *c, bool force);
/* The rows that the guest's screen has here; the status line's is the next. */
int console_rows(const struct app *app);

/* --- console_scroll, for console_scroll_draw --- */
#define SCROLL_TIME_SHORT 9 /* columns: "10:48:00 " */
#define SCROLL_TIME_LONG 15 /* "11-21 10:48:00 " */
struct vt_screen *scroll_screen(const struct console *c);
/* The oldest line, or the newest, when it is not kept any more. */
uint64_t scroll_line_of(const struct console *c, const struct vt_place *p, unsigned *col);
/* Columns that the times take. */
int scroll_margin(const struct console *c);
/* Brings top and cursor in order: the screen may have become taller, or lines gone. */
void scroll_settle(struct console *c);

/* --- console_menu --- */
void console_menu_open(struct console *c);

/* --- console_words --- */
void console_words_draw(struct console *c, int row);
/* Who is attached, one to a line. */
void console_words_watchers(const struct console *c, struct buf *out);

#endif
