#include "tui/view_lines.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tui/draw.h"
#include "tui/keys.h"

struct lines_view {
	struct view v;
	char *title, *name;
	lines_fill fill;
	struct lines lines;
	unsigned first;
	int left;
	bool at_end;
};

static unsigned page(void)
{
	return draw_rows() > 3 ? (unsigned)draw_rows() - 2 : 1;
}

static unsigned last_top(const struct lines_view *v)
{
	return v->lines.n > page() ? v->lines.n - page() : 0;
}

static void lines_view_draw(struct view *view)
{
	struct lines_view *v = (struct lines_view *)view;
	int rows = draw_rows(), cols = draw_cols();
	if (v->at_end || v->first > last_top(v))
		v->first = last_top(v);
	draw_fill(0, 0, cols, STYLE_BAR);
	draw_text(0, 1, cols - 1, STYLE_BAR, v->title);
	lines_draw(&v->lines, v->first, v->left, 1, (int)page(), cols);
	if (app_draw_message(view->app, rows - 1))
		return;
	draw_fill(rows - 1, 0, cols, STYLE_BAR);
	draw_textf(rows - 1, 1, cols - 1, STYLE_BAR,
	    "q close   lines %u-%u of %u%s   PgUp PgDn g G Left Right scroll",
	    v->lines.n ? v->first + 1 : 0,
	    v->first + page() < v->lines.n ? v->first + page() : v->lines.n, v->lines.n,
	    v->at_end ? ", following" : "");
}

static void scroll(struct lines_view *v, long by)
{
	long to = (long)v->first + by, last = (long)last_top(v);
	v->first = (unsigned)(to < 0 ? 0 : to > last ? last : to);
	v->at_end = v->at_end && (long)v->first == last;
}

static bool lines_view_key(struct view *view, const struct vt_key *k)
{
	struct lines_view *v = (struct lines_view *)view;
	const struct key_binding *b = keys_find(k, NULL);
	enum key_action a = b ? b->action : ACT_NONE;
	long p = (long)page();
	app_dirty(view->app);
	if (k->sym == VT_KEY_LEFT || k->sym == VT_KEY_RIGHT)
		v->left = k->sym == VT_KEY_RIGHT ? v->left + 8 : v->left < 8 ? 0 : v->left - 8;
	else if (a == ACT_QUIT || a == ACT_BACK || k->sym == VT_KEY_ENTER || a == ACT_CANCEL)
		view_pop(view);
	else if (a == ACT_UP || a == ACT_DOWN)
		scroll(v, a == ACT_UP ? -1 : 1);
	else if (a == ACT_PAGE_UP || a == ACT_PAGE_DOWN || a == ACT_MARK)
		scroll(v, a == ACT_PAGE_UP ? -p : p);
	else if (a == ACT_TOP || a == ACT_BOTTOM)
		scroll(v, a == ACT_TOP ? -(long)v->lines.n : (long)v->lines.n);
	return true;
}

static void lines_view_tick(struct view *view)
{
	struct lines_view *v = (struct lines_view *)view;
	if (v->fill(view->app, v->name, true, &v->lines))
		app_dirty(view->app);
}

static void lines_view_close(struct view *view)
{
	struct lines_view *v = (struct lines_view *)view;
	lines_clear(&v->lines);
	free(v->title);
	free(v->name);
	free(v);
}

static const struct view_ops ops = {.draw = lines_view_draw,
    .key = lines_view_key,
    .tick = lines_view_tick,
    .close = lines_view_close};

void view_lines_open(
    struct app *app, const char *title, const char *name, lines_fill fill, bool end)
{
	struct lines_view *v = xcalloc(1, sizeof(*v));
	v->v.ops = &ops;
	v->title = xasprintf("%s: %s", name, title);
	v->name = xstrdup(name);
	v->fill = fill;
	v->at_end = end;
	v->fill(app, name, true, &v->lines);
	view_push(app, &v->v);
}
