/* console_words: the status line of an attached console: which one, how to leave, who types, who watches, what happened. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/console_impl.h"
#include "tui/draw.h"

#define NARROW 50       /* columns below which the keys make room for words */
#define HINT_MS 15000   /* the first hint stays until a key, or this long */
#define WAITS 4096u     /* bytes that wait for a guest, and are worth a word */
#define ASKED_MS 30000u /* how long it is shown that somebody asks */

static void hint_keys(const struct console_keys *k, char *out, size_t n)
{
	if (k->has_prefix)
		snprintf(out, n, "%s or %s detach  %s menu", k->escape_name, k->detach_name,
		    k->prefix_name);
	else
		snprintf(out, n, "%s or %s detach", k->escape_name, k->detach_name);
}

static void short_keys(const struct console *c, bool shortest, char *out, size_t n)
{
	const struct console_keys *k = &c->v.app->keys;
	if (c->scroll.on)
		snprintf(out, n, "%s detach  q back", k->escape_name);
	else if (shortest || !k->has_prefix)
		snprintf(out, n, "%s detach", k->escape_name);
	else
		snprintf(out, n, "%s detach  %s menu", k->escape_name, k->prefix_name);
}

/* The others who are attached, by name as far as there is room. */
static void others(const struct console_who *w, char *out, size_t n)
{
	unsigned more = w->clients > 1 ? w->clients - 1 : 0;
	size_t at = (size_t)snprintf(out, n, "%u watch%s", more, more == 1 ? "es" : "");
	const char *between = ": ";
	for (unsigned i = 0; i < w->n_watchers && at + 4 < n; i++) {
		if (w->watchers[i].you)
			continue;
		at += (size_t)snprintf(out + at, n - at, "%s%s", between, w->watchers[i].name);
		between = ", ";
	}
}

static void who_words(const struct console *c, char *out, size_t n)
{
	const struct console_who *w = session_who(c->s);
	const struct console_keys *k = &c->v.app->keys;
	char rest[200] = "";
	if (w->mine) {
		if (w->clients > 1)
			others(w, rest, sizeof(rest));
		snprintf(out, n, "%s", rest);
	} else if (console_readonly(c)) {
		snprintf(out, n, "read only%s%.60s%s", *w->holder ? ": " : "", w->holder,
		    *w->holder ? " types" : "");
	} else if (*w->holder && c->wants_ms) {
		snprintf(out, n, "asked %.60s for the keyboard; F11 takes it over", w->holder);
	} else if (*w->holder && k->has_prefix) {
		snprintf(out, n, "keyboard: %.60s  %s w asks, F11 takes it over", w->holder,
		    k->prefix_name);
	} else if (*w->holder) {
		snprintf(out, n, "keyboard: %.60s (F11 takes it over)", w->holder);
	} else {
		snprintf(out, n, "nobody types: F11 takes the keyboard");
	}
}

void console_words_watchers(const struct console *c, struct buf *out)
{
	const struct console_who *w = session_who(c->s);
	buf_addf(out, "%u attached, each seeing the same.\n", w->clients);
	buf_addf(out, "The screen is %u x %u: the size that the keyboard's holder has.\n\n",
	    vt_screen_cols(session_screen(c->s)), vt_screen_rows(session_screen(c->s)));
	for (unsigned i = 0; i < w->n_watchers; i++)
		buf_addf(out, "  %-50s %s%s%s\n", w->watchers[i].name,
		    w->watchers[i].keyboard ? "types" : "watches",
		    w->watchers[i].reader ? ", may not type" : "",
		    w->watchers[i].you ? "  (you)" : "");
	if (!w->n_watchers)
		buf_adds(out, "  nobody is named\n");
	else if (w->n_watchers < w->clients)
		buf_addf(out, "  and %u more\n", w->clients - w->n_watchers);
}

/* What is most worth saying, and how loud. */
static enum style words(struct console *c, char *out, size_t n)
{
	const struct console_keys *k = &c->v.app->keys;
	bool asked = *c->asked && loop_now_ms() - c->asked_ms < ASKED_MS;
	out[0] = '\0';
	if (session_state(c->s) == SESSION_LOST) {
		snprintf(out, n, "not connected, trying again: %s", session_words(c->s));
		return STYLE_ERROR;
	}
	if (session_silent(c->s)) {
		snprintf(out, n, "not answering: %s",
		    *session_words(c->s) ? session_words(c->s) : "QEMU or supervisor is stuck");
		return STYLE_ERROR;
	}
	if (*c->note) {
		snprintf(out, n, "%s", c->note);
		return c->note_style;
	}
	if (asked && c->mine) {
		snprintf(out, n, "%.90s asks for the keyboard: %s%s gives it", c->asked,
		    k->has_prefix ? k->prefix_name : "", k->has_prefix ? " w" : "leaving");
		return STYLE_NOTE;
	}
	if (c->scroll.on) {
		console_scroll_words(c, out, n);
		return STYLE_NOTE;
	}
	size_t waits = c->ahead.len + session_unsent(c->s);
	if (waits >= WAITS && session_state(c->s) == SESSION_LIVE) {
		char size[STR_HUMAN_MAX];
		str_human(waits, size);
		snprintf(
		    out, n, "%s of keys wait for the guest; %s drops them", size, k->escape_name);
		return STYLE_NOTE;
	}
	if (!c->typed && loop_now_ms() - c->opened_ms < HINT_MS && c->mine) {
		snprintf(out, n, "%s%s", k->has_prefix ? k->prefix_name : "",
		    k->has_prefix ? " d detaches, too; ? helps" : "");
		return STYLE_BAR;
	}
	who_words(c, out, n);
	return STYLE_BAR;
}

static void ended_words(struct console *c, char *out, size_t n)
{
	snprintf(out, n, "%.80s is off \xe2\x80\x94 last screen; %s back%s   %s",
	    session_name(c->s), c->v.app->keys.escape_name, console_readonly(c) ? "" : ", s start",
	    session_words(c->s));
}

void console_words_draw(struct console *c, int row)
{
	struct app *app = c->v.app;
	int cols = draw_cols(), col = 1;
	char text[512], keys[128];
	enum style st;
	if (app_draw_message(app, row) || console_scroll_draw_line(c, row))
		return;
	draw_fill(row, 0, cols, STYLE_BAR);
	if (session_state(c->s) == SESSION_ENDED && !c->scroll.on) {
		ended_words(c, text, sizeof(text));
		draw_fill(row, 0, cols, STYLE_ERROR);
		draw_text(row, 1, cols - 1, STYLE_ERROR, text);
		return;
	}
	st = words(c, text, sizeof(text));
	hint_keys(&app->keys, keys, sizeof(keys));
	if (c->scroll.on)
		snprintf(keys, sizeof(keys), "scrollback  / search  v select  t times  q back");
	col += draw_text(row, col, cols - col, STYLE_BAR_KEY, session_name(c->s)) + 1;
	if (strcmp(session_port(c->s), "serial0") != 0)
		col += draw_text(row, col, cols - col, STYLE_BAR_KEY, session_port(c->s)) + 1;
	col++;
	/* Words get the room that the keys have; but how to leave is always there. */
	if (*text && col + draw_width(keys) + 5 + draw_width(text) > cols)
		short_keys(c, st != STYLE_BAR, keys, sizeof(keys));
	if (*text && col + draw_width(keys) + 5 + draw_width(text) > cols)
		short_keys(c, true, keys, sizeof(keys));
	/* A note goes soon; half of one says nothing. */
	bool alone =
	    *c->note && st == c->note_style && col + draw_width(keys) + 3 + draw_width(text) > cols;
	if ((cols >= NARROW && !alone) || !*text)
		col += draw_text(row, col, cols - col, STYLE_BAR, keys) + 3;
	if (*text && st != STYLE_BAR)
		col += draw_textf(row, col - 1, cols - col + 1, st, " %s ", text);
	else if (*text)
		col += draw_text(row, col, cols - col, st, text) + 3;
	if (*c->title && cols - col > 12)
		draw_textf(row, col, cols - col, STYLE_BAR, "\"%s\"", c->title);
}
