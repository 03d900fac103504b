#include "tui/list_row.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/draw.h"
#include "tui/job_line.h"
#include "tui/widgets.h"

#define MARGIN 2 /* cursor and mark */
#define NAME_MIN 8
#define NAME_MAX_COLS 32
#define CONSOLE_MIN 10
#define CONSOLE_GOOD 18    /* the last line of a console is worth more than further figures */
#define BADGE_INFO_COLS 40 /* of the console's column: less has no room for mere information */
#define JOB_COLS 36        /* … less has none for what goes on in the domain */
#define STORY_MAX (STATUS_TEXT_MAX * 3 + JOB_LINE_MAX)
#define SPARK 8
#define SPARK_SECONDS 8
#define WIDE_STATE_COLS 100
#define FRESH_NS 10000000000ull /* output this young is "now" */

static const struct {
	const char *title;
	enum sort_column sort;
	int width;
	bool right;
} columns[COL_COUNT] = {
    [COL_NAME] = {"NAME", SORT_NAME, 0, false},
    [COL_STATE] = {"STATE", SORT_STATE, 9, false},
    [COL_UP] = {"UP", SORT_UP, 6, false},
    [COL_CPU] = {"CPU%", SORT_CPU, 5, true},
    [COL_SPARK] = {"1 min", SORT_CPU, SPARK, false},
    [COL_MEM] = {"MEM", SORT_MEM, 13, false},
    [COL_DISK] = {"DISK r/w", SORT_DISK, 11, false},
    [COL_NET] = {"NET r/w", SORT_NET, 11, false},
    [COL_ADDRESS] = {"ADDRESS", SORT_ADDRESS, 15, false},
    [COL_CONSOLE] = {"CONSOLE", SORT_CONSOLE, 0, false},
};

void list_layout(struct list_layout *l, int cols, int name)
{
	static const enum list_column wanted[] = {COL_STATE, COL_CPU, COL_MEM, COL_UP, COL_SPARK,
	    COL_CONSOLE, COL_DISK, COL_NET, COL_ADDRESS};
	int left, at = MARGIN;
	memset(l, 0, sizeof(*l));
	l->cols = cols;
	name = name < NAME_MIN ? NAME_MIN : name > NAME_MAX_COLS ? NAME_MAX_COLS : name;
	l->width[COL_NAME] = name < cols - MARGIN ? name : cols - MARGIN > 1 ? cols - MARGIN : 1;
	/* A long name gives way to the state and the load. */
	if (l->width[COL_NAME] > 16 && cols < 90)
		l->width[COL_NAME] = cols < 60 ? 12 : 16;
	left = cols - MARGIN - l->width[COL_NAME];
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		enum list_column c = wanted[i];
		int w = c == COL_CONSOLE ? CONSOLE_MIN : columns[c].width;
		if (c == COL_STATE && cols >= WIDE_STATE_COLS)
			w = 13;
		if (w + 1 > left || (c >= COL_DISK && c <= COL_ADDRESS && l->width[COL_CONSOLE] &&
		                        w + 1 + CONSOLE_GOOD - CONSOLE_MIN > left))
			continue;
		l->width[c] = w;
		left -= w + 1;
	}
	if (l->width[COL_CONSOLE])
		l->width[COL_CONSOLE] += left;
	for (int c = 0; c < COL_COUNT; c++) {
		l->at[c] = at;
		at += l->width[c] ? l->width[c] + 1 : 0;
	}
}

void list_titles_draw(struct app *app, const struct list_layout *l, int row)
{
	bool inverted;
	enum sort_column sort = model_sort_column(app->model, &inverted);
	/* Names grow downward, figures shrink: the arrow says which way the present order goes. */
	bool up = (sort == SORT_NAME || sort == SORT_STATE || sort == SORT_ADDRESS) != inverted;
	const char *arrow = app->theme.utf8 ? (up ? "▲" : "▼") : up ? "^" : "v";
	char title[32];
	draw_fill(row, 0, l->cols, STYLE_COLUMNS);
	for (int c = 0; c < COL_COUNT; c++) {
		bool sorted = columns[c].sort == sort && c != COL_SPARK;
		if (!l->width[c])
			continue;
		snprintf(title, sizeof(title), "%s%s", columns[c].title, sorted ? arrow : "");
		(columns[c].right ? draw_right : draw_field)(
		    row, l->at[c], l->width[c], sorted ? STYLE_SORTED : STYLE_COLUMNS, title);
	}
}

static enum style state_style(const struct vm_entry *e)
{
	static const enum style st[VM_STATE_COUNT] = {[VM_OFF] = STYLE_DIM,
	    [VM_STARTING] = STYLE_WARN,
	    [VM_RUNNING] = STYLE_GOOD,
	    [VM_PAUSED] = STYLE_WARN,
	    [VM_SHUTDOWN] = STYLE_WARN,
	    [VM_CRASHED] = STYLE_BAD,
	    [VM_PMSUSPENDED] = STYLE_WARN,
	    [VM_STOPPING] = STYLE_WARN};
	return e->silent ? STYLE_BAD : st[e->state];
}

/* In nine columns where the whole word does not fit. */
static const char *state_text(const struct vm_entry *e, int width)
{
	const char *word = vm_entry_state(e);
	if ((int)strlen(word) <= width)
		return word;
	return e->silent                    ? "no answer"
	       : e->state == VM_SHUTDOWN    ? "ending"
	       : e->state == VM_PMSUSPENDED ? "suspended"
	                                    : word;
}

static uint64_t age_seconds(uint64_t now, uint64_t then)
{
	return then && now > then ? (now - then) / 1000000000u : 0;
}

/* Ages move in steps, or an idle screen would be redrawn every second for nothing. */
static void age_text(uint64_t s, char out[STR_HUMAN_MAX])
{
	if (s < 60)
		s -= s % 10;
	str_age(s, out);
}

static void up_text(const struct vm_entry *e, uint64_t now, char out[STR_HUMAN_MAX])
{
	uint64_t s = age_seconds(now, e->started_ns);
	if (!e->live || !e->started_ns)
		memcpy(out, "-", 2);
	else if (s < 60)
		memcpy(out, "<1m", 4);
	else
		str_age(s, out);
}

static void console_text(struct app *app, const struct vm_entry *e, char *out, size_t n)
{
	uint64_t now = model_now(app->model);
	char age[STR_HUMAN_MAX] = "";
	bool fresh = e->con_last_ns && now < e->con_last_ns + FRESH_NS;
	const char *dot = fresh ? (app->theme.utf8 ? "●" : "*") : " ";
	if (!e->con_last_ns)
		memcpy(age, "-", 2);
	else if (fresh)
		memcpy(age, "now", 4);
	else
		age_text(age_seconds(now, e->con_last_ns), age);
	snprintf(out, n, "%s %-5s %s", dot, age, e->line);
}

/* A line that a trigger has caught: what, and how long ago, before the console's own words. Information is dim, and gives
 * way to these words where there is little room. */
static void console_draw(struct app *app, const struct list_layout *l, const struct vm_entry *e,
    int row, enum style st, bool selected)
{
	static const enum style looks[] = {[STATUS_BADGE_INFO] = STYLE_DIM,
	    [STATUS_BADGE_WARN] = STYLE_WARN,
	    [STATUS_BADGE_BAD] = STYLE_BAD};
	char text[STATUS_LINE_MAX + 64] = "", badge[64], age[STR_HUMAN_MAX];
	int at = l->at[COL_CONSOLE], width = l->width[COL_CONSOLE];
	bool info = e->badge == STATUS_BADGE_INFO;
	if (*e->job) {
		char job[JOB_LINE_MAX];
		job_line_text(e, job);
		draw_field(row, at, width, selected ? st : STYLE_WARN, job);
		return;
	}
	if (e->live || e->con_last_ns)
		console_text(app, e, text, sizeof(text));
	if (e->badge != STATUS_BADGE_NONE && (!info || width >= BADGE_INFO_COLS)) {
		age_text(age_seconds(model_now(app->model), e->badge_ns), age);
		snprintf(badge, sizeof(badge), "%s%s %s ", info ? "" : "! ", age, e->badge_name);
		int cols = (int)strlen(badge) < width ? (int)strlen(badge) : width;
		draw_field(row, at, cols, selected ? st : looks[e->badge], badge);
		at += cols;
		width -= cols;
	}
	if (width > 0)
		draw_field(row, at, width, st, text);
}

static void pair_text(uint64_t a, uint64_t b, char *out, size_t n)
{
	char x[32], y[32];
	widget_rate(a, x);
	widget_rate(b, y);
	if (a || b)
		snprintf(out, n, "%.5s/%.5s", x, y);
	else
		snprintf(out, n, "-");
}

/* Instead of figures that do not exist, or where there is no room for both (busy): why it ended, what is being done, what to
 * press. */
static bool story(const struct vm_entry *e, bool busy, char out[STORY_MAX])
{
	const size_t n = STORY_MAX;
	const char *why = *e->detail ? e->detail : vm_reason_name(e->reason);
	if (*e->job && busy)
		job_line_text(e, out);
	else if (e->silent)
		snprintf(out, n,
		    "QEMU or its supervisor has not answered for 3 s or more  (D: power off)");
	else if (e->state == VM_CRASHED && !e->live)
		snprintf(out, n, "%s  (Enter: last screen, s: start again)", why);
	else if (e->state == VM_CRASHED)
		snprintf(out, n, "%s  (kept as it is; Enter: its screen)", why);
	else if (e->state == VM_OFF &&
	         (e->reason == VM_REASON_FAILED || e->reason == VM_REASON_LOST) && *e->detail)
		snprintf(out, n, "%s: %s", vm_reason_name(e->reason), why);
	else
		return false;
	return true;
}

static void draw_spark(
    struct app *app, const struct vm_entry *e, int row, int col, int width, enum style st)
{
	uint32_t v[SPARK];
	char glyphs[WIDGET_BYTES(SPARK)];
	if (!e->live || !e->have)
		return;
	widget_buckets(
	    e->history + MODEL_HISTORY - e->have, e->have, e->count, SPARK_SECONDS, v, SPARK);
	for (int i = 0; i < SPARK; i++) /* the hum of an idle guest is a flat line */
		v[i] = v[i] < 20 ? 0 : v[i];
	widget_spark(v, SPARK, e->vcpus ? e->vcpus * 1000 : 1000, app->theme.utf8, glyphs);
	draw_text(row, col, width, st, glyphs);
}

static void figures(
    struct app *app, const struct vm_entry *e, char text[COL_COUNT][STATUS_LINE_MAX + 64])
{
	up_text(e, model_now(app->model), text[COL_UP]);
	if (!e->live) {
		snprintf(text[COL_UP], STR_HUMAN_MAX, "%s", "");
		return;
	}
	widget_permille(e->cpu_shown, text[COL_CPU]);
	if (e->balloon_auto)
		widget_memory_auto(e->used_shown, e->memory_kib, app->theme.utf8, text[COL_MEM]);
	else
		widget_memory(e->used_shown, e->memory_kib, text[COL_MEM]);
	pair_text(e->now.rd_kib, e->now.wr_kib, text[COL_DISK], 16);
	pair_text(e->now.rx_kib, e->now.tx_kib, text[COL_NET], 16);
	snprintf(text[COL_ADDRESS], STATUS_LINE_MAX, "%.100s", e->address);
}

/* A group: its name, how many of its domains run, and the sums. */
static void folder_draw(
    struct app *app, const struct list_layout *l, const struct vm_entry *f, int row, enum style st)
{
	static const char *const glyphs[2][2] = {{"- ", "+ "}, {"▾ ", "▸ "}};
	int indent = l->at[COL_NAME] + (int)f->depth * LIST_INDENT;
	char name[NAME_MAX_BYTES + 8], count[64], text[COL_COUNT][STATUS_LINE_MAX + 64];
	const char *path = f->name, *last = path;
	for (; path[0] && path[1]; path++)
		if (*path == '/')
			last = path + 1;
	memset(text, 0, sizeof(text));
	snprintf(name, sizeof(name), "%s%.200s", glyphs[app->theme.utf8][f->folded], last);
	snprintf(count, sizeof(count), "%u/%u up%s", f->members_live, f->members,
	    f->members_bad ? " !" : "");
	draw_field(row, indent, l->at[COL_NAME] + l->width[COL_NAME] - indent, STYLE_STRONG, name);
	draw_field(
	    row, l->at[COL_STATE], l->width[COL_STATE], f->members_bad ? STYLE_BAD : st, count);
	if (!f->live)
		return;
	figures(app, f, text);
	text[COL_UP][0] = '\0';
	for (int c = COL_UP; c < COL_CONSOLE; c++)
		if (l->width[c] && c != COL_SPARK)
			(columns[c].right ? draw_right : draw_field)(
			    row, l->at[c], l->width[c], st, text[c]);
}

void list_row_draw(
    struct app *app, const struct list_layout *l, const struct vm_entry *e, int row, bool selected)
{
	char text[COL_COUNT][STATUS_LINE_MAX + 64], tale[STORY_MAX];
	int indent = (int)e->depth * LIST_INDENT;
	enum style st = selected                            ? STYLE_NORMAL
	                : e->live || e->state == VM_CRASHED ? STYLE_NORMAL
	                                                    : STYLE_DIM;
	memset(text, 0, sizeof(text));
	draw_overlay(selected ? A_REVERSE : A_NORMAL);
	draw_fill(row, 0, l->cols, st);
	draw_text(row, 0, 1, st, selected ? (app->theme.utf8 ? "▸" : ">") : " ");
	if (e->marked || (e->folder && e->members_marked == e->members))
		draw_text(row, 1, 1, selected ? st : STYLE_MARK, "*");
	if (e->folder) {
		folder_draw(app, l, e, row, st);
		draw_overlay(A_NORMAL);
		return;
	}
	if (indent > l->width[COL_NAME] / 2 || !model_is_tree(app->model))
		indent = model_is_tree(app->model) ? l->width[COL_NAME] / 2 : 0;
	draw_field(row, l->at[COL_NAME] + indent, l->width[COL_NAME] - indent,
	    selected || e->marked ? STYLE_STRONG : st, e->name);
	draw_field(row, l->at[COL_STATE], l->width[COL_STATE], selected ? st : state_style(e),
	    state_text(e, l->width[COL_STATE]));
	if (story(e, l->width[COL_CONSOLE] < JOB_COLS, tale)) {
		int at = l->width[COL_STATE] ? l->at[COL_STATE] + l->width[COL_STATE] + 1 : l->cols;
		draw_field(row, at, l->cols - at, selected ? st : STYLE_NORMAL, tale);
		draw_overlay(A_NORMAL);
		return;
	}
	figures(app, e, text);
	if (l->width[COL_CONSOLE])
		console_draw(app, l, e, row, st, selected);
	for (int c = COL_UP; c < COL_CONSOLE; c++)
		if (l->width[c] && c != COL_SPARK)
			(columns[c].right ? draw_right : draw_field)(
			    row, l->at[c], l->width[c], st, text[c]);
	draw_spark(app, e, row, l->at[COL_SPARK], l->width[COL_SPARK], selected ? st : STYLE_GRAPH);
	draw_overlay(A_NORMAL);
}
