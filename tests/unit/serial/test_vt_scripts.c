/* Runs the emulator's scripts, tests/vt/NAME.test. A script is lines:
 *
 *	# a comment
 *	test a name			the next case, on a fresh screen
 *	size ROWS COLS [SCROLLBACK]	another size than 5 20, before the first input
 *	in BYTES			to the screen; escapes: \e \n \r \t \b \\ \xNN \s (a space at the line's end)
 *	resize ROWS COLS
 *	| ROW				the screen from the top: trailing blanks and missing rows at the end are empty
 *	history N | ROW			the Nth line above the screen, 0 the newest
 *	cursor ROW COL			1-based
 *	reply BYTES			all that was answered since the last reply line, or "none"
 *	cell ROW COL: WORDS		attributes and colours: bold faint italic underline blink reverse
 *					invisible strike protected marked, fg=N fg=#rrggbb bg=N ul=N, or "plain";
 *					underline=N for the styles from 2 on
 *	answers on|off			as vt_screen_answer
 *	sync on|off			what vt_screen_sync tells
 *	title TEXT
 *	mode WORDS			what vt_screen_modes tells, e.g. "app_cursor mouse=1000"; "none"
 *
 * Every case runs three times: its input whole, byte by byte, and in cuts of changing length. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/buf.h"
#include "core/mem.h"
#include "serial/vt_screen.h"

enum cut { WHOLE, BYTES, PIECES };

struct run {
	const char *file;
	unsigned line;
	char name[160];
	enum cut cut;
	unsigned rows, cols, scrollback;
	struct vt_screen *s;
	struct buf replies;
	unsigned seen_rows; /* "|" lines since the last input */
	unsigned seed;
	unsigned cases, failures;
};

static void failure(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void failure(struct run *r, const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_error("%s:%u: %s%s: %s\n", r->file, r->line, r->name,
	    r->cut == WHOLE   ? ""
	    : r->cut == BYTES ? " (byte by byte)"
	                      : " (in pieces)",
	    text);
	r->failures++;
}

static void on_reply(void *arg, const uint8_t *p, size_t n)
{
	struct run *r = arg;
	buf_add(&r->replies, p, n);
}

static const struct vt_screen_ops ops = {.reply = on_reply};

static void open_screen(struct run *r)
{
	if (!r->s)
		r->s = vt_screen_new(r->rows, r->cols, r->scrollback, &ops, r);
}

static void close_screen(struct run *r)
{
	vt_screen_free(r->s);
	r->s = NULL;
	r->rows = 5;
	r->cols = 20;
	r->scrollback = 50;
	buf_clear(&r->replies);
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

static void unescape(const char *from, struct buf *to)
{
	static const char names[] = "entrbs\\", values[] = "\033\n\t\r\b \\";
	for (; *from; from++) {
		const char *at = from[0] == '\\' && from[1] ? strchr(names, from[1]) : NULL;
		if (at) {
			buf_addc(to, values[at - names]);
			from++;
		} else if (from[0] == '\\' && from[1] == 'x' && hex(from[2]) >= 0 &&
		           hex(from[3]) >= 0) {
			buf_addc(to, (char)(hex(from[2]) << 4 | hex(from[3])));
			from += 3;
		} else {
			buf_addc(to, *from);
		}
	}
}

static void feed(struct run *r, const char *escaped)
{
	struct buf b = BUF_INIT;
	unescape(escaped, &b);
	open_screen(r);
	const uint8_t *p = (const uint8_t *)b.data;
	for (size_t at = 0; at < b.len;) {
		size_t n = b.len - at;
		if (r->cut == BYTES)
			n = 1;
		else if (r->cut == PIECES && n > (r->seed = r->seed * 1103515245u + 12345u) % 7 + 1)
			n = r->seed % 7 + 1;
		vt_screen_feed(r->s, p + at, n);
		at += n;
	}
	r->seen_rows = 0;
	buf_fini(&b);
}

static void add_row(const struct vt_screen *s, const struct vt_cell *cells, struct buf *out)
{
	char text[VT_CELL_UTF8_MAX];
	size_t end = 0;
	buf_adds(out, "");
	for (unsigned c = 0; cells && c < vt_screen_cols(s); c++) {
		buf_add(out, text, vt_screen_cell_text(s, &cells[c], text));
		if (text[0] && text[0] != ' ')
			end = out->len;
	}
	if (out->data) {
		out->len = end;
		out->data[end] = 0;
	}
}

static void expect_cells(struct run *r, const struct vt_cell *cells, const char *want)
{
	struct buf have = BUF_INIT, clean = BUF_INIT;
	unescape(want, &clean);
	buf_adds(&clean, "");
	while (clean.len && clean.data[clean.len - 1] == ' ')
		clean.data[--clean.len] = 0;
	add_row(r->s, cells, &have);
	if (strcmp(have.data ? have.data : "", clean.data ? clean.data : "") != 0)
		failure(r, "want |%s|, have |%s|", clean.data ? clean.data : "",
		    have.data ? have.data : "");
	buf_fini(&have);
	buf_fini(&clean);
}

/* When the next thing than a row comes: the rows below the last one given must be empty. */
static void expect_rest_empty(struct run *r)
{
	if (!r->s || !r->seen_rows)
		return;
	while (r->seen_rows < vt_screen_rows(r->s))
		expect_cells(r, vt_screen_row(r->s, r->seen_rows++), "");
	r->seen_rows = 0;
}

static void expect_row(struct run *r, const char *want)
{
	if (r->seen_rows >= vt_screen_rows(r->s)) {
		failure(r, "more rows than the screen has");
		return;
	}
	expect_cells(r, vt_screen_row(r->s, r->seen_rows++), want);
}

static void expect_history(struct run *r, const char *args)
{
	unsigned n = (unsigned)strtoul(args, NULL, 10);
	const char *bar = strchr(args, '|');
	if (!bar || n >= vt_screen_history(r->s))
		failure(r, "there are %u lines of history", vt_screen_history(r->s));
	else
		expect_cells(r, vt_screen_history_row(r->s, n), bar[1] == ' ' ? bar + 2 : bar + 1);
}

static void expect_cursor(struct run *r, const char *args)
{
	unsigned row, col, want_row = 0, want_col = 0;
	if (sscanf(args, "%u %u", &want_row, &want_col) != 2)
		failure(r, "cursor ROW COL");
	vt_screen_cursor(r->s, &row, &col);
	if (row + 1 != want_row || col + 1 != want_col)
		failure(r, "the cursor is at %u %u", row + 1, col + 1);
}

static void expect_reply(struct run *r, const char *args)
{
	struct buf want = BUF_INIT;
	if (strcmp(args, "none") != 0)
		unescape(args, &want);
	if (want.len != r->replies.len ||
	    (want.len && memcmp(want.data, r->replies.data, want.len) != 0)) {
		struct buf shown = BUF_INIT;
		for (size_t i = 0; i < r->replies.len; i++)
			buf_addf(
			    &shown, r->replies.data[i] == 27 ? "\\e" : "%c", r->replies.data[i]);
		failure(r, "the reply is %s", shown.len ? shown.data : "none");
		buf_fini(&shown);
	}
	buf_clear(&r->replies);
	buf_fini(&want);
}

static void add_colour(struct buf *b, const char *name, uint32_t colour)
{
	if (colour & VT_RGB)
		buf_addf(b, " %s=#%06x", name, colour & 0xFFFFFF);
	else if (colour & VT_INDEXED)
		buf_addf(b, " %s=%u", name, colour & 0xFF);
}

static void add_attr(struct buf *b, const char *name, unsigned style)
{
	buf_addf(b, " %s", name);
	if (style > 1)
		buf_addf(b, "=%u", style);
}

static void expect_cell(struct run *r, const char *args)
{
	static const char *const names[] = {"bold", "faint", "italic", "underline", "blink",
	    "reverse", "invisible", "strike", "protected", "marked"};
	unsigned row = 0, col = 0;
	const char *words = strchr(args, ':');
	if (sscanf(args, "%u %u", &row, &col) != 2 || !words || row < 1 ||
	    row > vt_screen_rows(r->s) || col < 1 || col > vt_screen_cols(r->s)) {
		failure(r, "cell ROW COL: WORDS");
		return;
	}
	const struct vt_cell *c = &vt_screen_row(r->s, row - 1)[col - 1];
	struct buf have = BUF_INIT;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (c->attrs & 1u << i)
			add_attr(&have, names[i],
			    1u << i == VT_UNDERLINE ? VT_UNDERLINE_STYLE(c->attrs) : 1);
	add_colour(&have, "fg", c->fg);
	add_colour(&have, "bg", c->bg);
	if (c->underline)
		buf_addf(&have, " ul=%u", c->underline);
	if (!have.len)
		buf_adds(&have, " plain");
	if (strcmp(have.data, words + 1) != 0)
		failure(r, "the cell is%s", have.data);
	buf_fini(&have);
}

static void expect_modes(struct run *r, const char *args)
{
	struct vt_modes m;
	vt_screen_modes(r->s, &m);
	const struct {
		const char *name;
		int value;
	} all[] = {{"app_cursor", m.app_cursor}, {"app_keypad", m.app_keypad},
	    {"newline", m.newline}, {"backarrow_bs", m.backarrow_bs},
	    {"bracketed_paste", m.bracketed_paste}, {"focus_events", m.focus_events},
	    {"reverse_screen", m.reverse_screen}, {"cursor_hidden", !m.cursor_visible},
	    {"alt_screen", m.alt_screen}, {"mouse", m.mouse}, {"mouse_coding", m.mouse_coding},
	    {"cursor_style", m.cursor_style}};
	struct buf have = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].value == 1)
			buf_addf(&have, "%s%s", have.len ? " " : "", all[i].name);
		else if (all[i].value)
			buf_addf(&have, "%s%s=%d", have.len ? " " : "", all[i].name, all[i].value);
	if (!have.len)
		buf_adds(&have, "none");
	if (strcmp(have.data, args) != 0)
		failure(r, "the modes are %s", have.data);
	buf_fini(&have);
}

static void new_case(struct run *r, const char *name)
{
	close_screen(r);
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->cases++;
}

static void resize(struct run *r, const char *args, bool before)
{
	unsigned rows = 0, cols = 0, scrollback = r->scrollback;
	if (sscanf(args, "%u %u %u", &rows, &cols, &scrollback) < 2)
		failure(r, "ROWS COLS");
	if (before) {
		r->rows = rows;
		r->cols = cols;
		r->scrollback = scrollback;
		return;
	}
	open_screen(r);
	vt_screen_resize(r->s, rows, cols);
}

static void run_line(struct run *r, char *line)
{
	char *args = line + strcspn(line, " ");
	if (*args)
		*args++ = 0;
	if (line[0] == 0 || line[0] == '#')
		return;
	if (strcmp(line, "|") != 0)
		expect_rest_empty(r);
	if (strcmp(line, "test") == 0) {
		new_case(r, args);
		return;
	}
	if (strcmp(line, "size") == 0) {
		resize(r, args, true);
		return;
	}
	open_screen(r);
	if (strcmp(line, "in") == 0)
		feed(r, args);
	else if (strcmp(line, "resize") == 0)
		resize(r, args, false);
	else if (strcmp(line, "|") == 0)
		expect_row(r, args);
	else if (strcmp(line, "history") == 0)
		expect_history(r, args);
	else if (strcmp(line, "cursor") == 0)
		expect_cursor(r, args);
	else if (strcmp(line, "reply") == 0)
		expect_reply(r, args);
	else if (strcmp(line, "cell") == 0)
		expect_cell(r, args);
	else if (strcmp(line, "answers") == 0)
		vt_screen_answer(r->s, strcmp(args, "on") == 0);
	else if (strcmp(line, "sync") == 0 && vt_screen_sync(r->s) != (strcmp(args, "on") == 0))
		failure(r, "the other way round");
	else if (strcmp(line, "sync") == 0)
		return;
	else if (strcmp(line, "mode") == 0)
		expect_modes(r, args);
	else if (strcmp(line, "title") != 0)
		failure(r, "unknown word '%s'", line);
	else if (strcmp(vt_screen_title(r->s), args) != 0)
		failure(r, "the title is '%s'", vt_screen_title(r->s));
}

static void run_file(struct run *r, const char *path)
{
	char line[16384];
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	r->file = strrchr(path, '/') + 1;
	r->line = 0;
	while (fgets(line, sizeof(line), f)) {
		r->line++;
		line[strcspn(line, "\n")] = 0;
		run_line(r, line);
	}
	expect_rest_empty(r);
	close_screen(r);
	fclose(f);
}

/* tests/vt beside this file, wherever the build folder is. */
static char *scripts_path(void)
{
	const char *end = strstr(__FILE__, "unit/serial/");
	assert_non_null(end);
	return xasprintf("%.*svt", (int)(end - __FILE__), __FILE__);
}

static int is_script(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');
	return dot && strcmp(dot, ".test") == 0;
}

static void test_scripts(void **state)
{
	enum cut cut = *(enum cut *)*state;
	CLEANUP_FREE char *dir = scripts_path();
	struct dirent **names;
	struct run r = {.cut = cut, .seed = 1, .rows = 5, .cols = 20, .scrollback = 50};
	int n = scandir(dir, &names, is_script, alphasort);
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		CLEANUP_FREE char *path = xasprintf("%s/%s", dir, names[i]->d_name);
		run_file(&r, path);
		free(names[i]);
	}
	free(names);
	buf_fini(&r.replies);
	print_message("%u cases of %d files\n", r.cases, n);
	assert_int_equal(r.failures, 0);
}

int main(void)
{
	static enum cut cuts[] = {WHOLE, BYTES, PIECES};
	const struct CMUnitTest tests[] = {
	    {"scripts, input whole", test_scripts, NULL, NULL, &cuts[0]},
	    {"scripts, byte by byte", test_scripts, NULL, NULL, &cuts[1]},
	    {"scripts, in pieces", test_scripts, NULL, NULL, &cuts[2]},
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
