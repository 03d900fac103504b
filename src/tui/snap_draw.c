#include "tui/snap_draw.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "tui/draw.h"

#define MARGIN 1
#define GAP 2
#define WHEN_WIDTH 16
#define STATE_WIDTH 11
#define KIND_WIDTH 8
#define BYTES_WIDTH 6
#define NAME_MIN 12
#define NAME_MAX_COLS 40
#define TEXT_GOOD 16 /* columns of description that are worth leaving another column out */

enum { NAME, WHEN, AGE, STATE, KIND, SIZE, WORDS, COLUMNS };

struct columns {
	int at[COLUMNS], width[COLUMNS]; /* width 0: not there */
};

static int name_width(const struct snap_rows *rows)
{
	int most = NAME_MIN;
	for (size_t i = 0; i < rows->n; i++) {
		int w = draw_width(rows->row[i].shown) + (int)rows->row[i].level + 2;
		most = w > most ? w : most;
	}
	return most < NAME_MAX_COLS ? most : NAME_MAX_COLS;
}

static void lay_out(const struct snap_rows *rows, int cols, struct columns *c)
{
	static const struct {
		int column, width;
	} wanted[] = {{WHEN, WHEN_WIDTH}, {STATE, STATE_WIDTH}, {SIZE, BYTES_WIDTH},
	    {WORDS, TEXT_GOOD}, {AGE, 7}, {KIND, KIND_WIDTH}};
	int left, at = MARGIN;
	memset(c, 0, sizeof(*c));
	c->width[NAME] = name_width(rows);
	if (c->width[NAME] > 20 && cols < 90)
		c->width[NAME] = 20;
	if (c->width[NAME] > cols - MARGIN)
		c->width[NAME] = cols > MARGIN + 1 ? cols - MARGIN : 1;
	left = cols - MARGIN - c->width[NAME];
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (left >= wanted[i].width + GAP) {
			c->width[wanted[i].column] = wanted[i].width;
			left -= wanted[i].width + GAP;
		}
	if (c->width[WORDS])
		c->width[WORDS] += left;
	for (int i = 0; i < COLUMNS; i++) {
		c->at[i] = at;
		at += c->width[i] ? c->width[i] + GAP : 0;
	}
}

static void titles(const struct columns *c, struct sheet *s, int row)
{
	static const char *const names[COLUMNS] = {
	    "NAME", "MADE", "AGE", "STATE", "KEPT", "SIZE", "DESCRIPTION"};
	sheet_fill(s, row, STYLE_COLUMNS);
	for (int i = 0; i < COLUMNS; i++)
		if (c->width[i])
			(i == SIZE ? sheet_right : sheet_field)(
			    s, row, c->at[i], c->width[i], STYLE_COLUMNS, names[i]);
}

/* Lines of the tree before a name; returns the columns. */
static int branches(const struct snap_row *r, struct sheet *s, int row, int col, int width)
{
	static const char *const ascii[] = {"|", "+", "`"};
	static const char *const lines[] = {"│", "├", "└"};
	const char *const *glyph = s->utf8 ? lines : ascii;
	int used = 0;
	for (unsigned k = 0; k < r->level && used < width; k++, used++) {
		bool own = k + 1 == r->level && r->first;
		const char *g = own ? glyph[r->last ? 2 : 1] : r->more & (1u << k) ? glyph[0] : " ";
		sheet_text(s, row, col + used, 1, STYLE_DIM, g);
	}
	return used;
}

static enum style state_style(const struct snap_row *r)
{
	return !strcmp(r->state, "running")   ? STYLE_GOOD
	       : !strcmp(r->state, "crashed") ? STYLE_BAD
	                                      : STYLE_NORMAL;
}

/* What is in it, in a word for each state: "disks only" is what libvirt calls disk-snapshot. */
static const char *state_word(const struct snap_row *r)
{
	return !strcmp(r->state, "disk-snapshot") ? "disks only" : r->state;
}

/* A long name without its middle: those that the machine makes differ at their end. */
static char *name_within(const char *name, int width, bool utf8)
{
	size_t n = strlen(name), room = width > 1 ? (size_t)width - 1 : 0, tail = room / 2;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] >= 0x80)
			return xstrdup(name);
	if (n <= (size_t)(width > 0 ? width : 0) || room < 8)
		return xstrdup(name);
	return xasprintf("%.*s%s%s", (int)(room - tail), name, utf8 ? "…" : "~", name + n - tail);
}

static void draw_name(const struct columns *c, const struct snap_row *r, struct sheet *s, int row)
{
	int col = c->at[NAME], end = col + c->width[NAME];
	const char *dot = r->current ? (s->utf8 ? "●" : "*") : s->utf8 ? "○" : "o";
	col += branches(r, s, row, col, c->width[NAME] / 2);
	col += sheet_text(s, row, col, end - col, r->current ? STYLE_STRONG : STYLE_DIM, dot) + 1;
	CLEANUP_FREE char *name = name_within(r->shown, end - col, s->utf8);
	sheet_field(s, row, col, end - col, r->current ? STYLE_STRONG : STYLE_NORMAL, name);
}

/* In steps, or an idle screen would be redrawn every second for nothing. */
static void age_text(uint64_t created, uint64_t now_s, char out[STR_HUMAN_MAX])
{
	if (created && now_s >= created && now_s - created < 60)
		memcpy(out, "<1m", 4);
	else if (created && now_s >= created)
		str_age(now_s - created, out);
}

static void draw_row(
    const struct columns *c, const struct snap_row *r, uint64_t now_s, struct sheet *s, int row)
{
	char when[32] = "-", age[STR_HUMAN_MAX] = "-", size[STR_HUMAN_MAX] = "-";
	CLEANUP_FREE char *words =
	    xasprintf("%s%s", *r->schedule ? "[scheduled] " : "", r->description);
	if (r->created)
		timestamp_local(r->created, "%Y-%m-%d %H:%M", when, sizeof(when));
	age_text(r->created, now_s, age);
	if (r->size)
		str_human(r->size, size);
	draw_name(c, r, s, row);
	sheet_field(s, row, c->at[WHEN], c->width[WHEN], STYLE_NORMAL, c->width[WHEN] ? when : "");
	sheet_field(s, row, c->at[AGE], c->width[AGE], STYLE_NORMAL, c->width[AGE] ? age : "");
	if (c->width[STATE])
		sheet_field(s, row, c->at[STATE], c->width[STATE], state_style(r), state_word(r));
	if (c->width[KIND])
		sheet_field(s, row, c->at[KIND], c->width[KIND], STYLE_NORMAL,
		    r->external ? "external" : "internal");
	if (c->width[SIZE])
		sheet_right(s, row, c->at[SIZE], c->width[SIZE], STYLE_NORMAL, size);
	if (c->width[WORDS])
		sheet_field(s, row, c->at[WORDS], c->width[WORDS], STYLE_NORMAL, words);
}

void snap_table_draw(const struct snap_rows *rows, size_t first, size_t at, uint64_t now_s,
    struct sheet *s, int top, int height)
{
	struct columns c;
	int row = top, end = top + height;
	if (height <= 0)
		return;
	lay_out(rows, s->cols, &c);
	if (height > 1)
		titles(&c, s, row++);
	for (size_t i = first; i < rows->n && row < end; i++, row++) {
		draw_row(&c, &rows->row[i], now_s, s, row);
		if (i == at)
			sheet_reverse(s, row);
	}
	if (rows->left_out && row < end)
		sheet_textf(s, row++, MARGIN, s->cols, STYLE_DIM,
		    "and %zu more: hvmux snapshot-list", rows->left_out);
	if (rows->trouble && *rows->trouble && row < end)
		sheet_field(s, row++, MARGIN, s->cols - MARGIN, STYLE_BAD, rows->trouble);
	if (!rows->n && row < end)
		sheet_text(s, row, MARGIN, s->cols - MARGIN, STYLE_DIM,
		    rows->looked ? "no snapshots yet (n makes one)" : "looking …");
}

static int line(
    struct sheet *s, int row, int end, enum style st, const char *label, const char *text)
{
	if (row >= end || !*text)
		return row;
	sheet_text(s, row, MARGIN, 12, STYLE_DIM, label);
	sheet_field(s, row, MARGIN + 13, s->cols - MARGIN - 13, st, text);
	return row + 1;
}

void snap_details_draw(
    const struct snap_row *r, uint64_t now_s, struct sheet *s, int top, int height)
{
	int row = top, end = top + height;
	char when[32] = "?", age[STR_HUMAN_MAX] = "?";
	CLEANUP_FREE char *head = NULL, *tree = NULL, *memory = NULL;
	if (!r)
		return;
	if (r->created) {
		timestamp_local(r->created, TIMESTAMP_LOCAL, when, sizeof(when));
		age_text(r->created, now_s, age);
	}
	head = xasprintf("%s%s   made %s, %s ago%s%s%s", r->shown, r->current ? " (current)" : "",
	    when, age, *r->schedule ? " by the schedule '" : "", r->schedule,
	    *r->schedule ? "'" : "");
	if (row < end)
		sheet_field(s, row++, MARGIN, s->cols - MARGIN, STYLE_STRONG, head);
	row = line(s, row, end, STYLE_NORMAL, "description", r->description);
	memory = xasprintf("%s%s%s%s", state_word(r),
	    r->memory ? ", with the memory: going back goes on from there"
	              : ", without the memory: after going back it boots",
	    *r->memory_file ? "; in " : "", r->memory_file);
	row = line(s, row, end, STYLE_NORMAL, "state", memory);
	row = line(s, row, end, STYLE_NORMAL, "disks", r->disks);
	tree = xasprintf("%s%s; %u below it", *r->parent ? "stands on " : "the first of its line",
	    r->parent, r->below);
	row = line(s, row, end, STYLE_NORMAL, "tree", tree);
	line(s, row, end, STYLE_NORMAL, "firmware",
	    r->nvram ? "a copy of its variables (NVRAM) is kept beside it" : "");
}
