#include "tui/view_palette.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"
#include "tui/actions.h"
#include "tui/draw.h"
#include "tui/editline.h"
#include "tui/offers.h"

#define HISTORY_MAX 50

struct palette {
	struct view v;
	struct editline line;
	struct offers offers;
	unsigned past; /* place in the history, 0 the line being typed */
};

/* Of this run of the dashboard. */
static char *history[HISTORY_MAX];
static unsigned history_n;

static void history_add(const char *line)
{
	if (history_n && str_eq(history[history_n - 1], line))
		return;
	if (history_n == HISTORY_MAX) {
		free(history[0]);
		memmove(history, history + 1, sizeof(history) - sizeof(history[0]));
		history_n--;
	}
	history[history_n++] = xstrdup(line);
}

static void offer_arguments(
    struct palette *p, const struct verb *v, char *const *words, unsigned at, const char *start)
{
	if (start[0] == '-') {
		for (const struct verb_opt *o = v->opts; o->name; o++) {
			CLEANUP_FREE char *dashed = xasprintf("--%s", o->name);
			if (!opt_positional(o))
				offers_add(&p->offers, dashed, start);
		}
	} else if (action_wants_domain(v, words, at)) {
		unsigned n;
		struct vm_entry **rows = model_rows(p->v.app->model, &n);
		for (unsigned i = 0; i < n; i++)
			offers_add(&p->offers, rows[i]->name, start);
	} else if (v->opts[0].name && v->opts[0].kind == OPT_FILE) {
		offers_files(&p->offers, start);
	}
}

/* Fills the candidates for the word at the line's end; returns where that word starts. */
static size_t look_up(struct palette *p)
{
	size_t from = p->line.len;
	unsigned n;
	char **words = action_split(p->line.text, &n);
	offers_clear(&p->offers);
	while (from && p->line.text[from - 1] != ' ')
		from--;
	if (words) {
		const char *start = p->line.text + from;
		bool fresh = !*start; /* a new word begins */
		unsigned at = fresh ? n : n ? n - 1 : 0;
		const struct verb *v = n ? verb_find(words[0]) : NULL;
		if (at == 0)
			for (size_t i = 0; i < VERB_COUNT; i++) {
				if (!(verb_table[i]->flags & VERB_HIDDEN))
					offers_add(&p->offers, verb_table[i]->name, start);
			}
		else if (v)
			offer_arguments(p, v, words, at, start);
	}
	action_targets_free(words);
	return from;
}

static void complete(struct palette *p)
{
	size_t from = look_up(p);
	char *first = p->offers.n ? p->offers.word[0] : NULL;
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (!first)
		return;
	buf_add(&b, p->line.text, from);
	const char *whole[] = {first, NULL};
	CLEANUP_FREE char *quoted = jobs_quote(whole);
	if (p->offers.n == 1)
		buf_addf(&b, "%s%s", quoted, first[strlen(first) - 1] == '/' ? "" : " ");
	else
		buf_add(&b, first, offers_common(&p->offers));
	if (b.len < EDITLINE_MAX)
		editline_set(&p->line, b.data ? b.data : "");
	look_up(p);
}

static void hint(struct palette *p, char *out, size_t n)
{
	unsigned nw, nt;
	char **words = action_split(p->line.text, &nw);
	const struct verb *v = words && nw ? verb_find(words[0]) : NULL;
	out[0] = '\0';
	if (v) {
		CLEANUP_FREE char *synopsis = verb_synopsis(v);
		char **targets = action_targets(p->v.app, &nt);
		bool fills = nw == 1 && action_wants_domain(v, words, 1) && nt;
		snprintf(out, n, "%s: %s%s%.100s%s", synopsis, v->summary, fills ? "   [" : "",
		    fills ? targets[0] : "", fills ? nt > 1 ? " and the other marked]" : "]" : "");
		action_targets_free(targets);
	}
	action_targets_free(words);
}

static void palette_draw(struct view *v)
{
	struct palette *p = (struct palette *)v;
	int rows = draw_rows(), cols = draw_cols(), row = rows - 1, col = 1;
	char text[512];
	draw_fill(row, 0, cols, STYLE_BAR);
	draw_text(row, 0, 2, STYLE_BAR_KEY, ":");
	editline_draw(&p->line, row, 1, cols - 1, STYLE_BAR);
	if (rows < 3)
		return;
	draw_fill(row - 1, 0, cols, STYLE_NORMAL);
	hint(p, text, sizeof(text));
	if (*text) {
		draw_field(row - 1, 1, cols - 1, STYLE_STRONG, text);
		row--;
	}
	if (p->offers.n < 2 || row < 2)
		return;
	draw_fill(row - 1, 0, cols, STYLE_NORMAL);
	for (unsigned i = 0; i < p->offers.n && col < cols; i++)
		col += draw_text(row - 1, col, cols - col, STYLE_NORMAL, p->offers.word[i]) + 2;
}

static void run(struct palette *p)
{
	struct app *app = p->v.app;
	unsigned n;
	char **words = action_split(p->line.text, &n);
	if (!words) {
		app_message(app, STYLE_ERROR, "a quote is open");
		return;
	}
	view_pop(&p->v);
	if (n) {
		history_add(p->line.text);
		action_line(app, words);
	}
	action_targets_free(words);
}

static void recall(struct palette *p, int by)
{
	if ((by > 0 && p->past >= history_n) || (by < 0 && !p->past))
		return;
	p->past = (unsigned)((int)p->past + by);
	editline_set(&p->line, p->past ? history[history_n - p->past] : "");
}

static bool palette_key(struct view *v, const struct vt_key *k)
{
	struct palette *p = (struct palette *)v;
	app_dirty(v->app);
	if (k->sym == VT_KEY_ESCAPE || (k->cp == 'c' && k->mods == VT_MOD_CTRL) ||
	    (k->sym == VT_KEY_BACKSPACE && !p->line.len))
		view_pop(v);
	else if (k->sym == VT_KEY_ENTER || k->sym == VT_KEY_KP_ENTER)
		run(p);
	else if (k->sym == VT_KEY_TAB)
		complete(p);
	else if (k->sym == VT_KEY_UP || k->sym == VT_KEY_DOWN)
		recall(p, k->sym == VT_KEY_UP ? 1 : -1);
	else if (editline_key(&p->line, k))
		look_up(p);
	return true;
}

static bool palette_paste(struct view *v, const char *text, size_t n)
{
	struct palette *p = (struct palette *)v;
	editline_insert(&p->line, text, n);
	look_up(p);
	app_dirty(v->app);
	return true;
}

static void palette_close(struct view *v)
{
	struct palette *p = (struct palette *)v;
	offers_clear(&p->offers);
	free(p);
}

static const struct view_ops ops = {.overlay = true,
    .draw = palette_draw,
    .key = palette_key,
    .paste = palette_paste,
    .close = palette_close};

void view_palette_open(struct app *app)
{
	view_palette_edit(app, "");
}

void view_palette_edit(struct app *app, const char *line)
{
	struct palette *p = xcalloc(1, sizeof(*p));
	p->v.ops = &ops;
	editline_set(&p->line, line);
	view_push(app, &p->v);
	look_up(p);
}
