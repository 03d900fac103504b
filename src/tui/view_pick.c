#include "tui/view_pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "tui/dialog.h"
#include "tui/draw.h"
#include "tui/fold.h"

#define WIDTH_MAX 76
#define LABEL_MAX 30
#define NOTE_ROWS_MAX 3
#define NOTE_SCREEN_ROWS 15 /* a smaller screen has its rows for the list */

struct pick {
	struct view v;
	char *title;
	struct item {
		char *key, *label, *note, *why;
	} * item;
	unsigned n, at, first, height;
	void (*picked)(struct app *app, void *arg, unsigned which);
	void *arg;
	void (*free_arg)(void *arg);
	struct sheet sheet;
};

static int label_width(const struct pick *p)
{
	int most = 8;
	for (unsigned i = 0; i < p->n; i++) {
		int w = draw_width(p->item[i].label);
		most = w > most ? w : most;
	}
	return most < LABEL_MAX ? most : LABEL_MAX;
}

static void draw_item(const struct pick *p, unsigned i, struct sheet *s, int row, int label)
{
	const struct item *it = &p->item[i];
	int col = DIALOG_MARGIN, end = s->cols - DIALOG_MARGIN;
	enum style st = it->why ? STYLE_DIM : STYLE_NORMAL;
	sheet_textf(s, row, col, 3, it->why ? STYLE_DIM : STYLE_BAR_KEY, it->key ? " %s " : "   ",
	    it->key ? it->key : "");
	col += 4;
	sheet_field(s, row, col, end - col < label ? end - col : label,
	    it->why ? STYLE_DIM : STYLE_STRONG, it->label);
	col += label + 2;
	if (col < end && (it->why || it->note))
		sheet_field(s, row, col, end - col, st, it->why ? it->why : it->note);
	if (i == p->at)
		for (int c = DIALOG_MARGIN - 1; c <= end; c++)
			s->cells[(size_t)row * (size_t)s->cols + (size_t)c].reverse = true;
}

static int note_col(const struct pick *p)
{
	return DIALOG_MARGIN + 4 + label_width(p) + 2;
}

static const char *note_of(const struct item *it)
{
	return it->why ? it->why : it->note;
}

/* Rows below the list for a note that its row has no room for; as many for every row, or the box would jump. */
static int note_rows(const struct pick *p, int cols)
{
	int inner = cols - 2 * DIALOG_MARGIN, most = 0;
	for (unsigned i = 0; i < p->n; i++) {
		const char *note = note_of(&p->item[i]);
		int w = note ? draw_width(note) : 0;
		if (inner > 0 && w > cols - DIALOG_MARGIN - note_col(p) &&
		    (w + inner) / inner > most)
			most = (w + inner) / inner;
	}
	return most < NOTE_ROWS_MAX ? most : NOTE_ROWS_MAX;
}

static void draw_note(const struct pick *p, struct sheet *s, int row, int rows)
{
	const char *note = note_of(&p->item[p->at]), *line;
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (!note || draw_width(note) <= s->cols - DIALOG_MARGIN - note_col(p))
		return;
	fold_text(note, strlen(note), (unsigned)(s->cols - 2 * DIALOG_MARGIN), 0, &b);
	buf_addc(&b, '\0');
	line = b.data;
	for (int r = 0; r < rows && line; r++) {
		const char *nl = strchr(line, '\n');
		CLEANUP_FREE char *text = nl ? xstrndup(line, (size_t)(nl - line)) : xstrdup(line);
		sheet_field(
		    s, row + r, DIALOG_MARGIN, s->cols - 2 * DIALOG_MARGIN, STYLE_NOTE, text);
		line = nl ? nl + 1 : NULL;
	}
}

static void pick_draw(struct view *v)
{
	static const struct dialog_key keys[] = {
	    {"Enter", "choose"}, {"Up Down", "move"}, {"Esc", "back"}, {NULL, NULL}};
	struct pick *p = (struct pick *)v;
	int rows = draw_rows(), cols = draw_cols() < WIDTH_MAX ? draw_cols() : WIDTH_MAX, body;
	int notes = draw_rows() > NOTE_SCREEN_ROWS ? note_rows(p, cols) : 0;
	bool framed;
	if (rows > (int)p->n + 3 + notes)
		rows = (int)p->n + 3 + notes;
	framed = rows >= 5;
	if (!framed && rows > (int)p->n + 1)
		rows = (int)p->n + 1;
	body = rows - (framed ? 3 : 1) - notes;
	body = body < 1 ? rows : body;
	p->height = (unsigned)body;
	if (p->at < p->first)
		p->first = p->at;
	if (p->at >= p->first + p->height)
		p->first = p->at - p->height + 1;
	sheet_init(&p->sheet, rows, cols, v->app->theme.utf8);
	if (framed)
		dialog_frame(&p->sheet, p->title, STYLE_DIALOG);
	if (framed || body < rows)
		dialog_keys(&p->sheet, rows - 1 - framed, keys);
	for (unsigned i = p->first; i < p->n && i < p->first + p->height; i++)
		draw_item(p, i, &p->sheet, framed + (int)(i - p->first), label_width(p));
	draw_note(p, &p->sheet, rows - 2 - notes, notes);
	dialog_show(&p->sheet, -1, 0);
}

static void choose(struct pick *p, unsigned which)
{
	struct app *app = p->v.app;
	void *arg = p->arg;
	void (*free_arg)(void *) = p->free_arg;
	if (p->item[which].why) {
		p->at = which;
		app_message(app, STYLE_ERROR, "%s: %s", p->item[which].label, p->item[which].why);
		return;
	}
	p->free_arg = NULL;
	view_pop(&p->v);
	p->picked(app, arg, which);
	if (free_arg)
		free_arg(arg);
}

static void key_of_item(struct pick *p, const struct vt_key *k)
{
	if (k->sym != VT_KEY_CHAR || k->mods || k->cp >= 0x80)
		return;
	for (unsigned i = 0; i < p->n; i++)
		if (p->item[i].key && (unsigned char)p->item[i].key[0] == k->cp) {
			choose(p, i);
			return;
		}
	if (k->cp == 'q')
		view_pop(&p->v);
	else if (k->cp == 'j' || k->cp == 'k')
		p->at = k->cp == 'k'       ? (p->at ? p->at - 1 : 0)
		        : p->at + 1 < p->n ? p->at + 1
		                           : p->at;
}

static bool pick_key(struct view *v, const struct vt_key *k)
{
	struct pick *p = (struct pick *)v;
	unsigned last = p->n - 1;
	app_dirty(v->app);
	if (k->sym == VT_KEY_ESCAPE ||
	    (k->sym == VT_KEY_CHAR && k->cp == 'c' && k->mods == VT_MOD_CTRL))
		view_pop(v);
	else if (k->sym == VT_KEY_ENTER || k->sym == VT_KEY_KP_ENTER)
		choose(p, p->at);
	else if (k->sym == VT_KEY_UP)
		p->at -= p->at > 0;
	else if (k->sym == VT_KEY_DOWN)
		p->at += p->at < last;
	else if (k->sym == VT_KEY_PGUP)
		p->at = p->at > p->height ? p->at - p->height : 0;
	else if (k->sym == VT_KEY_PGDN)
		p->at = p->at + p->height < last ? p->at + p->height : last;
	else if (k->sym == VT_KEY_HOME || k->sym == VT_KEY_END)
		p->at = k->sym == VT_KEY_HOME ? 0 : last;
	else
		key_of_item(p, k);
	return true;
}

static void pick_close(struct view *v)
{
	struct pick *p = (struct pick *)v;
	for (unsigned i = 0; i < p->n; i++) {
		free(p->item[i].key);
		free(p->item[i].label);
		free(p->item[i].note);
		free(p->item[i].why);
	}
	if (p->free_arg)
		p->free_arg(p->arg);
	sheet_fini(&p->sheet);
	free(p->item);
	free(p->title);
	free(p);
}

static const struct view_ops ops = {
    .overlay = true, .draw = pick_draw, .key = pick_key, .close = pick_close};

void view_pick_open(struct app *app, const char *title, const struct pick_item *items, unsigned n,
    void (*picked)(struct app *app, void *arg, unsigned which), void *arg,
    void (*free_arg)(void *arg))
{
	struct pick *p = xcalloc(1, sizeof(*p));
	p->v.ops = &ops;
	p->title = xstrdup(title);
	p->item = xcalloc(n + 1, sizeof(*p->item));
	p->n = n;
	for (unsigned i = 0; i < n; i++)
		p->item[i] = (struct item){xstrdup0(items[i].key), xstrdup(items[i].label),
		    xstrdup0(items[i].note), xstrdup0(items[i].why)};
	p->picked = picked;
	p->arg = arg;
	p->free_arg = free_arg;
	view_push(app, &p->v);
}
