#include "tui/panes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "tui/disk_watch.h"
#include "tui/draw.h"
#include "tui/lines.h"
#include "tui/preview.h"
#include "tui/snap_draw.h"
#include "tui/snap_watch.h"
#include "tui/widgets.h"

struct panes {
	struct app *app;
	char open;
	bool day; /* graphs: the last 24 hours, not 10 minutes */
	struct preview *preview;
	char *preview_name; /* whose; NULL none yet */
	uint64_t preview_bytes;
	struct lines lines;       /* of hardware, host, log */
	char lines_of;            /* the pane that they are of; 0 none */
	char *lines_name;         /* the VM; NULL: none was asked for */
	unsigned first;           /* line at the top */
	int height;               /* as last drawn */
	struct disk_watch *disks; /* NULL: not asked for yet */
	struct snap_watch *snaps; /* the same */
	struct sheet sheet;
};

struct place {
	int row, height, cols;
};

struct panes *panes_new(struct app *app)
{
	struct panes *p = xcalloc(1, sizeof(*p));
	p->app = app;
	p->open = '1';
	return p;
}

static void preview_drop(struct panes *p)
{
	preview_free(p->preview);
	p->preview = NULL;
	free(p->preview_name);
	p->preview_name = NULL;
}

void panes_free(struct panes *p)
{
	preview_drop(p);
	lines_clear(&p->lines);
	free(p->lines_name);
	disk_watch_free(p->disks);
	snap_watch_free(p->snaps);
	sheet_fini(&p->sheet);
	free(p);
}

/* --- 1 Console --- */

static void preview_follow(struct panes *p, const struct vm_entry *e)
{
	if (p->preview_name &&
	    (!str_eq(p->preview_name, e->name) || e->con_bytes < p->preview_bytes))
		preview_drop(p);
	if (!p->preview_name || (!p->preview && e->con_bytes != p->preview_bytes)) {
		free(p->preview_name);
		p->preview_name = xstrdup(e->name);
		p->preview = preview_open(p->app->home, e->name, 0, e->con_rows, e->con_cols);
	}
	p->preview_bytes = e->con_bytes;
}

static void draw_console(struct panes *p, const struct vm_entry *e, const struct place *at)
{
	preview_follow(p, e);
	if (p->preview) {
		preview_poll(p->preview, 0);
		if (!preview_written(p->preview)) {
			draw_text(at->row, 1, at->cols - 1, STYLE_DIM,
			    e->live ? "nothing was written to the console yet"
			            : "nothing was written to the console");
			return;
		}
		preview_draw(p->preview, at->row, 0, at->height, at->cols);
		return;
	}
	draw_text(at->row, 1, at->cols - 1, STYLE_DIM,
	    e->live ? "no serial console, or no permission to read it"
	            : "off; no console history is kept of an earlier run");
}

/* --- 2 Graphs --- */

struct series {
	const char *name;
	uint32_t (*value)(const struct status_sample *s);
	uint32_t floor; /* the scale's top is at least this */
	bool permille;
};

static uint32_t cpu_of(const struct status_sample *s)
{
	return s->cpu_permille;
}

static uint32_t mem_of(const struct status_sample *s)
{
	return s->mem_mib;
}

static uint32_t disk_of(const struct status_sample *s)
{
	return s->rd_kib + s->wr_kib;
}

static uint32_t net_of(const struct status_sample *s)
{
	return s->rx_kib + s->tx_kib;
}

static const struct series all_series[] = {{"CPU", cpu_of, 1000, true},
    {"Memory", mem_of, 1, false}, {"Disk", disk_of, 64, false}, {"Net", net_of, 64, false}};

static void top_text(const struct series *s, const struct vm_entry *e, uint32_t top, char *out)
{
	char rate[32];
	if (s->permille)
		snprintf(out, 32, "%u%%", top / 10);
	else if (s->value == mem_of)
		widget_memory(0, (uint64_t)top * 1024, rate),
		    snprintf(out, 32, "%.30s", strchr(rate, '/') ? strchr(rate, '/') + 1 : rate);
	else
		widget_rate(top, rate), snprintf(out, 32, "%.20s/s", rate);
	(void)e;
}

static void draw_series(struct panes *p, const struct vm_entry *e, const struct series *s,
    const struct status_sample *v, unsigned have, uint64_t count, int row, int col, int height,
    int width)
{
	static uint32_t values[STATUS_MINUTES], buckets[WIDGET_WIDTH_MAX];
	unsigned n = (unsigned)(width < WIDGET_WIDTH_MAX ? width : WIDGET_WIDTH_MAX),
	         span = p->day ? STATUS_MINUTES : STATUS_SECONDS;
	unsigned per = (span + n - 1) / n;
	uint32_t top = s->floor;
	char glyphs[WIDGET_BYTES(WIDGET_WIDTH_MAX)], text[32];
	if (s->permille && e->vcpus > 1)
		top = e->vcpus * 1000;
	if (s->value == mem_of)
		top = (uint32_t)(e->memory_kib / 1024) ? (uint32_t)(e->memory_kib / 1024) : 1;
	for (unsigned i = 0; i < have; i++)
		values[i] = s->value(&v[i]);
	widget_buckets(values, have, count, per, buckets, n);
	for (unsigned i = 0; i < n; i++)
		top = buckets[i] > top ? buckets[i] : top;
	top_text(s, e, top, text);
	draw_textf(row, col, width, STYLE_COLUMNS, "%s  (top %s, %s)", s->name, text,
	    p->day ? "24 hours" : "10 minutes");
	for (int r = 0; r < height - 1; r++) {
		widget_graph_row(buckets, n, top, (unsigned)(height - 2 - r),
		    (unsigned)(height - 1), p->app->theme.utf8, glyphs);
		draw_text(row + 1 + r, col, width, STYLE_GRAPH, glyphs);
	}
}

static void draw_graphs(struct panes *p, const struct vm_entry *e, const struct place *at)
{
	static struct status_sample samples[STATUS_MINUTES];
	uint64_t count = 0;
	unsigned have = model_samples(
	    p->app->model, e, p->day, samples, p->day ? STATUS_MINUTES : STATUS_SECONDS, &count);
	unsigned across = at->cols >= 120  ? 4
	                  : at->cols >= 50 ? 2
	                                   : 1,
	         down = (4 + across - 1) / across;
	int width = at->cols / (int)across, height;
	if (!have) {
		draw_text(at->row, 1, at->cols - 1, STYLE_DIM,
		    p->day ? "no history of the last 24 hours yet (t: 10 minutes)"
		           : "no history yet");
		return;
	}
	while (down > 1 && at->height / (int)down < 3)
		down--;
	height = at->height / (int)down;
	for (unsigned i = 0; i < across * down && i < 4; i++)
		draw_series(p, e, &all_series[i], samples, have, count,
		    at->row + (int)(i / across) * height, (int)(i % across) * width, height,
		    width - 1);
}

/* At the right end of a row, up to its last column: which lines of how many are shown. */
static void draw_where(const struct panes *p, int row, int cols, unsigned shown, unsigned lines)
{
	char text[64];
	int n = snprintf(text, sizeof(text), " lines %u-%u of %u   [ ] scroll ", p->first + 1,
	    p->first + shown, lines);
	draw_text(row, cols > n ? cols - n : 0, n, STYLE_BAR, text);
}

/* --- 3 Disks --- */

static void pane_changed(void *arg)
{
	app_dirty(((struct panes *)arg)->app);
}

static void follow_disks(struct panes *p, const struct vm_entry *e)
{
	if (!p->disks)
		p->disks = disk_watch_new(p->app->home, app_offload(p->app), pane_changed, p);
	disk_watch_tick(p->disks, p->app->model, e);
}

static unsigned make_disks(struct panes *p, const struct place *at)
{
	sheet_init(&p->sheet, at->height, at->cols, p->app->theme.utf8);
	return disk_table_draw(disk_watch_table(p->disks), p->first, &p->sheet);
}

static void draw_disks(struct panes *p, const struct vm_entry *e, const struct place *at)
{
	unsigned lines, shown = at->height > 1 ? (unsigned)at->height - 1 : 1;
	if (!p->disks || !str_eq(disk_watch_name(p->disks), e->name)) {
		p->first = 0;
		follow_disks(p, e);
	}
	p->height = at->height;
	lines = make_disks(p, at);
	if (p->first && p->first + shown > lines) { /* scrolled behind the end */
		p->first = lines > shown ? lines - shown : 0;
		make_disks(p, at);
	}
	sheet_show(&p->sheet, at->row, 0);
	if (lines > shown && at->height > 1)
		draw_where(
		    p, at->row, at->cols, shown, lines); /* over the titles: no file is hidden */
}

/* --- 4 Network --- */

static void draw_nets(struct panes *p, const struct vm_entry *e, const struct place *at)
{
	const struct status_page *page = model_page(p->app->model, e);
	char rx[STR_HUMAN_MAX] = "?", tx[STR_HUMAN_MAX] = "?", line[256];
	draw_field(at->row, 0, at->cols, STYLE_COLUMNS,
	    "  MAC                INTERFACE        RECEIVED  SENT");
	if (!page || !page->nets)
		draw_text(at->row + 1, 2, at->cols - 2, STYLE_DIM,
		    page ? "no network interfaces" : "known while it runs");
	for (unsigned i = 0; page && i < page->nets && (int)i + 1 < at->height; i++) {
		const struct status_net *n = &page->net[i];
		if (n->known) {
			str_human(n->rx_bytes, rx);
			str_human(n->tx_bytes, tx);
		}
		snprintf(line, sizeof(line), "  %-18s %-16s %-9s %s", n->mac,
		    *n->target ? n->target : "user mode", n->known ? rx : "?", n->known ? tx : "?");
		draw_field(at->row + 1 + (int)i, 0, at->cols, STYLE_NORMAL, line);
	}
}

/* --- 5 Snapshots --- */

static void follow_snaps(struct panes *p, const struct vm_entry *e)
{
	if (!p->snaps)
		p->snaps = snap_watch_new(p->app->home, app_offload(p->app), pane_changed, p);
	snap_watch_tick(p->snaps, e->name);
}

static void draw_snaps(struct panes *p, const struct vm_entry *e, const struct place *at)
{
	const struct snap_rows *rows;
	unsigned lines, shown = at->height > 1 ? (unsigned)at->height - 1 : 1;
	if (!p->snaps || !str_eq(snap_watch_name(p->snaps), e->name)) {
		p->first = 0;
		follow_snaps(p, e);
	}
	p->height = at->height;
	rows = snap_watch_rows(p->snaps);
	lines = (unsigned)rows->n;
	if (p->first && p->first + shown > lines)
		p->first = lines > shown ? lines - shown : 0;
	sheet_init(&p->sheet, at->height, at->cols, p->app->theme.utf8);
	snap_table_draw(rows, p->first, SIZE_MAX, model_now(p->app->model) / 1000000000u, &p->sheet,
	    0, at->height);
	sheet_show(&p->sheet, at->row, 0);
	if (lines > shown && at->height > 1)
		draw_where(p, at->row, at->cols, shown, lines);
	else if (at->cols >= 60)
		draw_right(
		    at->row, at->cols - 34, 33, STYLE_COLUMNS, "b: make, revert, delete them");
}

/* --- 7 Events --- */

static void draw_event(const struct job *j, int row, int cols)
{
	static const struct {
		const char *word;
		enum style st;
	} looks[] = {[JOB_RUNNING] = {"…", STYLE_WARN},
	    [JOB_DONE] = {"ok", STYLE_GOOD},
	    [JOB_FAILED] = {"FAILED", STYLE_BAD},
	    [JOB_CANCELLED] = {"cancelled", STYLE_WARN},
	    [JOB_NOTE] = {"", STYLE_NORMAL}};
	CLEANUP_FREE char *words = job_words(j);
	char when[16];
	int col = 1;
	enum style st = j->state == JOB_NOTE && j->bad ? STYLE_BAD : STYLE_NORMAL;
	timestamp_local((uint64_t)j->when, "%H:%M:%S ", when, sizeof(when));
	col += draw_text(row, col, cols - col, STYLE_DIM, when);
	col += draw_text(row, col, cols - col, st, j->command) + 2;
	col += draw_text(row, col, cols - col, looks[j->state].st, looks[j->state].word) + 1;
	if (j->state == JOB_RUNNING && j->total)
		col += draw_textf(row, col, cols - col, STYLE_WARN, "%u%% ",
		    (unsigned)((double)j->done * 100 / (double)j->total));
	if (j->state == JOB_RUNNING && j->progress)
		draw_text(row, col, cols - col, STYLE_NORMAL, j->progress);
	else if (col < cols)
		draw_field(row, col, cols - col, STYLE_NORMAL, words);
}

static void draw_events(struct panes *p, const struct vm_entry *e, const struct place *at)
{
	unsigned n = jobs_count(p->app->jobs);
	(void)e;
	if (!n)
		draw_text(at->row, 1, at->cols - 1, STYLE_DIM,
		    "nothing yet: commands that you run, and what is seen of the domains, come here");
	for (unsigned i = 0; i < n && (int)i < at->height; i++)
		draw_event(jobs_get(p->app->jobs, i), at->row + (int)i, at->cols);
}

/* --- 6 Hardware, 8 Host, 9 Log --- */

static const struct {
	char key;
	lines_fill fill;
} fills[] = {{'6', lines_hardware}, {'8', lines_host}, {'9', lines_log}};

/* Made when the pane or the VM is another, and once a second. */
static bool lines_renew(struct panes *p, const struct vm_entry *e)
{
	for (size_t i = 0; i < ARRAY_LEN(fills); i++)
		if (fills[i].key == p->open && (e || p->open == '8'))
			return fills[i].fill(p->app, e ? e->name : NULL, false, &p->lines);
	return false;
}

static void draw_lines(struct panes *p, const struct vm_entry *e, const struct place *at)
{
	const char *name = p->open == '8' ? "" : e->name;
	if (p->lines_of != p->open || !str_eq(p->lines_name, name)) {
		lines_clear(&p->lines);
		p->first = 0;
		p->lines_of = p->open;
		free(p->lines_name);
		p->lines_name = xstrdup(name);
		lines_renew(p, e);
	}
	p->height = at->height;
	if (p->first + (unsigned)at->height > p->lines.n)
		p->first =
		    p->lines.n > (unsigned)at->height ? p->lines.n - (unsigned)at->height : 0;
	lines_draw(&p->lines, p->first, 0, at->row, at->height, at->cols);
	if (p->lines.n > (unsigned)at->height && at->height > 1)
		draw_where(p, at->row + at->height - 1, at->cols, (unsigned)at->height, p->lines.n);
}

void panes_scroll(struct panes *p, int by)
{
	unsigned step = p->height > 3 ? (unsigned)p->height / 2 : 1;
	p->first = by > 0 ? p->first + step : p->first < step ? 0 : p->first - step;
}

/* --- all of them --- */

static const struct {
	char key;
	const char *name, *brief; /* brief: NULL the same */
	void (*draw)(struct panes *p, const struct vm_entry *e, const struct place *at);
} table[] = {{'1', "Console", NULL, draw_console}, {'2', "Graphs", NULL, draw_graphs},
    {'3', "Disks", NULL, draw_disks}, {'4', "Network", "Net", draw_nets},
    {'5', "Snapshots", "Snaps", draw_snaps}, {'6', "Hardware", NULL, draw_lines},
    {'7', "Events", NULL, draw_events}, {'8', "Host", NULL, draw_lines},
    {'9', "Log", NULL, draw_lines}};

void panes_choose(struct panes *p, char key)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].key == key)
			p->open = p->open == key ? 0 : key;
}

void panes_next(struct panes *p)
{
	size_t i = 0;
	while (i < ARRAY_LEN(table) && table[i].key != p->open)
		i++;
	p->open = i >= ARRAY_LEN(table)       ? table[0].key
	          : i + 1 == ARRAY_LEN(table) ? 0
	                                      : table[i + 1].key;
}

char panes_open(const struct panes *p)
{
	return p->open;
}

void panes_toggle_scale(struct panes *p)
{
	p->day = !p->day;
}

/* On a narrow terminal the tabs stand closer, and long names give way. */
static int tab_text(size_t i, bool tight, char out[32])
{
	const char *name = tight && table[i].brief ? table[i].brief : table[i].name;
	return snprintf(out, 32, tight ? "%c %s " : " %c %s ", table[i].key, name);
}

void panes_draw_tabs(struct panes *p, int row)
{
	int col = 1, cols = draw_cols(), wanted = 2;
	char text[32];
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		wanted += tab_text(i, false, text);
	draw_rule(row, 0, cols, STYLE_RULE);
	for (size_t i = 0; i < ARRAY_LEN(table) && col < cols - 1; i++) {
		tab_text(i, wanted > cols, text);
		col += draw_text(row, col, cols - col - 1,
		    table[i].key == p->open ? STYLE_TAB : STYLE_NORMAL, text);
	}
}

void panes_draw(struct panes *p, const struct vm_entry *e, int row, int height)
{
	struct place at = {row, height, draw_cols()};
	for (size_t i = 0; i < ARRAY_LEN(table) && height > 0; i++)
		if (table[i].key == p->open && (e || table[i].key == '7' || table[i].key == '8'))
			table[i].draw(p, e, &at);
}

void panes_tick(struct panes *p, const struct vm_entry *e)
{
	if (p->open == '1' && e && p->preview && str_eq(p->preview_name, e->name) &&
	    preview_poll(p->preview, 0))
		app_dirty(p->app);
	if (p->open == '3' && e)
		follow_disks(p, e);
	if (p->open == '5' && e)
		follow_snaps(p, e);
	if (p->lines_of == p->open && (p->open == '8' || (e && str_eq(p->lines_name, e->name))) &&
	    lines_renew(p, e))
		app_dirty(p->app);
}
