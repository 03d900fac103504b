#include "tui/view_console.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/actions.h"
#include "tui/console_impl.h"
#include "tui/draw.h"
#include "tui/view_ask.h"

#define NOTE_STAYS_MS 1500    /* a key that was on its way does not wipe words away unread */
#define NOTE_GOES_MS 10000    /* … and by itself they go after this long */
#define TYPED_AHEAD_MS 1500   /* keys that were meant for a guest must not become commands */
#define AHEAD_MAX (8u << 20)  /* bytes typed or pasted while the guest takes nothing */
#define PASTE_MAX (16u << 20) /* bytes of one paste */
#define PASTE_LINES 4         /* more are asked about */
#define PASTE_SHOWN 6         /* lines of it in the question */

int console_rows(const struct app *app)
{
	int rows = tty_rows(app->tty);
	return rows >= 3 ? rows - 1 : rows;
}

void console_note(struct console *c, enum style st, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(c->note, sizeof(c->note), fmt, ap);
	va_end(ap);
	c->note_style = st;
	c->note_ms = loop_now_ms();
	app_dirty(c->v.app);
}

bool console_readonly(const struct console *c)
{
	return c->v.app->options->readonly || !(c->flags & CONSOLE_KEYBOARD);
}

/* --- from the session --- */

/* Who types has changed, and we are one of the two. */
static void tell_keyboard(struct console *c)
{
	const struct console_who *w = session_who(c->s);
	uint64_t now = loop_now_ms();
	bool live = session_state(c->s) == SESSION_LIVE;
	bool lent = c->lent_ms && now - c->lent_ms < CONSOLE_LEND_MS;
	bool wanted = lent ? !c->mine : c->wants_ms && now - c->wants_ms < CONSOLE_ASK_MS;
	/* What was said of the keyboard is not so any more. */
	if (!lent && !w->mine && *w->holder && strcmp(c->holder, w->holder) != 0 &&
	    now - c->note_ms > NOTE_STAYS_MS)
		c->note[0] = '\0';
	if (live && !lent && c->mine && !w->mine && *w->holder)
		console_note(c, STYLE_ERROR, "%.60s took the keyboard", w->holder);
	if (live && !lent && !c->mine && w->mine && (c->wants_ms || *c->holder))
		console_note(c, STYLE_NOTE, "the keyboard is yours");
	/* Given up by the one whom we asked, or lent it. */
	if (live && wanted && !w->mine && !*w->holder)
		session_take(c->s);
	if (w->mine && !c->mine)
		c->wants_ms = c->lent_ms = 0;
	if (!w->mine)
		c->asked[0] = '\0';
	c->mine = w->mine;
	snprintf(c->holder, sizeof(c->holder), "%s", w->holder);
}

static void on_fed(void *arg)
{
	struct console *c = arg;
	const struct timeval late = {.tv_usec = VT_SYNC_MS * 1000};
	if (vt_screen_sync(session_screen(c->s))) {
		if (!evtimer_pending(c->sync, NULL))
			event_add(c->sync, &late);
		return;
	}
	event_del(c->sync);
	app_dirty_rows(c->v.app);
}

static void on_changed(void *arg)
{
	struct console *c = arg;
	uint64_t lost = session_lost(c->s);
	char size[STR_HUMAN_MAX];
	if (lost != c->lost) {
		str_human(lost - c->lost, size);
		c->lost = lost;
		console_note(
		    c, STYLE_NOTE, "%s of output skipped: this link was too slow for it", size);
	}
	tell_keyboard(c);
	if (session_state(c->s) != SESSION_ENDED)
		c->ended_ms = 0;
	else if (!c->ended_ms)
		c->ended_ms = loop_now_ms();
	c->v.app->whole = true;
	on_fed(c);
}

static void on_sync(evutil_socket_t fd, short what, void *arg)
{
	struct console *c = arg;
	(void)fd, (void)what;
	app_dirty_rows(c->v.app);
}

static void on_asked(void *arg, const char *who)
{
	struct console *c = arg;
	snprintf(c->asked, sizeof(c->asked), "%s", who);
	c->asked_ms = loop_now_ms();
	c->note[0] = '\0';
	tty_bell(c->v.app->tty);
	app_dirty(c->v.app);
}

static void on_bell(void *arg)
{
	struct console *c = arg;
	tty_bell(c->v.app->tty);
}

static void send_ahead(struct console *c)
{
	if (c->ahead.len && session_send(c->s, c->ahead.data, c->ahead.len))
		buf_clear(&c->ahead);
}

static void on_typable(void *arg)
{
	struct console *c = arg;
	if (!session_who(c->s)->mine)
		buf_clear(&c->ahead);
	send_ahead(c);
}

static const struct session_ops session_ops = {.changed = on_changed,
    .fed = on_fed,
    .asked = on_asked,
    .bell = on_bell,
    .typable = on_typable};

static void console_tick(struct view *v)
{
	struct console *c = (struct console *)v;
	const char *title = vt_screen_title(session_screen(c->s));
	session_tick(c->s);
	/* Not at the guest's pace. */
	if (strncmp(c->title, title, sizeof(c->title) - 1) != 0) {
		snprintf(c->title, sizeof(c->title), "%s", title);
		app_dirty(v->app);
	}
	if (c->wants_ms && loop_now_ms() - c->wants_ms > CONSOLE_ASK_MS) {
		c->wants_ms = 0;
		app_dirty(v->app);
	}
	if (*c->note && loop_now_ms() - c->note_ms > NOTE_GOES_MS)
		c->note[0] = '\0';
	if (*c->asked || c->note_ms || !c->typed)
		app_dirty(v->app); /* words that go by themselves */
	if (!*c->note)
		c->note_ms = 0;
}

/* --- the keyboard --- */

void console_keyboard(struct console *c, bool force)
{
	const struct console_who *w = session_who(c->s);
	if (console_readonly(c)) {
		console_note(c, STYLE_ERROR, "read only: the keyboard is not for this client");
	} else if (w->mine && !force) {
		session_release(c->s);
		console_note(c, STYLE_NOTE, "%s",
		    *c->asked ? "the keyboard was given" : "the keyboard is free");
	} else if (w->mine) {
		console_note(c, STYLE_NOTE, "the keyboard is yours already");
	} else if (force || !*w->holder || c->wants_ms) {
		session_take(c->s);
	} else {
		c->wants_ms = loop_now_ms();
		session_ask(c->s);
		console_note(c, STYLE_NOTE, "%.60s was asked for the keyboard", w->holder);
	}
}

static bool may_type(struct console *c)
{
	const struct console_who *w = session_who(c->s);
	const struct console_keys *k = &c->v.app->keys;
	if (session_state(c->s) != SESSION_LIVE)
		return false;
	if (w->mine)
		return true;
	if (console_readonly(c))
		console_note(c, STYLE_ERROR, "read only: keys are not sent");
	else if (*w->holder && k->has_prefix)
		console_note(c, STYLE_ERROR, "not sent: keyboard held by %.60s (%s w asks)",
		    w->holder, k->prefix_name);
	else if (*w->holder)
		console_note(c, STYLE_ERROR, "not sent: keyboard held by %.60s", w->holder);
	else
		console_note(c, STYLE_ERROR, "not sent: the keyboard is free, F11 takes it");
	return false;
}

bool console_send(struct console *c, const void *p, size_t n)
{
	if (!may_type(c))
		return false;
	if (c->ahead.len + n > AHEAD_MAX) {
		console_note(c, STYLE_ERROR, "the guest does not read: keys are dropped");
		return false;
	}
	/* Never refused: a terminal that is read is one whose Ctrl+] is seen. */
	buf_add(&c->ahead, p, n);
	send_ahead(c);
	return true;
}

/* --- pastes --- */

static unsigned count_lines(const char *p, size_t n)
{
	unsigned lines = 0;
	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n' ? i == 0 || p[i - 1] != '\r' : p[i] == '\r';
	return n && p[n - 1] != '\n' && p[n - 1] != '\r' ? lines + 1 : lines;
}

static void paste_send(struct console *c)
{
	struct vt_modes m;
	CLEANUP_FREE uint8_t *bytes = NULL;
	size_t n;
	c->note[0] = '\0'; /* that an earlier one was not pasted */
	vt_screen_modes(session_screen(c->s), &m);
	n = vt_keys_paste(&m, c->paste.data ? c->paste.data : "", c->paste.len, &bytes);
	console_send(c, bytes, n);
	buf_fini(&c->paste);
}

static void on_paste_answer(void *arg, bool yes)
{
	struct console *c = arg;
	if (yes)
		paste_send(c);
	else
		console_note(c, STYLE_NOTE, "not pasted");
	buf_fini(&c->paste);
}

static void paste_ask(struct console *c, unsigned lines)
{
	CLEANUP_BUF struct buf words = BUF_INIT;
	CLEANUP_FREE char *question = xasprintf("Paste %u lines to %s?", lines, session_name(c->s));
	const char *p = c->paste.data, *end = p + c->paste.len;
	for (unsigned i = 0; i < PASTE_SHOWN && p < end; i++) {
		size_t n = 0;
		while (p + n < end && p[n] != '\n' && p[n] != '\r')
			n++;
		CLEANUP_FREE char *line = str_printable(p, n, 60);
		buf_addf(&words, "| %s\n", line);
		p += n + (p + n + 1 < end && p[n] == '\r' && p[n + 1] == '\n' ? 2 : 1);
	}
	if (lines > PASTE_SHOWN)
		buf_addf(&words, "and %u more", lines - PASTE_SHOWN);
	view_ask_open(c->v.app, question, words.data, on_paste_answer, c);
}

static bool console_paste(struct view *v, const char *p, size_t n)
{
	struct console *c = (struct console *)v;
	if (c->scroll.on)
		console_scroll_paste(c, p, n);
	else if (c->paste.len + n > PASTE_MAX || !may_type(c))
		c->paste_lost = true;
	else
		buf_add(&c->paste, p, n);
	return true;
}

/* Only now is known how many lines it has. */
static void console_pasted(struct view *v)
{
	struct console *c = (struct console *)v;
	unsigned lines = c->paste.len ? count_lines(c->paste.data, c->paste.len) : 0;
	if (c->paste_lost && c->paste.len)
		console_note(c, STYLE_ERROR, "not pasted: more than %u MiB", PASTE_MAX >> 20);
	if (c->paste_lost)
		buf_fini(&c->paste);
	else if (lines > PASTE_LINES)
		paste_ask(c, lines);
	else if (c->paste.len)
		paste_send(c);
	c->paste_lost = false;
}

/* --- keys --- */

static bool plain(const struct vt_key *k, char letter)
{
	return k->sym == VT_KEY_CHAR && k->cp == (uint32_t)letter && !k->mods;
}

/* A console that is off: nothing is typed, a few keys are commands. */
static void ended_key(struct console *c, const struct vt_key *k)
{
	const struct verb *start = verb_find("start");
	const char *words[] = {"start", session_name(c->s), NULL};
	char *names[] = {(char *)(uintptr_t)session_name(c->s), NULL};
	if (loop_now_ms() - c->ended_ms < TYPED_AHEAD_MS)
		return;
	if (plain(k, 's') && !console_readonly(c))
		action_command(c->v.app, start, words, names);
	else if (plain(k, 'q') || k->sym == VT_KEY_ESCAPE || k->sym == VT_KEY_ENTER)
		view_pop(&c->v);
}

static void f11(struct console *c)
{
	if (session_who(c->s)->mine || session_state(c->s) != SESSION_LIVE || console_readonly(c))
		console_scroll_begin(c);
	else
		session_take(c->s);
}

/* Those that are ours outside of the scrollback; false: it is the guest's. */
static bool own_key(struct console *c, const struct vt_key *k)
{
	bool up = k->sym == VT_KEY_PGUP &&
	          (k->mods == VT_MOD_SHIFT || (!k->mods && session_state(c->s) != SESSION_LIVE));
	if (console_keys_opens(&c->v.app->keys, k))
		console_menu_open(c);
	else if (k->sym == VT_KEY_F11 && !k->mods)
		f11(c);
	else if (up)
		console_scroll_begin(c);
	else
		return false;
	if (up)
		console_scroll_key(c, k);
	return true;
}

static bool console_key(struct view *v, const struct vt_key *k)
{
	struct console *c = (struct console *)v;
	struct vt_modes m;
	uint8_t bytes[VT_KEYS_MAX];
	bool old;
	if (console_keys_leaves(&v->app->keys, k)) {
		view_pop(v);
		return true;
	}
	old = c->note[0] && loop_now_ms() - c->note_ms > NOTE_STAYS_MS;
	if (old)
		c->note[0] = '\0';
	if (old || !c->typed)
		app_dirty(v->app);
	c->typed = true;
	if (c->scroll.on && !console_keys_opens(&v->app->keys, k)) {
		c->note[0] = '\0';
		console_scroll_key(c, k);
	} else if (own_key(c, k)) {
		app_dirty(v->app);
	} else if (session_state(c->s) == SESSION_ENDED) {
		ended_key(c, k);
	} else {
		vt_screen_modes(session_screen(c->s), &m);
		console_send(c, bytes, vt_keys_encode(&m, k, bytes));
	}
	return true;
}

/* --- the mouse --- */

/* Ours while we read back; the guest's when it asked, and its keyboard is ours. */
static void choose_mouse(struct console *c)
{
	struct vt_modes m;
	enum tty_mouse mode = TTY_MOUSE_OFF;
	vt_screen_modes(session_screen(c->s), &m);
	if (c->scroll.on)
		mode = TTY_MOUSE_DRAGS;
	else if (m.mouse && c->mine && session_state(c->s) == SESSION_LIVE)
		mode = m.mouse == 1003   ? TTY_MOUSE_MOTION
		       : m.mouse == 1002 ? TTY_MOUSE_DRAGS
		                         : TTY_MOUSE_CLICKS;
	tty_mouse(c->v.app->tty, mode);
}

static void console_mouse(struct view *v, const struct vt_mouse *e)
{
	struct console *c = (struct console *)v;
	struct vt_modes m;
	struct vt_mouse there = *e;
	uint8_t bytes[VT_KEYS_MAX];
	unsigned above, left;
	size_t n;
	if (c->scroll.on) {
		console_scroll_mouse(c, e);
		return;
	}
	if (!c->mine || session_state(c->s) != SESSION_LIVE ||
	    e->row >= (unsigned)console_rows(v->app))
		return;
	screen_rows_hidden(session_screen(c->s), (unsigned)console_rows(v->app),
	    (unsigned)tty_cols(v->app->tty), &above, &left);
	there.row += above;
	there.col += left;
	vt_screen_modes(session_screen(c->s), &m);
	n = vt_keys_mouse(&m, &there, bytes);
	if (n && there.row < vt_screen_rows(session_screen(c->s)) &&
	    there.col < vt_screen_cols(session_screen(c->s)))
		console_send(c, bytes, n);
}

/* --- drawing --- */

static void console_draw(struct view *v)
{
	struct console *c = (struct console *)v;
	int height = console_rows(v->app);
	choose_mouse(c);
	c->drawn.screen = NULL;
	if (c->scroll.on)
		console_scroll_draw(c, height);
	else
		screen_rows_draw(&c->drawn, session_screen(c->s), (unsigned)height,
		    session_state(c->s) == SESSION_LIVE);
	if (height < draw_rows())
		console_words_draw(c, height);
}

/* The guest's rows: whatever else changes calls app_dirty. */
static bool console_draw_changes(struct view *v)
{
	struct console *c = (struct console *)v;
	if (c->scroll.on)
		return false;
	choose_mouse(c);
	return screen_rows_update(&c->drawn, session_screen(c->s), (unsigned)console_rows(v->app),
	    session_state(c->s) == SESSION_LIVE);
}

static void console_resized(struct view *v)
{
	struct console *c = (struct console *)v;
	session_resize(c->s, (unsigned)console_rows(v->app), (unsigned)tty_cols(v->app->tty));
}

/* --- life --- */

static void open_session(struct console *c, const char *name)
{
	struct session_options o = {.index = c->index,
	    .flags = c->flags,
	    .scrollback = VT_SCROLLBACK_MAX,
	    .readonly = c->v.app->options->readonly,
	    .answers = c->v.app->keys.answers};
	struct app *app = c->v.app;
	c->s = session_open(app->loop, app->home, name, &o, (unsigned)console_rows(app),
	    (unsigned)tty_cols(app->tty), &session_ops, c);
	c->flags &= ~(unsigned)CONSOLE_TAKE; /* of the console that was asked for */
	c->opened_ms = loop_now_ms();
	c->lost = 0;
	c->mine = c->typed = false;
	c->wants_ms = c->lent_ms = 0;
	c->ended_ms = session_state(c->s) == SESSION_ENDED; /* long ago */
	c->asked[0] = c->holder[0] = c->title[0] = '\0';
	buf_clear(&c->ahead);
	buf_fini(&c->paste);
}

void console_switch(struct console *c, const char *name, unsigned index)
{
	CLEANUP_FREE char *to = xstrdup(name);
	console_scroll_end(c);
	session_close(c->s);
	c->index = index;
	c->note[0] = '\0';
	open_session(c, to);
	app_dirty(c->v.app);
}

static void console_close(struct view *v)
{
	struct console *c = (struct console *)v;
	tty_mouse(v->app->tty, TTY_MOUSE_OFF);
	console_scroll_fini(c);
	session_close(c->s);
	event_free(c->sync);
	buf_fini(&c->ahead);
	buf_fini(&c->paste);
	free(c);
}

static const struct view_ops ops = {.guest = true,
    .draw = console_draw,
    .draw_changes = console_draw_changes,
    .key = console_key,
    .paste = console_paste,
    .pasted = console_pasted,
    .mouse = console_mouse,
    .tick = console_tick,
    .resized = console_resized,
    .close = console_close};

void view_console_open(struct app *app, const char *name, unsigned index, unsigned flags)
{
	struct console *c = xcalloc(1, sizeof(*c));
	c->v.ops = &ops;
	c->v.app = app;
	c->index = index;
	c->flags = flags;
	c->sync = evtimer_new(loop_base(app->loop), on_sync, c);
	console_scroll_init(c);
	open_session(c, name);
	view_push(app, &c->v);
}
