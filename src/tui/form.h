/* form: a few fields that a command line is made of: texts, choices, marks. What it holds and what keys do to it; drawn by
 * form_draw, put on the screen by view_form. Pure but for what a field's `offer` reads. Owner: the view; form_fini. */
#ifndef TUI_FORM_H
#define TUI_FORM_H

#include <stdbool.h>

#include "serial/vt_keys.h"
#include "tui/editline.h"
#include "tui/offers.h"
#include "tui/sheet.h"

#define FORM_FIELDS_MAX 10
#define FORM_WORDS_MAX 48

enum form_kind {
	FORM_TEXT,
	FORM_CHOICE, /* one of some words: Left, Right, Space */
	FORM_MARK,   /* yes or no: Space */
};

struct form;

struct form_field {
	const char *label;
	enum form_kind kind;
	const char
	    *initial; /* the text, the word chosen, "yes" of a mark; NULL: "", the first, no */
	const char *const *choices; /* FORM_CHOICE: NULL-terminated; NULL: given by form_choices */
	const char *help;           /* one line, shown while the cursor is on the field */
	bool required;              /* a text that may not be empty */
	/* What Tab can put there: words that begin with `start` go to o. NULL nothing. */
	void (*offer)(const struct form *f, const char *start, struct offers *o);
};

/* The words of a command line, on the heap. */
struct form_words {
	char *word[FORM_WORDS_MAX + 1];
	unsigned n;
};

struct form_spec {
	const char *title; /* "plug a disk" */
	const char *verb;
	const struct form_field *fields;
	unsigned n;
	/* What is wrong with the values beyond a missing text; *at: the field that it is about. NULL: nothing. May be NULL itself. */
	const char *(*check)(const struct form *f, unsigned *at);
	/* What is lost, with these values, for the confirmation: on the heap. NULL: form.losses, or what the verb says. */
	char *(*losses)(const struct form *f);
	/* The words behind the verb and the domain. */
	void (*compose)(const struct form *f, struct form_words *w);
};

struct form_value {
	struct editline line;
	char **choices; /* form_choices: on the heap, NULL-terminated; NULL: the field's own */
	unsigned choice;
	bool mark, hidden;
};

struct form {
	const struct form_spec *spec;
	char *domain;
	char *notes; /* lines above the fields; NULL none */
	/* What the command line is about besides the domain (a snapshot, a device): where it deletes, its name has to be typed.
	 * NULL nothing. */
	char *subject;
	char *
	    losses; /* for the confirmation, where they are known better than the verb does; NULL the verb's */
	void *facts; /* the opener's, for offer, check and compose; free_facts frees it */
	void (*free_facts)(void *facts);
	struct form_value value[FORM_FIELDS_MAX];
	unsigned at; /* the field under the cursor */
	int top;     /* the first row of fields that is shown */
	char *error; /* NULL none */
	char *was;   /* how it was filled in when it was opened */
	struct offers offers;
};

void form_init(struct form *f, const struct form_spec *spec, const char *domain);
void form_fini(struct form *f);
/* For the opener: what is only known then. words are copied. */
void form_choices(struct form *f, unsigned i, const char *const *words, const char *chosen);
void form_set(struct form *f, unsigned i, const char *text);
void form_hide(struct form *f, unsigned i);
void form_note(struct form *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* It is filled in: from here on it is the operator's, and form_touched tells. */
void form_opened(struct form *f);

/* The text, or the word chosen; "" of what is hidden. */
const char *form_text(const struct form *f, unsigned i);
bool form_mark(const struct form *f, unsigned i);
bool form_touched(const struct form *f);

/* Takes a key; false when it is none of the form's (Enter, Esc, what ends it). */
bool form_key(struct form *f, const struct vt_key *k);
void form_paste(struct form *f, const char *p, size_t n);
/* Finds the first thing that is wrong, puts the cursor there and says it in f->error; false then. */
bool form_check(struct form *f);
void form_error(struct form *f, const char *words);

/* The whole command line: verb, domain, and what the form makes of its values. */
void form_compose(const struct form *f, struct form_words *w);
void form_words_add(struct form_words *w, const char *word);
/* option and value, when the value is not empty. */
void form_words_option(struct form_words *w, const char *option, const char *value);
void form_words_fini(struct form_words *w);

/* How large a box it wants on a screen of that size, and it in there, frame and all. cursor_row -1: no cursor. */
void form_size(const struct form *f, int screen_rows, int screen_cols, int *rows, int *cols);
void form_draw(struct form *f, struct sheet *s, int *cursor_row, int *cursor_col);

#endif
