#include "tui/dialog.h"

#include <stdio.h>
#include <string.h>

#include "tui/draw.h"

void dialog_frame(struct sheet *s, const char *title, enum style st)
{
	static const char *const ascii[] = {"+", "+", "+", "+", "-", "|"};
	static const char *const lines[] = {"┌", "┐", "└", "┘", "─", "│"};
	const char *const *glyph = s->utf8 ? lines : ascii;
	int last = s->rows - 1, right = s->cols - 1;
	for (int c = 0; c <= right; c++) {
		sheet_text(s, 0, c, 1, st, c == 0 ? glyph[0] : c == right ? glyph[1] : glyph[4]);
		sheet_text(s, last, c, 1, st, c == 0 ? glyph[2] : c == right ? glyph[3] : glyph[4]);
	}
	for (int r = 1; r < last; r++) {
		sheet_text(s, r, 0, 1, st, glyph[5]);
		sheet_text(s, r, right, 1, st, glyph[5]);
	}
	if (*title && s->cols > 2 * DIALOG_MARGIN + 2) {
		char text[400];
		snprintf(text, sizeof(text), " %.380s ", title);
		sheet_field(s, 0, DIALOG_MARGIN, s->cols - 2 * DIALOG_MARGIN, st, text);
	}
}

static int key_width(const struct dialog_key *k)
{
	return draw_width(k->key) + draw_width(k->label) + 3;
}

void dialog_keys(struct sheet *s, int row, const struct dialog_key *keys)
{
	int col = DIALOG_MARGIN, end = s->cols - DIALOG_MARGIN, last = 0;
	unsigned n = 0;
	while (keys[n].key)
		n++;
	last = n ? key_width(&keys[n - 1]) : 0;
	for (unsigned i = 0; i < n; i++) {
		int kept = i + 1 < n ? last + 2 : 0;
		if (i > 0 && col + key_width(&keys[i]) + kept > end)
			continue;
		col += sheet_textf(s, row, col, end - col, STYLE_BAR_KEY, " %s ", keys[i].key);
		col += sheet_textf(s, row, col, end - col, STYLE_NORMAL, " %s", keys[i].label) + 2;
	}
}

void dialog_show(const struct sheet *s, int cursor_row, int cursor_col)
{
	int row = (draw_rows() - s->rows) / 2, col = (draw_cols() - s->cols) / 2;
	row = row < 0 ? 0 : row;
	col = col < 0 ? 0 : col;
	sheet_show(s, row, col);
	if (cursor_row >= 0)
		draw_cursor(row + cursor_row, col + cursor_col);
}
