#include "tui/storage_draw.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tui/draw.h"
#include "tui/storage_tables.h"

#define LOW 12         /* rows below which one part is all there is */
#define DETAIL_FROM 18 /* rows from which there are lines on what is under the cursor */
#define DETAIL_MIN 4
#define DETAIL_MAX 8
#define VOLUMES_MIN 3

static int at_most(int v, int most)
{
	return v > most ? most : v;
}

/* The focused part alone. */
static void lay_low(int rows, enum storage_part focus, struct storage_layout *l)
{
	int row = 0;
	if (rows >= 5)
		l->header = row++;
	if (rows >= 3)
		l->title[focus] = row++;
	l->top[focus] = row;
	l->footer = rows > 1 ? rows - 1 : -1;
	l->height[focus] = rows - row - (rows > 1);
}

static int place(struct storage_layout *l, enum storage_part part, int row, int height)
{
	l->title[part] = row;
	l->top[part] = row + 1;
	l->height[part] = height;
	return row + 1 + height;
}

void storage_layout_make(
    int rows, unsigned pools, unsigned jobs, enum storage_part focus, struct storage_layout *l)
{
	int n_pools = at_most((int)at_most((int)pools, 1000), rows / 5),
	    n_jobs = at_most(at_most((int)jobs, 1000), rows / 8 > 1 ? rows / 8 : 1), row = 0, rest;
	*l = (struct storage_layout){.header = -1, .title = {-1, -1, -1}, .rule = -1, .footer = -1};
	if (rows < LOW) {
		lay_low(rows, focus, l);
		return;
	}
	if (!jobs && focus != STORAGE_JOBS)
		n_jobs = -1; /* no title either */
	else if (!n_jobs)
		n_jobs = 1;
	n_pools = n_pools < 1 ? 1 : n_pools;
	l->detail_height = rows < DETAIL_FROM ? 0 : at_most(rows / 5, DETAIL_MAX);
	if (l->detail_height && l->detail_height < DETAIL_MIN)
		l->detail_height = DETAIL_MIN;
	l->header = row++;
	row = place(l, STORAGE_POOLS, row, n_pools);
	rest = rows - row - 1 - 1 - (l->detail_height ? 1 + l->detail_height : 0) - (1 + n_jobs);
	row = place(l, STORAGE_VOLUMES, row, rest > VOLUMES_MIN ? rest : VOLUMES_MIN);
	if (l->detail_height) {
		l->rule = row++;
		l->detail = row;
		row += l->detail_height;
	}
	if (n_jobs >= 0)
		place(l, STORAGE_JOBS, row, n_jobs);
	l->footer = rows - 1;
}

unsigned storage_count(const struct storage_screen *v, enum storage_part part)
{
	if (!v->facts)
		return 0;
	return part == STORAGE_POOLS     ? (unsigned)v->facts->n_pools
	       : part == STORAGE_VOLUMES ? v->n_volumes
	                                 : (unsigned)v->facts->n_jobs;
}

const struct storage_pool *storage_pool_at(const struct storage_screen *v)
{
	unsigned at = v->at[STORAGE_POOLS];
	return v->facts && at < v->facts->n_pools ? &v->facts->pools[at] : NULL;
}

const struct storage_volume *storage_volume_at(const struct storage_screen *v)
{
	unsigned at = v->at[STORAGE_VOLUMES];
	return at < v->n_volumes ? v->volumes[at] : NULL;
}

void storage_scroll(struct storage_screen *v, const struct storage_layout *l)
{
	for (int part = 0; part < STORAGE_PARTS; part++) {
		unsigned n = storage_count(v, (enum storage_part)part), *first = &v->first[part],
		         *at = &v->at[part];
		unsigned height = l->height[part] > 0 ? (unsigned)l->height[part] : 1;
		if (*at >= n)
			*at = n ? n - 1 : 0;
		if (*at < *first)
			*first = *at;
		if (*at >= *first + height)
			*first = *at - height + 1;
		if (*first + height > n)
			*first = n > height ? n - height : 0;
	}
}

/* --- the header --- */

/* Per cent of the fullest: pools may share a file system, so that sums would tell nothing. */
static const struct storage_pool *fullest(const struct storage_facts *f, unsigned *percent)
{
	const struct storage_pool *most = NULL;
	*percent = 0;
	for (size_t i = 0; i < f->n_pools; i++) {
		const struct storage_pool *p = &f->pools[i];
		double full =
		    p->known && p->capacity ? (double)p->allocation * 100 / (double)p->capacity : 0;
		if (!p->known || (most && full <= *percent))
			continue;
		most = p;
		*percent = full > 9999 ? 9999 : (unsigned)full;
	}
	return most;
}

struct head {
	struct sheet *s;
	int row, col, end;
};

static void head_add(struct head *h, enum style st, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void head_add(struct head *h, enum style st, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (h->col + draw_width(text) <= h->end)
		h->col += sheet_text(h->s, h->row, h->col, h->end - h->col, st, text) + 2;
}

static void header(const struct storage_screen *v, struct sheet *s, int row)
{
	int n = (int)strlen(v->clock);
	struct head h = {s, row, 1, s->cols - n - 2};
	unsigned inactive = 0, bad = 0, runs = 0, full;
	const struct storage_pool *most;
	sheet_fill(s, row, STYLE_BAR);
	sheet_text(s, row, s->cols - n - 1, n, STYLE_BAR, v->clock);
	head_add(&h, STYLE_BAR_KEY, "Storage");
	if (!v->facts)
		return;
	for (size_t i = 0; i < v->facts->n_pools; i++) {
		const struct storage_pool *p = &v->facts->pools[i];
		inactive += !p->active;
		bad += p->active && (p->waiting_ms || *p->trouble);
	}
	for (size_t i = 0; i < v->facts->n_jobs; i++)
		runs += v->facts->jobs[i].state == STORAGE_JOB_RUNS;
	if (bad)
		head_add(&h, STYLE_ERROR, "%u in trouble", bad);
	if (*v->host && s->cols >= 60)
		head_add(&h, STYLE_BAR, "%s", v->host);
	head_add(&h, STYLE_BAR, "%zu pool%s", v->facts->n_pools, v->facts->n_pools == 1 ? "" : "s");
	if (inactive)
		head_add(&h, STYLE_BAR, "%u inactive", inactive);
	if ((most = fullest(v->facts, &full)) != NULL)
		head_add(&h, STYLE_BAR, "fullest %s %u%%", most->name, full);
	if (runs)
		head_add(&h, STYLE_BAR, "%u job%s running", runs, runs == 1 ? "" : "s");
}

void storage_draw(const struct storage_screen *v, const struct storage_layout *l, struct sheet *s)
{
	if (l->header >= 0)
		header(v, s, l->header);
	if (l->height[STORAGE_POOLS] > 0)
		storage_pools_draw(v, l, s);
	if (l->height[STORAGE_VOLUMES] > 0)
		storage_volumes_draw(v, l, s);
	storage_detail_draw(v, l, s);
	if (l->title[STORAGE_JOBS] >= 0)
		storage_jobs_draw(v, l, s);
}
