/* console_search: a regular expression in the lines of a console, newest and oldest of 100,000, looked for in slices, so that
 * no search stops anything else. Pure but for the clock. Embedded in its owner: zeroed, then console_search_fini. */
#ifndef TUI_CONSOLE_SEARCH_H
#define TUI_CONSOLE_SEARCH_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "serial/vt_screen.h"

#define SEARCH_PATTERN_MAX 256u /* bytes */
/* A line may be as long as the whole scrollback: it is looked at in windows. A match is found when it is not longer than
 * SEARCH_MATCH_MAX bytes, wherever it stands. */
#define SEARCH_WINDOW 16384u
#define SEARCH_MATCH_MAX 4096u

struct search_match {
	struct vt_place from; /* its first cell */
	uint32_t end;         /* behind its last one, of the same logical line */
};

enum search_state { SEARCH_NONE, SEARCH_RUNNING, SEARCH_FOUND, SEARCH_NOTHING };

struct console_search {
	char pattern[SEARCH_PATTERN_MAX + 1];
	bool set;
	regex_t re;
	struct vt_text text;
	/* the match that is looked for */
	enum search_state state;
	bool backward, wrapped;
	struct vt_place start, at;
	struct search_match match; /* SEARCH_FOUND */
	/* how many there are */
	bool counting, counted;
	struct vt_place count_at;
	unsigned total, before; /* before: those that stand before the match */
	uint64_t stamp;         /* of the screen that was counted */
};

/* An extended regular expression as in grep -E; without a capital letter it matches capitals, too. On failure what was set
 * before stays. */
int console_search_set(struct console_search *s, const char *pattern, struct err *err);
void console_search_fini(struct console_search *s);
/* The next match behind (before) a cell; past the end it goes on at the other one. */
void console_search_start(
    struct console_search *s, const struct vt_screen *screen, struct vt_place from, bool backward);
/* Works until the clock (loop_now_ms) passes until_ms, or it is done; true: there is more to do. */
bool console_search_step(
    struct console_search *s, const struct vt_screen *screen, uint64_t until_ms);
/* Counts all of them anew. */
void console_search_count(struct console_search *s, const struct vt_screen *screen);
/* Where the pattern matches in one line of cells: [from[i], to[i]) of its columns; at most max; returns how many. */
unsigned console_search_spans(struct console_search *s, const struct vt_screen *screen,
    uint64_t line, unsigned *from, unsigned *to, unsigned max);

#endif
