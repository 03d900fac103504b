#include "tui/view_form.h"

#include <stdlib.h>

#include "core/mem.h"
#include "cli/table.h"
#include "tui/actions.h"
#include "tui/dialog.h"
#include "tui/draw.h"
#include "tui/view_ask.h"
#include "tui/view_plan.h"

struct form_view {
	struct view v;
	struct form form;
	struct sheet sheet;
	bool planning; /* the plan stands in its place, until a key comes back to it */
};

static void form_view_draw(struct view *v)
{
	struct form_view *f = (struct form_view *)v;
	int rows, cols, cursor_row, cursor_col;
	if (v->app->top == v)
		f->planning = false;
	if (f->planning)
		return;
	form_size(&f->form, draw_rows(), draw_cols(), &rows, &cols);
	sheet_init(&f->sheet, rows, cols, v->app->theme.utf8);
	form_draw(&f->form, &f->sheet, &cursor_row, &cursor_col);
	dialog_show(&f->sheet, v->app->top == v ? cursor_row : -1, cursor_col);
}

static void on_refused(void *arg, const char *why)
{
	struct form_view *f = arg;
	f->planning = false;
	form_error(&f->form, why);
}

static void on_started(void *arg)
{
	view_remove(&((struct form_view *)arg)->v);
}

/* As a note of the plan; NULL nothing is. */
static char *losses_of(const struct form *f, const struct verb *verb)
{
	CLEANUP_FREE char *own = f->spec->losses ? f->spec->losses(f) : NULL;
	const char *words = own ? own : f->losses ? f->losses : verb->losses;
	if (!words || !(verb->flags & (VERB_DISRUPTS | VERB_DELETES)))
		return NULL;
	return xasprintf("!%s: %s", verb->flags & VERB_DELETES ? "Deleted" : "Lost", words);
}

static void submit(struct form_view *f)
{
	struct form_words w;
	const struct verb *verb = verb_find(f->form.spec->verb);
	if (!verb || !form_check(&f->form))
		return;
	form_compose(&f->form, &w);
	CLEANUP_FREE char *lost = losses_of(&f->form, verb);
	const char *const notes[] = {lost, NULL};
	const struct plan_wish r = {.verb = verb,
	    .words = (const char *const *)w.word,
	    .about = f->form.domain,
	    .title = f->form.spec->title,
	    .typed = f->form.subject,
	    .notes = notes,
	    .refused = on_refused,
	    .started = on_started,
	    .arg = f};
	f->planning = true;
	view_plan_open(f->v.app, &r);
	form_words_fini(&w);
}

static void on_thrown_away(void *arg, bool yes)
{
	struct form_view *f = arg;
	if (yes)
		view_pop(&f->v);
}

static void leave(struct form_view *f)
{
	if (form_touched(&f->form))
		view_ask_open(f->v.app, "Throw away what was filled in?",
		    "Nothing was done yet. Esc goes back to the form.", on_thrown_away, f);
	else
		view_pop(&f->v);
}

static bool form_view_key(struct view *v, const struct vt_key *k)
{
	struct form_view *f = (struct form_view *)v;
	app_dirty(v->app);
	if (k->sym == VT_KEY_ENTER || k->sym == VT_KEY_KP_ENTER)
		submit(f);
	else if (k->sym == VT_KEY_ESCAPE ||
	         (k->sym == VT_KEY_CHAR && k->cp == 'c' && k->mods == VT_MOD_CTRL))
		leave(f);
	else
		form_key(&f->form, k);
	return true;
}

static bool form_view_paste(struct view *v, const char *p, size_t n)
{
	form_paste(&((struct form_view *)v)->form, p, n);
	app_dirty(v->app);
	return true;
}

static void form_view_close(struct view *v)
{
	struct form_view *f = (struct form_view *)v;
	form_fini(&f->form);
	sheet_fini(&f->sheet);
	free(f);
}

static const struct view_ops ops = {.overlay = true,
    .draw = form_view_draw,
    .key = form_view_key,
    .paste = form_view_paste,
    .close = form_view_close};

void view_form_open(struct app *app, const struct form_spec *spec, const char *domain,
    bool (*fill)(struct app *app, struct form *f, void *arg), void *arg)
{
	struct form_view *f;
	const struct verb *verb = verb_find(spec->verb);
	if (!verb) {
		app_message(app, STYLE_ERROR, "there is no command '%s'", spec->verb);
		return;
	}
	if (!action_allowed(app, verb))
		return;
	f = xcalloc(1, sizeof(*f));
	f->v.ops = &ops;
	form_init(&f->form, spec, domain);
	if (fill && !fill(app, &f->form, arg)) {
		form_fini(&f->form);
		free(f);
		return;
	}
	form_opened(&f->form);
	view_push(app, &f->v);
}
