#include "tui/wall_tile.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "tui/draw.h"
#include "tui/screen_part.h"

#define ROWS_USUAL 24
#define COLS_USUAL 80

/* --- facts --- */

/* Another view on this terminal: a zoomed console, or the connection that we have just closed. */
static bool ourselves(const char *holder)
{
	char where[64];
	const char *at = strchr(holder, '@');
	console_client_where(where, sizeof(where));
	where[strcspn(where, " ")] = '\0';
	return at && *where && str_eq(at + 1, where);
}

static void console_facts(struct wall_tile *t, const struct status_page *p)
{
	const struct status_console *c = &p->console[t->index];
	t->consoles = p->consoles < STATUS_CONSOLES_MAX ? p->consoles : STATUS_CONSOLES_MAX;
	snprintf(
	    t->holder, sizeof(t->holder), "%s", t->live && !ourselves(c->holder) ? c->holder : "");
	if (c->port < STATUS_PORT_COUNT && c->port_number < STATUS_CONSOLES_MAX)
		snprintf(t->port, sizeof(t->port), "%s%u",
		    status_port_word((enum status_port)c->port), c->port_number);
	if (c->rows && c->cols) {
		t->rows = c->rows;
		t->cols = c->cols;
	}
}

static void facts(struct wall_tile *t, bool adopt)
{
	struct vm vm;
	t->live = t->silent = t->alone = false;
	if (vm_probe(t->home, t->name, &vm, NULL) < 0) {
		snprintf(t->why, sizeof(t->why), "is gone: there is no such domain any more");
		return;
	}
	t->live = vm.live;
	t->silent = vm.silent;
	t->alone = vm.orphan;
	t->why[0] = '\0';
	if (vm.head)
		console_facts(t, vm.head);
	if (!vm.live && vm.head && vm.head->reason)
		snprintf(t->why, sizeof(t->why), "%s (%s)", vm_state_name(vm.state),
		    vm_reason_name((enum vm_reason)vm.head->reason));
	else if (!vm.live)
		snprintf(t->why, sizeof(t->why), "%s", vm_state_name(vm.state));
	if (adopt && (vm.orphan || vm.unsettled))
		vm_adopt_all(t->home, &vm, 1);
	vm_fini(&vm);
}

/* The ring is there as soon as the guest runs, and another one after each start. */
static void follow(struct wall_tile *t)
{
	if (t->preview && preview_stale(t->preview)) {
		preview_free(t->preview);
		t->preview = NULL;
	}
	if (!t->preview)
		t->preview = preview_open(t->home, t->name, t->index, t->rows, t->cols);
	if (t->preview)
		vt_screen_resize(preview_screen(t->preview), t->rows, t->cols);
}

/* What of the facts is drawn, to tell whether it changed. */
static void words_of(const struct wall_tile *t, char out[512])
{
	snprintf(out, 512, "%d%d%d %s %s %s", t->live, t->silent, t->alone, t->why,
	    wall_tile_holder(t), t->port);
}

bool wall_tile_look(struct wall_tile *t, bool adopt)
{
	char before[512], after[512];
	words_of(t, before);
	facts(t, adopt);
	follow(t);
	if (t->session)
		session_tick(t->session);
	words_of(t, after);
	return strcmp(before, after) != 0;
}

bool wall_tile_poll(struct wall_tile *t, size_t most)
{
	return !t->session && t->preview && preview_poll(t->preview, most);
}

void wall_tile_next_port(struct wall_tile *t)
{
	wall_tile_still(t);
	preview_free(t->preview);
	t->preview = NULL;
	t->index = t->consoles ? (t->index + 1) % t->consoles : 0;
	t->rows = ROWS_USUAL;
	t->cols = COLS_USUAL;
	wall_tile_look(t, false);
	wall_tile_poll(t, 0);
}

/* --- typing --- */

void wall_tile_type(
    struct wall_tile *t, struct loop *l, unsigned flags, const struct session_ops *ops)
{
	const struct session_options o = {
	    .index = t->index, .flags = flags | CONSOLE_KEYBOARD, .answers = t->answers};
	wall_tile_still(t);
	t->opened_ms = loop_now_ms();
	/* The guest's size, not the tile's: somebody who looks in must not change what others see. */
	t->session = session_open(l, t->home, t->name, &o, t->rows, t->cols, ops, t);
}

void wall_tile_still(struct wall_tile *t)
{
	if (!t->session)
		return;
	session_close(t->session);
	t->session = NULL;
	t->holder[0] = '\0';
	preview_free(t->preview);
	t->preview = NULL;
	follow(t);
	wall_tile_poll(t, 0);
}

bool wall_tile_mine(const struct wall_tile *t)
{
	return t->session && session_who(t->session)->mine;
}

const char *wall_tile_holder(const struct wall_tile *t)
{
	const struct console_who *who = t->session ? session_who(t->session) : NULL;
	if (!who)
		return t->holder;
	return who->mine || ourselves(who->holder) ? "" : who->holder;
}

void wall_tile_inherit(struct wall_tile *t)
{
	const struct console_who *who = t->session ? session_who(t->session) : NULL;
	if (who && !who->mine && ourselves(who->holder))
		session_take(t->session);
}

/* --- drawing --- */

static const char *role_words(const struct wall_tile *t, const struct tile_look *look)
{
	switch (look->role) {
	case TILE_TYPE:
		return wall_tile_mine(t) ? "TYPING" : "";
	case TILE_MEMBER:
		return "BROADCAST";
	case TILE_DIFFERS:
		return "DIFFERS from the others";
	case TILE_OUT:
		return "taken out";
	case TILE_LEFT_OUT:
		return "left out";
	default:
		return "";
	}
}

/* On the right of the title, the most urgent alone. */
static void title_words(
    const struct wall_tile *t, const struct tile_look *look, char *out, size_t n)
{
	const char *holder = wall_tile_holder(t), *role = role_words(t, look);
	bool lost = t->session && session_state(t->session) == SESSION_LOST;
	if (!t->live)
		snprintf(out, n, "%s: s starts", *t->why ? t->why : "off");
	else if (t->silent)
		snprintf(out, n, "not answering");
	else if (t->alone || lost)
		snprintf(out, n, "supervisor gone: trying again");
	else if (*holder)
		snprintf(out, n, "%s%skeyboard: %s", role, *role ? ", " : "", holder);
	else
		snprintf(out, n, "%s", role);
}

static enum style words_style(const struct wall_tile *t, const struct tile_look *look)
{
	if (t->live && (t->silent || look->role == TILE_DIFFERS))
		return STYLE_ERROR;
	if (!t->live || t->alone)
		return STYLE_WARN;
	if (look->role == TILE_MEMBER || look->role == TILE_TYPE)
		return STYLE_BAD;
	return STYLE_DIM;
}

static void draw_title(
    const struct wall_tile *t, const struct wall_rect *at, const struct tile_look *look)
{
	char words[256], name[STATUS_NAME_MAX + 32];
	int row = at->row - 1, used, need;
	enum style st = look->focused ? STYLE_TAB : STYLE_RULE;
	title_words(t, look, words, sizeof(words));
	snprintf(name, sizeof(name), "%s%s%s%s ", look->focused ? ">" : " ", t->name,
	    t->consoles > 1 ? " " : "", t->consoles > 1 ? t->port : "");
	if (look->focused)
		draw_fill(row, at->col, at->cols, st);
	else
		draw_rule(row, at->col, at->cols, st);
	used = draw_text(row, at->col, at->cols, look->focused ? st : STYLE_STRONG, name);
	need = draw_width(words) + 2;
	if (!*words || used + 4 > at->cols)
		return;
	if (need > at->cols - used)
		need = at->cols - used;
	snprintf(name, sizeof(name), " %.200s ", words);
	draw_field(row, at->col + at->cols - need, need, words_style(t, look), name);
}

static const struct vt_screen *screen_of(const struct wall_tile *t)
{
	if (t->session)
		return session_screen(t->session);
	return t->preview ? preview_screen(t->preview) : NULL;
}

void wall_tile_draw(struct wall_tile *t, const struct wall_rect *at, const struct tile_look *look)
{
	const struct vt_screen *s = screen_of(t);
	bool cursor = look->focused && t->live && wall_tile_mine(t);
	if (look->titled)
		draw_title(t, at, look);
	if (!s) {
		draw_text(at->row, at->col, at->cols, STYLE_DIM,
		    t->live ? "nothing was written yet" : "no last screen is kept");
		return;
	}
	if (!t->live)
		draw_overlay(A_DIM);
	screen_part_draw(s, at->row, at->col, at->rows, at->cols, cursor);
	draw_overlay(0);
}

static void draw_gap(const struct wall_rect *at, const struct tile_look *look, int col)
{
	int top = look->titled ? at->row - 1 : at->row, height = at->rows + at->row - top;
	if (col < 0 || col >= draw_cols())
		return;
	if (!look->focused)
		draw_column(top, col, height, STYLE_RULE);
	for (int r = top; look->focused && r < top + height; r++)
		draw_fill(r, col, 1, STYLE_TAB);
}

void wall_tile_draw_gaps(const struct wall_rect *at, const struct tile_look *look)
{
	draw_gap(at, look, at->col - 1);
	draw_gap(at, look, at->col + at->cols);
}

/* --- life --- */

void wall_tile_init(struct wall_tile *t, const struct home *h, const char *name, void *owner)
{
	memset(t, 0, sizeof(*t));
	t->home = h;
	t->name = xstrdup(name);
	t->owner = owner;
	t->rows = ROWS_USUAL;
	t->cols = COLS_USUAL;
	snprintf(t->port, sizeof(t->port), "serial0");
	wall_tile_look(t, false);
	wall_tile_poll(t, 0);
}

void wall_tile_fini(struct wall_tile *t)
{
	session_close(t->session);
	preview_free(t->preview);
	free(t->name);
}
