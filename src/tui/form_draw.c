/* A form in its box: notes, fields, what is known of the one under the cursor, what is wrong, the keys. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "tui/dialog.h"
#include "tui/draw.h"
#include "tui/fold.h"
#include "tui/form.h"

#define WIDTH_MAX 76
#define ERROR_ROWS \
	8 /* what a command says when it refuses and what to do instead: some 500 bytes */
#define HELP_ROWS 2

struct layout {
	int notes, fields, help, offers, error, keys; /* rows of each */
	int label;                                    /* columns */
};

static int shown_fields(const struct form *f)
{
	int n = 0;
	for (unsigned i = 0; i < f->spec->n; i++)
		n += !f->value[i].hidden;
	return n;
}

static int label_width(const struct form *f, int cols)
{
	int most = 0;
	for (unsigned i = 0; i < f->spec->n; i++) {
		int w = f->value[i].hidden ? 0 : draw_width(f->spec->fields[i].label);
		most = w > most ? w : most;
	}
	return most + 2 < cols / 2 ? most + 2 : cols / 2;
}

static int text_rows(const char *text, int width)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	int n = 1;
	if (!text || !*text)
		return 0;
	fold_text(text, strlen(text), (unsigned)(width > 1 ? width : 1), 0, &b);
	for (size_t i = 0; i < b.len; i++)
		n += b.data[i] == '\n';
	return n;
}

static int at_most(int n, int most)
{
	return n < most ? n : most > 0 ? most : 0;
}

static int error_rows(const struct form *f, int cols)
{
	return at_most(text_rows(f->error, cols), ERROR_ROWS);
}

/* One row also for a field without help: the box would jump when the cursor comes to another. */
static int help_rows(const struct form *f, int cols)
{
	int most = 1;
	for (unsigned i = 0; i < f->spec->n; i++) {
		int n = f->value[i].hidden ? 0 : text_rows(f->spec->fields[i].help, cols);
		most = n > most ? n : most;
	}
	return at_most(most, HELP_ROWS);
}

/* What is left out first when there is little room: notes, help, the list of offers. Fields scroll. */
static void lay_out(const struct form *f, int rows, int cols, struct layout *l)
{
	int room = rows, fields = shown_fields(f);
	memset(l, 0, sizeof(*l));
	l->label = label_width(f, cols);
	l->keys = room > 1;
	room -= l->keys;
	l->error = at_most(error_rows(f, cols), room - 1);
	room -= l->error;
	l->fields = at_most(fields, room);
	room -= l->fields;
	l->offers = f->offers.n > 1 && room > 0;
	room -= l->offers;
	l->help = at_most(help_rows(f, cols), room);
	room -= l->help;
	l->notes = at_most(text_rows(f->notes, cols), room);
}

void form_size(const struct form *f, int screen_rows, int screen_cols, int *rows, int *cols)
{
	*cols = screen_cols < WIDTH_MAX ? screen_cols : WIDTH_MAX;
	int inner = *cols - 2 * DIALOG_MARGIN;
	*rows = text_rows(f->notes, inner) + shown_fields(f) + (f->offers.n > 1) +
	        help_rows(f, inner) + error_rows(f, inner) + 3; /* the frame, the keys */
	if (*rows > screen_rows)
		*rows = screen_rows;
}

static void draw_texts(
    struct sheet *s, int row, int col, int rows, int width, enum style st, const char *text)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	const char *p;
	if (rows <= 0)
		return;
	fold_text(text, strlen(text), (unsigned)(width > 1 ? width : 1), 0, &b);
	buf_addc(&b, '\0');
	p = b.data;
	for (int r = 0; r < rows && p; r++) {
		const char *nl = strchr(p, '\n');
		CLEANUP_FREE char *line = nl ? xstrndup(p, (size_t)(nl - p)) : xstrdup(p);
		sheet_field(s, row + r, col, width, st, line);
		p = nl ? nl + 1 : NULL;
	}
}

static void draw_value(
    const struct form *f, unsigned i, struct sheet *s, int row, int col, int width, int *cursor_col)
{
	const struct form_value *v = &f->value[i];
	bool here = i == f->at;
	enum style st = here ? STYLE_BAR : STYLE_NORMAL;
	char text[EDITLINE_MAX + 8];
	switch (f->spec->fields[i].kind) {
	case FORM_TEXT: {
		int cursor = editline_sheet(&v->line, s, row, col, width, STYLE_BAR);
		if (here)
			*cursor_col = cursor;
		break;
	}
	case FORM_CHOICE:
		snprintf(text, sizeof(text), "%s %s %s", here ? "<" : " ", form_text(f, i),
		    here ? ">" : " ");
		sheet_field(s, row, col, width, st, text);
		break;
	case FORM_MARK:
		snprintf(text, sizeof(text), "[%s]", v->mark ? "x" : " ");
		sheet_field(s, row, col, width, st, text);
		break;
	}
}

static void draw_fields(
    struct form *f, const struct layout *l, struct sheet *s, int top, int *crow, int *ccol)
{
	int k = 0, at = 0, width = s->cols - 2 * DIALOG_MARGIN - l->label;
	for (unsigned i = 0; i < f->at; i++)
		at += !f->value[i].hidden;
	/* After a screen that was smaller no row stays empty while a field is above. */
	if (f->top > shown_fields(f) - l->fields)
		f->top = shown_fields(f) - l->fields;
	if (f->top > at)
		f->top = at;
	if (at >= f->top + l->fields)
		f->top = at - l->fields + 1;
	for (unsigned i = 0; i < f->spec->n; i++) {
		int row = top + k - f->top, cursor = -1;
		if (f->value[i].hidden || k++ < f->top || row >= top + l->fields)
			continue;
		sheet_field(s, row, DIALOG_MARGIN, l->label - 1,
		    i == f->at ? STYLE_STRONG : STYLE_NORMAL, f->spec->fields[i].label);
		draw_value(f, i, s, row, DIALOG_MARGIN + l->label, width, &cursor);
		if (cursor >= 0) {
			*crow = row;
			*ccol = cursor;
		}
	}
}

static void draw_offers(const struct form *f, struct sheet *s, int row)
{
	int col = DIALOG_MARGIN;
	for (unsigned i = 0; i < f->offers.n && col < s->cols - DIALOG_MARGIN; i++)
		col += sheet_text(s, row, col, s->cols - DIALOG_MARGIN - col, STYLE_NOTE,
		           f->offers.word[i]) +
		       2;
}

static void draw_keys(const struct form *f, struct sheet *s, int row)
{
	static const struct dialog_key plain[] = {
	    {"Enter", "what it does"}, {"Up Down", "field"}, {"Esc", "back"}, {NULL, NULL}};
	static const struct dialog_key completes[] = {{"Enter", "what it does"},
	    {"Tab", "complete"}, {"Up Down", "field"}, {"Esc", "back"}, {NULL, NULL}};
	static const struct dialog_key turns[] = {{"Enter", "what it does"},
	    {"Left Right", "choose"}, {"Up Down", "field"}, {"Esc", "back"}, {NULL, NULL}};
	const struct form_field *field = &f->spec->fields[f->at];
	dialog_keys(s, row, field->kind != FORM_TEXT ? turns : field->offer ? completes : plain);
}

void form_draw(struct form *f, struct sheet *s, int *cursor_row, int *cursor_col)
{
	struct layout l;
	bool framed = s->rows >= DIALOG_FRAME_ROWS_MIN;
	int inner = s->cols - 2 * DIALOG_MARGIN, row = framed;
	CLEANUP_FREE char *title = xasprintf("%s: %s", f->domain, f->spec->title);
	const char *help = f->spec->fields[f->at].help;
	*cursor_row = *cursor_col = -1;
	lay_out(f, s->rows - (framed ? 2 : 0), inner, &l);
	if (framed)
		dialog_frame(s, title, STYLE_DIALOG);
	draw_texts(s, row, DIALOG_MARGIN, l.notes, inner, STYLE_NORMAL, f->notes);
	row += l.notes;
	draw_fields(f, &l, s, row, cursor_row, cursor_col);
	row += l.fields;
	if (l.offers)
		draw_offers(f, s, row);
	row += l.offers;
	if (help)
		draw_texts(s, row, DIALOG_MARGIN, l.help, inner, STYLE_DIM, help);
	row += l.help;
	draw_texts(s, row, DIALOG_MARGIN, l.error, inner, STYLE_BAD, f->error);
	row += l.error;
	if (l.keys)
		draw_keys(f, s, row);
}
