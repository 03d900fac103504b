#include "tui/view_confirm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"
#include "tui/actions.h"
#include "tui/draw.h"
#include "tui/editline.h"
#include "tui/fold.h"

#define NAMES_SHOWN 8
#define WIDTH_MAX 76

struct confirm {
	struct view v;
	const struct verb *verb;
	char **words, **names; /* names: domains; or the one thing that it is about */
	unsigned n_names;
	char **notes; /* NULL: of domains, the model knows */
	unsigned n_notes;
	char *command;
	struct editline line; /* VERB_DELETES: the name has to be typed */
	char wanted[256];
	bool wrong;
};

static char **copy(const char *const *from, unsigned *n)
{
	char **to;
	*n = 0;
	while (from[*n])
		(*n)++;
	to = xcalloc(*n + 1, sizeof(*to));
	for (unsigned i = 0; i < *n; i++)
		to[i] = xstrdup(from[i]);
	return to;
}

static int draw_line(int row, int limit, int col, int width, enum style st, const char *text)
{
	if (row < limit)
		draw_field(row, col, width, st, text);
	return row + 1;
}

static int draw_notes(struct confirm *c, int row, int limit, int col, int width)
{
	for (unsigned i = 0; i < c->n_notes; i++)
		row = draw_line(row, limit, col, width, STYLE_STRONG, c->notes[i]);
	return row;
}

/* Who is hit, in which state: "web1  running, up 3d04h". */
static int draw_names(struct confirm *c, int row, int limit, int col, int width)
{
	char text[400], age[STR_HUMAN_MAX];
	struct model *model = c->v.app->model; /* NULL in a console of its own */
	uint64_t now = model ? model_now(model) : 0;
	for (unsigned i = 0; i < c->n_names && i < NAMES_SHOWN; i++) {
		const struct vm_entry *e = model ? model_find(model, c->names[i]) : NULL;
		bool up = e && e->live && e->started_ns && now > e->started_ns;
		str_age(up ? (now - e->started_ns) / 1000000000u : 0, age);
		snprintf(text, sizeof(text), "  %.200s  %s%s%s", c->names[i],
		    e ? vm_entry_state(e) : "", up ? ", up " : "", up ? age : "");
		row = draw_line(row, limit, col, width, STYLE_STRONG, text);
	}
	if (c->n_names > NAMES_SHOWN) {
		snprintf(text, sizeof(text), "  and %u more: see the command in the events pane",
		    c->n_names - NAMES_SHOWN);
		row = draw_line(row, limit, col, width, STYLE_STRONG, text);
	}
	return row;
}

static int draw_answer(struct confirm *c, int row, int col, int width)
{
	int at = col;
	if (c->verb->flags & VERB_DELETES) {
		at += draw_textf(row, at, width, STYLE_STRONG, "Type %s and Enter: ", c->wanted);
		if (col + width - at < 4) { /* a long name: on a line of its own */
			row++;
			at = col;
		}
		editline_draw(
		    &c->line, row, at, col + width - at, c->wrong ? STYLE_ERROR : STYLE_BAR);
		return row;
	}
	at += draw_text(row, at, width, STYLE_BAR_KEY, " y ");
	at += draw_text(row, at, col + width - at, STYLE_NORMAL, " confirm    ");
	at += draw_text(row, at, col + width - at, STYLE_BAR_KEY, " Esc ");
	draw_text(row, at, col + width - at, STYLE_NORMAL, " cancel");
	return row;
}

/* What is lost is read to its end, in as many rows as that takes. */
static void lost_text(const struct confirm *c, int width, struct buf *out)
{
	CLEANUP_FREE char *text =
	    xasprintf("%s: %s", c->verb->flags & VERB_DELETES ? "Deleted" : "Lost",
	        c->verb->losses ? c->verb->losses : "the present state");
	fold_text(text, strlen(text), (unsigned)(width > 1 ? width : 1), 0, out);
	buf_addc(out, '\0');
}

static int draw_lost(const char *lost, int row, int limit, int col, int width)
{
	for (const char *p = lost; p;) {
		const char *nl = strchr(p, '\n');
		CLEANUP_FREE char *line = nl ? xstrndup(p, (size_t)(nl - p)) : xstrdup(p);
		row = draw_line(row, limit, col, width, STYLE_BAD, line);
		p = nl ? nl + 1 : NULL;
	}
	return row;
}

static void confirm_draw(struct view *v)
{
	struct confirm *c = (struct confirm *)v;
	CLEANUP_BUF struct buf lost = BUF_INIT;
	int names = c->notes ? (int)c->n_notes
	                     : (int)(c->n_names > NAMES_SHOWN ? NAMES_SHOWN + 1 : c->n_names);
	int width = draw_cols() < WIDTH_MAX ? draw_cols() : WIDTH_MAX;
	int height = names + 6, row, col,
	    limit; /* a frame, what is lost, what runs, a gap, the answer */
	char text[600];
	lost_text(c, width - 4, &lost);
	for (const char *p = lost.data; (p = strchr(p, '\n')); p++)
		height++;
	if (height > draw_rows())
		height = draw_rows();
	row = (draw_rows() - height) / 2;
	col = (draw_cols() - width) / 2;
	draw_box(row, col, height, width, STYLE_WARN);
	draw_textf(row, col + 2, width - 4, STYLE_WARN, " %s %s? ", c->verb->name,
	    c->n_names == 1 ? c->names[0] : "these domains");
	limit = row + height - 2;
	if (height < 5) { /* nothing but the question and its answer fits */
		draw_answer(c, row + height - 1, col + 1, width - 2);
		return;
	}
	row = (c->notes ? draw_notes : draw_names)(c, row + 1, limit, col + 2, width - 4);
	row = draw_lost(lost.data, row, limit, col + 2, width - 4);
	snprintf(text, sizeof(text), "Runs: %.500s", c->command);
	draw_line(row, limit, col + 2, width - 4, STYLE_NORMAL, text);
	draw_answer(c, limit, col + 2, width - 4);
}

static void confirm_cancel(struct confirm *c)
{
	app_message(c->v.app, STYLE_NOTE, "cancelled: nothing was done");
	view_pop(&c->v);
}

static void confirm_yes(struct confirm *c)
{
	struct app *app = c->v.app;
	action_start(app, c->verb, (const char *const *)c->words);
	view_pop(&c->v);
}

static bool confirm_key(struct view *v, const struct vt_key *k)
{
	struct confirm *c = (struct confirm *)v;
	bool types = (c->verb->flags & VERB_DELETES) != 0;
	bool ctrl_c = k->cp == 'c' && k->mods == VT_MOD_CTRL;
	if (k->sym == VT_KEY_ESCAPE || ctrl_c ||
	    (!types && k->sym == VT_KEY_CHAR && (k->cp == 'n' || k->cp == 'q')))
		confirm_cancel(c);
	else if (!types && k->sym == VT_KEY_CHAR && k->cp == 'y' && !k->mods)
		confirm_yes(c);
	else if (types && k->sym == VT_KEY_ENTER && !strcmp(c->line.text, c->wanted))
		confirm_yes(c);
	else if (types && k->sym == VT_KEY_ENTER)
		c->wrong = true;
	else if (types && editline_key(&c->line, k))
		c->wrong = false;
	app_dirty(c->v.app);
	return true;
}

static void confirm_close(struct view *v)
{
	struct confirm *c = (struct confirm *)v;
	action_targets_free(c->words);
	action_targets_free(c->names);
	action_targets_free(c->notes);
	free(c->command);
	free(c);
}

static const struct view_ops ops = {
    .overlay = true, .draw = confirm_draw, .key = confirm_key, .close = confirm_close};

static struct confirm *confirm_new(
    const struct verb *v, const char *const *words, const char *const *names)
{
	struct confirm *c = xcalloc(1, sizeof(*c));
	unsigned n;
	c->v.ops = &ops;
	c->verb = v;
	c->words = copy(words, &n);
	c->names = copy(names, &c->n_names);
	CLEANUP_FREE char *line = jobs_quote(words);
	c->command = xasprintf("hvmux %s", line);
	if (c->n_names == 1)
		snprintf(c->wanted, sizeof(c->wanted), "%.200s", names[0]);
	else
		snprintf(c->wanted, sizeof(c->wanted), "%s %u", v->name, c->n_names);
	return c;
}

void view_confirm_open(
    struct app *app, const struct verb *v, const char *const *words, char *const *names)
{
	view_push(app, &confirm_new(v, words, (const char *const *)names)->v);
}

void view_confirm_about(struct app *app, const struct verb *v, const char *const *words,
    const char *what, const char *const *notes)
{
	static const char *const none[] = {NULL};
	const char *const names[] = {what, NULL};
	struct confirm *c = confirm_new(v, words, names);
	c->notes = copy(notes ? notes : none, &c->n_notes);
	view_push(app, &c->v);
}
