/* theme: what the operator's terminal can show (colours, UTF-8) and how each kind of text looks on it. Owner: the
 * dashboard, one per terminal. theme_detect needs ncurses to be started; the rest is pure. */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include <stdbool.h>
#include <stdint.h>

enum style {
	STYLE_NORMAL,
	STYLE_DIM,
	STYLE_STRONG,
	STYLE_BAR,     /* header and footer background */
	STYLE_BAR_KEY, /* a key in the footer */
	STYLE_COLUMNS, /* column titles */
	STYLE_SORTED,  /* the title of the sort column */
	STYLE_RULE,    /* separator lines */
	STYLE_TAB,     /* the open pane's tab */
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_ERROR, /* a message that must be seen */
	STYLE_NOTE,
	STYLE_GRAPH,
	STYLE_MARK,
	STYLE_DIALOG,
	STYLE_COUNT
};

struct look {
	unsigned attrs; /* ncurses A_* */
	int fg, bg;     /* ncurses colour numbers, -1 the terminal's own */
};

struct theme {
	int colors; /* 0 none, 8, 256 */
	bool utf8;  /* block and box glyphs may be used */
	bool wide;  /* the locale can encode text beyond ASCII at all */
};

/* NO_COLOR, TERM and the locale decide. */
void theme_detect(struct theme *t);
struct look theme_look(const struct theme *t, enum style s);
/* A guest's colour (0, VT_INDEXED | n, VT_RGB | rgb of serial/vt_screen.h) as this terminal's number; -1 the default. */
int theme_color(const struct theme *t, uint32_t vt_color);
/* One column of ASCII that stands for a code point where UTF-8 cannot be shown. */
char theme_ascii(uint32_t cp);

#endif
