#include "cli/screen_json.h"

#include <stdio.h>

#include "cli/out.h"
#include "core/buf.h"
#include "core/mem.h"

/* VT_PROTECTED, VT_MARKED are no look. */
#define LOOK (VT_PROTECTED - 1)

static void add_colour(struct json_object *run, const char *key, uint32_t colour)
{
	char text[16];
	if (colour & VT_RGB) {
		snprintf(text, sizeof(text), "#%06x", colour & 0xFFFFFFu);
		out_add_str(run, key, text);
	} else if (colour & VT_INDEXED) {
		out_add_u64(run, key, colour & 0xFF);
	}
}

static void add_attributes(struct json_object *run, unsigned attrs)
{
	static const struct {
		unsigned attr;
		const char *name;
	} names[] = {{VT_BOLD, "bold"}, {VT_FAINT, "faint"}, {VT_ITALIC, "italic"},
	    {VT_BLINK, "blink"}, {VT_REVERSE, "reverse"}, {VT_INVISIBLE, "invisible"},
	    {VT_STRIKE, "strike"}};
	static const char *const styles[] = {
	    NULL, "single", "double", "curly", "dotted", "dashed", "dashed", "dashed", "dashed"};
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (attrs & names[i].attr)
			json_object_array_add(list, json_object_new_string(names[i].name));
	if (json_object_array_length(list))
		json_object_object_add(run, "attributes", list);
	else
		json_object_put(list);
	if (attrs & VT_UNDERLINE)
		out_add_str(run, "underline", styles[VT_UNDERLINE_STYLE(attrs)]);
}

static bool same_look(const struct vt_cell *a, const struct vt_cell *b)
{
	const unsigned look = LOOK | VT_UNDERLINE_STYLES;
	return a->fg == b->fg && a->bg == b->bg && (a->attrs & look) == (b->attrs & look) &&
	       a->underline == b->underline;
}

static struct json_object *run_json(
    const struct vt_screen *s, const struct vt_cell *cells, unsigned from, unsigned to)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	char cell[VT_CELL_UTF8_MAX];
	struct json_object *run = json_object_new_object();
	for (unsigned i = from; i < to; i++)
		buf_add(&text, cell, vt_screen_cell_text(s, &cells[i], cell));
	out_add_u64(run, "col", from);
	out_add_u64(run, "width", to - from);
	json_object_object_add(run, "text", json_object_new_string_len(text.data, (int)text.len));
	add_colour(run, "fg", cells[from].fg);
	add_colour(run, "bg", cells[from].bg);
	add_attributes(run, cells[from].attrs);
	if (cells[from].underline)
		out_add_u64(run, "underline_color", cells[from].underline);
	return run;
}

/* Cells that were never written to, or erased to the default, are not told at the row's end. */
static struct json_object *row_json(const struct vt_screen *s, unsigned row)
{
	static const struct vt_cell blank = {.width = 1};
	const struct vt_cell *cells = vt_screen_row(s, row);
	struct json_object *runs = json_object_new_array();
	unsigned n = vt_screen_cols(s);
	while (n && cells[n - 1].cp == 0 && cells[n - 1].width == 1 &&
	       same_look(&cells[n - 1], &blank))
		n--;
	for (unsigned from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && same_look(&cells[from], &cells[to]); to++)
			;
		json_object_array_add(runs, run_json(s, cells, from, to));
	}
	return runs;
}

static struct json_object *cursor_json(const struct vt_screen *s)
{
	unsigned row, col;
	struct vt_modes m;
	struct json_object *cursor = json_object_new_object();
	vt_screen_cursor(s, &row, &col);
	vt_screen_modes(s, &m);
	out_add_u64(cursor, "row", row);
	out_add_u64(cursor, "col", col);
	out_add_bool(cursor, "visible", m.cursor_visible);
	return cursor;
}

struct json_object *screen_json(const struct vt_screen *s)
{
	CLEANUP_FREE char *text = vt_screen_text(s, false);
	struct json_object *o = json_object_new_object(), *cells = json_object_new_array();
	struct vt_modes m;
	vt_screen_modes(s, &m);
	out_add_u64(o, "rows", vt_screen_rows(s));
	out_add_u64(o, "cols", vt_screen_cols(s));
	json_object_object_add(o, "cursor", cursor_json(s));
	out_add_bool(o, "alternate", m.alt_screen);
	out_add_bool(o, "reverse", m.reverse_screen);
	out_add_str(o, "title", vt_screen_title(s));
	out_add_str(o, "text", text);
	for (unsigned r = 0; r < vt_screen_rows(s); r++)
		json_object_array_add(cells, row_json(s, r));
	json_object_object_add(o, "cells", cells);
	return o;
}
