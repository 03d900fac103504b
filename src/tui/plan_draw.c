#include "tui/plan_draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tui/dialog.h"
#include "tui/draw.h"
#include "tui/fold.h"

#define WIDTH_MAX 100
#define SAID_ROWS 5
#define HANG 4 /* columns: the words of a step begin there */

/* --- lines: all that scrolls, folded to the box's width --- */

struct rows {
	char **text;
	enum style *style;
	unsigned n, cap;
};

static void rows_add(struct rows *r, enum style st, const char *text, size_t n)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 32;
		r->text = xreallocarray(r->text, r->cap, sizeof(*r->text));
		r->style = xreallocarray(r->style, r->cap, sizeof(*r->style));
	}
	r->style[r->n] = st;
	r->text[r->n++] = xstrndup(text, n);
}

static void rows_fold(
    struct rows *r, enum style st, const char *text, unsigned width, unsigned hang)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	fold_text(text, strlen(text), width > 1 ? width : 1, hang, &b);
	for (size_t at = 0; at <= b.len;) {
		const char *nl = b.len ? memchr(b.data + at, '\n', b.len - at) : NULL;
		size_t len = nl ? (size_t)(nl - b.data) - at : b.len - at;
		rows_add(r, st, b.len ? b.data + at : "", len);
		at += len + 1;
	}
}

static void rows_fini(struct rows *r)
{
	for (unsigned i = 0; i < r->n; i++)
		free(r->text[i]);
	free(r->text);
	free(r->style);
}

static bool under_way(const struct plan_look *p)
{
	return p->state == PLAN_RUNS || p->state == PLAN_FAILED || p->state == PLAN_ENDED;
}

/* Before a step that is done, goes on, is still to come. */
static const char *mark_of(
    const struct plan_look *p, const struct plan_line *l, bool utf8, enum style *st)
{
	bool done = p->state == PLAN_ENDED || l->part < p->part ||
	            (p->step && l->part == p->part && l->step < p->step);
	if (!under_way(p) || (!p->step && p->state != PLAN_ENDED))
		return "";
	if (done) {
		*st = STYLE_DIM;
		return utf8 ? "✓" : "x";
	}
	if (l->part != p->part || l->step != p->step)
		return " ";
	*st = p->state == PLAN_FAILED ? STYLE_BAD : STYLE_STRONG;
	return p->state == PLAN_FAILED ? "!" : utf8 ? "▸" : ">";
}

static void make_rows(const struct plan_look *p, int width, bool utf8, struct rows *r)
{
	for (unsigned i = 0; i < p->text->n; i++) {
		const struct plan_line *l = &p->text->line[i];
		enum style st = STYLE_NORMAL;
		CLEANUP_FREE char *text = NULL;
		if (l->kind == PLAN_LINE_DETAIL && !p->details)
			continue;
		if (l->kind == PLAN_LINE_STEP) {
			const char *mark = mark_of(p, l, utf8, &st);
			text = xasprintf("%s%2u. %s", mark, l->step, l->text);
		} else {
			st = l->kind == PLAN_LINE_DETAIL ? STYLE_DIM : STYLE_NORMAL;
			text = xasprintf("%s%s", st == STYLE_DIM ? "     " : "", l->text);
		}
		rows_fold(r, st, text, (unsigned)(width > 1 ? width : 1),
		    l->kind == PLAN_LINE_WORDS ? 0 : HANG + 1);
	}
}

/* --- the parts around it --- */

static void make_notes(const struct plan_look *p, int width, struct rows *r)
{
	for (unsigned i = 0; i < p->n_notes; i++) {
		bool bad = p->notes[i][0] == '!';
		rows_fold(r, bad ? STYLE_BAD : STYLE_STRONG, p->notes[i] + bad,
		    (unsigned)(width > 1 ? width : 1), 0);
	}
}

static void make_said(const struct plan_look *p, int width, struct rows *r)
{
	static const enum style looks[] = {[PLAN_LOOKS] = STYLE_WARN,
	    [PLAN_ASKS] = STYLE_NORMAL,
	    [PLAN_BAD] = STYLE_BAD,
	    [PLAN_RUNS] = STYLE_WARN,
	    [PLAN_ENDED] = STYLE_GOOD,
	    [PLAN_FAILED] = STYLE_BAD};
	CLEANUP_FREE char *runs = xasprintf("Runs: %s", p->command);
	if (p->state == PLAN_ASKS || p->state == PLAN_LOOKS)
		rows_fold(r, STYLE_DIM, runs, (unsigned)(width > 1 ? width : 1), 0);
	if (p->said && *p->said)
		rows_fold(r, looks[p->state], p->said, (unsigned)(width > 1 ? width : 1), 0);
	while (r->n > SAID_ROWS)
		free(r->text[--r->n]);
}

static void draw_rows_at(struct sheet *s, int row, int rows, const struct rows *r, unsigned first)
{
	for (int k = 0; k < rows && first + (unsigned)k < r->n; k++)
		sheet_field(s, row + k, DIALOG_MARGIN, s->cols - 2 * DIALOG_MARGIN,
		    r->style[first + (unsigned)k], r->text[first + (unsigned)k]);
}

static void draw_typed(
    const struct plan_look *p, struct sheet *s, int row, int *cursor_row, int *cursor_col)
{
	int col = DIALOG_MARGIN, end = s->cols - DIALOG_MARGIN;
	col +=
	    sheet_textf(s, row, col, end - col - 8, STYLE_STRONG, "Type %s and Enter: ", p->typed);
	*cursor_col =
	    editline_sheet(p->line, s, row, col, end - col, p->wrong ? STYLE_ERROR : STYLE_BAR);
	*cursor_row = row;
}

static void draw_keys(
    const struct plan_look *p, struct sheet *s, int row, int *cursor_row, int *cursor_col)
{
	static const struct dialog_key asks[] = {
	    {"y", "do it"}, {"Tab", "details"}, {"Esc", "back"}, {NULL, NULL}};
	static const struct dialog_key runs[] = {{"Ctrl+C", "cancel"}, {"Tab", "details"},
	    {"Esc", "let it go on by itself"}, {NULL, NULL}};
	static const struct dialog_key ended[] = {
	    {"Tab", "details"}, {"Esc", "close"}, {NULL, NULL}};
	static const struct dialog_key bad[] = {{"Esc", "back"}, {NULL, NULL}};
	static const struct dialog_key *const keys[] = {[PLAN_LOOKS] = bad,
	    [PLAN_ASKS] = asks,
	    [PLAN_BAD] = bad,
	    [PLAN_RUNS] = runs,
	    [PLAN_ENDED] = ended,
	    [PLAN_FAILED] = ended};
	if (p->state == PLAN_ASKS && p->line)
		draw_typed(p, s, row, cursor_row, cursor_col);
	else
		dialog_keys(s, row, keys[p->state]);
}

void plan_size(const struct plan_look *p, int screen_rows, int screen_cols, int *rows, int *cols)
{
	struct rows r = {0}, said = {0};
	int inner;
	*cols = screen_cols < WIDTH_MAX ? screen_cols : WIDTH_MAX;
	inner = *cols - 2 * DIALOG_MARGIN;
	make_notes(p, inner, &r);
	make_rows(p, inner, false, &r);
	make_said(p, inner, &said);
	*rows = (int)r.n + (int)said.n + 3;
	rows_fini(&r);
	rows_fini(&said);
	if (*rows < DIALOG_FRAME_ROWS_MIN)
		*rows = DIALOG_FRAME_ROWS_MIN;
	if (*rows > screen_rows)
		*rows = screen_rows;
}

unsigned plan_draw(struct plan_look *p, struct sheet *s, int *cursor_row, int *cursor_col)
{
	bool framed = s->rows >= DIALOG_FRAME_ROWS_MIN;
	int inner = s->cols - 2 * DIALOG_MARGIN, row = framed,
	    room = s->rows - (framed ? 2 : 0) - 1;
	int notes_rows, said_rows, body;
	struct rows notes = {0}, steps = {0}, said = {0};
	*cursor_row = *cursor_col = -1;
	make_notes(p, inner, &notes);
	make_rows(p, inner, s->utf8, &steps);
	make_said(p, inner, &said);
	notes_rows = (int)notes.n < room ? (int)notes.n : room > 0 ? room : 0;
	room -= notes_rows;
	/* A row of steps is kept: what is said can be read in the events, too. */
	said_rows = room - (steps.n > 0 && room > 1);
	said_rows = (int)said.n < said_rows ? (int)said.n : said_rows > 0 ? said_rows : 0;
	body = room > said_rows ? room - said_rows : 0;
	if (p->first + (unsigned)body > steps.n)
		p->first = steps.n > (unsigned)body ? steps.n - (unsigned)body : 0;
	if (framed)
		dialog_frame(s, p->title, p->state == PLAN_ASKS ? STYLE_WARN : STYLE_DIALOG);
	draw_rows_at(s, row, notes_rows, &notes, 0);
	draw_rows_at(s, row + notes_rows, body, &steps, p->first);
	if (steps.n > (unsigned)body && body > 0 && framed)
		sheet_textf(s, 0, s->cols - 24 > 2 ? s->cols - 24 : 2, 22, STYLE_WARN,
		    " %u-%u of %u, Up Down ", p->first + 1, p->first + (unsigned)body, steps.n);
	draw_rows_at(s, row + notes_rows + body, said_rows, &said, 0);
	draw_keys(p, s, s->rows - 1 - framed, cursor_row, cursor_col);
	rows_fini(&notes);
	rows_fini(&steps);
	rows_fini(&said);
	return (unsigned)body;
}
