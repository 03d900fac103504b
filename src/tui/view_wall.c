#include "tui/view_wall.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/actions.h"
#include "tui/draw.h"
#include "tui/view_console.h"
#include "tui/view_text.h"
#include "tui/wall_impl.h"
#include "tui/wall_keys.h"

#define POLL_MS 50              /* between looks at what the guests wrote */
#define FLOOD_BYTES (16u << 10) /* of one guest that are taken in at a look */
#define SLOW_WINDOW 2048        /* bytes in a fifth of a second: not much of a wall */
#define TYPED_AHEAD_MS 700      /* keys that were meant for a guest must not become commands */
#define TYPING_MS 1500          /* after a key a slow link carries its answers alone */
#define HEADER_ROWS_MIN 6       /* terminals lower than this have no header … */
#define BANNER_COLS_MIN 30      /* of its text; the way out stands beside it where there is room */
#define FOOTER_ROWS_MIN 3       /* … and no footer */

static const struct view_ops look_ops, guest_ops;

void wall_note(struct wall *w, enum style st, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(w->note, sizeof(w->note), fmt, ap);
	va_end(ap);
	w->note_style = st;
	app_dirty(w->v.app);
}

static void menu_set(struct wall *w, bool on)
{
	w->menu = on;
	w->v.ops = w->mode == WALL_LOOKS || on ? &look_ops : &guest_ops;
	app_dirty(w->v.app);
}

void wall_mode_set(struct wall *w, enum wall_mode mode)
{
	w->mode = mode;
	menu_set(w, false);
}

/* --- places --- */

static int header_rows(void)
{
	return draw_rows() >= HEADER_ROWS_MIN ? 1 : 0;
}

static void fit_to(struct wall *w, int rows, int cols)
{
	int bars = (rows >= HEADER_ROWS_MIN ? 1 : 0) + (rows >= FOOTER_ROWS_MIN ? 1 : 0);
	unsigned page = wall_layout_page_of(w->n, rows - bars, cols, w->focus);
	wall_layout_make(w->n, rows - bars, cols, page, &w->layout);
}

/* The page with the focus. */
void wall_fit(struct wall *w)
{
	fit_to(w, tty_rows(w->v.app->tty), tty_cols(w->v.app->tty));
}

static void focus_set(struct wall *w, unsigned to)
{
	w->focus = to < w->n ? to : w->n - 1;
	wall_fit(w);
	wall_type_move(w);
}

static void focus_step(struct wall *w, enum wall_step step)
{
	const struct wall_layout *l = &w->layout;
	focus_set(w, l->first + wall_layout_step(l, w->focus - l->first, step));
}

static void page_step(struct wall *w, int by)
{
	const struct wall_layout *l = &w->layout;
	if (by > 0 && l->page + 1 < l->pages)
		focus_set(w, l->first + l->n);
	else if (by < 0 && l->page > 0)
		focus_set(w, l->first - 1);
}

/* --- what the guests write --- */

/* About what it takes to draw a tile that changed. */
static uint64_t cost(const struct wall_rect *at)
{
	return (uint64_t)at->rows * ((uint64_t)at->cols + 8);
}

static bool seen(const struct wall *w)
{
	const struct view *top = w->v.app->top;
	return top == &w->v || (top && top->ops->overlay && top->below == &w->v);
}

/* As many tiles as the link carries in a moment, in turn, the focused one before all: an answer to a key waits behind
 * what is drawn now. */
static bool poll_tiles(struct wall *w, uint64_t room)
{
	const struct wall_layout *l = &w->layout;
	unsigned focus = w->focus - l->first, i;
	uint64_t spent = 0;
	if (wall_tile_poll(&w->tiles[w->focus], FLOOD_BYTES))
		spent = cost(&l->tile[focus]);
	for (i = 0; i < l->n; i++) {
		unsigned k = (w->next + i) % l->n;
		if (k == focus)
			continue;
		if (spent && spent + cost(&l->tile[k]) > room)
			break;
		if (wall_tile_poll(&w->tiles[l->first + k], FLOOD_BYTES))
			spent += cost(&l->tile[k]);
	}
	w->next = (w->next + i) % l->n;
	return spent > 0;
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct wall *w = arg;
	struct app *app = w->v.app;
	uint64_t now = loop_now_ms();
	(void)fd, (void)what;
	if (w->mode != WALL_LOOKS)
		app_input_continue(app); /* keys that wait for a console's word have a deadline */
	if (!seen(w) || !tty_ready(app->tty))
		return;
	if (w->mode != WALL_LOOKS && now - w->key_ms < TYPING_MS &&
	    tty_window(app->tty) < SLOW_WINDOW)
		return;
	if (poll_tiles(w, tty_window(app->tty)))
		app_dirty(app);
}

static void wall_tick(struct view *v)
{
	struct wall *w = (struct wall *)v;
	bool changed = false;
	for (unsigned i = 0; i < w->n; i++)
		changed |= wall_tile_look(&w->tiles[i], !v->app->options->readonly);
	if (changed)
		app_dirty(v->app);
}

/* --- drawing --- */

/* Who gets the keys: the whole line, as loud as there is. */
static void draw_banner(struct wall *w, int row)
{
	char text[600], way_out[64];
	unsigned differ = broadcast_differing(&w->cast);
	int width = draw_cols(), out;
	size_t at = (size_t)snprintf(
	    text, sizeof(text), " BROADCAST to %u of %u", broadcast_count(&w->cast), w->n);
	if (differ)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ", %u DIFFER", differ);
	for (unsigned i = 0, n = 0; i < w->n && at < sizeof(text); i++)
		if (broadcast_gets(&w->cast, i))
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.60s",
			    n++ ? " " : ": ", w->tiles[i].name);
	snprintf(way_out, sizeof(way_out), "  %s ends ", w->v.app->keys.escape_name);
	out = draw_width(way_out);
	if (width < out + BANNER_COLS_MIN)
		out = 0;
	draw_field(row, 0, width - out, STYLE_ERROR, text);
	draw_text(row, width - out, out, STYLE_ERROR, way_out);
}

static void draw_header(struct wall *w, int row)
{
	const struct wall_tile *t = &w->tiles[w->focus];
	char page[48] = "";
	if (w->mode == WALL_BROADCASTS) {
		draw_banner(w, row);
		return;
	}
	if (w->layout.pages > 1)
		snprintf(page, sizeof(page), "   page %u of %u (PgDn PgUp)", w->layout.page + 1,
		    w->layout.pages);
	draw_fill(row, 0, draw_cols(), w->mode == WALL_TYPES ? STYLE_NOTE : STYLE_BAR);
	if (w->mode == WALL_TYPES)
		draw_textf(row, 1, draw_cols() - 1, STYLE_NOTE,
		    "typing into %s alone   %s ends it%s", t->name, w->v.app->keys.escape_name,
		    page);
	else
		draw_textf(row, 1, draw_cols() - 1, STYLE_BAR,
		    "wall: %u console%s, only looked at%s", w->n, w->n == 1 ? "" : "s", page);
}

static void draw_keys(struct wall *w, int row, unsigned when)
{
	int cols = draw_cols(), col = 1, kept;
	draw_fill(row, 0, cols, STYLE_BAR);
	for (unsigned i = 0; i < wall_key_count; i++) {
		const struct wall_binding *b = &wall_keys[i];
		const char *label = b->label;
		if (!label || !(b->when & when))
			continue;
		if (b->action == WALL_ACT_BROADCAST && w->mode == WALL_BROADCASTS)
			label = "end broadcast";
		/* Help and the way out are kept in sight. */
		kept = b->action == WALL_ACT_HELP || b->action == WALL_ACT_BACK ? 0 : 18;
		if (col + (int)(strlen(b->keys[0]) + strlen(label)) + 1 + kept > cols)
			continue;
		col += draw_text(row, col, cols - col, STYLE_BAR_KEY, b->keys[0]) + 1;
		col += draw_text(row, col, cols - col, STYLE_BAR, label) + 2;
	}
}

static void draw_footer(struct wall *w, int row)
{
	struct app *app = w->v.app;
	char keys[120];
	if (w->menu) {
		draw_keys(w, row, WALL_WHEN_MENU);
	} else if (w->note[0]) {
		draw_field(row, 0, 1, w->note_style, " ");
		draw_field(row, 1, draw_cols() - 1, w->note_style, w->note);
	} else if (app_draw_message(app, row)) {
		return;
	} else if (w->mode == WALL_LOOKS) {
		draw_keys(w, row, WALL_WHEN_LOOK);
	} else {
		snprintf(keys, sizeof(keys), " %s or %s ends it%s%s%s", app->keys.escape_name,
		    app->keys.detach_name, app->keys.has_prefix ? "   " : "",
		    app->keys.has_prefix ? app->keys.prefix_name : "",
		    app->keys.has_prefix ? " menu" : "");
		draw_field(row, 0, draw_cols(), STYLE_BAR, keys);
	}
}

static void wall_draw(struct view *v)
{
	struct wall *w = (struct wall *)v;
	const struct wall_layout *l = &w->layout;
	int top = header_rows(), last = draw_rows() - 1;
	struct tile_look look = {.titled = l->titled};
	fit_to(w, draw_rows(), draw_cols());
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < l->n; i++) {
			struct wall_rect at = l->tile[i];
			look.focused = l->first + i == w->focus;
			look.role = wall_role(w, l->first + i);
			at.row += top;
			/* The focused one's border lies over its neighbours'. */
			if (pass == 0)
				wall_tile_draw(&w->tiles[l->first + i], &at, &look);
			if (pass == (look.focused ? 1u : 0u) && l->across > 1)
				wall_tile_draw_gaps(&at, &look);
		}
	}
	if (top)
		draw_header(w, 0);
	if (draw_rows() >= FOOTER_ROWS_MIN)
		draw_footer(w, last);
	if (!top && w->mode == WALL_BROADCASTS && !w->menu)
		draw_banner(w, last);
}

/* --- keys --- */

static void start_tile(struct wall *w)
{
	struct wall_tile *t = &w->tiles[w->focus];
	char *names[] = {t->name, NULL};
	if (t->live)
		wall_note(w, STYLE_NOTE, "%s runs already", t->name);
	else
		action_verb(w->v.app, verb_find("start"), names);
}

static void next_port(struct wall *w)
{
	struct wall_tile *t = &w->tiles[w->focus];
	if (t->consoles > 1)
		wall_tile_next_port(t);
	else
		wall_note(w, STYLE_NOTE, "%s has one console alone", t->name);
}

static void zoom(struct wall *w)
{
	struct wall_tile *t = &w->tiles[w->focus];
	view_console_open(
	    w->v.app, t->name, t->index, w->v.app->options->readonly ? 0 : CONSOLE_KEYBOARD);
}

static void help(struct wall *w)
{
	struct buf text = BUF_INIT;
	wall_keys_help(&text);
	view_keys_open(w->v.app, "the wall", text.data, text.len);
	buf_fini(&text);
}

static void act(struct wall *w, enum wall_action a)
{
	switch (a) {
	case WALL_ACT_ZOOM:
		zoom(w);
		break;
	case WALL_ACT_TYPE:
		wall_type_start(w);
		break;
	case WALL_ACT_BROADCAST:
		if (w->mode == WALL_BROADCASTS)
			wall_type_stop(w);
		else
			wall_broadcast_ask(w);
		break;
	case WALL_ACT_OUT:
		wall_broadcast_out(w);
		break;
	case WALL_ACT_FORCE:
		wall_type_force(w);
		break;
	case WALL_ACT_LEFT:
	case WALL_ACT_RIGHT:
	case WALL_ACT_UP:
	case WALL_ACT_DOWN:
		focus_step(w, (enum wall_step)(WALL_LEFT + (a - WALL_ACT_LEFT)));
		break;
	case WALL_ACT_NEXT:
		focus_set(w, (w->focus + 1) % w->n);
		break;
	case WALL_ACT_PAGE_UP:
	case WALL_ACT_PAGE_DOWN:
		page_step(w, a == WALL_ACT_PAGE_UP ? -1 : 1);
		break;
	case WALL_ACT_PORT:
		next_port(w);
		break;
	case WALL_ACT_START:
		start_tile(w);
		break;
	case WALL_ACT_HELP:
		help(w);
		break;
	case WALL_ACT_REDRAW:
		tty_repaint(w->v.app->tty);
		break;
	case WALL_ACT_SUSPEND:
		tty_suspend(w->v.app->tty);
		break;
	case WALL_ACT_BACK:
		view_pop(&w->v);
		break;
	case WALL_ACT_NONE:
		break;
	}
}

/* One level back: out of typing or broadcast, else off the wall. */
static void escape(struct wall *w)
{
	if (w->mode == WALL_LOOKS)
		view_pop(&w->v);
	else
		wall_type_stop(w);
}

/* Behind the prefix key. Moving the focus and taking tiles out goes on until another key. */
static bool menu_key(struct wall *w, const struct vt_key *k)
{
	const struct wall_binding *b = wall_keys_find(WALL_WHEN_MENU, k);
	bool stays = b && (b->action == WALL_ACT_OUT || b->action == WALL_ACT_NEXT ||
	                      (b->action >= WALL_ACT_LEFT && b->action <= WALL_ACT_DOWN));
	if (console_keys_opens(&w->v.app->keys, k)) {
		menu_set(w, false);
		return wall_type_key(w, k);
	}
	if (!stays)
		menu_set(w, false);
	if (b)
		act(w, b->action);
	if (stays && w->mode != WALL_LOOKS)
		menu_set(w, true);
	return true;
}

static void look_key(struct wall *w, const struct vt_key *k)
{
	const struct wall_binding *b = wall_keys_find(WALL_WHEN_LOOK, k);
	app_dirty(w->v.app);
	if (b)
		act(w, b->action);
	else if (k->sym == VT_KEY_CHAR && !k->mods)
		wall_note(w, STYLE_NOTE,
		    "the tiles are only looked at: i types into %s, b into all",
		    w->tiles[w->focus].name);
}

/* Typed for a guest that does not get it, behind the 'i' that was refused. What asks first may come at once. */
static bool is_late(const struct wall *w, const struct vt_key *k)
{
	const struct wall_binding *b = wall_keys_find(WALL_WHEN_LOOK, k);
	return loop_now_ms() - w->deaf_ms < TYPED_AHEAD_MS && !(b && b->action == WALL_ACT_FORCE);
}

static bool wall_key(struct view *v, const struct vt_key *k)
{
	struct wall *w = (struct wall *)v;
	if (console_keys_leaves(&v->app->keys, k)) {
		escape(w);
		return true;
	}
	if (w->mode == WALL_LOOKS && is_late(w, k))
		return true;
	w->note[0] = '\0';
	if (w->mode == WALL_LOOKS) {
		look_key(w, k);
		return true;
	}
	w->key_ms = loop_now_ms();
	if (w->menu)
		return menu_key(w, k);
	if (!console_keys_opens(&v->app->keys, k))
		return wall_type_key(w, k);
	menu_set(w, true);
	return true;
}

static bool wall_paste(struct view *v, const char *p, size_t n)
{
	struct wall *w = (struct wall *)v;
	if (w->mode == WALL_LOOKS)
		wall_note(w, STYLE_NOTE,
		    "a paste is not a command: i or b first, then the guests get it");
	else
		wall_paste_add(w, p, n);
	return true;
}

static void wall_pasted(struct view *v)
{
	struct wall *w = (struct wall *)v;
	if (w->mode != WALL_LOOKS)
		wall_paste_end(w);
}

static void wall_resized(struct view *v)
{
	wall_fit((struct wall *)v);
}

/* --- life --- */

static void wall_close(struct view *v)
{
	struct wall *w = (struct wall *)v;
	event_free(w->poll);
	event_free(w->judge);
	for (unsigned i = 0; i < w->n; i++)
		wall_tile_fini(&w->tiles[i]);
	buf_fini(&w->paste);
	free(w);
}

static const struct view_ops look_ops = {.draw = wall_draw,
    .key = wall_key,
    .paste = wall_paste,
    .pasted = wall_pasted,
    .tick = wall_tick,
    .resized = wall_resized,
    .close = wall_close};
static const struct view_ops guest_ops = {.guest = true,
    .draw = wall_draw,
    .key = wall_key,
    .paste = wall_paste,
    .pasted = wall_pasted,
    .tick = wall_tick,
    .resized = wall_resized,
    .close = wall_close};

void view_wall_open(struct app *app, char *const *names, unsigned n)
{
	struct wall *w = xcalloc(1, sizeof(*w));
	struct timeval tv = {.tv_usec = POLL_MS * 1000};
	w->v.ops = &look_ops;
	w->n = n < WALL_TILES_MAX ? n : WALL_TILES_MAX;
	for (unsigned i = 0; i < w->n; i++)
		wall_tile_init(&w->tiles[i], app->home, names[i], w);
	broadcast_init(&w->cast, w->n);
	for (unsigned i = 0; i < w->n; i++)
		broadcast_name(&w->cast, i, names[i]);
	w->poll = event_new(loop_base(app->loop), -1, EV_PERSIST, on_poll, w);
	w->judge = evtimer_new(loop_base(app->loop), wall_on_judge, w);
	event_add(w->poll, &tv);
	view_push(app, &w->v);
	wall_fit(w);
	if (n > w->n)
		wall_note(w, STYLE_NOTE,
		    "the first %u of %u are shown: mark those that you want (Space in the list)",
		    w->n, n);
}
