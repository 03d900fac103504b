#include "tui/actions.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "tui/foreground.h"
#include "tui/view_confirm.h"
#include "tui/view_console.h"
#include "tui/view_wall.h"

char **action_targets(struct app *app, unsigned *n)
{
	struct model_counts c;
	unsigned rows;
	struct vm_entry **all = model_vms(app->model, &rows);
	const struct vm_entry *sel = model_find(app->model, app->selected);
	char **names;
	model_counts(app->model, &c);
	names = xcalloc((size_t)rows + 2, sizeof(*names));
	*n = 0;
	/* Marks count only where they can be seen: what a filter hides is not acted upon. */
	for (unsigned i = 0; i < rows && *n < c.marked; i++)
		if (all[i]->marked)
			names[(*n)++] = xstrdup(all[i]->name);
	if (!*n && sel && sel->folder) {
		for (unsigned i = 0; i < rows; i++)
			if (vm_entry_in(all[i], sel))
				names[(*n)++] = xstrdup(all[i]->name);
	} else if (!*n && sel && model_index(app->model, app->selected) >= 0) {
		names[(*n)++] = xstrdup(app->selected);
	}
	return names;
}

void action_targets_free(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

void action_start(struct app *app, const struct verb *v, const char *const *words)
{
	struct err err = {0};
	struct job *j =
	    jobs_run(app->jobs, words, (v->flags & (VERB_READS | VERB_SHOWS)) != 0, &err);
	if (j)
		app_message(app, STYLE_NOTE, "%s …", j->command);
	else
		app_message(app, STYLE_ERROR, "%s", err.msg);
}

/* Words of the verb and its names, with the strings borrowed. */
static const char **join(const struct verb *v, char *const *names)
{
	size_t n = 0;
	const char **words;
	while (names[n])
		n++;
	words = xcalloc(n + 2, sizeof(*words));
	words[0] = v->name;
	for (size_t i = 0; i < n; i++)
		words[i + 1] = names[i];
	return words;
}

bool action_allowed(struct app *app, const struct verb *v)
{
	if (!app->options->readonly || (v->flags & VERB_READS))
		return true;
	app_message(
	    app, STYLE_ERROR, "this dashboard is read only: '%s' would change something", v->name);
	return false;
}

static void run_console(struct app *app, char *const *names)
{
	if (names[0] && !names[1])
		action_attach(app, names[0]);
	else
		app_message(app, STYLE_ERROR, "console: name one domain");
}

/* What a command is about that is about no domain: its first word that is neither an option nor a value of one. */
static const char *subject_of(const struct verb *v, const char *const *words);

static void ask_or_start(
    struct app *app, const struct verb *v, const char *const *words, char *const *names)
{
	if (str_eq(v->name, "console"))
		run_console(app, names);
	else if (v->flags & VERB_TERMINAL)
		foreground_run(app, words);
	else if ((v->flags & (VERB_DISRUPTS | VERB_DELETES)) && !names[0])
		view_confirm_about(app, v, words, subject_of(v, words), NULL);
	else if (v->flags & (VERB_DISRUPTS | VERB_DELETES))
		view_confirm_open(app, v, words, names);
	else
		action_start(app, v, words);
}

void action_command(
    struct app *app, const struct verb *v, const char *const *words, char *const *names)
{
	if (action_allowed(app, v))
		ask_or_start(app, v, words, names);
}

void action_verb(struct app *app, const struct verb *v, char *const *names)
{
	CLEANUP_FREE const char **words = join(v, names);
	if (!names[0]) {
		app_message(
		    app, STYLE_NOTE, "no domain is selected: '%s' has nothing to work on", v->name);
		return;
	}
	if (!action_allowed(app, v))
		return;
	if ((v->flags & VERB_TERMINAL) && names[1]) {
		app_message(app, STYLE_NOTE, "'%s' takes one domain at a time", v->name);
		return;
	}
	/* A verb that takes one domain runs once for each. */
	if (!v->opts[0].many && names[1]) {
		for (size_t i = 0; names[i]; i++) {
			char *one[] = {names[i], NULL};
			action_verb(app, v, one);
		}
		return;
	}
	ask_or_start(app, v, words, names);
}

void action_attach(struct app *app, const char *name)
{
	view_console_open(app, name, 0, app->options->readonly ? 0 : CONSOLE_KEYBOARD);
}

static bool on_wall(const struct vm_entry *e, bool marked, const struct vm_entry *folder)
{
	if (marked)
		return e->marked;
	return e->live && (!folder || vm_entry_in(e, folder));
}

void action_wall(struct app *app)
{
	unsigned rows, marked = 0, n = 0;
	struct vm_entry **all = model_vms(app->model, &rows);
	const struct vm_entry *sel = model_find(app->model, app->selected);
	CLEANUP_FREE char **names = xcalloc((size_t)rows + 1, sizeof(*names));
	for (unsigned i = 0; i < rows; i++)
		marked += all[i]->marked;
	for (unsigned i = 0; i < rows; i++)
		if (on_wall(all[i], marked > 0, sel && sel->folder ? sel : NULL))
			names[n++] = all[i]->name;
	if (n)
		view_wall_open(app, names, n);
	else
		app_message(
		    app, STYLE_NOTE, "no domain that is shown here runs: the wall would be empty");
}

bool action_live(struct app *app, const char *domain)
{
	const struct vm_entry *e = app->model ? model_find(app->model, domain) : NULL;
	struct vm vm;
	bool live;
	if (e)
		return e->live;
	if (vm_probe(app->home, domain, &vm, NULL) < 0)
		return false;
	live = vm.live;
	vm_fini(&vm);
	return live;
}

void action_cancel(struct app *app, const char *back)
{
	struct job *j = jobs_cancel(app->jobs);
	if (j)
		app_message(app, STYLE_NOTE, "cancelling: %s", j->command);
	else
		app_message(app, STYLE_NOTE, "no command is running (%s)", back);
}

/* --- typed lines --- */

static int split_word(const char **at, struct buf *w)
{
	const char *p = *at;
	char quote = 0;
	for (; *p && (quote || *p != ' '); p++) {
		if (quote == '\'' || (quote && *p != '\\')) {
			if (*p == quote)
				quote = 0;
			else
				buf_addc(w, *p);
		} else if (!quote && (*p == '"' || *p == '\'')) {
			quote = *p;
		} else if (*p == '\\' && p[1]) {
			buf_addc(w, *++p);
		} else {
			buf_addc(w, *p);
		}
	}
	*at = p;
	return quote ? -1 : 0;
}

char **action_split(const char *line, unsigned *n)
{
	char **words = xcalloc(strlen(line) / 2 + 2, sizeof(*words));
	*n = 0;
	for (;;) {
		struct buf w = BUF_INIT;
		while (*line == ' ')
			line++;
		if (!*line)
			return words;
		if (split_word(&line, &w) < 0) {
			buf_fini(&w);
			action_targets_free(words);
			return NULL;
		}
		words[(*n)++] = buf_take(&w);
	}
}

static const struct verb_opt *option_of(const struct verb *v, const char *word)
{
	return str_prefix(word, "--") ? opt_find(v->opts, word + 2, strcspn(word + 2, "=")) : NULL;
}

/* Is words[i] the value of the option before it? */
static bool is_value(const struct verb *v, char *const *words, unsigned i)
{
	const struct verb_opt *o = i > 1 ? option_of(v, words[i - 1]) : NULL;
	return o && opt_takes_value(o) && !strchr(words[i - 1], '=');
}

static const char *subject_of(const struct verb *v, const char *const *words)
{
	for (unsigned i = 1; words[i]; i++)
		if (words[i][0] != '-' && !is_value(v, (char *const *)(uintptr_t)words, i))
			return words[i];
	for (unsigned i = 1; words[i]; i++)
		if (words[i][0] != '-')
			return words[i];
	return v->name;
}

static const struct verb_opt *positional(const struct verb *v, unsigned k)
{
	const struct verb_opt *last = NULL;
	for (const struct verb_opt *o = v->opts; o->name; o++) {
		if (!opt_positional(o))
			continue;
		last = o;
		if (k-- == 0)
			return o;
	}
	return last && last->many ? last : NULL;
}

bool action_wants_domain(const struct verb *v, char *const *words, unsigned i)
{
	const struct verb_opt *o;
	unsigned k = 0;
	if (is_value(v, words, i)) {
		o = option_of(v, words[i - 1]);
		return o->kind == OPT_DOMAIN || str_eq(o->name, "domain");
	}
	for (unsigned w = 1; w < i; w++)
		k += words[w][0] != '-' && !is_value(v, words, w);
	o = positional(v, k);
	return o && o->kind == OPT_DOMAIN;
}

/* Where a domain should be filled in: the words' end, when the next positional is a required domain. */
static bool lacks_domain(const struct verb *v, char *const *words, unsigned n)
{
	const struct verb_opt *o;
	unsigned k = 0;
	for (unsigned w = 1; w < n; w++) {
		if (option_of(v, words[w]) && option_of(v, words[w])->kind == OPT_DOMAIN)
			return false;
		k += words[w][0] != '-' && !is_value(v, words, w);
	}
	o = positional(v, k);
	return o && o->kind == OPT_DOMAIN && (o->required ? k == 0 : (v->flags & VERB_LIVE) != 0);
}

/* The names among the words, for the confirmation. */
static char **names_in(const struct verb *v, char *const *words, unsigned n)
{
	char **names = xcalloc(n + 1, sizeof(*names));
	unsigned k = 0;
	for (unsigned i = 1; i < n; i++)
		if (words[i][0] != '-' && action_wants_domain(v, words, i))
			names[k++] = words[i];
	return names;
}

void action_line(struct app *app, char *const *words)
{
	const struct verb *v = verb_find(words[0]);
	char **targets = NULL, **line, **names;
	unsigned n = 0, nt = 0;
	if (!v || (v->flags & VERB_HIDDEN)) {
		CLEANUP_FREE char *shown = str_printable(words[0], strlen(words[0]), 60);
		app_message(app, STYLE_ERROR,
		    "there is no command '%s': Tab lists those that there are", shown);
		return;
	}
	if (!action_allowed(app, v))
		return;
	while (words[n])
		n++;
	if (lacks_domain(v, words, n))
		targets = action_targets(app, &nt);
	line = xcalloc(n + nt + 1, sizeof(*line));
	memcpy(line, words, n * sizeof(*line));
	if (nt)
		memcpy(line + n, targets, nt * sizeof(*line));
	names = names_in(v, line, n + nt);
	ask_or_start(app, v, (const char *const *)line, names);
	free(names);
	free(line);
	action_targets_free(targets);
}
