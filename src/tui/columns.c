#include "tui/columns.h"

#include <stdio.h>

/* What is shown: by rank, as long as it fits. */
static int choose(struct columns *c, int left)
{
	for (unsigned rank = 0; rank < COLUMNS_MAX; rank++)
		for (unsigned i = 0; i < c->n; i++) {
			int need = c->all[i].width + 1;
			if (c->all[i].rank != rank || (need > left && rank))
				continue;
			c->width[i] = need > left ? (left > 1 ? left - 1 : 1) : c->all[i].width;
			left -= need;
		}
	return left;
}

/* What is left over goes to those that can use it, in turns. */
static void stretch(struct columns *c, int left)
{
	bool any = true;
	while (left > 0 && any) {
		any = false;
		for (unsigned i = 0; i < c->n && left > 0; i++)
			if (c->width[i] && c->width[i] < c->all[i].most) {
				c->width[i]++;
				left--;
				any = true;
			}
	}
}

void columns_place(struct columns *c, const struct column *all, unsigned n, int cols, int margin)
{
	int at = margin;
	*c = (struct columns){.all = all, .n = n < COLUMNS_MAX ? n : COLUMNS_MAX};
	stretch(c, choose(c, cols - margin));
	for (unsigned i = 0; i < c->n; i++) {
		c->at[i] = at;
		at += c->width[i] ? c->width[i] + 1 : 0;
	}
}

void columns_titles(const struct columns *c, struct sheet *s, int row, int sorted, bool downward)
{
	const char *arrow = s->utf8 ? (downward ? "▼" : "▲") : downward ? "v" : "^";
	char text[64];
	sheet_fill(s, row, STYLE_COLUMNS);
	for (unsigned i = 0; i < c->n; i++) {
		bool here = (int)i == sorted;
		if (!c->width[i])
			continue;
		snprintf(text, sizeof(text), "%s%s", c->all[i].title, here ? arrow : "");
		(c->all[i].right ? sheet_right : sheet_field)(
		    s, row, c->at[i], c->width[i], here ? STYLE_SORTED : STYLE_COLUMNS, text);
	}
}

void columns_row(const struct columns *c, struct sheet *s, int row, const struct column_cell *cells)
{
	for (unsigned i = 0; i < c->n; i++) {
		const struct column_cell *cell = &cells[i];
		if (!c->width[i] || !cell->text)
			continue;
		(cell->tail ? sheet_tail
		    : c->all[i].right
		        ? sheet_right
		        : sheet_field)(s, row, c->at[i], c->width[i], cell->style, cell->text);
	}
}
