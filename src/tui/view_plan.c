#include "tui/view_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/actions.h"
#include "tui/dialog.h"
#include "tui/draw.h"
#include "tui/job_line.h"
#include "tui/plan_draw.h"

#define TYPED_AHEAD_MS 300 /* a y that was typed before the plan could be read starts nothing */
#define WORDS_MAX 64

struct plan_view {
	struct view v;
	const struct verb *verb;
	char **words, **notes;
	unsigned n_notes;
	char *about, *typed, *title, *command, *said;
	void (*refused)(void *arg, const char *why);
	void (*started)(void *arg);
	void *arg;
	enum plan_state state;
	struct job *dry;  /* goes on; ours until jobs_drop */
	unsigned run;     /* id of the job that does it */
	uint64_t asks_ms; /* since when */
	struct plan_text text;
	struct editline line;
	bool wrong, details;
	unsigned part, step; /* the last that was seen to go on */
	unsigned first, room;
	struct sheet sheet;
};

bool plan_shown(const struct verb *v)
{
	return opt_find(v->opts, "dry-run", 7) != NULL;
}

static void say(struct plan_view *p, char *words_take)
{
	free(p->said);
	p->said = words_take;
}

/* --- the dry run --- */

static void ask(struct plan_view *p)
{
	p->state = PLAN_ASKS;
	p->asks_ms = loop_now_ms();
	say(p, plan_shown(p->verb) ? NULL : xstrdup("a single step: there is no plan to show"));
}

static void refuse(struct plan_view *p, const char *why)
{
	void (*refused)(void *, const char *) = p->refused;
	void *arg = p->arg;
	p->state = PLAN_BAD;
	say(p, xstrdup(*why ? why : "this cannot be done, and nothing says why"));
	if (refused) {
		CLEANUP_FREE char *words = xstrdup(p->said);
		view_pop(&p->v);
		refused(arg, words);
	}
}

static void look(struct plan_view *p)
{
	const char *words[WORDS_MAX + 2];
	struct err err = {0};
	unsigned n = 0;
	for (; p->words[n] && n < WORDS_MAX; n++)
		words[n] = p->words[n];
	words[n++] = "--dry-run";
	words[n] = NULL;
	p->state = PLAN_LOOKS;
	say(p, xstrdup("looking at what it would do …"));
	p->dry = jobs_run_quiet(p->v.app->jobs, words, &err);
	if (!p->dry)
		refuse(p, err.msg);
}

static void looked(struct plan_view *p)
{
	struct job *j = p->dry;
	CLEANUP_FREE char *words = job_words(j);
	bool done = j->state == JOB_DONE;
	if (j->state == JOB_RUNNING)
		return;
	if (done)
		plan_text_read(&p->text, j->out.data ? j->out.data : "", j->out.len);
	jobs_drop(p->v.app->jobs, j);
	p->dry = NULL;
	if (done)
		ask(p);
	else
		refuse(p, words);
	app_dirty(p->v.app);
}

/* --- the run --- */

static void start(struct plan_view *p)
{
	struct app *app = p->v.app;
	struct err err = {0};
	struct job *j = jobs_run(app->jobs, (const char *const *)p->words, false, &err);
	if (!j) {
		p->state = PLAN_FAILED;
		say(p, xstrdup(err.msg));
		return;
	}
	p->run = j->id;
	p->state = PLAN_RUNS;
	say(p, xstrdup("it begins …"));
	if (p->started)
		p->started(p->arg);
}

static void follow(struct plan_view *p)
{
	const struct job *j = jobs_find(p->v.app->jobs, p->run);
	const struct vm_entry *e = p->v.app->model ? model_find(p->v.app->model, p->about) : NULL;
	char line[JOB_LINE_MAX] = "";
	if (p->state != PLAN_RUNS || !j)
		return;
	if (j->state != JOB_RUNNING) {
		p->state = j->state == JOB_DONE ? PLAN_ENDED : PLAN_FAILED;
		char *words = job_words(j);
		say(p, *words ? words : xstrdup(j->state == JOB_DONE ? "done" : "cancelled"));
		if (!*words)
			free(words);
		return;
	}
	if (e && *e->job) {
		if (e->job_step) {
			p->part =
			    plan_text_part(&p->text, p->part, p->step, e->job_step, e->job_steps);
			if (p->part < p->text.parts && p->text.steps[p->part] == e->job_steps)
				p->step = e->job_step;
		}
		job_line_text(e, line);
		say(p, xstrdup(line));
	} else if (j->progress) {
		say(p, j->total ? xasprintf("%s  %u%%", j->progress,
		                      (unsigned)((double)j->done * 100 / (double)j->total))
		                : xstrdup(j->progress));
	}
}

/* --- the view --- */

static void plan_view_draw(struct view *v)
{
	struct plan_view *p = (struct plan_view *)v;
	struct plan_look look = {.state = p->state,
	    .title = p->title,
	    .command = p->command,
	    .said = p->said,
	    .notes = p->notes,
	    .n_notes = p->n_notes,
	    .text = &p->text,
	    .details = p->details,
	    .line = p->verb->flags & VERB_DELETES ? &p->line : NULL,
	    .typed = p->typed,
	    .wrong = p->wrong,
	    .first = p->first};
	int rows, cols, cursor_row, cursor_col;
	follow(p);
	look.state = p->state;
	look.said = p->said;
	look.part = p->part;
	look.step = p->step;
	plan_size(&look, draw_rows(), draw_cols(), &rows, &cols);
	sheet_init(&p->sheet, rows, cols, v->app->theme.utf8);
	p->room = plan_draw(&look, &p->sheet, &cursor_row, &cursor_col);
	p->first = look.first;
	dialog_show(&p->sheet, cursor_row, cursor_col);
}

static void close_it(struct plan_view *p)
{
	if (p->state == PLAN_ASKS)
		app_message(p->v.app, STYLE_NOTE, "nothing was done");
	view_pop(&p->v);
}

static bool typing_key(struct plan_view *p, const struct vt_key *k)
{
	if (p->state != PLAN_ASKS || !(p->verb->flags & VERB_DELETES))
		return false;
	if (k->sym == VT_KEY_ENTER || k->sym == VT_KEY_KP_ENTER) {
		p->wrong = strcmp(p->line.text, p->typed) != 0;
		if (!p->wrong)
			start(p);
		return true;
	}
	if (!editline_key(&p->line, k))
		return false;
	p->wrong = false;
	return true;
}

static bool scroll_key(struct plan_view *p, const struct vt_key *k)
{
	unsigned page = p->room > 1 ? p->room - 1 : 1;
	unsigned by = k->sym == VT_KEY_PGUP || k->sym == VT_KEY_PGDN ? page : 1;
	if (k->sym == VT_KEY_UP || k->sym == VT_KEY_PGUP)
		p->first = p->first < by ? 0 : p->first - by;
	else if (k->sym == VT_KEY_DOWN || k->sym == VT_KEY_PGDN)
		p->first += by;
	else
		return false;
	return true;
}

static void ends_key(struct plan_view *p, const struct vt_key *k)
{
	bool plain = k->sym == VT_KEY_CHAR && !k->mods;
	bool ctrl_c = k->sym == VT_KEY_CHAR && k->cp == 'c' && k->mods == VT_MOD_CTRL;
	bool over = p->state == PLAN_ENDED || p->state == PLAN_FAILED || p->state == PLAN_BAD;
	if (ctrl_c && p->state == PLAN_RUNS)
		say(p, xstrdup(jobs_interrupt(p->v.app->jobs, p->run)
		                   ? "cancelling: what was done is undone …"
		                   : "it has ended"));
	else if (plain && k->cp == 'y' && p->state == PLAN_ASKS &&
	         loop_now_ms() - p->asks_ms > TYPED_AHEAD_MS)
		start(p);
	else if (k->sym == VT_KEY_ESCAPE || ctrl_c || (plain && (k->cp == 'q' || k->cp == 'n')) ||
	         (over && (k->sym == VT_KEY_ENTER || k->sym == VT_KEY_KP_ENTER)))
		close_it(p);
}

static bool plan_view_key(struct view *v, const struct vt_key *k)
{
	struct plan_view *p = (struct plan_view *)v;
	app_dirty(v->app);
	if (k->sym == VT_KEY_TAB)
		p->details = !p->details;
	else if (!typing_key(p, k) && !scroll_key(p, k))
		ends_key(p, k);
	return true;
}

static bool plan_view_paste(struct view *v, const char *text, size_t n)
{
	struct plan_view *p = (struct plan_view *)v;
	if (p->state == PLAN_ASKS && (p->verb->flags & VERB_DELETES))
		editline_insert(&p->line, text, n);
	app_dirty(v->app);
	return true;
}

static void plan_view_news(struct view *v)
{
	struct plan_view *p = (struct plan_view *)v;
	if (p->dry)
		looked(p);
	app_dirty(v->app);
}

static void plan_view_tick(struct view *v)
{
	if (((struct plan_view *)v)->state == PLAN_RUNS)
		app_dirty(v->app);
}

static void plan_view_close(struct view *v)
{
	struct plan_view *p = (struct plan_view *)v;
	if (p->dry)
		jobs_drop(v->app->jobs, p->dry);
	plan_text_fini(&p->text);
	sheet_fini(&p->sheet);
	action_targets_free(p->words);
	action_targets_free(p->notes);
	free(p->about);
	free(p->typed);
	free(p->title);
	free(p->command);
	free(p->said);
	free(p);
}

static const struct view_ops ops = {.overlay = true,
    .draw = plan_view_draw,
    .key = plan_view_key,
    .paste = plan_view_paste,
    .news = plan_view_news,
    .tick = plan_view_tick,
    .close = plan_view_close};

static char **copy(const char *const *from, unsigned *n)
{
	char **to;
	*n = 0;
	while (from && from[*n])
		(*n)++;
	to = xcalloc(*n + 1, sizeof(*to));
	for (unsigned i = 0; i < *n; i++)
		to[i] = xstrdup(from[i]);
	return to;
}

void view_plan_open(struct app *app, const struct plan_wish *r)
{
	struct plan_view *p;
	unsigned n;
	if (!action_allowed(app, r->verb))
		return;
	p = xcalloc(1, sizeof(*p));
	CLEANUP_FREE char *line = jobs_quote(r->words);
	p->v.ops = &ops;
	p->verb = r->verb;
	p->words = copy(r->words, &n);
	p->notes = copy(r->notes, &p->n_notes);
	p->about = xstrdup(r->about);
	p->typed = xstrdup(r->typed ? r->typed : r->about);
	p->title = xasprintf("%s: %s", r->about, r->title ? r->title : r->verb->summary);
	p->command = xasprintf("hvmux %s", line);
	p->refused = r->refused;
	p->started = r->started;
	p->arg = r->arg;
	view_push(app, &p->v);
	if (plan_shown(r->verb))
		look(p);
	else
		ask(p);
}
