#include "tui/view_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "tui/draw.h"
#include "tui/fold.h"
#include "tui/keys.h"

#define HELP_HANG 17   /* columns: where the words behind a key begin */
#define LINE_KEPT 4000 /* bytes of one line */

struct text_view {
	struct view v;
	char *title;
	char **lines;
	unsigned n, cap, first;
	int left;
};

static void add_line(struct text_view *t, const char *p, size_t n)
{
	struct buf b = BUF_INIT;
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->lines = xreallocarray(t->lines, t->cap, sizeof(*t->lines));
	}
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\t')
			do
				buf_addc(&b, ' ');
			while (b.len % 8);
		else
			buf_addc(&b, p[i]);
	}
	t->lines[t->n++] = b.len ? str_printable(b.data, b.len, LINE_KEPT) : xstrdup("");
	buf_fini(&b);
}

static unsigned page(void)
{
	return draw_rows() > 3 ? (unsigned)draw_rows() - 2 : 1;
}

static void text_draw(struct view *v)
{
	struct text_view *t = (struct text_view *)v;
	int rows = draw_rows(), cols = draw_cols();
	unsigned last = t->n > page() ? t->n - page() : 0;
	if (t->first > last)
		t->first = last;
	draw_fill(0, 0, cols, STYLE_BAR);
	draw_textf(0, 1, cols - 1, STYLE_BAR, "%s", t->title);
	for (int r = 0; r < (int)page() && t->first + (unsigned)r < t->n; r++) {
		const char *s = t->lines[t->first + (unsigned)r];
		for (int skip = t->left; skip > 0 && *s; skip--)
			draw_next(&s);
		draw_text(1 + r, 0, cols, STYLE_NORMAL, s);
	}
	if (app_draw_message(v->app, rows - 1))
		return;
	draw_fill(rows - 1, 0, cols, STYLE_BAR);
	draw_textf(rows - 1, 1, cols - 1, STYLE_BAR,
	    "q close   lines %u-%u of %u   PgUp PgDn g G Left Right scroll",
	    t->n ? t->first + 1 : 0, t->first + page() < t->n ? t->first + page() : t->n, t->n);
}

static void scroll(struct text_view *t, long by)
{
	long to = (long)t->first + by, last = t->n > page() ? (long)(t->n - page()) : 0;
	t->first = (unsigned)(to < 0 ? 0 : to > last ? last : to);
}

static bool text_key(struct view *v, const struct vt_key *k)
{
	struct text_view *t = (struct text_view *)v;
	const struct key_binding *b = keys_find(k, NULL);
	enum key_action a = b ? b->action : ACT_NONE;
	long p = (long)page();
	if (a == ACT_QUIT || a == ACT_BACK || (k->sym == VT_KEY_ENTER) || a == ACT_CANCEL)
		view_pop(v);
	else if (a == ACT_UP || a == ACT_DOWN)
		scroll(t, a == ACT_UP ? -1 : 1);
	else if (a == ACT_PAGE_UP || a == ACT_PAGE_DOWN || a == ACT_MARK)
		scroll(t, a == ACT_PAGE_UP ? -p : p);
	else if (a == ACT_TOP || a == ACT_BOTTOM)
		scroll(t, a == ACT_TOP ? -(long)t->n : (long)t->n);
	else if (k->sym == VT_KEY_LEFT || k->sym == VT_KEY_RIGHT)
		t->left = k->sym == VT_KEY_RIGHT ? t->left + 8 : t->left < 8 ? 0 : t->left - 8;
	app_dirty(v->app);
	return true;
}

static void text_close(struct view *v)
{
	struct text_view *t = (struct text_view *)v;
	for (unsigned i = 0; i < t->n; i++)
		free(t->lines[i]);
	free(t->lines);
	free(t->title);
	free(t);
}

static const struct view_ops ops = {.draw = text_draw, .key = text_key, .close = text_close};

void view_text_open(struct app *app, const char *title, const char *text, size_t n)
{
	struct text_view *t = xcalloc(1, sizeof(*t));
	t->v.ops = &ops;
	t->title = xstrdup(title);
	while (n) {
		const char *nl = memchr(text, '\n', n);
		size_t len = nl ? (size_t)(nl - text) : n;
		add_line(t, text, len);
		n -= nl ? len + 1 : len;
		text += nl ? len + 1 : len;
	}
	while (t->n && !*t->lines[t->n - 1])
		free(t->lines[--t->n]);
	view_push(app, &t->v);
}

void view_keys_open(struct app *app, const char *title, const char *text, size_t n)
{
	CLEANUP_BUF struct buf folded = BUF_INIT;
	fold_text(text, n, (unsigned)tty_cols(app->tty), HELP_HANG, &folded);
	view_text_open(app, title, folded.data, folded.len);
}

void view_help_open(struct app *app)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	keys_help(&b, &app->keys);
	view_keys_open(app, "hvmux: keys and commands", b.data, b.len);
}

static void add_event(struct buf *b, const struct job *j)
{
	static const char *const words[] = {[JOB_RUNNING] = "running",
	    [JOB_DONE] = "done",
	    [JOB_FAILED] = "FAILED",
	    [JOB_CANCELLED] = "cancelled",
	    [JOB_NOTE] = "note"};
	const struct buf *said[] = {&j->out, &j->err};
	char when[32];
	timestamp_local((uint64_t)j->when, TIMESTAMP_LOCAL, when, sizeof(when));
	buf_addf(b, "%s  %-9s %s\n", when, words[j->state], j->command);
	for (int i = 0; i < 2; i++) {
		const char *p = said[i]->data, *end = p + said[i]->len;
		while (p && p < end) {
			const char *nl = memchr(p, '\n', (size_t)(end - p));
			size_t n = (size_t)((nl ? nl : end) - p);
			if (n) {
				buf_adds(b, "                       ");
				buf_add(b, p, n);
				buf_addc(b, '\n');
			}
			p += n + 1;
		}
	}
}

void view_events_open(struct app *app)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	for (unsigned i = 0; i < jobs_count(app->jobs); i++)
		add_event(&b, jobs_get(app->jobs, i));
	if (!b.len)
		buf_adds(&b,
		    "Nothing has happened yet: commands that you run, and what is seen of the domains, come here.\n");
	view_text_open(app, "hvmux: events, newest first", b.data, b.len);
}
