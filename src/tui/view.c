#include "tui/view.h"

#include "tui/app.h"

void view_push(struct app *app, struct view *v)
{
	v->app = app;
	v->below = app->top;
	app->top = v;
	if (!v->ops->overlay)
		tty_supersede(app->tty);
	app_dirty(app);
}

static void close_deferred(void *arg)
{
	struct view *v = arg;
	v->ops->close(v);
}

void view_pop(struct view *v)
{
	struct app *app = v->app;
	struct view *t;
	do {
		t = app->top;
		app->top = t->below;
		loop_defer(app->loop, close_deferred, t);
	} while (t != v && app->top);
	tty_supersede(app->tty);
	app_dirty(app);
	if (!app->top)
		app_quit(app, 0);
}

void view_remove(struct view *v)
{
	struct app *app = v->app;
	struct view **at = &app->top;
	while (*at && *at != v)
		at = &(*at)->below;
	if (!*at)
		return;
	*at = v->below;
	loop_defer(app->loop, close_deferred, v);
	app_dirty(app);
	if (!app->top)
		app_quit(app, 0);
}

static void draw_from(struct view *v)
{
	if (v->ops->overlay && v->below)
		draw_from(v->below);
	v->ops->draw(v);
}

void view_draw_all(struct app *app)
{
	if (app->top)
		draw_from(app->top);
}

void view_tick_all(struct app *app)
{
	for (struct view *v = app->top; v; v = v->below)
		if (v->ops->tick)
			v->ops->tick(v);
}

void view_news_all(struct app *app)
{
	for (struct view *v = app->top; v; v = v->below)
		if (v->ops->news)
			v->ops->news(v);
}

void view_resized_all(struct app *app)
{
	for (struct view *v = app->top; v; v = v->below)
		if (v->ops->resized)
			v->ops->resized(v);
}

void view_close_all(struct app *app)
{
	while (app->top) {
		struct view *v = app->top;
		app->top = v->below;
		v->ops->close(v);
	}
}
