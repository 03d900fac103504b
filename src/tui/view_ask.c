#include "tui/view_ask.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tui/draw.h"

#define WIDTH_MAX 76
#define TYPED_AHEAD_MS 300 /* a key that was on its way is no answer */

struct ask {
	struct view v;
	char *question, *words;
	void (*answer)(void *arg, bool yes); /* NULL: it was given */
	void *arg;
	uint64_t opened_ms;
};

/* Bytes of the text's first line where there is room for `width` columns: cut at a blank, or where it must. */
static size_t line_bytes(const char *text, int width)
{
	const char *p = text, *blank = NULL;
	int used = 0;
	while (*p && *p != '\n') {
		const char *was = p;
		int w = vt_width(draw_next(&p));
		used += w < 0 ? 1 : w;
		if (*was == ' ')
			blank = was;
		if (used > width && blank)
			return (size_t)(blank - text);
		if (used > width)
			return (size_t)((was > text ? was : p) - text);
	}
	return (size_t)(p - text);
}

/* Draws the text from `row` to before `limit`; returns how many lines it has. */
static int draw_words(const char *text, int row, int limit, int col, int width)
{
	int lines = 0;
	for (; *text; lines++) {
		size_t n = line_bytes(text, width);
		CLEANUP_FREE char *line = xstrndup(text, n);
		if (row + lines < limit)
			draw_field(row + lines, col, width, STYLE_NORMAL, line);
		text += n;
		text += *text == ' ' || *text == '\n';
	}
	return lines;
}

static void draw_answer(int row, int col, int width)
{
	int at = col;
	at += draw_text(row, at, width, STYLE_BAR_KEY, " y ");
	at += draw_text(row, at, col + width - at, STYLE_NORMAL, " yes    ");
	at += draw_text(row, at, col + width - at, STYLE_BAR_KEY, " Esc ");
	draw_text(row, at, col + width - at, STYLE_NORMAL, " no");
}

static void ask_draw(struct view *v)
{
	struct ask *a = (struct ask *)v;
	int width = draw_cols() < WIDTH_MAX ? draw_cols() : WIDTH_MAX, height, row, col;
	height = draw_words(a->words, 0, 0, 0, width - 4) + 4;
	if (height > draw_rows())
		height = draw_rows();
	row = (draw_rows() - height) / 2;
	col = (draw_cols() - width) / 2;
	draw_box(row, col, height, width, STYLE_WARN);
	draw_textf(row, col + 2, width - 4, STYLE_WARN, " %s ", a->question);
	if (height < 4) { /* nothing but the question and its answer fits */
		draw_answer(row + height - 1, col + 1, width - 2);
		return;
	}
	draw_words(a->words, row + 1, row + height - 2, col + 2, width - 4);
	draw_answer(row + height - 2, col + 2, width - 4);
}

static void answer(struct ask *a, bool yes)
{
	void (*fn)(void *arg, bool yes) = a->answer;
	a->answer = NULL;
	view_pop(&a->v);
	fn(a->arg, yes);
}

static bool ask_key(struct view *v, const struct vt_key *k)
{
	struct ask *a = (struct ask *)v;
	bool ctrl_c = k->cp == 'c' && k->mods == VT_MOD_CTRL,
	     plain = k->sym == VT_KEY_CHAR && !k->mods;
	bool ctrl_bracket = k->sym == VT_KEY_CHAR && k->cp == ']' && k->mods == VT_MOD_CTRL;
	if (k->sym == VT_KEY_ESCAPE || ctrl_c || ctrl_bracket ||
	    (plain && (k->cp == 'n' || k->cp == 'q')))
		answer(a, false);
	else if (plain && k->cp == 'y' && loop_now_ms() - a->opened_ms > TYPED_AHEAD_MS)
		answer(a, true);
	return true;
}

static void ask_close(struct view *v)
{
	struct ask *a = (struct ask *)v;
	free(a->question);
	free(a->words);
	free(a);
}

static const struct view_ops ops = {
    .overlay = true, .draw = ask_draw, .key = ask_key, .close = ask_close};

void view_ask_open(struct app *app, const char *question, const char *words,
    void (*fn)(void *arg, bool yes), void *arg)
{
	struct ask *a = xcalloc(1, sizeof(*a));
	a->v.ops = &ops;
	a->question = xstrdup(question);
	a->words = xstrdup(words);
	a->answer = fn;
	a->arg = arg;
	a->opened_ms = loop_now_ms();
	view_push(app, &a->v);
}
