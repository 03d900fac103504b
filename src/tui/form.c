#include "tui/form.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

/* --- life --- */

static const char *const *words_of(const struct form *f, unsigned i)
{
	static const char *const none[] = {"", NULL};
	const struct form_value *v = &f->value[i];
	if (v->choices)
		return (const char *const *)v->choices;
	return f->spec->fields[i].choices ? f->spec->fields[i].choices : none;
}

static void choose(struct form *f, unsigned i, const char *word)
{
	const char *const *words = words_of(f, i);
	f->value[i].choice = 0;
	for (unsigned k = 0; word && words[k]; k++)
		if (!strcmp(words[k], word))
			f->value[i].choice = k;
}

void form_init(struct form *f, const struct form_spec *spec, const char *domain)
{
	memset(f, 0, sizeof(*f));
	f->spec = spec;
	f->domain = xstrdup(domain);
	for (unsigned i = 0; i < spec->n; i++) {
		const struct form_field *field = &spec->fields[i];
		if (field->kind == FORM_TEXT)
			editline_set(&f->value[i].line, field->initial ? field->initial : "");
		else if (field->kind == FORM_CHOICE)
			choose(f, i, field->initial);
		else
			f->value[i].mark = str_eq(field->initial, "yes");
	}
}

static void free_choices(struct form_value *v)
{
	for (unsigned k = 0; v->choices && v->choices[k]; k++)
		free(v->choices[k]);
	free(v->choices);
	v->choices = NULL;
}

void form_fini(struct form *f)
{
	for (unsigned i = 0; i < f->spec->n; i++)
		free_choices(&f->value[i]);
	if (f->free_facts)
		f->free_facts(f->facts);
	offers_clear(&f->offers);
	free(f->domain);
	free(f->notes);
	free(f->losses);
	free(f->subject);
	free(f->error);
	free(f->was);
}

void form_choices(struct form *f, unsigned i, const char *const *words, const char *chosen)
{
	struct form_value *v = &f->value[i];
	unsigned n = 0;
	while (words[n])
		n++;
	free_choices(v);
	v->choices = xcalloc(n + 1, sizeof(*v->choices));
	for (unsigned k = 0; k < n; k++)
		v->choices[k] = xstrdup(words[k]);
	choose(f, i, chosen);
}

void form_set(struct form *f, unsigned i, const char *text)
{
	if (f->spec->fields[i].kind == FORM_TEXT)
		editline_set(&f->value[i].line, text);
	else if (f->spec->fields[i].kind == FORM_CHOICE)
		choose(f, i, text);
	else
		f->value[i].mark = str_eq(text, "yes");
}

void form_hide(struct form *f, unsigned i)
{
	f->value[i].hidden = true;
	while (f->at + 1 < f->spec->n && f->value[f->at].hidden)
		f->at++;
}

void form_note(struct form *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *line = xvasprintf(fmt, ap);
	va_end(ap);
	char *all = xasprintf("%s%s%s", f->notes ? f->notes : "", f->notes ? "\n" : "", line);
	free(f->notes);
	f->notes = all;
}

/* --- values --- */

const char *form_text(const struct form *f, unsigned i)
{
	if (f->value[i].hidden)
		return "";
	return f->spec->fields[i].kind == FORM_TEXT ? f->value[i].line.text
	                                            : words_of(f, i)[f->value[i].choice];
}

bool form_mark(const struct form *f, unsigned i)
{
	return f->value[i].mark && !f->value[i].hidden;
}

static char *all_values(const struct form *f)
{
	struct buf b = BUF_INIT;
	for (unsigned i = 0; i < f->spec->n; i++)
		buf_addf(&b, "%s\n%d\n", form_text(f, i), f->value[i].mark);
	return buf_take(&b);
}

void form_opened(struct form *f)
{
	free(f->was);
	f->was = all_values(f);
}

bool form_touched(const struct form *f)
{
	CLEANUP_FREE char *now = all_values(f);
	return !str_eq(now, f->was);
}

void form_error(struct form *f, const char *words)
{
	free(f->error);
	f->error = words ? xstrdup(words) : NULL;
}

bool form_check(struct form *f)
{
	const char *wrong = NULL;
	form_error(f, NULL);
	for (unsigned i = 0; i < f->spec->n && !f->error; i++) {
		const struct form_field *field = &f->spec->fields[i];
		if (!field->required || field->kind != FORM_TEXT || f->value[i].hidden ||
		    *form_text(f, i))
			continue;
		f->at = i;
		f->error = xasprintf("%s: something has to be here", field->label);
	}
	if (!f->error && f->spec->check && (wrong = f->spec->check(f, &f->at)))
		form_error(f, wrong);
	return !f->error;
}

/* --- keys --- */

static void move(struct form *f, int by)
{
	int n = (int)f->spec->n, at = (int)f->at;
	do
		at = (at + by + n) % n;
	while (f->value[at].hidden && at != (int)f->at);
	f->at = (unsigned)at;
	offers_clear(&f->offers);
}

static void turn(struct form *f, int by)
{
	const char *const *words = words_of(f, f->at);
	struct form_value *v = &f->value[f->at];
	unsigned n = 0;
	while (words[n])
		n++;
	if (n)
		v->choice = (v->choice + n + (unsigned)(by + (int)n)) % n;
}

/* As far as the offers agree; where there is nothing to add: on to the next field. */
static void complete(struct form *f)
{
	const struct form_field *field = &f->spec->fields[f->at];
	struct editline *line = &f->value[f->at].line;
	CLEANUP_BUF struct buf b = BUF_INIT;
	size_t same;
	offers_clear(&f->offers);
	if (field->kind == FORM_TEXT && field->offer)
		field->offer(f, line->text, &f->offers);
	same = offers_common(&f->offers);
	if (same > line->len) {
		buf_add(&b, f->offers.word[0], same);
		editline_set(line, b.data);
	} else if (f->offers.n < 2) {
		move(f, 1);
		return;
	}
	if (f->offers.n == 1)
		offers_clear(&f->offers);
}

static bool value_key(struct form *f, const struct vt_key *k)
{
	struct form_value *v = &f->value[f->at];
	bool space = k->sym == VT_KEY_CHAR && k->cp == ' ' && !k->mods;
	switch (f->spec->fields[f->at].kind) {
	case FORM_TEXT:
		if (!editline_key(&v->line, k))
			return false;
		offers_clear(&f->offers);
		return true;
	case FORM_CHOICE:
		if (k->sym != VT_KEY_LEFT && k->sym != VT_KEY_RIGHT && !space)
			return false;
		turn(f, k->sym == VT_KEY_LEFT ? -1 : 1);
		return true;
	case FORM_MARK:
		if (k->sym != VT_KEY_LEFT && k->sym != VT_KEY_RIGHT && !space)
			return false;
		v->mark = !v->mark;
		return true;
	}
	return false;
}

bool form_key(struct form *f, const struct vt_key *k)
{
	if (k->sym == VT_KEY_UP || (k->sym == VT_KEY_TAB && (k->mods & VT_MOD_SHIFT)))
		move(f, -1);
	else if (k->sym == VT_KEY_DOWN)
		move(f, 1);
	else if (k->sym == VT_KEY_TAB)
		complete(f);
	else if (!value_key(f, k))
		return false;
	form_error(f, NULL);
	return true;
}

void form_paste(struct form *f, const char *p, size_t n)
{
	if (f->spec->fields[f->at].kind == FORM_TEXT)
		editline_insert(&f->value[f->at].line, p, n);
}

/* --- the command line --- */

void form_words_add(struct form_words *w, const char *word)
{
	if (w->n < FORM_WORDS_MAX)
		w->word[w->n++] = xstrdup(word);
}

void form_words_option(struct form_words *w, const char *option, const char *value)
{
	if (!*value)
		return;
	form_words_add(w, option);
	form_words_add(w, value);
}

void form_words_fini(struct form_words *w)
{
	while (w->n)
		free(w->word[--w->n]);
}

void form_compose(const struct form *f, struct form_words *w)
{
	memset(w, 0, sizeof(*w));
	form_words_add(w, f->spec->verb);
	form_words_add(w, f->domain);
	f->spec->compose(f, w);
	w->word[w->n] = NULL;
}
