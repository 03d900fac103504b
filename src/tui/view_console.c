#include "tui/view_console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "tui/draw.h"

#define HISTORY_MAX (1u << 20) /* bytes of the last run that are replayed */
#define RETRY_MS 10            /* between looks whether the guest takes keys again */
#define BELL_EVERY_MS 500
#define ADOPT_AGAIN_MS 5000
#define TYPED_AHEAD_MS \
	1500 /* keys that were meant for a guest must not become the list's commands */

enum console_state {
	STATE_LIVE,
	STATE_LOST,  /* the supervisor went; the VM may still be there: tried again every second */
	STATE_ENDED, /* the VM is off: its last screen stays */
};

struct console {
	struct view v;
	char *name;
	unsigned index, flags;
	struct console_client *client;
	struct vt_screen *screen;
	struct console_who who;
	enum console_state state;
	char why[256];  /* not live: in words */
	char note[128]; /* until a key */
	bool answering; /* queries are answered: live, and ours is the keyboard */
	bool live;      /* the replay is over */
	bool silent;    /* QEMU or supervisor has not answered for some seconds */
	unsigned back;  /* lines scrolled back, 0 the present */
	bool scrolling; /* keys scroll, the guest gets none */
	uint64_t lost;  /* bytes skipped */
	uint64_t bell_ms;
	struct buf keys; /* accepted, not yet taken by the client */
	struct event *retry;
	uint64_t adopted_ms; /* when a new supervisor was asked for */
	uint64_t ended_ms;   /* when it ended under the operator's fingers */
};

/* --- size --- */

static int status_rows(const struct app *app)
{
	return tty_rows(app->tty) >= 3 ? 1 : 0;
}

/* Whoever holds the keyboard decides the screen's size; the others see as much of it as they have room for. */
static void fit(struct console *c)
{
	unsigned rows = (unsigned)(tty_rows(c->v.app->tty) - status_rows(c->v.app)),
	         cols = (unsigned)tty_cols(c->v.app->tty);
	if (c->state != STATE_LIVE)
		return;
	if (c->client && (c->who.mine || !c->who.rows))
		console_client_size(c->client, rows, cols);
	if (!c->who.mine && c->who.rows && c->who.cols) {
		rows = c->who.rows;
		cols = c->who.cols;
	}
	if (rows != vt_screen_rows(c->screen) || cols != vt_screen_cols(c->screen))
		vt_screen_resize(c->screen, rows, cols);
}

/* --- from the guest --- */

static void answer(struct console *c)
{
	bool on = c->live && c->who.mine;
	if (on != c->answering)
		vt_screen_answer(c->screen, on);
	c->answering = on;
}

static void on_data(void *arg, uint64_t offset, const uint8_t *p, size_t n, bool live)
{
	struct console *c = arg;
	(void)offset;
	c->live = live;
	answer(c);
	vt_screen_feed(c->screen, p, n);
	if (!c->scrolling)
		app_dirty(c->v.app);
}

static void on_gap(void *arg, uint64_t from, uint64_t to)
{
	struct console *c = arg;
	char size[STR_HUMAN_MAX];
	c->lost += to - from;
	str_human(c->lost, size);
	snprintf(
	    c->note, sizeof(c->note), "%s of output skipped: this link was too slow for it", size);
	app_dirty(c->v.app);
}

static void on_who(void *arg, const struct console_who *w)
{
	struct console *c = arg;
	c->who = *w;
	answer(c);
	fit(c);
	app_dirty(c->v.app);
}

static void on_reply(void *arg, const uint8_t *p, size_t n)
{
	struct console *c = arg;
	if (c->client && !c->keys.len)
		console_client_keys(c->client, p,
		    n); /* what does not fit is an answer that comes too late anyway */
}

static void on_bell(void *arg)
{
	struct console *c = arg;
	uint64_t now = loop_now_ms();
	if (!c->live || now - c->bell_ms < BELL_EVERY_MS)
		return;
	c->bell_ms = now;
	tty_bell(c->v.app->tty);
}

static void end_words(struct console *c, const char *why)
{
	struct vm vm;
	c->why[0] = '\0';
	if (vm_probe(c->v.app->home, c->name, &vm, NULL) == 0) {
		const struct status_page *p = vm.head;
		if (vm.live)
			c->state = STATE_LOST;
		else if (p)
			snprintf(c->why, sizeof(c->why), "%s (%s)%s%.180s", vm_state_name(vm.state),
			    vm_reason_name((enum vm_reason)p->reason), *p->detail ? ": " : "",
			    p->detail);
		else
			snprintf(c->why, sizeof(c->why), "%s", vm_state_name(vm.state));
		vm_fini(&vm);
	}
	if (!c->why[0])
		snprintf(c->why, sizeof(c->why), "%.250s", why);
}

static void on_closed(void *arg, const char *why)
{
	struct console *c = arg;
	console_client_free(c->client);
	c->client = NULL;
	c->live = false;
	memset(&c->who, 0, sizeof(c->who));
	answer(c);
	buf_clear(&c->keys);
	c->state = STATE_LOST;
	snprintf(c->why, sizeof(c->why), "%.250s", why);
	app_input_continue(c->v.app);
	app_dirty(c->v.app);
}

static const struct console_client_ops client_ops = {
    .data = on_data, .gap = on_gap, .who = on_who, .closed = on_closed};
static const struct vt_screen_ops screen_ops = {.reply = on_reply, .bell = on_bell};

static void connect_client(struct console *c)
{
	struct err err = {0};
	c->client = console_client_open(
	    c->v.app->loop, c->v.app->home, c->name, c->index, c->flags, NULL, &client_ops, c, &err);
	if (c->client) {
		vt_screen_reset(c->screen);
		c->state = STATE_LIVE;
		c->flags &=
		    ~(unsigned)CONSOLE_TAKE; /* asked for once, not again after every loss */
		fit(c);
		return;
	}
	snprintf(c->why, sizeof(c->why), "%.250s", err.msg);
}

/* The ring's file outlives the VM: its last screen. */
static void show_history(struct console *c)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (console_history(c->v.app->home, c->name, c->index, HISTORY_MAX, &b, NULL) == 0 && b.len)
		vt_screen_feed(c->screen, (const uint8_t *)b.data, b.len);
}

/* The guest runs on without its supervisor: a new one is wanted now, not at the list's next look. */
static void adopt(struct console *c, const struct vm *vm)
{
	uint64_t now = loop_now_ms();
	if (!(vm->orphan || vm->unsettled) || c->v.app->options->readonly ||
	    (c->adopted_ms && now - c->adopted_ms < ADOPT_AGAIN_MS))
		return;
	c->adopted_ms = now;
	vm_adopt_all(c->v.app->home, vm, 1);
}

/* Lost: is the VM gone for good, or only its supervisor? */
static void look_again(struct console *c)
{
	struct vm vm;
	bool live = false;
	if (vm_probe(c->v.app->home, c->name, &vm, NULL) == 0) {
		live = vm.live;
		adopt(c, &vm);
		vm_fini(&vm);
	}
	if (live) {
		connect_client(c);
		if (!c->client)
			snprintf(
			    c->why, sizeof(c->why), "its supervisor is gone, the guest runs on");
	} else {
		c->state = STATE_ENDED;
		c->ended_ms = loop_now_ms();
		end_words(c, c->why);
	}
	app_dirty(c->v.app);
}

/* A console of a VM that is stuck looks like one of a guest that is quiet. */
static void look_if_silent(struct console *c)
{
	struct vm vm;
	bool was = c->silent;
	if (vm_probe(c->v.app->home, c->name, &vm, NULL) < 0)
		return;
	c->silent = vm.silent;
	vm_fini(&vm);
	if (c->silent != was)
		app_dirty(c->v.app);
}

static void console_tick(struct view *v)
{
	struct console *c = (struct console *)v;
	if (c->state == STATE_LOST)
		look_again(c);
	else if (c->state == STATE_LIVE)
		look_if_silent(c);
}

/* --- to the guest --- */

/* True when nothing is left to send. */
static bool send_keys(struct console *c)
{
	size_t n = c->keys.len && c->client
	               ? console_client_keys(c->client, c->keys.data, c->keys.len)
	               : 0;
	struct timeval tv = {.tv_usec = RETRY_MS * 1000};
	buf_consume(&c->keys, n);
	if (!c->client || !c->who.mine)
		buf_clear(&c->keys);
	if (!c->keys.len)
		return true;
	event_add(c->retry, &tv);
	return false;
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct console *c = arg;
	(void)fd, (void)what;
	if (send_keys(c))
		app_input_continue(c->v.app);
}

static bool may_type(struct console *c)
{
	if (c->who.mine)
		return true;
	if (c->v.app->options->readonly || !(c->flags & CONSOLE_KEYBOARD))
		snprintf(c->note, sizeof(c->note), "read only: keys are not sent");
	else if (*c->who.holder)
		snprintf(c->note, sizeof(c->note), "keyboard held by %.60s: F11 takes it over",
		    c->who.holder);
	else
		snprintf(c->note, sizeof(c->note), "the keyboard is free: F11 takes it");
	return false;
}

static bool type(struct console *c, const struct vt_key *k)
{
	struct vt_modes m;
	uint8_t bytes[VT_KEYS_MAX];
	if (!may_type(c))
		return true;
	if (!send_keys(c))
		return false;
	vt_screen_modes(c->screen, &m);
	buf_add(&c->keys, bytes, vt_keys_encode(&m, k, bytes));
	send_keys(c);
	return true;
}

static bool console_paste(struct view *v, const char *p, size_t n)
{
	struct console *c = (struct console *)v;
	struct vt_modes m;
	CLEANUP_FREE uint8_t *bytes = NULL;
	size_t len;
	if (c->state != STATE_LIVE || c->scrolling)
		return true;
	if (!may_type(c)) {
		app_dirty(v->app);
		return true;
	}
	if (!send_keys(c))
		return false;
	vt_screen_modes(c->screen, &m);
	len = vt_keys_paste(&m, p, n, &bytes);
	buf_add(&c->keys, bytes, len);
	send_keys(c);
	return true;
}

/* --- scrolling back --- */

static void scroll(struct console *c, long by)
{
	long to = (long)c->back + by, most = (long)vt_screen_history(c->screen);
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

static bool is_detach(const struct app *app, const struct vt_key *k)
{
	const struct vt_key *d = &app->detach;
	return (k->sym == VT_KEY_CHAR && k->cp == ']' && k->mods == VT_MOD_CTRL) ||
	       (k->sym == d->sym && k->cp == d->cp && k->mods == d->mods);
}

static bool leaves(const struct vt_key *k)
{
	return k->sym == VT_KEY_ESCAPE || k->sym == VT_KEY_ENTER ||
	       (k->sym == VT_KEY_CHAR &&
	           (k->cp == 'q' || (k->cp == 'c' && k->mods == VT_MOD_CTRL)));
}

static void f11(struct console *c)
{
	if (c->who.mine || c->state != STATE_LIVE || c->v.app->options->readonly ||
	    !(c->flags & CONSOLE_KEYBOARD))
		c->scrolling = true;
	else
		console_client_take(c->client);
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
	if (c->scrolling || c->state != STATE_LIVE) {
		app_dirty(v->app);
		if (scroll_key(c, k))
			return true;
		if (c->scrolling && leaves(k))
			scroll_end(c);
		else if (c->state == STATE_ENDED && leaves(k) &&
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
	if (!c->who.mine)
		app_dirty(v->app);
	return type(c, k);
}

/* --- drawing --- */

static void draw_status(struct console *c, int row)
{
	struct app *app = c->v.app;
	int cols = draw_cols(), col = 1;
	enum style st = c->state == STATE_LIVE ? STYLE_BAR : STYLE_ERROR;
	draw_fill(row, 0, cols, st);
	col +=
	    draw_text(row, col, cols - col, c->state == STATE_LIVE ? STYLE_BAR_KEY : st, c->name) +
	    2;
	if (c->state == STATE_ENDED) {
		draw_textf(row, col, cols - col, st, "q back   %s", c->why);
		return;
	}
	col += draw_textf(row, col, cols - col, st, "Ctrl+] or %s detach", app->detach_name) + 3;
	if (c->state == STATE_LOST)
		draw_textf(row, col, cols - col, st, "not connected, trying again: %s", c->why);
	else if (c->silent)
		draw_text(row, col, cols - col, STYLE_ERROR,
		    " not answering: QEMU or supervisor is stuck ");
	else if (c->scrolling)
		draw_textf(row, col, cols - col, STYLE_NOTE,
		    " %u lines back of %u: PgUp PgDn g G, q ends ", c->back,
		    vt_screen_history(c->screen));
	else if (c->note[0])
		draw_textf(row, col, cols - col, STYLE_NOTE, " %s ", c->note);
	else if (!c->who.mine && *c->who.holder)
		draw_textf(
		    row, col, cols - col, st, "keyboard: %s (F11 takes it over)", c->who.holder);
	else if (!c->who.mine)
		draw_text(row, col, cols - col, st, "watching: keys are not sent (F11)");
	else if (c->who.clients > 1)
		draw_textf(row, col, cols - col, st, "%u others attached   F11 scroll",
		    c->who.clients - 1);
	else
		draw_text(row, col, cols - col, st, "F11 scroll");
}

static const struct vt_cell *line_at(const struct console *c, unsigned line, unsigned history)
{
	if (line < history)
		return vt_screen_history_row(c->screen, history - 1 - line);
	return vt_screen_row(c->screen, line - history);
}

static void console_draw(struct view *v)
{
	struct console *c = (struct console *)v;
	unsigned height = (unsigned)(draw_rows() - status_rows(v->app)),
	         rows = vt_screen_rows(c->screen);
	unsigned history = vt_screen_history(c->screen), crow, ccol, skip, top;
	struct vt_modes m;
	vt_screen_modes(c->screen, &m);
	vt_screen_cursor(c->screen, &crow, &ccol);
	if (c->back > history)
		c->back = history;
	/* A screen taller than ours: the part with the cursor. */
	skip = rows > height && crow >= height ? crow - height + 1 : 0;
	top = history + skip - c->back;
	for (unsigned r = 0; r < height && top + r < history + rows; r++)
		draw_cells((int)r, 0, draw_cols(), c->screen, line_at(c, top + r, history),
		    vt_screen_cols(c->screen), m.reverse_screen);
	if (status_rows(v->app))
		draw_status(c, draw_rows() - 1);
	if (!c->back && c->state == STATE_LIVE && m.cursor_visible && crow - skip < height)
		draw_cursor((int)(crow - skip), (int)ccol);
}

static void console_resized(struct view *v)
{
	fit((struct console *)v);
}

static void console_close(struct view *v)
{
	struct console *c = (struct console *)v;
	if (c->client)
		console_client_free(c->client);
	event_free(c->retry);
	vt_screen_free(c->screen);
	buf_fini(&c->keys);
	free(c->name);
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
	c->v.ops = &ops;
	c->v.app = app;
	c->name = xstrdup(name);
	c->index = index;
	c->flags = flags;
	c->screen = vt_screen_new((unsigned)(tty_rows(app->tty) - status_rows(app)),
	    (unsigned)tty_cols(app->tty), VT_SCROLLBACK_DEFAULT, &screen_ops, c);
	vt_screen_answer(c->screen, false);
	c->retry = evtimer_new(loop_base(app->loop), on_retry, c);
	connect_client(c);
	if (!c->client) {
		c->state = STATE_ENDED;
		show_history(c);
		end_words(c, c->why);
	}
	view_push(app, &c->v);
}
