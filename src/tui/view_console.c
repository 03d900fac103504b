#include "tui/view_console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/console_session.h"
#include "tui/draw.h"

#define TYPED_AHEAD_MS \
	1500 /* keys that were meant for a guest must not become the list's commands */

struct console {
	struct view v;
	unsigned flags;
	struct console_session *s;
	char note[128];    /* until a key */
	uint64_t lost;     /* bytes whose loss was told */
	unsigned back;     /* lines scrolled back, 0 the present */
	bool scrolling;    /* keys scroll, the guest gets none */
	uint64_t ended_ms; /* when it ended under the operator's fingers */
};

static int status_rows(const struct app *app)
{
	return tty_rows(app->tty) >= 3 ? 1 : 0;
}

/* --- from the session --- */

static void on_changed(void *arg)
{
	struct console *c = arg;
	uint64_t lost = session_lost(c->s);
	char size[STR_HUMAN_MAX];
	if (lost != c->lost) {
		c->lost = lost;
		str_human(lost, size);
		snprintf(c->note, sizeof(c->note),
		    "%s of output skipped: this link was too slow for it", size);
	}
	if (session_state(c->s) == SESSION_LIVE)
		c->ended_ms = 0;
	else if (session_state(c->s) == SESSION_ENDED && !c->ended_ms)
		c->ended_ms = loop_now_ms();
	app_dirty(c->v.app);
}

static void on_asked(void *arg, const char *who)
{
	struct console *c = arg;
	snprintf(c->note, sizeof(c->note), "%.90s asks for the keyboard", who);
	app_dirty(c->v.app);
}

static void on_bell(void *arg)
{
	struct console *c = arg;
	tty_bell(c->v.app->tty);
}

static void on_typable(void *arg)
{
	struct console *c = arg;
	app_input_continue(c->v.app);
}

static const struct session_ops session_ops = {
    .changed = on_changed, .asked = on_asked, .bell = on_bell, .typable = on_typable};

static void console_tick(struct view *v)
{
	session_tick(((struct console *)v)->s);
}

/* --- to the guest --- */

static bool may_type(struct console *c)
{
	const struct console_who *who = session_who(c->s);
	if (who->mine)
		return true;
	if (c->v.app->options->readonly || !(c->flags & CONSOLE_KEYBOARD))
		snprintf(c->note, sizeof(c->note), "read only: keys are not sent");
	else if (*who->holder)
		snprintf(c->note, sizeof(c->note), "keyboard held by %.60s: F11 takes it over",
		    who->holder);
	else
		snprintf(c->note, sizeof(c->note), "the keyboard is free: F11 takes it");
	return false;
}

static bool console_paste(struct view *v, const char *p, size_t n)
{
	struct console *c = (struct console *)v;
	struct vt_modes m;
	CLEANUP_FREE uint8_t *bytes = NULL;
	size_t len;
	if (session_state(c->s) != SESSION_LIVE || c->scrolling)
		return true;
	if (!may_type(c)) {
		app_dirty(v->app);
		return true;
	}
	vt_screen_modes(session_screen(c->s), &m);
	len = vt_keys_paste(&m, p, n, &bytes);
	return session_send(c->s, bytes, len);
}

/* --- scrolling back --- */

static void scroll(struct console *c, long by)
{
	long to = (long)c->back + by, most = (long)vt_screen_history(session_screen(c->s));
	c->back = (unsigned)(to < 0 ? 0 : to > most ? most : to);
	c->scrolling = c->back > 0 || c->scrolling;
}

static void scroll_end(struct console *c)
{
	c->back = 0;
	c->scrolling = false;
}

static bool scroll_key(struct console *c, const struct vt_key *k)
{
	long page = tty_rows(c->v.app->tty) > 3 ? tty_rows(c->v.app->tty) - 2 : 1;
	uint32_t cp = k->sym == VT_KEY_CHAR ? k->cp : 0;
	if (k->sym == VT_KEY_PGUP || (cp == 'b' && (k->mods & VT_MOD_CTRL)))
		scroll(c, page);
	else if (k->sym == VT_KEY_PGDN || (cp == 'f' && (k->mods & VT_MOD_CTRL)) || cp == ' ')
		scroll(c, -page);
	else if (k->sym == VT_KEY_UP || cp == 'k')
		scroll(c, 1);
	else if (k->sym == VT_KEY_DOWN || cp == 'j')
		scroll(c, -1);
	else if (k->sym == VT_KEY_HOME || cp == 'g')
		scroll(c, 1000000);
	else if (k->sym == VT_KEY_END || cp == 'G')
		c->back = 0;
	else
		return false;
	if (!c->back && k->sym == VT_KEY_PGDN)
		scroll_end(c);
	return true;
}

/* --- keys --- */

static bool same_key(const struct vt_key *a, const struct vt_key *b)
{
	return a->sym == b->sym && a->cp == b->cp && a->mods == b->mods;
}

static bool is_detach(const struct app *app, const struct vt_key *k)
{
	return same_key(k, &app->escape) || same_key(k, &app->detach);
}

static bool leaves(const struct vt_key *k)
{
	return k->sym == VT_KEY_ESCAPE || k->sym == VT_KEY_ENTER ||
	       (k->sym == VT_KEY_CHAR &&
	           (k->cp == 'q' || (k->cp == 'c' && k->mods == VT_MOD_CTRL)));
}

static void f11(struct console *c)
{
	if (session_who(c->s)->mine || session_state(c->s) != SESSION_LIVE ||
	    c->v.app->options->readonly || !(c->flags & CONSOLE_KEYBOARD))
		c->scrolling = true;
	else
		session_take(c->s);
}

static bool console_key(struct view *v, const struct vt_key *k)
{
	struct console *c = (struct console *)v;
	bool page = k->sym == VT_KEY_PGUP || k->sym == VT_KEY_PGDN;
	if (is_detach(v->app, k)) {
		view_pop(v);
		return true;
	}
	if (c->note[0]) {
		c->note[0] = '\0';
		app_dirty(v->app);
	}
	if (c->scrolling || session_state(c->s) != SESSION_LIVE) {
		app_dirty(v->app);
		if (scroll_key(c, k))
			return true;
		if (c->scrolling && leaves(k))
			scroll_end(c);
		else if (session_state(c->s) == SESSION_ENDED && leaves(k) &&
		         loop_now_ms() - c->ended_ms > TYPED_AHEAD_MS)
			view_pop(v);
		return true;
	}
	if (page && k->mods == VT_MOD_SHIFT) {
		scroll_key(c, k);
		app_dirty(v->app);
		return true;
	}
	if (k->sym == VT_KEY_F11 && !k->mods) {
		f11(c);
		app_dirty(v->app);
		return true;
	}
	if (!session_who(c->s)->mine)
		app_dirty(v->app);
	return !may_type(c) || session_key(c->s, k);
}

/* --- drawing --- */

static void draw_status(struct console *c, int row)
{
	struct app *app = c->v.app;
	int cols = draw_cols(), col = 1;
	enum style st = session_state(c->s) == SESSION_LIVE ? STYLE_BAR : STYLE_ERROR;
	draw_fill(row, 0, cols, st);
	col += draw_text(row, col, cols - col,
	           session_state(c->s) == SESSION_LIVE ? STYLE_BAR_KEY : st, session_name(c->s)) +
	       2;
	if (session_state(c->s) == SESSION_ENDED) {
		draw_textf(row, col, cols - col, st, "q back   %s", session_words(c->s));
		return;
	}
	col += draw_textf(row, col, cols - col, st, "Ctrl+] or %s detach", app->detach_name) + 3;
	if (session_state(c->s) == SESSION_LOST)
		draw_textf(row, col, cols - col, st, "not connected, trying again: %s",
		    session_words(c->s));
	else if (session_silent(c->s))
		draw_text(row, col, cols - col, STYLE_ERROR,
		    " not answering: QEMU or supervisor is stuck ");
	else if (c->scrolling)
		draw_textf(row, col, cols - col, STYLE_NOTE,
		    " %u lines back of %u: PgUp PgDn g G, q ends ", c->back,
		    vt_screen_history(session_screen(c->s)));
	else if (c->note[0])
		draw_textf(row, col, cols - col, STYLE_NOTE, " %s ", c->note);
	else if (!session_who(c->s)->mine && *session_who(c->s)->holder)
		draw_textf(row, col, cols - col, st, "keyboard: %s (F11 takes it over)",
		    session_who(c->s)->holder);
	else if (!session_who(c->s)->mine)
		draw_text(row, col, cols - col, st, "watching: keys are not sent (F11)");
	else if (session_who(c->s)->clients > 1)
		draw_textf(row, col, cols - col, st, "%u others attached   F11 scroll",
		    session_who(c->s)->clients - 1);
	else
		draw_text(row, col, cols - col, st, "F11 scroll");
}

static const struct vt_cell *line_at(const struct console *c, unsigned line, unsigned history)
{
	if (line < history)
		return vt_screen_history_row(session_screen(c->s), history - 1 - line);
	return vt_screen_row(session_screen(c->s), line - history);
}

static void console_draw(struct view *v)
{
	struct console *c = (struct console *)v;
	unsigned height = (unsigned)(draw_rows() - status_rows(v->app)),
	         rows = vt_screen_rows(session_screen(c->s));
	unsigned history = vt_screen_history(session_screen(c->s)), crow, ccol, skip, top;
	struct vt_modes m;
	vt_screen_modes(session_screen(c->s), &m);
	vt_screen_cursor(session_screen(c->s), &crow, &ccol);
	if (c->back > history)
		c->back = history;
	/* A screen taller than ours: the part with the cursor. */
	skip = rows > height && crow >= height ? crow - height + 1 : 0;
	top = history + skip - c->back;
	for (unsigned r = 0; r < height && top + r < history + rows; r++)
		draw_cells((int)r, 0, draw_cols(), session_screen(c->s),
		    line_at(c, top + r, history), vt_screen_cols(session_screen(c->s)),
		    m.reverse_screen);
	if (status_rows(v->app))
		draw_status(c, draw_rows() - 1);
	if (!c->back && session_state(c->s) == SESSION_LIVE && m.cursor_visible &&
	    crow - skip < height)
		draw_cursor((int)(crow - skip), (int)ccol);
}

static void console_resized(struct view *v)
{
	struct console *c = (struct console *)v;
	session_resize(c->s, (unsigned)(tty_rows(v->app->tty) - status_rows(v->app)),
	    (unsigned)tty_cols(v->app->tty));
}

static void console_close(struct view *v)
{
	struct console *c = (struct console *)v;
	session_close(c->s);
	free(c);
}

static const struct view_ops ops = {.guest = true,
    .draw = console_draw,
    .key = console_key,
    .paste = console_paste,
    .tick = console_tick,
    .resized = console_resized,
    .close = console_close};

void view_console_open(struct app *app, const char *name, unsigned index, unsigned flags)
{
	struct console *c = xcalloc(1, sizeof(*c));
	struct session_options o = {.index = index,
	    .flags = flags,
	    .scrollback = VT_SCROLLBACK_DEFAULT,
	    .readonly = app->options->readonly,
	    .answers = true};
	c->v.ops = &ops;
	c->v.app = app;
	c->flags = flags;
	c->s = session_open(app->loop, app->home, name, &o,
	    (unsigned)(tty_rows(app->tty) - status_rows(app)), (unsigned)tty_cols(app->tty),
	    &session_ops, c);
	view_push(app, &c->v);
}
