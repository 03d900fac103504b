#include "tui/header.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/timestamp.h"
#include "tui/draw.h"
#include "tui/widgets.h"

#define SPARK 8
#define SPARK_SECONDS 8 /* per column */
#define BAR 10
#define NARROW 30 /* columns below which our own name gives way to the counts */

/* The counts, trouble first: it must not be what a narrow terminal drops. */
struct part {
	enum style st;
	char text[32];
};
#define PARTS 9

static unsigned parts_of(const struct model_counts *c, struct part out[PARTS])
{
	const struct {
		unsigned n;
		enum style st;
		const char *word;
	} all[PARTS] = {{c->all, STYLE_BAR, c->all == 1 ? "VM" : "VMs"},
	    {c->crashed, STYLE_ERROR, "crashed"}, {c->silent, STYLE_ERROR, "not answering"},
	    {c->running, STYLE_BAR, "running"}, {c->paused, STYLE_BAR, "paused"},
	    {c->busy, STYLE_BAR_KEY, "at work"}, {c->other, STYLE_BAR, "changing"},
	    {c->off, STYLE_BAR, "off"}, {c->marked, STYLE_BAR_KEY, "marked"}};
	unsigned n = 0;
	for (unsigned i = 0; i < PARTS; i++) {
		if (!all[i].n && i > 0)
			continue;
		out[n].st = all[i].st;
		snprintf(out[n++].text, sizeof(out[0].text), "%u %s", all[i].n, all[i].word);
	}
	return n;
}

static int left_width(const char *host, const struct part *p, unsigned n)
{
	int w = 7 + draw_width(host) + 2;
	for (unsigned i = 0; i < n; i++)
		w += (int)strlen(p[i].text) + 2;
	return w;
}

static void draw_left(const char *host, const struct part *p, unsigned n, int limit)
{
	int col = 1;
	if (limit >= NARROW)
		col += draw_text(0, col, limit - col, STYLE_BAR_KEY, "hvmux") + 1;
	if (*host)
		col += draw_text(0, col, limit - col, STYLE_BAR, host) + 2;
	for (unsigned i = 0; i < n; i++) {
		if (col + (int)strlen(p[i].text) > limit)
			break;
		col += draw_text(0, col, limit - col, p[i].st, p[i].text) + 2;
	}
}

static void cpu_text(struct app *app, bool spark, char *out, size_t n)
{
	uint32_t v[SPARK];
	char glyphs[WIDGET_BYTES(SPARK)] = "";
	const struct host *h = &app->host;
	unsigned have = h->samples < HOST_HISTORY ? (unsigned)h->samples : HOST_HISTORY;
	if (spark) {
		widget_buckets(
		    h->history + HOST_HISTORY - have, have, h->samples, SPARK_SECONDS, v, SPARK);
		widget_spark(v, SPARK, 1000, app->theme.utf8, glyphs);
	}
	snprintf(out, n, "cpu %s%s%u%%", glyphs, spark ? " " : "", (h->cpu_shown + 5) / 10);
}

static void mem_text(struct app *app, bool bar, char *out, size_t n)
{
	char figures[32], blocks[WIDGET_BYTES(BAR)] = "";
	widget_memory(app->host.mem_used_kib, app->host.mem_kib, figures);
	if (bar)
		widget_bar(app->host.mem_used_kib, app->host.mem_kib, BAR, app->theme.utf8, blocks);
	snprintf(out, n, "mem %s%s%s", figures, bar ? " " : "", blocks);
}

/* Detail 3 has all, 0 the clock alone. */
static void right_text(struct app *app, int detail, char *out, size_t n)
{
	char cpu[64], mem[96], clock[8];
	timestamp_local((uint64_t)time(NULL), "%H:%M", clock, sizeof(clock));
	cpu_text(app, detail >= 3, cpu, sizeof(cpu));
	mem_text(app, detail >= 3, mem, sizeof(mem));
	if (detail >= 2)
		snprintf(out, n, "%s  %s  load %s  %s ", cpu, mem, app->host.load, clock);
	else if (detail == 1)
		snprintf(out, n, "%s  %s ", cpu, clock);
	else
		snprintf(out, n, "%s ", clock);
}

void header_draw(struct app *app, int row)
{
	struct model_counts c;
	struct part parts[PARTS];
	const char *host = app->host.name;
	int cols = draw_cols(), detail = 4, w, left;
	unsigned n;
	char text[256];
	model_counts(app->model, &c);
	n = parts_of(&c, parts);
	left = left_width(host, parts, n);
	if (left + 6 > cols) {
		left -= draw_width(host) + 2;
		host = "";
	}
	draw_fill(row, 0, cols, STYLE_BAR);
	do {
		right_text(app, --detail, text, sizeof(text));
		w = draw_width(text);
	} while (detail > 0 && w + left > cols);
	if (w + left > cols)
		w = 0;
	else
		draw_text(row, cols - w, w, STYLE_BAR, text);
	draw_left(host, parts, n, cols - w);
}
