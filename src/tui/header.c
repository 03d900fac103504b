#include "tui/header.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tui/draw.h"
#include "tui/widgets.h"

#define SPARK 8
#define SPARK_SECONDS 8 /* per column */
#define BAR 10

static int count(int col, int limit, enum style st, unsigned n, const char *word)
{
	char text[64];
	if (!n)
		return col;
	snprintf(text, sizeof(text), "%u %s", n, word);
	if (col + draw_width(text) + 1 > limit)
		return col;
	return col + 1 + draw_text(0, col, limit - col, st, text);
}

static void draw_left(struct app *app, int limit)
{
	struct model_counts c;
	int col = 1;
	char text[64];
	model_counts(app->model, &c);
	col += draw_text(0, col, limit - col, STYLE_BAR_KEY, "hvmux") + 1;
	if (limit > 40)
		col += draw_text(0, col, limit - col - 20, STYLE_BAR, app->host.name) + 2;
	snprintf(text, sizeof(text), "%u VM%s", c.all, c.all == 1 ? "" : "s");
	col += draw_text(0, col, limit - col, STYLE_BAR, text) + 1;
	/* Trouble first: it must not be what a narrow terminal drops. */
	col = count(col, limit, STYLE_ERROR, c.crashed, "crashed");
	col = count(col, limit, STYLE_ERROR, c.silent, "not answering");
	col = count(col, limit, STYLE_BAR, c.running, "running");
	col = count(col, limit, STYLE_BAR, c.paused, "paused");
	col = count(col, limit, STYLE_BAR, c.other, "changing");
	col = count(col, limit, STYLE_BAR, c.off, "off");
	count(col, limit, STYLE_BAR_KEY, c.marked, "marked");
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
	time_t now = time(NULL);
	struct tm tm;
	strftime(clock, sizeof(clock), "%H:%M", localtime_r(&now, &tm));
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
	int cols = draw_cols(), detail = 4, w;
	char text[256];
	struct model_counts c;
	int left;
	model_counts(app->model, &c);
	/* What the counts need comes first; the machine's figures take what is left. */
	left = 24 + (int)strlen(app->host.name) + (c.running ? 12 : 0) + (c.crashed ? 11 : 0) +
	       (c.silent ? 17 : 0) + (c.paused ? 10 : 0) + (c.off ? 8 : 0) + (c.marked ? 10 : 0) +
	       (c.other ? 12 : 0);
	draw_fill(row, 0, cols, STYLE_BAR);
	do {
		right_text(app, --detail, text, sizeof(text));
		w = draw_width(text);
	} while (detail > 0 && w + left > cols);
	if (w + 14 > cols)
		w = 0;
	else
		draw_text(row, cols - w, w, STYLE_BAR, text);
	draw_left(app, cols - w - 1);
}
