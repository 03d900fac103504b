#include "tui/console_scroll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/console_copy.h"
#include "tui/console_impl.h"

#define SLICE_MS 20 /* of a search, before keys and output get their turn */
#define WHEEL_LINES 3
#define TIME_WIDE 100 /* columns of a terminal that has room for those */

/* --- places --- */

struct vt_screen *scroll_screen(const struct console *c)
{
	return session_screen(c->s);
}

uint64_t scroll_line_of(const struct console *c, const struct vt_place *p, unsigned *col)
{
	const struct vt_screen *s = scroll_screen(c);
	uint64_t line, first = vt_screen_first_line(s);
	struct vt_place oldest;
	unsigned ignored;
	if (vt_screen_find_place(s, p, &line, col ? col : &ignored))
		return line;
	if (col)
		*col = 0;
	/* It fell out of the scrollback, or stood on an alternate screen that is gone. */
	if (vt_screen_place(s, first, 0, &oldest) && p->logical >= oldest.logical)
		return vt_screen_last_line(s);
	return first;
}

static void place_at(const struct console *c, struct vt_place *p, uint64_t line, unsigned col)
{
	unsigned cols = vt_screen_cols(scroll_screen(c));
	vt_screen_place(scroll_screen(c), line, col < cols ? col : cols - 1, p);
}

static unsigned height_of(const struct console *c)
{
	return (unsigned)console_rows(c->v.app);
}

int scroll_margin(const struct console *c)
{
	int cols = tty_cols(c->v.app->tty);
	if (!c->scroll.times || cols < 3 * SCROLL_TIME_SHORT)
		return 0;
	return cols >= TIME_WIDE ? SCROLL_TIME_LONG : SCROLL_TIME_SHORT;
}

/* The last line that may stand at the top. */
static uint64_t last_top(const struct console *c)
{
	uint64_t first = vt_screen_first_line(scroll_screen(c)),
	         last = vt_screen_last_line(scroll_screen(c));
	return last - first + 1 > height_of(c) ? last + 1 - height_of(c) : first;
}

static void set_top(struct console *c, uint64_t line)
{
	uint64_t first = vt_screen_first_line(scroll_screen(c)), last = last_top(c);
	line = line < first ? first : line > last ? last : line;
	place_at(c, &c->scroll.top, line, 0);
}

static uint64_t add(uint64_t line, long by)
{
	if (by < 0 && line < (uint64_t)-by)
		return 0;
	return by < 0 ? line - (uint64_t)-by : line + (uint64_t)by;
}

/* Scrolls as far as it takes for the cursor to be seen. */
static void show_cursor(struct console *c)
{
	struct console_scroll *s = &c->scroll;
	unsigned col, width = (unsigned)(tty_cols(c->v.app->tty) - scroll_margin(c));
	uint64_t line = scroll_line_of(c, &s->cursor, &col), top = scroll_line_of(c, &s->top, NULL);
	if (line < top)
		set_top(c, line);
	else if (line - top >= height_of(c))
		set_top(c, line + 1 - height_of(c));
	if (col < s->left)
		s->left = col;
	else if (col - s->left >= width)
		s->left = col + 1 - width;
	if (col < width)
		s->left = 0;
}

void scroll_settle(struct console *c)
{
	set_top(c, scroll_line_of(c, &c->scroll.top, NULL));
	show_cursor(c);
}

static void move_cursor(struct console *c, uint64_t line, long col)
{
	uint64_t first = vt_screen_first_line(scroll_screen(c)),
	         last = vt_screen_last_line(scroll_screen(c));
	line = line < first ? first : line > last ? last : line;
	place_at(c, &c->scroll.cursor, line, col < 0 ? 0 : (unsigned)col);
	show_cursor(c);
}

/* Scrolls, and keeps the cursor in sight. */
static void scroll_by(struct console *c, long by)
{
	unsigned col;
	uint64_t top, line = scroll_line_of(c, &c->scroll.cursor, &col);
	set_top(c, add(scroll_line_of(c, &c->scroll.top, NULL), by));
	top = scroll_line_of(c, &c->scroll.top, NULL);
	if (line < top)
		line = top;
	else if (line - top >= height_of(c))
		line = top + height_of(c) - 1;
	move_cursor(c, line, (long)col);
}

static void page(struct console *c, long by)
{
	unsigned col;
	uint64_t line = scroll_line_of(c, &c->scroll.cursor, &col);
	set_top(c, add(scroll_line_of(c, &c->scroll.top, NULL), by));
	move_cursor(c, add(line, by), (long)col);
}

/* --- searching --- */

static void run_search(struct console *c)
{
	struct console_scroll *s = &c->scroll;
	const struct timeval soon = {.tv_usec = 1000};
	enum search_state before = s->search.state;
	unsigned col;
	uint64_t line;
	bool more = console_search_step(&s->search, scroll_screen(c), loop_now_ms() + SLICE_MS);
	if (before == SEARCH_RUNNING && s->search.state == SEARCH_FOUND) {
		line = scroll_line_of(c, &s->search.match.from, &col);
		move_cursor(c, line, (long)col);
		if (s->search.wrapped)
			console_note(c, STYLE_NOTE, "search went on from the %s",
			    s->search.backward ? "end" : "beginning");
		console_search_count(&s->search, scroll_screen(c));
		more = s->search.counting;
	} else if (before == SEARCH_RUNNING && s->search.state == SEARCH_NOTHING) {
		console_note(c, STYLE_ERROR, "no match: %s", s->search.pattern);
	}
	if (more)
		event_add(s->slice, &soon);
	app_dirty(c->v.app);
}

static void on_slice(evutil_socket_t fd, short what, void *arg)
{
	struct console *c = arg;
	(void)fd, (void)what;
	if (c->scroll.on)
		run_search(c);
}

static void search_next(struct console *c, bool backward)
{
	struct console_scroll *s = &c->scroll;
	if (!s->search.set) {
		console_note(c, STYLE_NOTE, "nothing was searched yet: / searches");
		return;
	}
	s->search.counting = false;
	console_search_start(&s->search, scroll_screen(c), s->cursor, backward);
	run_search(c);
}

static void search_typed(struct console *c, bool backward)
{
	struct console_scroll *s = &c->scroll;
	struct err err = {0};
	if (s->line.len && console_search_set(&s->search, s->line.text, &err) < 0) {
		console_note(c, STYLE_ERROR, "%s", err.msg);
		return;
	}
	s->backward = backward;
	search_next(c, backward);
}

/* --- the line that is typed --- */

static void type_line(struct console *c, enum scroll_line what)
{
	c->scroll.typing = what;
	editline_set(&c->scroll.line, "");
}

static void line_done(struct console *c)
{
	enum scroll_line what = c->scroll.typing;
	c->scroll.typing = LINE_NONE;
	if (what == LINE_FILE)
		console_copy_file(c, c->scroll.line.text);
	else
		search_typed(c, what == LINE_SEARCH_BACK);
}

static void line_key(struct console *c, const struct vt_key *k)
{
	struct console_scroll *s = &c->scroll;
	if (k->sym == VT_KEY_ESCAPE || (k->cp == 'c' && k->mods == VT_MOD_CTRL) ||
	    (k->sym == VT_KEY_BACKSPACE && !s->line.len))
		s->typing = LINE_NONE;
	else if (k->sym == VT_KEY_ENTER || k->sym == VT_KEY_KP_ENTER)
		line_done(c);
	else
		editline_key(&s->line, k);
}

/* --- selecting --- */

void console_scroll_text(struct console *c, struct buf *out)
{
	struct console_scroll *s = &c->scroll;
	struct vt_place first = s->cursor, last = s->cursor;
	if (s->select != SELECT_NONE) {
		console_copy_text(
		    scroll_screen(c), s->anchor, s->cursor, s->select == SELECT_LINES, out);
		return;
	}
	place_at(c, &first, vt_screen_first_line(scroll_screen(c)), 0);
	place_at(c, &last, vt_screen_last_line(scroll_screen(c)), 0);
	console_copy_text(scroll_screen(c), first, last, true, out);
}

static void select_begin(struct console *c, enum scroll_select how)
{
	struct console_scroll *s = &c->scroll;
	if (s->select == how) {
		s->select = SELECT_NONE;
		return;
	}
	if (s->select == SELECT_NONE)
		s->anchor = s->cursor;
	s->select = how;
}

/* True when something was copied. */
static bool copy(struct console *c)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (c->scroll.select == SELECT_NONE) {
		console_note(c, STYLE_NOTE, "nothing is selected: v selects, V whole lines");
		return false;
	}
	console_scroll_text(c, &text);
	console_copy_clipboard(c, &text);
	c->scroll.select = SELECT_NONE;
	return true;
}

/* --- keys --- */

enum scroll_act {
	SCROLL_UP,
	SCROLL_DOWN,
	SCROLL_LEFT,
	SCROLL_RIGHT,
	SCROLL_PAGE_UP,
	SCROLL_PAGE_DOWN,
	SCROLL_HALF_UP,
	SCROLL_HALF_DOWN,
	SCROLL_TOP,
	SCROLL_BOTTOM,
	SCROLL_LINE_START,
	SCROLL_LINE_END,
	SCROLL_SEARCH,
	SCROLL_SEARCH_BACK,
	SCROLL_NEXT,
	SCROLL_PREVIOUS,
	SCROLL_SELECT,
	SCROLL_SELECT_LINES,
	SCROLL_COPY,
	SCROLL_ENTER,
	SCROLL_FILE,
	SCROLL_TIMES,
	SCROLL_BACK,
	SCROLL_QUIT,
};

static const struct scroll_key {
	const char *keys[4]; /* as input_key_parse reads them */
	enum scroll_act act;
	const char *help;
} scroll_keys[] = {
    {{"Up", "k"}, SCROLL_UP, "a line up"},
    {{"Down", "j"}, SCROLL_DOWN, "a line down"},
    {{"Left", "h"}, SCROLL_LEFT, "left"},
    {{"Right", "l"}, SCROLL_RIGHT, "right"},
    {{"PgUp", "Shift+PgUp", "Ctrl+B"}, SCROLL_PAGE_UP, "a page up"},
    {{"PgDn", "Shift+PgDn", "Ctrl+F"}, SCROLL_PAGE_DOWN,
        "a page down; at the end back to the guest"},
    {{"Ctrl+U"}, SCROLL_HALF_UP, "half a page up"},
    {{"Ctrl+D"}, SCROLL_HALF_DOWN, "half a page down"},
    {{"g"}, SCROLL_TOP, "the oldest line"},
    {{"G"}, SCROLL_BOTTOM, "the newest"},
    {{"Home", "0"}, SCROLL_LINE_START, "the line's start"},
    {{"End", "$"}, SCROLL_LINE_END, "its end"},
    {{"/"}, SCROLL_SEARCH, "search on (grep -E; no capitals: any case)"},
    {{"?"}, SCROLL_SEARCH_BACK, "search back"},
    {{"n"}, SCROLL_NEXT, "next match"},
    {{"N"}, SCROLL_PREVIOUS, "match before"},
    {{"v", "Space"}, SCROLL_SELECT, "select from here (or drag with the mouse)"},
    {{"V"}, SCROLL_SELECT_LINES, "select whole lines"},
    {{"y"}, SCROLL_COPY, "copy to your terminal's clipboard (OSC 52)"},
    {{"Enter"}, SCROLL_ENTER, "copy it and go back to the guest"},
    {{">"}, SCROLL_FILE, "write the selection, or all, to a file"},
    {{"t"}, SCROLL_TIMES, "show when lines came"},
    {{"Esc"}, SCROLL_BACK, "drop the selection; else back to the guest"},
    {{"q", "F11", "Ctrl+C"}, SCROLL_QUIT, "back to the guest"},
};

void console_scroll_help(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(scroll_keys); i++) {
		char keys[48] = "";
		for (size_t n = 0; n < ARRAY_LEN(scroll_keys[i].keys) && scroll_keys[i].keys[n];
		     n++)
			snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "%s%s",
			    n ? "  " : "", scroll_keys[i].keys[n]);
		buf_addf(out, "  %-24s %s\n", keys, scroll_keys[i].help);
	}
}

static const struct scroll_key *find_key(const struct vt_key *k)
{
	struct vt_key key = *k, want;
	if (key.sym == VT_KEY_KP_ENTER)
		key.sym = VT_KEY_ENTER;
	for (size_t i = 0; i < ARRAY_LEN(scroll_keys); i++)
		for (size_t n = 0; n < ARRAY_LEN(scroll_keys[i].keys) && scroll_keys[i].keys[n];
		     n++)
			if (input_key_parse(scroll_keys[i].keys[n], &want) == 0 &&
			    console_keys_same(&key, &want))
				return &scroll_keys[i];
	return NULL;
}

static void act_move(struct console *c, enum scroll_act act)
{
	long height = (long)height_of(c);
	unsigned col, cols = vt_screen_cols(scroll_screen(c));
	uint64_t line = scroll_line_of(c, &c->scroll.cursor, &col);
	switch (act) {
	case SCROLL_UP:
	case SCROLL_DOWN:
		move_cursor(c, add(line, act == SCROLL_UP ? -1 : 1), (long)col);
		break;
	case SCROLL_LEFT:
	case SCROLL_RIGHT:
		move_cursor(c, line, (long)col + (act == SCROLL_LEFT ? -1 : 1));
		break;
	case SCROLL_HALF_UP:
	case SCROLL_HALF_DOWN:
		page(c, act == SCROLL_HALF_UP ? -height / 2 : height / 2);
		break;
	case SCROLL_LINE_START:
	case SCROLL_LINE_END:
		move_cursor(c, line, act == SCROLL_LINE_START ? 0 : (long)cols - 1);
		break;
	case SCROLL_TOP:
		move_cursor(c, 0, 0);
		break;
	default:
		move_cursor(c, vt_screen_last_line(scroll_screen(c)), (long)col);
		break;
	}
}

static void act_page(struct console *c, bool up)
{
	long by = (long)height_of(c) > 1 ? (long)height_of(c) - 1 : 1;
	if (!up && c->scroll.select == SELECT_NONE &&
	    scroll_line_of(c, &c->scroll.top, NULL) == last_top(c))
		console_scroll_end(c);
	else
		page(c, up ? -by : by);
}

static void act_leave(struct console *c, enum scroll_act act)
{
	if (act == SCROLL_ENTER && c->scroll.select != SELECT_NONE)
		copy(c);
	if (act == SCROLL_BACK && c->scroll.select != SELECT_NONE)
		c->scroll.select = SELECT_NONE;
	else
		console_scroll_end(c);
}

static void run(struct console *c, enum scroll_act act)
{
	struct console_scroll *s = &c->scroll;
	switch (act) {
	case SCROLL_PAGE_UP:
	case SCROLL_PAGE_DOWN:
		act_page(c, act == SCROLL_PAGE_UP);
		break;
	case SCROLL_SEARCH:
	case SCROLL_SEARCH_BACK:
		type_line(c, act == SCROLL_SEARCH ? LINE_SEARCH : LINE_SEARCH_BACK);
		break;
	case SCROLL_NEXT:
	case SCROLL_PREVIOUS:
		search_next(c, s->backward != (act == SCROLL_PREVIOUS));
		break;
	case SCROLL_SELECT:
	case SCROLL_SELECT_LINES:
		select_begin(c, act == SCROLL_SELECT ? SELECT_CHARS : SELECT_LINES);
		break;
	case SCROLL_COPY:
		copy(c);
		break;
	case SCROLL_FILE:
		type_line(c, LINE_FILE);
		break;
	case SCROLL_TIMES:
		s->times = !s->times;
		show_cursor(c);
		break;
	case SCROLL_ENTER:
	case SCROLL_BACK:
	case SCROLL_QUIT:
		act_leave(c, act);
		break;
	default:
		act_move(c, act);
	}
}

void console_scroll_key(struct console *c, const struct vt_key *k)
{
	const struct scroll_key *key;
	app_dirty(c->v.app);
	if (c->scroll.typing) {
		line_key(c, k);
		return;
	}
	key = find_key(k);
	if (key)
		run(c, key->act);
}

void console_scroll_paste(struct console *c, const char *p, size_t n)
{
	if (c->scroll.typing)
		editline_insert(&c->scroll.line, p, n);
	app_dirty(c->v.app);
}

void console_scroll_mouse(struct console *c, const struct vt_mouse *e)
{
	struct console_scroll *s = &c->scroll;
	int margin = scroll_margin(c);
	uint64_t line;
	app_dirty(c->v.app);
	if (e->button == 64 || e->button == 65) {
		scroll_by(c, e->button == 64 ? -WHEEL_LINES : WHEEL_LINES);
		return;
	}
	if (e->button != 0 || e->release || e->row >= height_of(c))
		return;
	line = add(scroll_line_of(c, &s->top, NULL), (long)e->row);
	if (!e->motion) {
		s->select = SELECT_NONE;
	} else if (s->select == SELECT_NONE) {
		s->anchor = s->cursor;
		s->select = SELECT_CHARS;
	}
	move_cursor(c, line, (long)e->col - margin + (long)s->left);
}

/* --- on and off --- */

void console_scroll_init(struct console *c)
{
	c->scroll.slice = evtimer_new(loop_base(c->v.app->loop), on_slice, c);
}

void console_scroll_fini(struct console *c)
{
	event_free(c->scroll.slice);
	console_search_fini(&c->scroll.search);
}

void console_scroll_begin(struct console *c)
{
	struct console_scroll *s = &c->scroll;
	unsigned row, col;
	if (s->on)
		return;
	s->on = true;
	c->note[0] = '\0';
	s->select = SELECT_NONE;
	s->typing = LINE_NONE;
	s->left = 0;
	vt_screen_cursor(scroll_screen(c), &row, &col);
	place_at(c, &s->cursor, vt_screen_top_line(scroll_screen(c)) + row, col);
	set_top(c, last_top(c));
	show_cursor(c);
	app_dirty(c->v.app);
}

void console_scroll_end(struct console *c)
{
	c->scroll.on = false;
	event_del(c->scroll.slice);
	app_dirty(c->v.app);
}

void console_scroll_search(struct console *c, bool backward)
{
	console_scroll_begin(c);
	type_line(c, backward ? LINE_SEARCH_BACK : LINE_SEARCH);
}
