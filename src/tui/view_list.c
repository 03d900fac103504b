#include "tui/view_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/actions.h"
#include "tui/draw.h"
#include "tui/editline.h"
#include "tui/header.h"
#include "tui/keys.h"
#include "tui/list_row.h"
#include "tui/panes.h"
#include "tui/plug_menu.h"
#include "tui/view_hardware.h"
#include "tui/view_lines.h"
#include "tui/view_palette.h"
#include "tui/view_snapshots.h"
#include "tui/view_storage.h"
#include "tui/view_text.h"

#define PANE_ROWS_MIN 14 /* terminals lower than this have no room for a pane */

struct list {
	struct view v;
	struct panes *panes;
	unsigned first;  /* row at the top */
	unsigned height; /* rows of the list, as last drawn */
	int at;          /* where the selection was, for when its VM goes */
	bool typing;     /* the filter */
	struct editline filter;
	char *sought; /* last filter: n and N look for it */
};

/* --- selection: a name, found anew in every order --- */

static struct vm_entry *selected(struct list *l)
{
	struct app *app = l->v.app;
	unsigned n;
	struct vm_entry **rows = model_rows(app->model, &n);
	int at = model_index(app->model, app->selected);
	if (at < 0 && n) {
		at = l->at < 0 ? 0 : l->at >= (int)n ? (int)n - 1 : l->at;
		free(app->selected);
		app->selected = xstrdup(rows[at]->name);
	}
	l->at = at;
	return at < 0 ? NULL : rows[at];
}

/* NULL on a group. */
static struct vm_entry *selected_vm(struct list *l)
{
	struct vm_entry *e = selected(l);
	return e && !e->folder ? e : NULL;
}

static void select_row(struct list *l, long at)
{
	struct app *app = l->v.app;
	unsigned n;
	struct vm_entry **rows = model_rows(app->model, &n);
	if (!n)
		return;
	at = at < 0 ? 0 : at >= (long)n ? (long)n - 1 : at;
	free(app->selected);
	app->selected = xstrdup(rows[at]->name);
	l->at = (int)at;
}

static void seek(struct list *l, int step)
{
	struct app *app = l->v.app;
	unsigned n;
	struct vm_entry **rows = model_rows(app->model, &n);
	if (!l->sought || !*l->sought) {
		app_message(app, STYLE_NOTE, "nothing was looked for yet: / starts");
		return;
	}
	for (unsigned i = 1; i <= n; i++) {
		unsigned at = (unsigned)(l->at + (int)n + step * (int)i % (int)n) % n;
		if (vm_entry_matches(rows[at], l->sought)) {
			select_row(l, (long)at);
			return;
		}
	}
	app_message(app, STYLE_NOTE, "no domain matches '%s'", l->sought);
}

/* --- drawing --- */

static void scroll_to_selection(struct list *l, unsigned n)
{
	unsigned at = l->at < 0 ? 0 : (unsigned)l->at;
	if (at < l->first)
		l->first = at;
	if (at >= l->first + l->height)
		l->first = at - l->height + 1;
	if (l->first + l->height > n)
		l->first = n > l->height ? n - l->height : 0;
}

static void draw_empty(struct list *l, int row)
{
	struct app *app = l->v.app;
	const char *filter = model_filter_text(app->model);
	if (row >= draw_rows() - 1)
		return;
	if (*filter)
		draw_textf(row, 2, draw_cols() - 2, STYLE_NORMAL,
		    "no domain matches '%s' (Esc shows all)", filter);
	else
		draw_text(row, 2, draw_cols() - 2, STYLE_NORMAL,
		    "no domains yet. Define one:  hvmux define FILE.xml   or here  :define FILE.xml   (? help)");
}

static void draw_rows_of(struct list *l, int top)
{
	struct app *app = l->v.app;
	struct list_layout layout;
	unsigned n;
	struct vm_entry **rows = model_rows(app->model, &n), *sel = selected(l);
	int name = 0;
	scroll_to_selection(l, n);
	model_window(app->model, l->first, l->height);
	for (unsigned i = l->first; i < n && i < l->first + l->height; i++) {
		int w = draw_width(rows[i]->name) + (int)rows[i]->depth * LIST_INDENT;
		name = w > name ? w : name;
	}
	list_layout(&layout, draw_cols(), name);
	if (top > 1)
		list_titles_draw(app, &layout, top - 1);
	for (unsigned i = 0; i < l->height && l->first + i < n; i++)
		list_row_draw(
		    app, &layout, rows[l->first + i], top + (int)i, rows[l->first + i] == sel);
	if (!n)
		draw_empty(l, top);
}

static void draw_keys(int row)
{
	int col = 1, cols = draw_cols();
	draw_fill(row, 0, cols, STYLE_BAR);
	for (unsigned i = 0; i < key_count; i++) {
		const struct key_binding *b = &key_table[i];
		int need = b->label ? (int)(strlen(b->keys[0]) + strlen(b->label)) + 1 : 0;
		/* Help and quit are kept in sight. */
		int kept = b->action == ACT_HELP || b->action == ACT_QUIT ? 0 : 15;
		if (!b->label || col + need + kept > cols)
			continue;
		col += draw_text(row, col, cols - col, STYLE_BAR_KEY, b->keys[0]) + 1;
		col += draw_text(row, col, cols - col, STYLE_BAR, b->label) + 2;
	}
}

static void draw_footer(struct list *l, int row)
{
	struct app *app = l->v.app;
	const char *filter = model_filter_text(app->model);
	int cols = draw_cols();
	unsigned n;
	if (l->typing) {
		draw_fill(row, 0, cols, STYLE_BAR);
		int at = 1 + draw_text(row, 1, cols, STYLE_BAR_KEY, "filter: ");
		editline_draw(&l->filter, row, at, cols - at > 1 ? cols - at : 1, STYLE_BAR);
		return;
	}
	if (app_draw_message(app, row))
		return;
	if (*filter) {
		model_rows(app->model, &n);
		draw_fill(row, 0, cols, STYLE_NOTE);
		draw_textf(row, 1, cols - 1, STYLE_NOTE,
		    "filter '%s': %u shown   Esc all   / change   ? help", filter, n);
		return;
	}
	draw_keys(row);
}

static int pane_height(struct list *l, int rows, unsigned n)
{
	int list_needs = (int)n + 4, most = rows * 3 / 5, least = rows / 3;
	int h = rows - list_needs;
	if (!panes_open(l->panes) || rows < PANE_ROWS_MIN)
		return 0;
	return h < least ? least : h > most ? most : h;
}

static void draw_folder_hint(struct list *l, int row, int height)
{
	const struct vm_entry *e = selected(l);
	if (height > 0 && e && e->folder && panes_open(l->panes) < '7')
		draw_text(row, 1, draw_cols() - 1, STYLE_DIM,
		    "a group: Enter folds it, Space marks all in it, a command applies to all in it");
}

static void list_draw(struct view *v)
{
	struct list *l = (struct list *)v;
	struct app *app = v->app;
	int rows = draw_rows(), top = rows >= 7 ? 2 : rows >= 3 ? 1 : 0, pane, tabs;
	struct model_counts c;
	model_counts(app->model, &c);
	pane = pane_height(l, rows, c.all);
	tabs = rows >= PANE_ROWS_MIN ? 1 : 0;
	l->height = (unsigned)(rows - top - pane - tabs - 1 > 1 ? rows - top - pane - tabs - 1 : 1);
	if (top > 0)
		header_draw(app, 0);
	draw_rows_of(l, top);
	if (tabs)
		panes_draw_tabs(l->panes, top + (int)l->height);
	draw_folder_hint(l, top + (int)l->height + tabs, pane);
	panes_draw(l->panes, selected_vm(l), top + (int)l->height + tabs, pane);
	if (rows > 1)
		draw_footer(l, rows - 1);
}

/* --- keys --- */

static void filter_key(struct list *l, const struct vt_key *k)
{
	struct app *app = l->v.app;
	if (k->sym == VT_KEY_ESCAPE || (k->cp == 'c' && k->mods == VT_MOD_CTRL)) {
		l->typing = false;
		model_filter(app->model, "");
	} else if (k->sym == VT_KEY_ENTER) {
		l->typing = false;
	} else if (k->sym == VT_KEY_UP || k->sym == VT_KEY_DOWN) {
		select_row(l, l->at + (k->sym == VT_KEY_UP ? -1 : 1));
	} else if (editline_key(&l->filter, k)) {
		model_filter(app->model, l->filter.text);
		free(l->sought);
		l->sought = xstrdup(l->filter.text);
	}
}

/* All in a group are marked, or, when they were already, none. */
static void mark_folder(struct list *l, const struct vm_entry *folder)
{
	unsigned n, marked = 0, members = 0;
	struct vm_entry **vms = model_vms(l->v.app->model, &n);
	for (unsigned i = 0; i < n; i++)
		if (vm_entry_in(vms[i], folder)) {
			members++;
			marked += vms[i]->marked;
		}
	for (unsigned i = 0; i < n; i++)
		if (vm_entry_in(vms[i], folder))
			vms[i]->marked = marked < members;
}

static void toggle_mark(struct list *l)
{
	struct vm_entry *e = selected(l);
	if (!e)
		return;
	if (e->folder)
		mark_folder(l, e);
	else
		e->marked = !e->marked;
	model_marked(l->v.app->model);
	select_row(l, l->at + 1);
}

static void mark_all(struct list *l, bool on)
{
	unsigned n;
	struct vm_entry **vms = model_vms(l->v.app->model, &n);
	for (unsigned i = 0; i < n; i++)
		vms[i]->marked = on;
	model_marked(l->v.app->model);
}

static void back(struct list *l)
{
	struct app *app = l->v.app;
	struct model_counts c;
	model_counts(app->model, &c);
	if (*model_filter_text(app->model))
		model_filter(app->model, "");
	else if (c.marked)
		mark_all(l, false);
}

static void sort_step(struct list *l, int by)
{
	bool inverted;
	int c = (int)model_sort_column(l->v.app->model, &inverted) + by;
	if (c >= 0 && c < SORT_COUNT)
		model_sort(l->v.app->model, (enum sort_column)c, false);
}

static void run_verb(struct list *l, const char *name)
{
	unsigned n;
	char **names = action_targets(l->v.app, &n);
	const struct verb *v = verb_find(name);
	if (v)
		action_verb(l->v.app, v, names);
	action_targets_free(names);
}

/* A verb that works on no domain. */
static void run_plain(struct list *l, const char *name)
{
	char *const words[] = {(char *)(uintptr_t)name, NULL};
	action_line(l->v.app, words);
}

/* What is paused goes on, what runs is paused: each of the marked by its own state. */
static void pause_or_resume(struct list *l)
{
	unsigned n, np = 0, nr = 0;
	char **names = action_targets(l->v.app, &n);
	CLEANUP_FREE char **pause = xcalloc(n + 1, sizeof(*pause)),
	                  **resume = xcalloc(n + 1, sizeof(*resume));
	for (unsigned i = 0; i < n; i++) {
		const struct vm_entry *e = model_find(l->v.app->model, names[i]);
		if (e && (e->state == VM_PAUSED || e->state == VM_PMSUSPENDED))
			resume[nr++] = names[i];
		else
			pause[np++] = names[i];
	}
	if (nr)
		action_verb(l->v.app, verb_find("resume"), resume);
	if (np || !n)
		action_verb(l->v.app, verb_find("suspend"), pause);
	action_targets_free(names);
}

static void attach(struct list *l)
{
	struct vm_entry *e = selected(l);
	if (e && e->folder)
		model_fold(l->v.app->model, e, !e->folded);
	else if (e)
		action_attach(l->v.app, e->name);
}

/* Folds the group under the cursor, or the one that the domain under the cursor is in. */
static void fold(struct list *l, bool folded)
{
	struct model *m = l->v.app->model;
	struct vm_entry *e = selected(l);
	if (!e || !model_is_tree(m))
		return;
	if (!e->folder && folded && *e->group) {
		CLEANUP_FREE char *name = xasprintf("%s/", e->group);
		e = model_find(m, name);
	}
	if (!e || !e->folder)
		return;
	model_fold(m, e, folded);
	free(l->v.app->selected);
	l->v.app->selected = xstrdup(e->name);
}

/* On a group: unfolds it. */
static void plug(struct list *l)
{
	const struct vm_entry *e = selected(l);
	if (e && e->folder)
		fold(l, false);
	else if (e)
		plug_menu_open(l->v.app, e->name);
	else
		app_message(l->v.app, STYLE_NOTE, "no domain is selected");
}

/* Domains that are in no group need no tree: say how one is put into a group. */
static void toggle_tree(struct list *l)
{
	struct app *app = l->v.app;
	struct model *m = app->model;
	unsigned n, grouped = 0;
	struct vm_entry **vms = model_vms(m, &n);
	for (unsigned i = 0; i < n; i++)
		grouped += *vms[i]->group != '\0';
	if (!grouped && !model_is_tree(m)) {
		app_message(app, STYLE_NOTE,
		    "no domain is in a group yet: ':group NAME prod/web' puts it there");
		return;
	}
	model_tree(m, !model_is_tree(m));
}

static void open_part(struct list *l, enum key_action a)
{
	struct vm_entry *e = selected(l);
	if (!e || e->folder)
		app_message(l->v.app, STYLE_NOTE, "no domain is selected");
	else if (a == ACT_SNAPSHOTS)
		view_snapshots_open(l->v.app, e->name);
	else if (a == ACT_LOG)
		view_lines_open(l->v.app, "log", e->name, lines_log, true);
	else if (a == ACT_CRASHES)
		view_lines_open(l->v.app, "crashes", e->name, lines_crashes, false);
	else
		view_hardware_open(l->v.app, e->name);
}

static void move(struct list *l, enum key_action a)
{
	long page = l->height > 1 ? (long)l->height - 1 : 1;
	long by[] = {[ACT_UP] = -1,
	    [ACT_DOWN] = 1,
	    [ACT_PAGE_UP] = -page,
	    [ACT_PAGE_DOWN] = page,
	    [ACT_TOP] = -1000000,
	    [ACT_BOTTOM] = 1000000};
	if (a == ACT_TOP)
		l->first = 0;
	select_row(l, l->at + by[a]);
}

static void look_key(struct list *l, const struct key_binding *b)
{
	bool inverted;
	enum sort_column c = model_sort_column(l->v.app->model, &inverted);
	switch (b->action) {
	case ACT_FILTER:
		l->typing = true;
		editline_set(&l->filter, model_filter_text(l->v.app->model));
		break;
	case ACT_NEXT:
	case ACT_PREVIOUS:
		seek(l, b->action == ACT_NEXT ? 1 : -1);
		break;
	case ACT_SORT_LEFT:
	case ACT_SORT_RIGHT:
		sort_step(l, b->action == ACT_SORT_LEFT ? -1 : 1);
		break;
	case ACT_INVERT:
		model_sort(l->v.app->model, c, !inverted);
		break;
	case ACT_PANE:
		panes_choose(l->panes, b->keys[0][0]);
		break;
	case ACT_PANE_NEXT:
		panes_next(l->panes);
		break;
	case ACT_SCALE:
		panes_toggle_scale(l->panes);
		break;
	case ACT_PANE_UP:
	case ACT_PANE_DOWN:
		panes_scroll(l->panes, b->action == ACT_PANE_UP ? -1 : 1);
		break;
	case ACT_TREE:
		toggle_tree(l);
		break;
	case ACT_FOLD:
	case ACT_UNFOLD:
		fold(l, b->action == ACT_FOLD);
		break;
	case ACT_HARDWARE:
	case ACT_LOG:
	case ACT_CRASHES:
	case ACT_SNAPSHOTS:
		open_part(l, b->action);
		break;
	default:
		break;
	}
}

static void list_action(struct list *l, const struct key_binding *b)
{
	struct app *app = l->v.app;
	switch (b->action) {
	case ACT_UP:
	case ACT_DOWN:
	case ACT_PAGE_UP:
	case ACT_PAGE_DOWN:
	case ACT_TOP:
	case ACT_BOTTOM:
		move(l, b->action);
		break;
	case ACT_ATTACH:
		attach(l);
		break;
	case ACT_WALL:
		action_wall(app);
		break;
	case ACT_VERB:
		run_verb(l, b->verb);
		break;
	case ACT_RUN:
		run_plain(l, b->verb);
		break;
	case ACT_PAUSE:
		pause_or_resume(l);
		break;
	case ACT_PALETTE:
		view_palette_open(app);
		break;
	case ACT_MARK:
		toggle_mark(l);
		break;
	case ACT_MARK_ALL: {
		struct model_counts c;
		model_counts(app->model, &c);
		mark_all(l, !c.marked);
		break;
	}
	case ACT_PLUG:
		plug(l);
		break;
	case ACT_STORAGE:
		view_storage_open(app);
		break;
	case ACT_EVENTS:
		view_events_open(app);
		break;
	case ACT_HELP:
		view_help_open(app);
		break;
	case ACT_REDRAW:
		tty_repaint(app->tty);
		break;
	case ACT_SUSPEND:
		tty_suspend(app->tty);
		break;
	case ACT_CANCEL:
		action_cancel(app, "q quits");
		break;
	case ACT_BACK:
		back(l);
		break;
	case ACT_QUIT:
		app_quit(app, 0);
		break;
	default:
		look_key(l, b);
	}
}

static bool list_key(struct view *v, const struct vt_key *k)
{
	struct list *l = (struct list *)v;
	const struct key_binding *b;
	app_dirty(v->app);
	selected(l);
	if (l->typing) {
		filter_key(l, k);
		return true;
	}
	b = keys_find(k, NULL);
	if (b)
		list_action(l, b);
	return true;
}

static bool list_paste(struct view *v, const char *p, size_t n)
{
	struct list *l = (struct list *)v;
	if (l->typing) {
		editline_insert(&l->filter, p, n);
		model_filter(v->app->model, l->filter.text);
	} else {
		app_message(v->app, STYLE_NOTE,
		    "a paste is not a command: nothing was done (: takes text)");
	}
	app_dirty(v->app);
	return true;
}

static void list_tick(struct view *v)
{
	struct list *l = (struct list *)v;
	if (v->app->top == v)
		panes_tick(l->panes, selected_vm(l));
}

static void list_close(struct view *v)
{
	struct list *l = (struct list *)v;
	panes_free(l->panes);
	free(l->sought);
	free(l);
}

static const struct view_ops ops = {.draw = list_draw,
    .key = list_key,
    .paste = list_paste,
    .tick = list_tick,
    .close = list_close};

void view_list_open(struct app *app)
{
	struct list *l = xcalloc(1, sizeof(*l));
	l->v.ops = &ops;
	l->panes = panes_new(app);
	l->height = 1;
	view_push(app, &l->v);
}
