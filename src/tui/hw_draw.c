#include "tui/hw_draw.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "tui/draw.h"
#include "tui/fold.h"
#include "tui/hw_actions.h"

#define DETAIL_ROWS 6
#define DETAIL_ROWS_MIN 14 /* screens lower than this have no room for details */

static void draw_head(const struct hw_screen *v, struct sheet *s)
{
	int col = 1;
	sheet_fill(s, 0, STYLE_BAR);
	col += sheet_text(s, 0, col, s->cols - col, STYLE_BAR_KEY, v->domain) + 2;
	col += sheet_text(s, 0, col, s->cols - col, STYLE_BAR, v->state) + 2;
	col += sheet_text(s, 0, col, s->cols - col, STYLE_BAR, "hardware") + 2;
	if (*v->job)
		sheet_field(s, 0, col, s->cols - col, STYLE_WARN, v->job);
	else if (s->cols - 7 > col)
		sheet_text(s, 0, s->cols - 6, 6, STYLE_BAR, v->clock);
}

static void draw_titles(const struct hw_screen *v, struct sheet *s, int row)
{
	sheet_fill(s, row, STYLE_COLUMNS);
	sheet_textf(s, row, 0, s->cols, STYLE_COLUMNS, "  %-11s %-20s %-14s WHAT%s", "DEVICE",
	    "NAME", "ADDRESS", v->rows->runs ? "" : "   (as defined; it is off)");
}

static int draw_folded(struct sheet *s, int row, int end, enum style st, const char *text)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	const char *p;
	if (!*text)
		return row;
	fold_text(text, strlen(text), (unsigned)(s->cols > 3 ? s->cols - 2 : 1), 0, &b);
	buf_addc(&b, '\0');
	for (p = b.data; p && row < end; row++) {
		const char *nl = strchr(p, '\n');
		CLEANUP_FREE char *line = nl ? xstrndup(p, (size_t)(nl - p)) : xstrdup(p);
		sheet_field(s, row, 1, s->cols - 1, st, line);
		p = nl ? nl + 1 : NULL;
	}
	return row;
}

static void draw_details(const struct hw_screen *v, struct sheet *s, int row, int end)
{
	const struct hw_row *r = v->at < v->rows->n ? &v->rows->row[v->at] : NULL;
	CLEANUP_FREE char *head = NULL, *actions = NULL;
	if (!r)
		return;
	head = xasprintf("%s %s%s%s   %s", r->part.kind, r->part.name,
	    *r->part.alias ? "   alias " : "", r->part.alias,
	    r->mark == HW_GOES ? "gone when it ends" : r->live);
	actions = hw_actions_text(r, v->rows->runs);
	sheet_field(s, row++, 1, s->cols - 1, STYLE_STRONG, head);
	if (row < end)
		sheet_field(s, row++, 1, s->cols - 1, *actions ? STYLE_GOOD : STYLE_DIM,
		    r->mark == HW_COMES ? "it is there from the next start on"
		    : *actions          ? actions
		                        : "nothing can be done to it here while it is as it is");
	row = draw_folded(s, row, end, STYLE_WARN, r->advice);
	draw_folded(s, row, end, STYLE_NORMAL, r->part.text);
}

void hw_screen_draw(struct hw_screen *v, struct sheet *s)
{
	int detail = s->rows >= DETAIL_ROWS_MIN ? DETAIL_ROWS : 0;
	int top = s->rows > 3 ? 2 : 1, height = s->rows - 1 - top - detail - (detail > 0);
	v->height = height > 0 ? (size_t)height : 1;
	if (v->at < v->first)
		v->first = v->at;
	if (v->at >= v->first + v->height)
		v->first = v->at - v->height + 1;
	if (s->rows > 1)
		draw_head(v, s);
	if (top > 1)
		draw_titles(v, s, 1);
	for (size_t i = v->first; i < v->rows->n && i < v->first + v->height; i++) {
		CLEANUP_FREE char *text = hw_row_text(&v->rows->row[i]);
		int row = top + (int)(i - v->first);
		sheet_field(s, row, 0, s->cols, hw_row_style(&v->rows->row[i]), text);
		if (i == v->at)
			sheet_reverse(s, row);
	}
	if (*v->rows->trouble && height > 0)
		sheet_field(s, top + height - 1, 1, s->cols - 1, STYLE_BAD, v->rows->trouble);
	else if (!v->rows->n)
		sheet_text(s, top, 1, s->cols - 1, STYLE_DIM, "nothing is known of its hardware");
	if (detail) {
		sheet_rule(s, top + height, STYLE_RULE);
		draw_details(v, s, top + height + 1, s->rows - 1);
	}
}
