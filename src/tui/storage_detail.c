/* What is known of the volume or pool under the cursor, in words. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/storage_tables.h"

#define MARGIN 2

/* Line after line, as many as there is room for. */
struct writer {
	struct sheet *s;
	int row, end;
};

static void line(struct writer *w, enum style st, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void line(struct writer *w, enum style st, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	if (w->row < w->end)
		sheet_field(w->s, w->row, MARGIN, w->s->cols - MARGIN, st, text);
	w->row++;
}

/* --- a volume --- */

static void sizes(struct writer *w, const struct storage_volume *vol, uint64_t now_s)
{
	char size[STR_HUMAN_MAX], used[STR_HUMAN_MAX], age[STR_HUMAN_MAX] = "";
	bool dated = vol->changed_s && now_s >= vol->changed_s;
	str_human(vol->capacity, size);
	str_human(vol->allocation, used);
	if (dated)
		str_age(now_s - vol->changed_s, age);
	line(w, STYLE_NORMAL, "%s, %s for the guest, %s on the host%s%s%s%s", vol->format,
	    vol->capacity ? size : "an unknown size", used, vol->encrypted ? ", encrypted" : "",
	    dated ? "; written " : "", age, dated ? " ago" : "");
}

static void chain(struct writer *w, const struct storage_volume *vol, const struct disk_chain *c)
{
	char all[STR_HUMAN_MAX];
	if (!c && *vol->backing)
		line(w, STYLE_NORMAL, "backed by %s", vol->backing);
	if (!c)
		return;
	CLEANUP_FREE char *text = disk_chain_text(c, w->s->utf8), *trouble = disk_chain_trouble(c);
	str_human(c->allocation, all);
	if (*trouble && !*vol->trouble)
		line(w, STYLE_BAD, "%s", trouble);
	if (c->n > 1)
		line(w, STYLE_NORMAL, "chain of %zu, %s: %s", c->n + c->deeper, all, text);
	if (c->n_snapshots)
		line(w, STYLE_NORMAL, "%zu snapshot%s inside: %s", c->n_snapshots,
		    c->n_snapshots == 1 ? "" : "s", c->snapshots);
}

static void trashed(struct writer *w, const struct storage_volume *vol, uint64_t now_s)
{
	char ago[STR_HUMAN_MAX], left[STR_HUMAN_MAX];
	str_age(now_s > vol->trashed_s ? now_s - vol->trashed_s : 0, ago);
	str_age(vol->empties_s > now_s ? vol->empties_s - now_s : 0, left);
	line(w, STYLE_NORMAL, "deleted %s ago", ago);
	line(w, STYLE_NORMAL, "in the trash of its pool%s%s (u brings it back)",
	    vol->empties_s ? ", gone for good in " : "", vol->empties_s ? left : "");
}

static void users(struct writer *w, const struct storage_volume *vol)
{
	CLEANUP_FREE char *text = storage_users_text(vol, false);
	if (!vol->users_known)
		return;
	if (*text)
		line(w, STYLE_NORMAL, "used by %s", text);
	if (vol->above)
		line(w, STYLE_NORMAL,
		    "%u volume%s of this pool stand%s on it: it cannot be deleted", vol->above,
		    vol->above == 1 ? "" : "s", vol->above == 1 ? "s" : "");
	if (!*text && !vol->above)
		line(w, STYLE_WARN, "no domain uses it, no volume stands on it");
}

static void volume(
    struct writer *w, const struct storage_screen *v, const struct storage_volume *vol)
{
	bool fits = v->chain && !strcmp(v->chain->path, vol->path);
	if (w->row < w->end)
		sheet_tail(w->s, w->row, MARGIN, w->s->cols - MARGIN, STYLE_STRONG, vol->path);
	w->row++;
	if (*vol->trouble)
		line(w, STYLE_BAD, "%s", vol->trouble);
	if (vol->trashed) {
		trashed(w, vol, v->facts->now_s);
	} else {
		users(w, vol);
		chain(w, vol, fits ? v->chain : NULL);
	}
	sizes(w, vol, v->facts->now_s); /* last: most of it stands in the table */
}

/* --- a pool --- */

static void growth(struct writer *w, const struct storage_pool *p)
{
	char by[STORAGE_TEXT_MAX], full[STORAGE_TEXT_MAX], span[STR_HUMAN_MAX];
	enum style st = storage_fill_style(p);
	if (!p->growth_known)
		return;
	storage_growth_text(p, by);
	storage_full_text(p, full);
	str_age(p->growth_s, span);
	line(w, p->full_in_s >= 0 && st != STYLE_GRAPH ? st : STYLE_NORMAL,
	    "growth %s over the last %s%s%s", by, span,
	    p->full_in_s >= 0 ? ": full in " : ", not full as it goes",
	    p->full_in_s >= 0 ? full : "");
}

static void pool(struct writer *w, const struct storage_pool *p)
{
	char whole[STR_HUMAN_MAX], used[STR_HUMAN_MAX], left[STR_HUMAN_MAX], grow[STR_HUMAN_MAX],
	    trash[STR_HUMAN_MAX];
	line(w, STYLE_STRONG, "%s%s%s   %s%s%s", p->type, *p->where ? ", " : "", p->where,
	    p->persistent ? "" : "until it is stopped   ",
	    p->autostart ? "starts with the host" : "",
	    p->active      ? ""
	    : p->autostart ? ", inactive"
	                   : "inactive");
	if (*p->trouble)
		line(w, STYLE_BAD, "%s", p->trouble);
	if (!p->known)
		return;
	str_human(p->capacity, whole);
	str_human(p->allocation, used);
	str_human(p->available, left);
	str_human(p->may_grow, grow);
	line(w, STYLE_NORMAL, "%s, %s used, %s free", whole, used, left);
	line(w, p->may_grow > p->available ? STYLE_WARN : STYLE_NORMAL,
	    "%zu volumes, which may grow by %s: %s", p->n_volumes - p->n_trashed, grow,
	    p->may_grow > p->available ? "more than is free" : "there is room for all of it");
	growth(w, p);
	str_human(p->trash, trash);
	if (p->n_trashed)
		line(w, STYLE_NORMAL, "%u deleted volume%s in its trash, %s", p->n_trashed,
		    p->n_trashed == 1 ? "" : "s", trash);
}

/* --- a job --- */

static void job(struct writer *w, const struct storage_job *j, uint64_t now_s)
{
	char age[STR_HUMAN_MAX];
	uint64_t end = j->ended_s ? j->ended_s : now_s;
	str_age(end > j->started_s ? end - j->started_s : 0, age);
	line(w, STYLE_STRONG, "hvmux %s", j->command);
	line(w, STYLE_NORMAL, "%s %s", j->ended_s ? "took" : "runs for", age);
	if (*j->text)
		line(w, j->state == STORAGE_JOB_FAILED ? STYLE_BAD : STYLE_NORMAL, "%s", j->text);
}

void storage_detail_draw(
    const struct storage_screen *v, const struct storage_layout *l, struct sheet *s)
{
	struct writer w = {s, l->detail, l->detail + l->detail_height};
	const struct storage_volume *vol = storage_volume_at(v);
	const struct storage_pool *p = storage_pool_at(v);
	unsigned at = v->at[STORAGE_JOBS];
	if (l->rule >= 0)
		sheet_rule(s, l->rule, STYLE_RULE);
	if (!v->facts || l->detail_height <= 0)
		return;
	if (v->focus == STORAGE_VOLUMES && vol)
		volume(&w, v, vol);
	else if (v->focus == STORAGE_JOBS && at < v->facts->n_jobs)
		job(&w, &v->facts->jobs[at], v->facts->now_s);
	else if (p)
		pool(&w, p);
}
