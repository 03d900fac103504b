#include "tui/disk_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/columns.h"
#include "tui/widgets.h"

#define MARGIN 2
#define INDENT 9 /* of the lines below a disk: behind its name */

void disk_row_fini(struct disk_row *r)
{
	free(r->target);
	free(r->source);
	free(r->options);
	disk_chain_fini(&r->chain);
	*r = (struct disk_row){0};
}

void disk_table_fini(struct disk_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		disk_row_fini(&t->rows[i]);
	free(t->rows);
	free(t->trouble);
	*t = (struct disk_table){0};
}

enum {
	D_TARGET,
	D_DEVICE,
	D_BUS,
	D_FORMAT,
	D_SIZE,
	D_USED,
	D_BAR,
	D_CHAIN,
	D_SNAPSHOTS,
	D_CACHE,
	D_READ,
	D_WRITE,
	D_WAIT,
	D_FAILED,
	D_SOURCE,
	D_COUNT
};

static const struct column all[D_COUNT] = {
    [D_TARGET] = {.title = "DISK", .width = 6, .most = 8},
    [D_DEVICE] = {.title = "DEVICE", .width = 6, .rank = 8},
    [D_BUS] = {.title = "BUS", .width = 6, .rank = 3},
    [D_FORMAT] = {.title = "FORMAT", .width = 6, .rank = 2},
    [D_SIZE] = {.title = "SIZE", .width = 5, .right = true, .rank = 1},
    [D_USED] = {.title = "USED", .width = 5, .right = true, .rank = 1},
    [D_BAR] = {.title = "", .width = 8, .most = 12, .rank = 9},
    [D_CHAIN] = {.title = "CHAIN", .width = 5, .right = true, .rank = 5},
    [D_SNAPSHOTS] = {.title = "SNAP", .width = 4, .right = true, .rank = 7},
    [D_CACHE] = {.title = "CACHE", .width = 12, .rank = 9},
    [D_READ] = {.title = "READ/s", .width = 6, .right = true, .rank = 4},
    [D_WRITE] = {.title = "WRITE/s", .width = 7, .right = true, .rank = 4},
    [D_WAIT] = {.title = "WAIT", .width = 6, .right = true, .rank = 7},
    [D_FAILED] = {.title = "ERRORS", .width = 6, .right = true, .rank = 6},
    [D_SOURCE] = {.title = "FILE", .width = 20, .most = 80, .rank = 2},
};

/* "0.4ms", "12ms", "1.2s" */
static void wait_text(uint64_t us, char out[16])
{
	if (us == 0)
		out[0] = '\0';
	else if (us < 10000)
		snprintf(out, 16, "%u.%ums", (unsigned)(us / 1000), (unsigned)(us % 1000 / 100));
	else if (us < 1000000)
		snprintf(out, 16, "%ums", (unsigned)(us / 1000));
	else
		snprintf(out, 16, "%u.%us", (unsigned)(us / 1000000 % 1000),
		    (unsigned)(us % 1000000 / 100000));
}

struct pen {
	struct sheet *s;
	const struct columns *c;
	unsigned first, line; /* the first that is shown; the one that comes next */
};

/* The row of the line that comes next; -1: it is not in sight. */
static int next_row(struct pen *p)
{
	unsigned line = p->line++;
	return line < p->first || line - p->first + 1 >= (unsigned)p->s->rows
	           ? -1
	           : (int)(line - p->first) + 1;
}

static void below(struct pen *p, enum style st, const char *word, const char *text)
{
	int row = next_row(p), col = INDENT;
	if (row < 0)
		return;
	col += sheet_text(p->s, row, col, p->s->cols - col, STYLE_DIM, word);
	sheet_field(p->s, row, col, p->s->cols - col, st, text);
}

static void draw_row(struct pen *p, const struct disk_row *r, int row)
{
	char size[STR_HUMAN_MAX] = "?", used[STR_HUMAN_MAX] = "?", chain[24] = "", snaps[24] = "";
	char rd[32] = "", wr[32] = "", wait[16] = "", failed[24] = "";
	const struct disk_image_facts *top = r->looked && r->chain.n ? &r->chain.images[0] : NULL;
	uint64_t capacity = top ? top->capacity : 0;
	if (capacity)
		str_human(capacity, size);
	if (top && top->allocation)
		str_human(top->allocation, used);
	if (top && !*top->why)
		snprintf(chain, sizeof(chain), "%zu", r->chain.n + r->chain.deeper);
	if (top && !*top->why)
		snprintf(snaps, sizeof(snaps), "%zu", r->chain.n_snapshots);
	if (r->counted) {
		widget_rate(r->read_rate, rd);
		widget_rate(r->write_rate, wr);
		wait_text(r->wait_us, wait);
		snprintf(failed, sizeof(failed), "%llu", (unsigned long long)r->failed);
	}
	const struct column_cell cells[D_COUNT] = {[D_TARGET] = {r->target, STYLE_STRONG, false},
	    [D_DEVICE] = {r->device, STYLE_NORMAL, false},
	    [D_BUS] = {r->bus, STYLE_NORMAL, false},
	    [D_FORMAT] = {*r->source ? r->format : "", STYLE_NORMAL, false},
	    [D_SIZE] = {r->file ? size : "", STYLE_NORMAL, false},
	    [D_USED] = {r->file ? used : "", STYLE_NORMAL, false},
	    [D_CHAIN] = {chain, STYLE_NORMAL, false},
	    [D_SNAPSHOTS] = {snaps, STYLE_NORMAL, false},
	    [D_CACHE] = {*r->cache ? r->cache : "-", STYLE_NORMAL, false},
	    [D_READ] = {rd, STYLE_NORMAL, false},
	    [D_WRITE] = {wr, STYLE_NORMAL, false},
	    [D_WAIT] = {wait, STYLE_NORMAL, false},
	    [D_FAILED] = {failed, r->failed ? STYLE_BAD : STYLE_NORMAL, false},
	    [D_SOURCE] = {*r->source ? r->source : "empty", *r->source ? STYLE_NORMAL : STYLE_DIM,
	        *r->source != '\0'}};
	columns_row(p->c, p->s, row, cells);
	if (top && capacity)
		sheet_bar(p->s, row, p->c->at[D_BAR], p->c->width[D_BAR], STYLE_GRAPH,
		    top->allocation, capacity);
}

static void draw_disk(struct pen *p, const struct disk_row *r)
{
	CLEANUP_FREE char *trouble = r->looked ? disk_chain_trouble(&r->chain) : xstrdup("");
	CLEANUP_FREE char *chain = disk_chain_text(&r->chain, p->s->utf8);
	char waits[STR_HUMAN_MAX], text[64];
	int row = next_row(p);
	if (row >= 0)
		draw_row(p, r, row);
	if (r->waiting_ms) {
		str_age(r->waiting_ms / 1000, waits);
		snprintf(text, sizeof(text), "the file system has not answered for %s", waits);
		below(p, STYLE_BAD, "", text);
	}
	if (*trouble)
		below(p, STYLE_BAD, "", trouble);
	if (r->failed && !p->c->width[D_FAILED]) {
		snprintf(text, sizeof(text), "%llu requests failed", (unsigned long long)r->failed);
		below(p, STYLE_BAD, "", text);
	}
	if (r->looked && r->chain.n > 1)
		below(p, STYLE_NORMAL, "chain: ", chain);
	if (r->looked && r->chain.n_snapshots)
		below(p, STYLE_NORMAL, "snapshots: ", r->chain.snapshots);
	if (*r->options)
		below(p, STYLE_NORMAL, "", r->options);
}

unsigned disk_table_draw(const struct disk_table *t, unsigned first, struct sheet *s)
{
	struct columns c;
	struct pen p = {.s = s, .c = &c, .first = first};
	columns_place(&c, all, D_COUNT, s->cols, MARGIN);
	columns_titles(&c, s, 0, -1, false);
	if (!t->n)
		below(&p, t->trouble ? STYLE_BAD : STYLE_DIM, "",
		    t->trouble ? t->trouble : "no disks");
	for (size_t i = 0; i < t->n; i++)
		draw_disk(&p, &t->rows[i]);
	return p.line;
}
