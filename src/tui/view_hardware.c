#include "tui/view_hardware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/table.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "tui/actions.h"
#include "tui/draw.h"
#include "tui/hw_actions.h"
#include "tui/hw_draw.h"
#include "tui/job_line.h"
#include "tui/keys.h"
#include "tui/plug_menu.h"
#include "tui/view_palette.h"
#include "tui/view_pick.h"
#include "tui/view_text.h"

struct hardware_view {
	struct view v;
	char *domain;
	struct hw_rows rows;
	struct hw_screen screen;
	struct sheet sheet;
};

/* Keys that are not of the device under the cursor; the list's own do the rest. */
static const struct {
	const char *key, *label, *help, *verb;
} plain_keys[] = {
    {"Enter", "what can be done", "what can be done to the device under the cursor", NULL},
    {"+", "plug", "plug in something: disk, network card, vCPUs, memory …", NULL},
    {"p", "pending", "what the next start changes", "pending"},
    {"C", "cancel job", "cancel what goes on in the domain: a detach that waits, a plan",
        "domjobabort"},
    {"x", NULL, "the document of the domain as XML", "dumpxml"},
    {":", NULL, "any command", NULL},
    {"?", "help", "this page", NULL},
    {"q", "back", "back to the domains", NULL},
};

static const struct vm_entry *entry_of(const struct hardware_view *t)
{
	return model_find(t->v.app->model, t->domain);
}

static const struct hw_row *row_at(const struct hardware_view *t)
{
	return t->screen.at < t->rows.n ? &t->rows.row[t->screen.at] : NULL;
}

/* The cursor stays on its device, when others come and go. */
static void read_rows(struct hardware_view *t)
{
	const struct vm_entry *e = entry_of(t);
	struct hw_rows old = t->rows;
	const struct hw_row *was = row_at(t);
	hw_rows_read(&t->rows, t->v.app->home, t->domain, e,
	    e && e->live ? model_page(t->v.app->model, e) : NULL);
	for (size_t i = 0; was && i < t->rows.n; i++) {
		const struct hw_row *r = &t->rows.row[i];
		if (!strcmp(r->part.kind, was->part.kind) &&
		    !strcmp(r->part.name, was->part.name) &&
		    !strcmp(r->part.alias, was->part.alias) && r->mark == was->mark)
			t->screen.at = i;
	}
	if (t->screen.at >= t->rows.n)
		t->screen.at = t->rows.n ? t->rows.n - 1 : 0;
	hw_rows_fini(&old);
}

/* --- drawing --- */

static void draw_footer(struct sheet *s, int row)
{
	int col = 1;
	sheet_fill(s, row, STYLE_BAR);
	for (size_t i = 0; i < ARRAY_LEN(plain_keys); i++) {
		const char *key = plain_keys[i].key, *label = plain_keys[i].label;
		bool last = i + 2 >= ARRAY_LEN(plain_keys);
		if (!label || (plain_keys[i].verb && !verb_find(plain_keys[i].verb)) ||
		    col + (int)(strlen(key) + strlen(label)) + 1 + (last ? 0 : 16) > s->cols)
			continue;
		col += sheet_text(s, row, col, s->cols - col, STYLE_BAR_KEY, key) + 1;
		col += sheet_text(s, row, col, s->cols - col, STYLE_BAR, label) + 2;
	}
}

static void hardware_draw(struct view *v)
{
	struct hardware_view *t = (struct hardware_view *)v;
	const struct vm_entry *e = entry_of(t);
	char clock[8], job[JOB_LINE_MAX] = "";
	int rows = draw_rows();
	timestamp_local((uint64_t)time(NULL), "%H:%M", clock, sizeof(clock));
	if (e)
		job_line_text(e, job);
	t->screen.domain = t->domain;
	t->screen.state = e ? vm_entry_state(e) : "gone";
	t->screen.job = job;
	t->screen.clock = clock;
	t->screen.rows = &t->rows;
	sheet_init(&t->sheet, rows, draw_cols(), v->app->theme.utf8);
	hw_screen_draw(&t->screen, &t->sheet);
	draw_footer(&t->sheet, rows - 1);
	sheet_show(&t->sheet, 0, 0);
	app_draw_message(v->app, rows - 1);
}

/* --- keys --- */

static void do_action(struct hardware_view *t, const struct hw_action *a)
{
	a->act(t->v.app, t->domain, row_at(t));
}

static bool action_key(struct hardware_view *t, const struct vt_key *k)
{
	const struct hw_row *r = row_at(t);
	bool known = false;
	if (k->sym != VT_KEY_CHAR || k->mods)
		return false;
	for (unsigned i = 0; i < hw_action_count; i++) {
		if ((unsigned char)hw_actions[i].key[0] != k->cp)
			continue;
		known = true;
		if (r && hw_action_offered(&hw_actions[i], r, t->rows.runs)) {
			do_action(t, &hw_actions[i]);
			return true;
		}
	}
	if (known && r)
		app_message(t->v.app, STYLE_NOTE, "that cannot be done to %s %s%s", r->part.kind,
		    r->part.name, t->rows.runs ? "" : " while it is off");
	return known;
}

struct chosen {
	struct hardware_view *view;
	unsigned n;
	const struct hw_action *action[16];
};

static void on_picked(struct app *app, void *arg, unsigned which)
{
	const struct chosen *c = arg;
	(void)app;
	if (row_at(c->view))
		do_action(c->view, c->action[which]);
}

static void pick_action(struct hardware_view *t)
{
	const struct hw_row *r = row_at(t);
	struct chosen *c = xcalloc(1, sizeof(*c));
	struct pick_item items[16];
	CLEANUP_FREE char *title = NULL;
	c->view = t;
	for (unsigned i = 0; r && i < hw_action_count && c->n < ARRAY_LEN(items); i++) {
		const struct hw_action *a = &hw_actions[i];
		if (!hw_action_offered(a, r, t->rows.runs))
			continue;
		items[c->n] = (struct pick_item){.key = a->key, .label = a->label, .note = a->help};
		c->action[c->n++] = a;
	}
	if (!c->n) {
		free(c);
		app_message(t->v.app, STYLE_NOTE, "nothing can be done to it here%s",
		    t->rows.runs ? "" : " while it is off: c on the list changes the definition");
		return;
	}
	title = xasprintf("%s: %s %s", t->domain, r->part.kind, r->part.name);
	view_pick_open(t->v.app, title, items, c->n, on_picked, c, free);
}

static bool plain_key(struct hardware_view *t, const struct vt_key *k)
{
	struct app *app = t->v.app;
	const char *verb = NULL;
	if (k->sym == VT_KEY_ENTER || k->sym == VT_KEY_KP_ENTER) {
		pick_action(t);
		return true;
	}
	if (k->sym != VT_KEY_CHAR || k->mods)
		return false;
	if (k->cp == '+') {
		plug_menu_open(app, t->domain);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(plain_keys); i++)
		if (plain_keys[i].verb && (unsigned char)plain_keys[i].key[0] == k->cp)
			verb = plain_keys[i].verb;
	if (!verb || !verb_find(verb))
		return false;
	const char *const words[] = {verb, t->domain, NULL};
	action_line(app, (char *const *)(uintptr_t)words);
	return true;
}

static void help(struct app *app)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	view_hardware_help(&text);
	view_keys_open(app, "the Hardware screen", text.data, text.len);
}

static void go(struct hardware_view *t, long by)
{
	long at = (long)t->screen.at + by, last = (long)t->rows.n - 1;
	t->screen.at = (size_t)(at < 0 ? 0 : at > last ? (last < 0 ? 0 : last) : at);
}

static void list_key(struct hardware_view *t, enum key_action a)
{
	struct app *app = t->v.app;
	long page = t->screen.height > 1 ? (long)t->screen.height - 1 : 1;
	switch (a) {
	case ACT_UP:
	case ACT_DOWN:
		go(t, a == ACT_UP ? -1 : 1);
		break;
	case ACT_PAGE_UP:
	case ACT_PAGE_DOWN:
		go(t, a == ACT_PAGE_UP ? -page : page);
		break;
	case ACT_TOP:
	case ACT_BOTTOM:
		go(t, a == ACT_TOP ? -(long)t->rows.n : (long)t->rows.n);
		break;
	case ACT_PALETTE:
		view_palette_open(app);
		break;
	case ACT_EVENTS:
		view_events_open(app);
		break;
	case ACT_HELP:
		help(app);
		break;
	case ACT_REDRAW:
		tty_repaint(app->tty);
		break;
	case ACT_SUSPEND:
		tty_suspend(app->tty);
		break;
	case ACT_CANCEL:
		action_cancel(app, "C cancels a plan, q goes back");
		break;
	case ACT_BACK:
	case ACT_QUIT:
	case ACT_HARDWARE:
		view_pop(&t->v);
		break;
	default:
		break;
	}
}

static bool hardware_key(struct view *v, const struct vt_key *k)
{
	struct hardware_view *t = (struct hardware_view *)v;
	const struct key_binding *b;
	app_dirty(v->app);
	if (action_key(t, k) || plain_key(t, k))
		return true;
	b = keys_find(k, NULL);
	if (b)
		list_key(t, b->action);
	return true;
}

void view_hardware_help(struct buf *out)
{
	buf_adds(out, "\nThe Hardware screen (h)\n");
	for (unsigned i = 0; i < hw_action_count; i++)
		if (verb_find(hw_actions[i].verb))
			buf_addf(out, "  %-14s %s  [hvmux %s]\n", hw_actions[i].key,
			    hw_actions[i].help, hw_actions[i].verb);
	for (size_t i = 0; i < ARRAY_LEN(plain_keys); i++) {
		const char *verb = plain_keys[i].verb;
		if (verb && !verb_find(verb))
			continue;
		buf_addf(out, "  %-14s %s%s%s%s\n", plain_keys[i].key, plain_keys[i].help,
		    verb ? "  [hvmux " : "", verb ? verb : "", verb ? "]" : "");
	}
	buf_adds(out,
	    "  A minus before a device: it is in no definition, and gone when the domain ends; a plus: it comes with the "
	    "next start.\n");
}

static void hardware_tick(struct view *v)
{
	struct hardware_view *t = (struct hardware_view *)v;
	read_rows(t);
	app_dirty(v->app);
}

static void hardware_close(struct view *v)
{
	struct hardware_view *t = (struct hardware_view *)v;
	hw_rows_fini(&t->rows);
	sheet_fini(&t->sheet);
	free(t->domain);
	free(t);
}

static const struct view_ops ops = {.draw = hardware_draw,
    .key = hardware_key,
    .tick = hardware_tick,
    .news = hardware_tick,
    .close = hardware_close};

void view_hardware_open(struct app *app, const char *domain)
{
	struct hardware_view *t = xcalloc(1, sizeof(*t));
	t->v.ops = &ops;
	t->domain = xstrdup(domain);
	t->v.app = app;
	read_rows(t);
	view_push(app, &t->v);
}
