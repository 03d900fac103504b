#include "tui/view_storage.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "tui/actions.h"
#include "tui/draw.h"
#include "tui/editline.h"
#include "tui/storage_actions.h"
#include "tui/storage_feed.h"
#include "tui/storage_keys.h"
#include "tui/storage_rows.h"
#include "tui/view_palette.h"
#include "tui/view_text.h"

struct storage {
	struct view v;
	struct storage_feed *feed;
	struct storage_screen s;
	struct storage_layout layout; /* as last drawn */
	struct sheet sheet;
	const struct storage_volume **rows;
	/* Where the cursors are, by what they are on: the facts come anew. NULL nowhere yet. */
	char *pool, *path;
	unsigned job;
	bool trashed; /* the volume */
	bool typing;  /* the filter */
	struct editline filter;
};

/* --- cursors: names, found anew in every order --- */

static void remember(char **to, const char *s)
{
	if (str_eq(*to, s))
		return;
	free(*to);
	*to = xstrdup0(s);
}

static void make_rows(struct storage *t)
{
	const struct storage_pool *p = storage_pool_at(&t->s);
	free(t->rows);
	t->rows = storage_rows(p, t->filter.text, t->s.sort, t->s.inverted, &t->s.n_volumes);
	t->s.volumes = t->rows;
	for (unsigned i = 0; t->path && i < t->s.n_volumes; i++)
		if (!strcmp(t->rows[i]->path, t->path) && t->rows[i]->trashed == t->trashed)
			t->s.at[STORAGE_VOLUMES] = i;
	if (t->s.at[STORAGE_VOLUMES] >= t->s.n_volumes)
		t->s.at[STORAGE_VOLUMES] = t->s.n_volumes ? t->s.n_volumes - 1 : 0;
}

/* What the cursors are on now. */
static void note_cursors(struct storage *t)
{
	const struct storage_pool *p = storage_pool_at(&t->s);
	const struct storage_volume *vol = storage_volume_at(&t->s);
	unsigned at = t->s.at[STORAGE_JOBS];
	bool chain = vol && !vol->trashed && t->s.focus == STORAGE_VOLUMES && !*vol->trouble;
	remember(&t->pool, p ? p->name : NULL);
	remember(&t->path, vol ? vol->path : NULL);
	t->trashed = vol && vol->trashed;
	t->job = at < storage_count(&t->s, STORAGE_JOBS) ? t->s.facts->jobs[at].id : 0;
	storage_feed_choose(t->feed, chain ? vol->path : NULL,
	    chain && strcmp(vol->format, "iso") != 0 ? vol->format : NULL);
	t->s.chain = storage_feed_chain(t->feed);
}

static void take_facts(struct storage *t)
{
	const struct storage_facts *f = t->s.facts = storage_feed_facts(t->feed);
	for (size_t i = 0; f && t->pool && i < f->n_pools; i++)
		if (!strcmp(f->pools[i].name, t->pool))
			t->s.at[STORAGE_POOLS] = (unsigned)i;
	for (size_t i = 0; f && t->job && i < f->n_jobs; i++)
		if (f->jobs[i].id == t->job)
			t->s.at[STORAGE_JOBS] = (unsigned)i;
	if (f && t->s.at[STORAGE_POOLS] >= f->n_pools)
		t->s.at[STORAGE_POOLS] = f->n_pools ? (unsigned)f->n_pools - 1 : 0;
	make_rows(t);
	note_cursors(t);
}

static void move_to(struct storage *t, long at)
{
	enum storage_part part = t->s.focus;
	long n = (long)storage_count(&t->s, part);
	at = at >= n ? n - 1 : at;
	t->s.at[part] = at < 0 ? 0 : (unsigned)at;
	if (part == STORAGE_POOLS) {
		remember(&t->path, NULL);
		t->s.at[STORAGE_VOLUMES] = t->s.first[STORAGE_VOLUMES] = 0;
		make_rows(t);
	}
	note_cursors(t);
	if (part == STORAGE_POOLS)
		storage_feed_tick(t->feed, t->pool);
}

/* --- drawing --- */

static void draw_footer(struct storage *t, int row)
{
	int at, cols = draw_cols();
	draw_fill(row, 0, cols, STYLE_BAR);
	at = 1 + draw_text(row, 1, cols, STYLE_BAR_KEY, "filter: ");
	editline_draw(&t->filter, row, at, cols - at > 1 ? cols - at : 1, STYLE_BAR);
}

static void storage_view_draw(struct view *v)
{
	struct storage *t = (struct storage *)v;
	int rows = draw_rows(), cols = draw_cols();
	char clock[8];
	timestamp_local((uint64_t)time(NULL), "%H:%M", clock, sizeof(clock));
	storage_layout_make(rows, storage_count(&t->s, STORAGE_POOLS),
	    storage_count(&t->s, STORAGE_JOBS), t->s.focus, &t->layout);
	t->s.clock = clock;
	t->s.host = v->app->host.name;
	t->s.filter = t->filter.text;
	sheet_init(&t->sheet, rows, cols, v->app->theme.utf8);
	storage_scroll(&t->s, &t->layout);
	storage_draw(&t->s, &t->layout, &t->sheet);
	if (t->layout.footer >= 0)
		storage_keys_footer(t->s.focus, &t->sheet, t->layout.footer);
	sheet_show(&t->sheet, 0, 0);
	t->s.clock = "";
	if (t->layout.footer >= 0 && t->typing)
		draw_footer(t, t->layout.footer);
	else if (t->layout.footer >= 0)
		app_draw_message(v->app, t->layout.footer);
}

/* --- keys --- */

static void filter_key(struct storage *t, const struct vt_key *k)
{
	if (k->sym == VT_KEY_ESCAPE || (k->cp == 'c' && k->mods == VT_MOD_CTRL)) {
		t->typing = false;
		editline_set(&t->filter, "");
	} else if (k->sym == VT_KEY_ENTER || k->sym == VT_KEY_KP_ENTER) {
		t->typing = false;
	} else if (k->sym == VT_KEY_UP || k->sym == VT_KEY_DOWN) {
		move_to(t, (long)t->s.at[t->s.focus] + (k->sym == VT_KEY_UP ? -1 : 1));
		return;
	} else if (!editline_key(&t->filter, k)) {
		return;
	}
	make_rows(t);
	note_cursors(t);
}

static void focus_on(struct storage *t, enum storage_part part)
{
	t->s.focus = part;
	note_cursors(t);
}

static void move(struct storage *t, enum storage_action a)
{
	int height = t->layout.height[t->s.focus];
	long page = height > 1 ? height - 1 : 1, at = (long)t->s.at[t->s.focus];
	long to[] = {[STORAGE_ACT_UP] = at - 1,
	    [STORAGE_ACT_DOWN] = at + 1,
	    [STORAGE_ACT_PAGE_UP] = at - page,
	    [STORAGE_ACT_PAGE_DOWN] = at + page,
	    [STORAGE_ACT_TOP] = 0,
	    [STORAGE_ACT_BOTTOM] = 1000000};
	move_to(t, to[a]);
}

static void sort_by(struct storage *t, int by)
{
	int c = (int)t->s.sort + by;
	if (by && (c < 0 || c >= STORAGE_SORTS))
		return;
	t->s.sort = (enum storage_sort)c;
	t->s.inverted = by ? false : !t->s.inverted;
	make_rows(t);
	note_cursors(t);
}

static void open_it(struct storage *t)
{
	if (t->s.focus == STORAGE_POOLS)
		focus_on(t, STORAGE_VOLUMES);
	else
		storage_open(t->v.app, &t->s);
}

static void back(struct storage *t)
{
	if (*t->filter.text) {
		editline_set(&t->filter, "");
		make_rows(t);
		note_cursors(t);
	} else {
		view_pop(&t->v);
	}
}

static void help(struct app *app)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	storage_keys_help(&text);
	view_keys_open(app, "the Storage screen", text.data, text.len);
}

static void other_key(struct storage *t, const struct storage_binding *b)
{
	struct app *app = t->v.app;
	switch (b->action) {
	case STORAGE_ACT_FILTER:
		t->typing = true;
		break;
	case STORAGE_ACT_SORT_LEFT:
	case STORAGE_ACT_SORT_RIGHT:
		sort_by(t, b->action == STORAGE_ACT_SORT_LEFT ? -1 : 1);
		break;
	case STORAGE_ACT_INVERT:
		sort_by(t, 0);
		break;
	case STORAGE_ACT_PALETTE:
		view_palette_open(app);
		break;
	case STORAGE_ACT_EVENTS:
		view_events_open(app);
		break;
	case STORAGE_ACT_HELP:
		help(app);
		break;
	case STORAGE_ACT_REDRAW:
		tty_repaint(app->tty);
		break;
	case STORAGE_ACT_SUSPEND:
		tty_suspend(app->tty);
		break;
	case STORAGE_ACT_CANCEL:
		action_cancel(app, "C ends a job, q goes back");
		break;
	default:
		storage_act(app, &t->s, b);
	}
}

static bool storage_key(struct view *v, const struct vt_key *k)
{
	struct storage *t = (struct storage *)v;
	const struct storage_binding *b;
	app_dirty(v->app);
	if (t->typing) {
		filter_key(t, k);
		return true;
	}
	b = storage_keys_find(t->s.focus, k);
	switch (b ? b->action : STORAGE_ACT_NONE) {
	case STORAGE_ACT_NONE:
		break;
	case STORAGE_ACT_UP:
	case STORAGE_ACT_DOWN:
	case STORAGE_ACT_PAGE_UP:
	case STORAGE_ACT_PAGE_DOWN:
	case STORAGE_ACT_TOP:
	case STORAGE_ACT_BOTTOM:
		move(t, b->action);
		break;
	case STORAGE_ACT_OPEN:
		open_it(t);
		break;
	case STORAGE_ACT_PART:
		focus_on(t, (enum storage_part)((t->s.focus + 1) % STORAGE_PARTS));
		break;
	case STORAGE_ACT_BACK:
		back(t);
		break;
	case STORAGE_ACT_QUIT:
		view_pop(v);
		break;
	default:
		other_key(t, b);
	}
	return true;
}

static bool storage_paste(struct view *v, const char *p, size_t n)
{
	struct storage *t = (struct storage *)v;
	if (t->typing) {
		editline_insert(&t->filter, p, n);
		make_rows(t);
		note_cursors(t);
	} else {
		app_message(v->app, STYLE_NOTE,
		    "a paste is not a command: nothing was done (: takes text)");
	}
	app_dirty(v->app);
	return true;
}

/* --- life --- */

static void changed(void *arg)
{
	struct storage *t = arg;
	take_facts(t);
	app_dirty(t->v.app);
}

static void storage_tick(struct view *v)
{
	struct storage *t = (struct storage *)v;
	storage_feed_tick(t->feed, t->pool);
}

static void storage_news(struct view *v)
{
	storage_feed_again(((struct storage *)v)->feed);
}

static void storage_close(struct view *v)
{
	struct storage *t = (struct storage *)v;
	storage_feed_free(t->feed);
	sheet_fini(&t->sheet);
	free(t->rows);
	free(t->pool);
	free(t->path);
	free(t);
}

static const struct view_ops ops = {.draw = storage_view_draw,
    .key = storage_key,
    .paste = storage_paste,
    .tick = storage_tick,
    .news = storage_news,
    .close = storage_close};

void view_storage_open(struct app *app)
{
	struct storage *t = xcalloc(1, sizeof(*t));
	t->v.ops = &ops;
	t->s.clock = t->s.host = t->s.filter = "";
	t->feed = storage_feed_new(app->home, app_offload(app), changed, t);
	view_push(app, &t->v);
	take_facts(t);
	storage_feed_tick(t->feed, NULL);
}
