#include "tui/storage_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/columns.h"

#define MARGIN 2
#define DAY 86400
#define SIZES_MAX 32

/* Per cent at which a pool's bar changes its colour, and how soon full. */
#define FILL_WARN 85
#define FILL_BAD 95
#define SOON_WARN (7 * DAY)
#define SOON_BAD DAY

static unsigned percent(uint64_t part, uint64_t whole)
{
	double p = whole ? (double)part * 100 / (double)whole : 0;
	return p > 9999 ? 9999 : (unsigned)(p + 0.5);
}

enum style storage_fill_style(const struct storage_pool *p)
{
	unsigned full = percent(p->allocation, p->capacity);
	bool soon = p->growth_known && p->full_in_s >= 0;
	if (full >= FILL_BAD || (soon && p->full_in_s < SOON_BAD))
		return STYLE_BAD;
	if (full >= FILL_WARN || (soon && p->full_in_s < SOON_WARN))
		return STYLE_WARN;
	return STYLE_GRAPH;
}

void storage_full_text(const struct storage_pool *p, char out[STORAGE_TEXT_MAX])
{
	char age[STR_HUMAN_MAX] = "";
	if (!p->growth_known)
		snprintf(out, STORAGE_TEXT_MAX, "%s", "");
	else if (p->full_in_s < 0)
		snprintf(out, STORAGE_TEXT_MAX, "-");
	else if (p->full_in_s < 60)
		snprintf(out, STORAGE_TEXT_MAX, "now");
	else
		str_age((uint64_t)p->full_in_s, age), snprintf(out, STORAGE_TEXT_MAX, "%s", age);
}

void storage_growth_text(const struct storage_pool *p, char out[STORAGE_TEXT_MAX])
{
	char size[STR_HUMAN_MAX];
	bool hourly = p->full_in_s >= 0 && p->full_in_s < DAY;
	uint64_t by = (uint64_t)(p->growth < 0 ? -p->growth : p->growth);
	out[0] = '\0';
	if (!p->growth_known)
		return;
	str_human(hourly ? by / 24 : by, size);
	snprintf(out, STORAGE_TEXT_MAX, "%s%s/%s",
	    by == 0         ? ""
	    : p->growth < 0 ? "-"
	                    : "+",
	    size, hourly ? "h" : "d");
}

/* The mark of the row under the cursor; reversed where keys go to. */
static void cursor(const struct storage_screen *v, struct sheet *s, enum storage_part part, int row)
{
	if (v->focus != part && part != STORAGE_POOLS)
		return; /* the chosen pool is always marked: the volumes are its own */
	sheet_text(s, row, 0, 1, STYLE_NORMAL, s->utf8 ? "▸" : ">");
	if (v->focus == part)
		sheet_reverse(s, row);
}

/* --- pools --- */

enum {
	P_NAME,
	P_STATE,
	P_BAR,
	P_SIZES,
	P_FREE,
	P_PROMISED,
	P_FULL,
	P_GROWTH,
	P_TYPE,
	P_WHERE,
	P_COUNT
};

static const struct column pool_columns[P_COUNT] = {
    [P_NAME] = {.title = "POOL", .width = 10, .most = 24},
    [P_STATE] = {.title = "STATE", .width = 9, .rank = 1},
    [P_BAR] = {.title = "", .width = 10, .most = 24, .rank = 5},
    [P_SIZES] = {.title = "USED", .width = 11, .rank = 2},
    [P_FREE] = {.title = "FREE", .width = 6, .right = true, .rank = 3},
    [P_PROMISED] = {.title = "PROMISED", .width = 8, .right = true, .rank = 4},
    [P_FULL] = {.title = "FULL IN", .width = 7, .right = true, .rank = 4},
    [P_GROWTH] = {.title = "GROWTH", .width = 8, .right = true, .rank = 6},
    [P_TYPE] = {.title = "TYPE", .width = 7, .rank = 8},
    [P_WHERE] = {.title = "WHERE", .width = 12, .most = 60, .rank = 7},
};

static const char *pool_state(const struct storage_pool *p, enum style *st)
{
	*st = !p->active ? STYLE_DIM : p->waiting_ms || *p->trouble ? STYLE_BAD : STYLE_GOOD;
	return !p->active      ? "inactive"
	       : p->waiting_ms ? "no answer"
	       : *p->trouble   ? "trouble"
	                       : "active";
}

static void pool_row(
    const struct storage_pool *p, const struct columns *c, struct sheet *s, int row)
{
	char used[STR_HUMAN_MAX], whole[STR_HUMAN_MAX],
	    sizes[SIZES_MAX] = "", free_text[STR_HUMAN_MAX] = "", promised[16] = "";
	char growth[STORAGE_TEXT_MAX] = "", full[STORAGE_TEXT_MAX] = "";
	enum style st, fill = storage_fill_style(p);
	enum style plain = p->active ? STYLE_NORMAL : STYLE_DIM;
	const char *state = pool_state(p, &st);
	if (p->known) {
		str_human(p->allocation, used);
		str_human(p->capacity, whole);
		str_human(p->available, free_text);
		snprintf(sizes, sizeof(sizes), "%s/%s", used, whole);
		snprintf(promised, sizeof(promised), "%u%%", percent(p->promised, p->capacity));
		storage_growth_text(p, growth);
		storage_full_text(p, full);
	}
	const struct column_cell cells[P_COUNT] = {[P_NAME] = {p->name, plain, false},
	    [P_STATE] = {state, st, false},
	    [P_SIZES] = {sizes, plain, false},
	    [P_FREE] = {free_text, fill == STYLE_GRAPH ? plain : fill, false},
	    [P_PROMISED] = {promised, p->may_grow > p->available ? STYLE_WARN : plain, false},
	    [P_FULL] = {full, fill == STYLE_GRAPH ? plain : fill, false},
	    [P_GROWTH] = {growth, plain, false},
	    [P_TYPE] = {p->type, plain, false},
	    [P_WHERE] = {p->where, STYLE_DIM, true}};
	columns_row(c, s, row, cells);
	if (p->known)
		sheet_bar(s, row, c->at[P_BAR], c->width[P_BAR], fill, p->allocation, p->capacity);
}

void storage_pools_draw(
    const struct storage_screen *v, const struct storage_layout *l, struct sheet *s)
{
	struct columns c;
	columns_place(&c, pool_columns, P_COUNT, s->cols, MARGIN);
	columns_titles(&c, s, l->title[STORAGE_POOLS], -1, false);
	for (int r = 0; v->facts && r < l->height[STORAGE_POOLS]; r++) {
		unsigned i = v->first[STORAGE_POOLS] + (unsigned)r;
		if (i >= v->facts->n_pools)
			break;
		pool_row(&v->facts->pools[i], &c, s, l->top[STORAGE_POOLS] + r);
		if (i == v->at[STORAGE_POOLS])
			cursor(v, s, STORAGE_POOLS, l->top[STORAGE_POOLS] + r);
	}
}

/* --- volumes --- */

enum { V_NAME, V_FORMAT, V_SIZE, V_USED, V_BAR, V_CHAIN, V_CHANGED, V_USERS, V_COUNT };

static const struct column volume_columns[V_COUNT] = {
    [V_NAME] = {.title = "VOLUME", .width = 14, .most = 40},
    [V_FORMAT] = {.title = "FORMAT", .width = 6, .rank = 3},
    [V_SIZE] = {.title = "SIZE", .width = 6, .right = true, .rank = 1},
    [V_USED] = {.title = "USED", .width = 6, .right = true, .rank = 1},
    [V_BAR] = {.title = "", .width = 8, .most = 16, .rank = 6},
    [V_CHAIN] = {.title = "CHAIN", .width = 5, .right = true, .rank = 4},
    [V_CHANGED] = {.title = "CHANGED", .width = 8, .right = true, .rank = 5},
    [V_USERS] = {.title = "USED BY", .width = 12, .most = 60, .rank = 2},
};
static const int sorted_column[STORAGE_SORTS] = {[STORAGE_SORT_NAME] = V_NAME,
    [STORAGE_SORT_SIZE] = V_SIZE,
    [STORAGE_SORT_USED] = V_USED,
    [STORAGE_SORT_CHANGED] = V_CHANGED};

static char *users_of(const struct storage_volume *vol, uint64_t now_s)
{
	char left[STR_HUMAN_MAX];
	if (vol->trashed) {
		str_age(vol->empties_s > now_s ? vol->empties_s - now_s : 0, left);
		return vol->empties_s ? xasprintf("in the trash, %s left", left)
		                      : xstrdup("in the trash");
	}
	if (*vol->trouble)
		return xstrdup(vol->trouble);
	if (!vol->users_known)
		return xstrdup("");
	if (vol->n_users)
		return storage_users_text(vol, true);
	return vol->above ? xasprintf("%u on top of it", vol->above) : xstrdup("nobody");
}

static void volume_row(const struct storage_screen *v, const struct storage_volume *vol,
    const struct columns *c, struct sheet *s, int row)
{
	CLEANUP_FREE char *users = users_of(vol, v->facts->now_s);
	char size[STR_HUMAN_MAX], used[STR_HUMAN_MAX], changed[STR_HUMAN_MAX] = "", chain[16] = "";
	enum style st = vol->trashed ? STYLE_DIM : STYLE_NORMAL;
	bool unused = vol->users_known && !vol->n_users && !vol->above;
	str_human(vol->capacity, size);
	str_human(vol->allocation, used);
	if (vol->changed_s && v->facts->now_s >= vol->changed_s)
		str_age(v->facts->now_s - vol->changed_s, changed);
	if (vol->depth)
		snprintf(chain, sizeof(chain), "%u", vol->depth + 1);
	const struct column_cell cells[V_COUNT] = {[V_NAME] = {vol->name, st, false},
	    [V_FORMAT] = {vol->format, st, false},
	    [V_SIZE] = {vol->capacity ? size : "-", st, false},
	    [V_USED] = {used, st, false},
	    [V_CHAIN] = {chain, st, false},
	    [V_CHANGED] = {changed, STYLE_DIM, false},
	    [V_USERS] = {users,
	        *vol->trouble             ? STYLE_BAD
	        : unused && !vol->trashed ? STYLE_WARN
	                                  : st,
	        false}};
	columns_row(c, s, row, cells);
	if (vol->capacity && !vol->trashed)
		sheet_bar(s, row, c->at[V_BAR], c->width[V_BAR], STYLE_GRAPH, vol->allocation,
		    vol->capacity);
}

/* In place of volumes. */
static void no_volumes(const struct storage_screen *v, struct sheet *s, int row)
{
	const struct storage_pool *p = storage_pool_at(v);
	char waits[STR_HUMAN_MAX];
	if (!v->facts)
		sheet_text(s, row, MARGIN, s->cols, STYLE_DIM, "looking …");
	else if (v->facts->trouble)
		sheet_text(s, row, MARGIN, s->cols, STYLE_BAD, v->facts->trouble);
	else if (!p)
		sheet_text(s, row, MARGIN, s->cols, STYLE_NORMAL,
		    "no pools. One of a folder:  :pool-define-as NAME dir --target FOLDER");
	else if (!p->active)
		sheet_textf(s, row, MARGIN, s->cols, STYLE_NORMAL,
		    "pool '%s' is inactive (s starts it)", p->name);
	else if (p->waiting_ms) {
		str_age(p->waiting_ms / 1000, waits);
		sheet_textf(s, row, MARGIN, s->cols, STYLE_BAD,
		    "pool '%s' has not answered for %s: what it lies on may be away", p->name,
		    waits);
	} else if (*p->trouble)
		sheet_text(s, row, MARGIN, s->cols, STYLE_BAD, p->trouble);
	else if (*v->filter)
		sheet_textf(s, row, MARGIN, s->cols, STYLE_NORMAL,
		    "no volume matches '%s' (Esc shows all)", v->filter);
	else
		sheet_text(s, row, MARGIN, s->cols, STYLE_NORMAL,
		    p->known ? "no volumes (n makes one)" : "looking …");
}

void storage_volumes_draw(
    const struct storage_screen *v, const struct storage_layout *l, struct sheet *s)
{
	struct columns c;
	int top = l->top[STORAGE_VOLUMES];
	bool down = (v->sort != STORAGE_SORT_NAME) != v->inverted;
	columns_place(&c, volume_columns, V_COUNT, s->cols, MARGIN);
	columns_titles(&c, s, l->title[STORAGE_VOLUMES], sorted_column[v->sort], down);
	if (!v->n_volumes && l->height[STORAGE_VOLUMES] > 0)
		no_volumes(v, s, top);
	for (int r = 0; r < l->height[STORAGE_VOLUMES]; r++) {
		unsigned i = v->first[STORAGE_VOLUMES] + (unsigned)r;
		if (i >= v->n_volumes)
			break;
		volume_row(v, v->volumes[i], &c, s, top + r);
		if (i == v->at[STORAGE_VOLUMES])
			cursor(v, s, STORAGE_VOLUMES, top + r);
	}
}

/* --- jobs --- */

enum { J_ID, J_STATE, J_BAR, J_DONE, J_LEFT, J_COMMAND, J_TEXT, J_COUNT };

static const struct column job_columns[J_COUNT] = {
    [J_ID] = {.title = "JOB", .width = 4, .right = true},
    [J_STATE] = {.title = "STATE", .width = 9, .rank = 1},
    [J_BAR] = {.title = "", .width = 10, .most = 20, .rank = 5},
    [J_DONE] = {.title = "DONE", .width = 5, .right = true, .rank = 2},
    [J_LEFT] = {.title = "LEFT", .width = 7, .right = true, .rank = 3},
    [J_COMMAND] = {.title = "COMMAND", .width = 16, .most = 80, .rank = 1},
    [J_TEXT] = {.title = "", .width = 14, .most = 60, .rank = 4},
};
static const struct {
	const char *word;
	enum style st;
} job_looks[] = {[STORAGE_JOB_RUNS] = {"running", STYLE_WARN},
    [STORAGE_JOB_DONE] = {"done", STYLE_GOOD},
    [STORAGE_JOB_FAILED] = {"failed", STYLE_BAD},
    [STORAGE_JOB_CANCELLED] = {"cancelled", STYLE_DIM},
    [STORAGE_JOB_LOST] = {"lost", STYLE_BAD}};

static void job_row(const struct storage_job *j, const struct columns *c, struct sheet *s, int row)
{
	char id[16], done[16] = "", left[STR_HUMAN_MAX] = "";
	bool runs = j->state == STORAGE_JOB_RUNS;
	enum style st = runs ? STYLE_NORMAL : STYLE_DIM;
	snprintf(id, sizeof(id), "%u", j->id);
	if (runs && j->total)
		snprintf(done, sizeof(done), "%u%%",
		    j->done >= j->total ? 100 : percent(j->done, j->total));
	if (runs && j->left_s >= 0)
		str_age((uint64_t)j->left_s, left);
	const struct column_cell cells[J_COUNT] = {[J_ID] = {id, st, false},
	    [J_STATE] = {job_looks[j->state].word, job_looks[j->state].st, false},
	    [J_DONE] = {done, st, false},
	    [J_LEFT] = {left, st, false},
	    [J_COMMAND] = {j->command, st, false},
	    [J_TEXT] = {j->text, j->state == STORAGE_JOB_FAILED ? STYLE_BAD : st, false}};
	columns_row(c, s, row, cells);
	if (runs && j->total)
		sheet_bar(s, row, c->at[J_BAR], c->width[J_BAR], STYLE_GRAPH, j->done, j->total);
}

void storage_jobs_draw(
    const struct storage_screen *v, const struct storage_layout *l, struct sheet *s)
{
	struct columns c;
	int top = l->top[STORAGE_JOBS];
	columns_place(&c, job_columns, J_COUNT, s->cols, MARGIN);
	columns_titles(&c, s, l->title[STORAGE_JOBS], -1, false);
	if (l->height[STORAGE_JOBS] > 0 && !storage_count(v, STORAGE_JOBS))
		sheet_text(s, top, MARGIN, s->cols, STYLE_DIM, "no jobs");
	for (int r = 0; v->facts && r < l->height[STORAGE_JOBS]; r++) {
		unsigned i = v->first[STORAGE_JOBS] + (unsigned)r;
		if (i >= v->facts->n_jobs)
			break;
		job_row(&v->facts->jobs[i], &c, s, top + r);
		if (i == v->at[STORAGE_JOBS])
			cursor(v, s, STORAGE_JOBS, top + r);
	}
}
