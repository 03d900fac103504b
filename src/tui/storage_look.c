#include "tui/storage_look.h"

#include <stdlib.h>
#include <string.h>

#include "core/growth.h"
#include "core/hostconf.h"
#include "core/job.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "disk/pool.h"
#include "disk/volume.h"
#include "disk/volume_trash.h"
#include "tui/jobs.h"

#define NS 1000000000u
#define DAY 86400u
#define GROWTH_MAX 1e13    /* bytes a second: more is a clock that jumped */
#define COMMAND_MAX 1000   /* bytes of a job's command line */
#define FAILED_WORDS_OF 5u /* jobs whose last words are read: those in sight */

void storage_home_copy(struct home *to, const struct home *from)
{
	*to = (struct home){.mode = from->mode,
	    .conf = xstrdup(from->conf),
	    .data = xstrdup(from->data),
	    .log = xstrdup(from->log),
	    .run = xstrdup(from->run)};
}

static char *safe(const char *s)
{
	char *copy = xstrdup(s ? s : "");
	str_make_safe(copy);
	return copy;
}

/* --- jobs --- */

/* The last line of what it printed. */
static char *last_words(const struct home *h, unsigned id)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	size_t end, from;
	if (job_output(h, id, &b, NULL) < 0)
		return xstrdup("");
	for (end = b.len; end && strchr("\n\r ", b.data[end - 1]);)
		end--;
	for (from = end; from && !strchr("\n\r", b.data[from - 1]);)
		from--;
	return str_printable(b.data ? b.data + from : "", end - from, JOB_TEXT_MAX);
}

static enum storage_job_state state_of(const struct job_info *j)
{
	static const enum storage_job_state states[JOB_STATUS_COUNT] = {
	    [JOB_STATUS_RUNNING] = STORAGE_JOB_RUNS,
	    [JOB_STATUS_DONE] = STORAGE_JOB_DONE,
	    [JOB_STATUS_FAILED] = STORAGE_JOB_FAILED,
	    [JOB_STATUS_CANCELLED] = STORAGE_JOB_CANCELLED,
	    [JOB_STATUS_LOST] = STORAGE_JOB_LOST};
	return states[j->status];
}

static void take_job(
    const struct home *h, const struct job_info *j, bool words, struct storage_job *to)
{
	CLEANUP_FREE char *quoted = jobs_quote((const char *const *)j->words);
	*to = (struct storage_job){.id = j->id,
	    .state = state_of(j),
	    .command = str_printable(quoted, strlen(quoted), COMMAND_MAX),
	    .done = j->done,
	    .total = j->total,
	    .left_s = job_left(j, timestamp_ns()),
	    .started_s = j->started_ns / NS,
	    .ended_s = j->ended_ns / NS};
	to->text = to->state == STORAGE_JOB_FAILED && words ? last_words(h, j->id) : safe(j->text);
}

static void look_jobs(const struct home *h, struct storage_facts *f)
{
	struct job_info *jobs = NULL;
	size_t n = 0;
	if (job_list(h, &jobs, &n, NULL) < 0)
		return;
	f->jobs = xcalloc(n + 1, sizeof(*f->jobs));
	for (size_t i = 0; i < n; i++)
		take_job(h, &jobs[i], i < FAILED_WORDS_OF, &f->jobs[i]);
	f->n_jobs = n;
	job_list_free(jobs, n);
}

/* --- pools --- */

static const char *where_of(const struct pool_def *d)
{
	return d->target        ? d->target
	       : d->n_devices   ? d->devices[0]
	       : d->source_name ? d->source_name
	                        : "";
}

static void take_pool(const struct pool *p, struct storage_pool *to)
{
	*to = (struct storage_pool){.name = safe(p->def.name),
	    .where = safe(where_of(&p->def)),
	    .type = pool_type_name(p->def.type),
	    .active = p->active,
	    .autostart = p->autostart,
	    .persistent = p->persistent,
	    .trouble = xstrdup(""),
	    .full_in_s = -1};
}

struct storage_facts *storage_look_list(const struct home *h)
{
	struct storage_facts *f = xcalloc(1, sizeof(*f));
	struct pool *pools = NULL;
	size_t n = 0;
	struct err err = {0};
	f->now_s = timestamp_ns() / NS;
	look_jobs(h, f);
	if (pool_list(h, &pools, &n, &err) < 0) {
		f->trouble = safe(err.msg);
		return f;
	}
	f->pools = xcalloc(n + 1, sizeof(*f->pools));
	for (size_t i = 0; i < n; i++)
		take_pool(&pools[i], &f->pools[i]);
	f->n_pools = n;
	pool_list_free(pools, n);
	return f;
}

static void take_volume(const struct volume *v, struct storage_volume *to)
{
	*to = (struct storage_volume){.name = safe(v->name),
	    .path = xstrdup(v->path),
	    .format = v->iso                  ? "iso"
	              : v->type == VOLUME_DIR ? "dir"
	                                      : disk_format_name(v->format),
	    .dev = v->dev,
	    .ino = v->ino,
	    .capacity = v->capacity,
	    .allocation = v->allocation,
	    .changed_s = v->mtime.tv_sec > 0 ? (uint64_t)v->mtime.tv_sec : 0,
	    .backing = xstrdup(v->backing ? v->backing : ""),
	    .encrypted = v->encrypted,
	    .trouble = safe(v->trouble)};
}

static void take_trashed(
    const struct pool *pool, const struct trashed *t, uint64_t days, struct storage_volume *to)
{
	uint64_t deleted = t->deleted > 0 ? (uint64_t)t->deleted : 0;
	*to = (struct storage_volume){.name = safe(t->name),
	    .path = xasprintf("%s/%s", pool->def.target ? pool->def.target : "", t->name),
	    .format = "",
	    .capacity = t->size,
	    .allocation = t->allocation,
	    .changed_s = deleted,
	    .backing = xstrdup(""),
	    .trouble = xstrdup(""),
	    .trashed = true,
	    .trashed_s = deleted,
	    .empties_s = days ? deleted + days * DAY : 0};
}

/* How many days deleted volumes are kept; a file of settings that is wrong is somebody else's to tell. */
static uint64_t trash_days(const struct home *h)
{
	struct hostconf c;
	uint64_t days;
	if (hostconf_load(h, &c, NULL) < 0)
		return 0;
	days = c.trash_days;
	hostconf_fini(&c);
	return days;
}

static void look_trash(const struct home *h, const struct pool *pool, struct storage_pool *out)
{
	struct trashed *items = NULL;
	size_t n = 0;
	uint64_t days;
	if (!pool_holds_files(pool) || volume_trash_list(pool, &items, &n, NULL) < 0)
		return;
	days = n ? trash_days(h) : 0;
	out->volumes = xreallocarray(out->volumes, out->n_volumes + n + 1, sizeof(*out->volumes));
	for (size_t i = 0; i < n; i++) {
		take_trashed(pool, &items[i], days, &out->volumes[out->n_volumes++]);
		out->trash += items[i].allocation;
	}
	out->n_trashed = (unsigned)n;
	volume_trash_list_free(items, n);
}

static int look_inside(
    const struct pool *pool, struct img_facts *cache, struct storage_pool *out, struct err *err)
{
	struct pool_facts facts;
	struct volume *vols = NULL;
	size_t n = 0;
	if (pool_look(pool, &facts, err) < 0 || volume_list_again(pool, cache, &vols, &n, err) < 0)
		return -1;
	out->known = true;
	out->capacity = facts.capacity;
	out->allocation = facts.allocation;
	out->available = facts.available;
	out->volumes = xcalloc(n + 1, sizeof(*out->volumes));
	for (size_t i = 0; i < n; i++)
		take_volume(&vols[i], &out->volumes[i]);
	out->n_volumes = n;
	volume_list_free(vols, n);
	return 0;
}

/* What is used of the file system that it lies on, now and as it was. */
static void look_growth(const struct home *h, const struct pool *pool, struct storage_pool *out)
{
	uint64_t now_s = timestamp_ns() / NS;
	const char *path = pool->def.target;
	const struct growth_sample now = {now_s, out->allocation, out->allocation + out->available};
	struct growth_forecast f;
	if (!path || !pool_holds_files(pool))
		return;
	growth_record(h, path, &now, NULL);
	struct growth_sample *samples = xcalloc(GROWTH_SAMPLES, sizeof(*samples));
	growth_forecast(samples, growth_read(h, path, now_s, samples), now_s, &f);
	free(samples);
	if (!f.by_s || f.per_second > GROWTH_MAX || f.per_second < -GROWTH_MAX)
		return;
	out->growth_known = true;
	out->growth = (int64_t)(f.per_second * DAY);
	out->growth_s = f.by_s;
	out->full_in_s = f.full_in_s;
}

void storage_look_pool(
    const struct home *h, const char *name, struct img_facts *cache, struct storage_pool *out)
{
	struct pool pool;
	struct err err = {0};
	if (pool_find(h, name, &pool, &err) < 0) {
		*out = (struct storage_pool){.name = xstrdup(name),
		    .where = xstrdup(""),
		    .type = "",
		    .trouble = safe(err.msg),
		    .full_in_s = -1};
		return;
	}
	take_pool(&pool, out);
	if (out->active && look_inside(&pool, cache, out, &err) < 0) {
		free(out->trouble);
		out->trouble = safe(err.msg);
	} else if (out->active) {
		look_trash(h, &pool, out);
		look_growth(h, &pool, out);
	}
	storage_pool_settle(out);
	pool_fini(&pool);
}

/* --- users --- */

static void take_user(const struct user *u, struct storage_user *to)
{
	*to = (struct storage_user){.domain = safe(u->domain),
	    .target = safe(u->target),
	    .running = u->running,
	    .below = u->depth > 0};
}

int storage_look_users(struct users *u, struct storage_match *all, size_t n, struct err *err)
{
	struct user found[STORAGE_USERS_MAX];
	if (users_refresh(u, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct storage_match *m = &all[i];
		size_t k = m->ino ? users_of_file(u, m->dev, m->ino, found, STORAGE_USERS_MAX)
		                  : users_of(u, m->path, found, STORAGE_USERS_MAX);
		m->n = k < STORAGE_USERS_MAX ? k : STORAGE_USERS_MAX;
		m->users = xcalloc(m->n + 1, sizeof(*m->users));
		for (size_t j = 0; j < m->n; j++)
			take_user(&found[j], &m->users[j]);
	}
	return 0;
}

void storage_match_free(struct storage_match *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < all[i].n; j++) {
			free(all[i].users[j].domain);
			free(all[i].users[j].target);
		}
		free(all[i].users);
		free(all[i].path);
	}
	free(all);
}
