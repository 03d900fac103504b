#include "tui/console_copy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "tui/console_impl.h"
#include "tui/view_ask.h"

/* --- the text --- */

static int order(const struct vt_place *a, const struct vt_place *b)
{
	if (a->logical != b->logical)
		return a->logical < b->logical ? -1 : 1;
	return a->cell < b->cell ? -1 : a->cell > b->cell;
}

static void add_line(const struct vt_text *t, uint32_t from, uint32_t to, struct buf *out)
{
	size_t so = 0, eo;
	while (so < t->len && t->cell[so] < from)
		so++;
	for (eo = so; eo < t->len && t->cell[eo] <= to; eo++)
		;
	buf_add(out, t->text + so, eo - so);
}

void console_copy_text(
    const struct vt_screen *s, struct vt_place a, struct vt_place b, bool whole, struct buf *out)
{
	struct vt_text t = {0};
	uint64_t line, last = vt_screen_last_line(s);
	unsigned col;
	if (order(&a, &b) > 0) {
		struct vt_place swap = a;
		a = b;
		b = swap;
	}
	if (!vt_screen_find_place(s, &a, &line, &col))
		line = vt_screen_first_line(s);
	while (line <= last && vt_screen_line_text(s, line, &t)) {
		struct vt_place at = {0};
		bool is_last;
		vt_screen_place(s, t.info.first, 0, &at);
		if (at.logical > b.logical)
			break;
		is_last = at.logical == b.logical;
		add_line(&t, !whole && at.logical == a.logical ? a.cell : 0,
		    !whole && is_last ? b.cell : UINT32_MAX, out);
		if (!is_last || whole)
			buf_addc(out, '\n');
		if (is_last)
			break;
		line = t.info.first + t.info.lines;
	}
	vt_text_fini(&t);
}

/* --- where it goes --- */

void console_copy_clipboard(struct console *c, const struct buf *text)
{
	struct err err = {0};
	char size[STR_HUMAN_MAX];
	if (!text->len) {
		console_note(c, STYLE_NOTE, "there is no text in the selection");
		return;
	}
	str_human(text->len, size);
	if (tty_clipboard(c->v.app->tty, text->data, text->len, &err) < 0)
		console_note(c, STYLE_ERROR, "not copied: %s; > writes to a file", err.msg);
	else
		console_note(c, STYLE_NOTE, "%s sent to your terminal's clipboard (OSC 52)", size);
}

static void write_file(struct console *c, const char *path, bool over)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct err err = {0};
	char size[STR_HUMAN_MAX];
	int rc;
	console_scroll_text(c, &text);
	rc = over ? file_write_atomic(path, text.data ? text.data : "", text.len, 0600, &err)
	          : file_write_new(path, text.data ? text.data : "", text.len, 0600, &err);
	str_human(text.len, size);
	if (rc < 0)
		console_note(c, STYLE_ERROR, "%s", err.msg);
	else
		console_note(c, STYLE_NOTE, "%s written to %s", size, path);
}

static void on_overwrite(void *arg, bool yes)
{
	struct console *c = arg;
	if (yes)
		write_file(c, c->scroll.line.text, true);
	else
		console_note(c, STYLE_NOTE, "not written: %s is as it was", c->scroll.line.text);
}

void console_copy_file(struct console *c, const char *path)
{
	CLEANUP_FREE char *question = NULL;
	struct stat st;
	if (!*path)
		return;
	if (lstat(path, &st) != 0) {
		write_file(c, path, false);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		console_note(c, STYLE_ERROR, "not written: %s is there and no file", path);
		return;
	}
	question = xasprintf("Overwrite %s?", path);
	view_ask_open(
	    c->v.app, question, "The file is there. What it holds will be lost.", on_overwrite, c);
}
