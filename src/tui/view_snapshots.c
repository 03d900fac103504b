#include "tui/view_snapshots.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "tui/actions.h"
#include "tui/draw.h"
#include "tui/job_line.h"
#include "tui/snap_draw.h"
#include "tui/snap_forms.h"
#include "tui/snap_keys.h"
#include "tui/snap_watch.h"
#include "tui/view_palette.h"
#include "tui/view_text.h"

#define DETAIL_ROWS 6
#define DETAIL_ROWS_MIN 16 /* screens lower than this have no room for details */

struct snapshots_view {
	struct view v;
	char *domain;
	struct snap_watch *watch;
	char *name; /* under the cursor; NULL none yet: then the current one */
	size_t at, first, height;
	struct sheet sheet;
};

static const struct snap_row *row_at(const struct snapshots_view *t)
{
	const struct snap_rows *r = snap_watch_rows(t->watch);
	return t->at < r->n ? &r->row[t->at] : NULL;
}

static void go(struct snapshots_view *t, long at)
{
	long n = (long)snap_watch_rows(t->watch)->n;
	at = at >= n ? n - 1 : at;
	t->at = at < 0 ? 0 : (size_t)at;
	free(t->name);
	t->name = row_at(t) ? xstrdup(row_at(t)->name) : NULL;
}

/* The facts came anew: the cursor is on the same snapshot, or where it was. */
static void changed(void *arg)
{
	struct snapshots_view *t = arg;
	const struct snap_rows *r = snap_watch_rows(t->watch);
	size_t at = t->name ? snap_rows_find(r, t->name) : r->current;
	if (at < r->n)
		t->at = at;
	go(t, (long)t->at);
	app_dirty(t->v.app);
}

/* --- drawing --- */

static void draw_head(struct snapshots_view *t, const struct vm_entry *e, struct sheet *s)
{
	const struct snap_rows *r = snap_watch_rows(t->watch);
	char clock[8], job[JOB_LINE_MAX] = "";
	CLEANUP_FREE char *counts = NULL;
	int col = 1;
	timestamp_local((uint64_t)time(NULL), "%H:%M", clock, sizeof(clock));
	if (e)
		job_line_text(e, job);
	counts = !r->looked ? xstrdup("snapshots")
	                    : xasprintf("%zu snapshot%s%s%s", r->n + r->left_out,
	                          r->n + r->left_out == 1 ? "" : "s",
	                          *r->schedule ? "   by schedule: " : "", r->schedule);
	sheet_fill(s, 0, STYLE_BAR);
	col += sheet_text(s, 0, col, s->cols - col, STYLE_BAR_KEY, t->domain) + 2;
	if (e)
		col += sheet_text(s, 0, col, s->cols - col, STYLE_BAR, vm_entry_state(e)) + 2;
	col += sheet_text(s, 0, col, s->cols - col, STYLE_BAR, counts) + 2;
	if (*job)
		sheet_field(s, 0, col, s->cols - col - 7, STYLE_WARN, job);
	else if (s->cols - 7 > col)
		sheet_text(s, 0, s->cols - 6, 6, STYLE_BAR, clock);
}

static void snapshots_draw(struct view *v)
{
	struct snapshots_view *t = (struct snapshots_view *)v;
	const struct snap_rows *r = snap_watch_rows(t->watch);
	int rows = draw_rows(), cols = draw_cols(),
	    detail = rows >= DETAIL_ROWS_MIN ? DETAIL_ROWS : 0;
	int height = rows - 2 - detail - (detail > 0);
	uint64_t now = (uint64_t)time(NULL);
	t->height = height > 2 ? (size_t)height - 1 : 1;
	if (t->at < t->first)
		t->first = t->at;
	if (t->at >= t->first + t->height)
		t->first = t->at - t->height + 1;
	sheet_init(&t->sheet, rows, cols, v->app->theme.utf8);
	draw_head(t, v->app->model ? model_find(v->app->model, t->domain) : NULL, &t->sheet);
	snap_table_draw(r, t->first, t->at, now, &t->sheet, 1, height > 0 ? height : 0);
	if (detail) {
		sheet_rule(&t->sheet, 1 + height, STYLE_RULE);
		snap_details_draw(row_at(t), now, &t->sheet, 2 + height, detail);
	}
	snap_keys_footer(&t->sheet, rows - 1);
	sheet_show(&t->sheet, 0, 0);
	app_draw_message(v->app, rows - 1);
}

/* --- keys --- */

static void run_on(struct snapshots_view *t, const char *verb, bool on_snapshot)
{
	const struct snap_row *r = row_at(t);
	const char *const words[] = {verb, t->domain, on_snapshot && r ? r->name : NULL, NULL};
	if (on_snapshot && !r)
		app_message(t->v.app, STYLE_NOTE, "no snapshot is selected: n makes one");
	else
		action_line(t->v.app, (char *const *)(uintptr_t)words);
}

static void form_of(struct snapshots_view *t, enum snap_action a)
{
	const struct snap_row *r = row_at(t);
	struct app *app = t->v.app;
	if (a == SNAP_ACT_NEW)
		snap_form_new(app, t->domain);
	else if (a == SNAP_ACT_SCHEDULE)
		snap_form_schedule(app, t->domain);
	else if (!r)
		app_message(app, STYLE_NOTE, "no snapshot is selected: n makes one");
	else if (a == SNAP_ACT_REVERT)
		snap_form_revert(app, t->domain, r);
	else
		snap_form_delete(app, t->domain, r);
}

static void help(struct app *app)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	snap_keys_help(&text);
	view_keys_open(app, "the Snapshots screen", text.data, text.len);
}

static void other_key(struct snapshots_view *t, const struct snap_binding *b)
{
	struct app *app = t->v.app;
	switch (b->action) {
	case SNAP_ACT_NEW:
	case SNAP_ACT_SCHEDULE:
	case SNAP_ACT_REVERT:
	case SNAP_ACT_DELETE:
		form_of(t, b->action);
		break;
	case SNAP_ACT_SHOW:
	case SNAP_ACT_CANCEL_JOB:
		run_on(t, b->verb, b->action == SNAP_ACT_SHOW);
		break;
	case SNAP_ACT_PALETTE:
		view_palette_open(app);
		break;
	case SNAP_ACT_EVENTS:
		view_events_open(app);
		break;
	case SNAP_ACT_HELP:
		help(app);
		break;
	case SNAP_ACT_REDRAW:
		tty_repaint(app->tty);
		break;
	case SNAP_ACT_SUSPEND:
		tty_suspend(app->tty);
		break;
	case SNAP_ACT_CANCEL:
		action_cancel(app, "C cancels a plan, q goes back");
		break;
	case SNAP_ACT_BACK:
		view_pop(&t->v);
		break;
	default:
		break;
	}
}

static bool snapshots_key(struct view *v, const struct vt_key *k)
{
	struct snapshots_view *t = (struct snapshots_view *)v;
	const struct snap_binding *b = snap_keys_find(k);
	long at = (long)t->at, page = t->height > 1 ? (long)t->height - 1 : 1;
	const long to[] = {[SNAP_ACT_UP] = at - 1,
	    [SNAP_ACT_DOWN] = at + 1,
	    [SNAP_ACT_PAGE_UP] = at - page,
	    [SNAP_ACT_PAGE_DOWN] = at + page,
	    [SNAP_ACT_TOP] = 0,
	    [SNAP_ACT_BOTTOM] = (long)SNAP_KEPT};
	app_dirty(v->app);
	if (!b)
		return true;
	if (b->action >= SNAP_ACT_UP && b->action <= SNAP_ACT_BOTTOM)
		go(t, to[b->action]);
	else
		other_key(t, b);
	return true;
}

static void snapshots_tick(struct view *v)
{
	struct snapshots_view *t = (struct snapshots_view *)v;
	snap_watch_tick(t->watch, t->domain);
}

static void snapshots_close(struct view *v)
{
	struct snapshots_view *t = (struct snapshots_view *)v;
	snap_watch_free(t->watch);
	sheet_fini(&t->sheet);
	free(t->domain);
	free(t->name);
	free(t);
}

static const struct view_ops ops = {.draw = snapshots_draw,
    .key = snapshots_key,
    .tick = snapshots_tick,
    .news = snapshots_tick,
    .close = snapshots_close};

void view_snapshots_open(struct app *app, const char *domain)
{
	struct snapshots_view *t = xcalloc(1, sizeof(*t));
	t->v.ops = &ops;
	t->domain = xstrdup(domain);
	t->watch = snap_watch_new(app->home, app_offload(app), changed, t);
	view_push(app, &t->v);
	snap_watch_tick(t->watch, domain);
}
