#include "tui/storage_feed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "core/str.h"
#include "tui/storage_look.h"

#define LIST_EVERY_MS 2000
#define CHOSEN_EVERY_MS 3000
#define OTHERS_EVERY_MS 10000
#define CHAIN_EVERY_MS 5000
#define SHARE 200    /* a look that takes a processor for t comes again after SHARE × t */
#define LATE_MS 2500 /* POOL_WAIT_MS and what a look takes: longer is worth a word */

/* A look on its way: all but `feed` is the thread's. */
struct errand {
	struct storage_feed *feed; /* NULL: nobody waits for it any more; the loop's */
	struct home home;
	uint64_t began_ms;
	uint64_t cpu_ms; /* what it took of a processor */
	/* list */
	struct storage_facts *facts;
	/* a pool */
	char *name;
	struct storage_pool pool;
	/* its users */
	struct users *users;
	struct home *users_home; /* that `users` borrows */
	struct storage_match *matches;
	size_t n_matches;
	bool matched;
	/* a pool, a chain */
	struct img_facts *cache;
	/* a chain */
	char *path, *format;
	struct disk_chain chain;
};

/* What is kept of a pool between two looks. */
struct followed {
	char *name;
	struct errand *errand, *matching; /* on their way; NULL none */
	uint64_t due_ms;
	struct img_facts *cache; /* of its images; NULL none yet, or `errand` has it */
	bool users_due, gone;
};

struct storage_feed {
	struct home home;
	struct offload *offload;
	void (*changed)(void *arg);
	void *arg;
	struct storage_facts *facts;
	struct followed *pools;
	size_t n_pools;
	char *chosen; /* pool; NULL none */
	struct errand *list;
	uint64_t list_due_ms;
	struct users *users; /* NULL: an errand has it */
	struct home *users_home;
	struct img_facts *cache; /* the same */
	struct errand *chain_errand;
	char *path, *format; /* whose chain is wanted; NULL none */
	uint64_t chain_due_ms;
	struct disk_chain chain;
	bool chain_known;
};

/* --- errands --- */

static struct errand *errand_new(struct storage_feed *f)
{
	struct errand *e = xcalloc(1, sizeof(*e));
	e->feed = f;
	storage_home_copy(&e->home, &f->home);
	e->began_ms = loop_now_ms();
	return e;
}

static void errand_free(void *arg)
{
	struct errand *e = arg;
	storage_facts_free(e->facts);
	storage_pool_fini(&e->pool);
	users_free(e->users);
	if (e->users_home)
		home_fini(e->users_home);
	free(e->users_home);
	storage_match_free(e->matches, e->n_matches);
	img_facts_free(e->cache);
	disk_chain_fini(&e->chain);
	home_fini(&e->home);
	free(e->name);
	free(e->path);
	free(e->format);
	free(e);
}

/* At the end of a look: a thread does one thing and ends. */
static void errand_measure(struct errand *e)
{
	struct timespec ts = {0};
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	e->cpu_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* When this look is to come again. */
static uint64_t next_ms(const struct errand *e, uint64_t every_ms)
{
	uint64_t share = e->cpu_ms * SHARE;
	return loop_now_ms() + (share > every_ms ? share : every_ms);
}

static struct followed *follow(struct storage_feed *f, const char *name)
{
	for (size_t i = 0; i < f->n_pools; i++)
		if (!strcmp(f->pools[i].name, name))
			return &f->pools[i];
	f->pools = xreallocarray(f->pools, f->n_pools + 1, sizeof(*f->pools));
	f->pools[f->n_pools] = (struct followed){.name = xstrdup(name)};
	return &f->pools[f->n_pools++];
}

/* --- which pools there are --- */

static void list_work(void *arg)
{
	struct errand *e = arg;
	e->facts = storage_look_list(&e->home);
	errand_measure(e);
}

/* What the list does not tell is taken over from the last look. */
static void keep_inside(struct storage_pool *to, struct storage_pool *from)
{
	struct storage_pool list = *to;
	*to = *from;
	to->name = list.name;
	to->where = list.where;
	to->type = list.type;
	to->active = list.active;
	to->autostart = list.autostart;
	to->persistent = list.persistent;
	list.name = from->name;
	list.where = from->where;
	*from = list;
}

static void merge(struct storage_feed *f, struct storage_facts *new)
{
	for (size_t i = 0; i < new->n_pools; i++) {
		struct storage_pool *to = &new->pools[i],
		                    *was = storage_pool_find(f->facts, to->name);
		struct followed *p = follow(f, to->name);
		p->gone = false;
		/* Started or stopped meanwhile: what was known is of no use. */
		if (was && was->active == to->active)
			keep_inside(to, was);
		else
			p->due_ms = 0;
	}
	storage_facts_free(f->facts);
	f->facts = new;
}

static void drop_gone(struct storage_feed *f)
{
	size_t k = 0;
	for (size_t i = 0; i < f->n_pools; i++) {
		struct followed *p = &f->pools[i];
		if (!p->gone || p->errand || p->matching) {
			f->pools[k++] = *p;
			continue;
		}
		img_facts_free(p->cache);
		free(p->name);
	}
	f->n_pools = k;
}

static void tick_pools(struct storage_feed *f);

static void list_done(void *arg)
{
	struct errand *e = arg;
	struct storage_feed *f = e->feed;
	if (f) {
		f->list = NULL;
		f->list_due_ms = next_ms(e, LIST_EVERY_MS);
		for (size_t i = 0; i < f->n_pools; i++)
			f->pools[i].gone = true;
		merge(f, TAKE_PTR(e->facts));
		drop_gone(f);
		tick_pools(f);
		f->changed(f->arg);
	}
	errand_free(e);
}

static const struct offload_ops list_ops = {list_work, list_done, errand_free};

/* --- who uses its volumes --- */

static void match_work(void *arg)
{
	struct errand *e = arg;
	if (!e->users) {
		e->users_home = xcalloc(1, sizeof(*e->users_home));
		storage_home_copy(e->users_home, &e->home);
		e->users = users_new(e->users_home);
	}
	e->matched = storage_look_users(e->users, e->matches, e->n_matches, NULL) == 0;
}

static void match_apply(struct storage_pool *p, struct storage_match *all, size_t n)
{
	size_t at = 0;
	for (size_t i = 0; i < p->n_volumes; i++) {
		struct storage_volume *v = &p->volumes[i];
		struct storage_match *m;
		while (at < n && strcmp(all[at].path, v->path) < 0)
			at++;
		m = at < n ? &all[at] : NULL;
		if (v->trashed || !m || strcmp(m->path, v->path) != 0)
			continue;
		storage_volume_users(v, TAKE_PTR(m->users), m->n);
		m->n = 0;
		at++;
	}
}

static void match_done(void *arg)
{
	struct errand *e = arg;
	struct storage_feed *f = e->feed;
	struct storage_pool *p;
	if (!f) {
		errand_free(e);
		return;
	}
	follow(f, e->name)->matching = NULL;
	f->users = TAKE_PTR(e->users);
	f->users_home = TAKE_PTR(e->users_home);
	p = storage_pool_find(f->facts, e->name);
	if (p && e->matched)
		match_apply(p, e->matches, e->n_matches);
	errand_free(e);
	tick_pools(f);
	f->changed(f->arg);
}

static const struct offload_ops match_ops = {match_work, match_done, errand_free};

static bool matching(const struct storage_feed *f)
{
	for (size_t i = 0; i < f->n_pools; i++)
		if (f->pools[i].matching)
			return true;
	return false;
}

/* One pool at a time: what is known of the domains' disks is read once and used for all. */
static void match_start(struct storage_feed *f, struct followed *p)
{
	const struct storage_pool *pool = storage_pool_find(f->facts, p->name);
	struct errand *e;
	if (!pool || matching(f))
		return;
	e = errand_new(f);
	e->name = xstrdup(p->name);
	e->matches = xcalloc(pool->n_volumes + 1, sizeof(*e->matches));
	for (size_t i = 0; i < pool->n_volumes; i++) {
		const struct storage_volume *v = &pool->volumes[i];
		if (!v->trashed)
			e->matches[e->n_matches++] = (struct storage_match){
			    .path = xstrdup(v->path), .dev = v->dev, .ino = v->ino};
	}
	e->users = TAKE_PTR(f->users);
	e->users_home = TAKE_PTR(f->users_home);
	p->matching = e;
	p->users_due = false;
	if (offload_run(f->offload, &match_ops, e))
		return;
	p->matching = NULL;
	f->users = TAKE_PTR(e->users);
	f->users_home = TAKE_PTR(e->users_home);
	errand_free(e);
}

/* --- a pool --- */

static void pool_work(void *arg)
{
	struct errand *e = arg;
	storage_look_pool(&e->home, e->name, e->cache, &e->pool);
	errand_measure(e);
}

/* Who uses what is known until it is asked for anew. */
static void keep_users(struct storage_pool *to, struct storage_pool *from)
{
	size_t k = 0;
	for (size_t i = 0; i < to->n_volumes; i++) {
		struct storage_volume *v = &to->volumes[i], *was;
		while (k < from->n_volumes && strcmp(from->volumes[k].path, v->path) < 0)
			k++;
		was = k < from->n_volumes ? &from->volumes[k] : NULL;
		if (!was || v->trashed || was->trashed || !was->users_known ||
		    strcmp(was->path, v->path) != 0)
			continue;
		storage_volume_users(v, TAKE_PTR(was->users), was->n_users);
		was->n_users = 0;
	}
}

static void pool_done(void *arg)
{
	struct errand *e = arg;
	struct storage_feed *f = e->feed;
	struct storage_pool *to;
	struct followed *p;
	if (!f) {
		errand_free(e);
		return;
	}
	p = follow(f, e->name);
	p->errand = NULL;
	p->cache = TAKE_PTR(e->cache);
	p->due_ms = next_ms(e, str_eq(f->chosen, e->name) ? CHOSEN_EVERY_MS : OTHERS_EVERY_MS);
	to = storage_pool_find(f->facts, e->name);
	if (to) {
		struct storage_pool was = *to;
		keep_users(&e->pool, to);
		*to = e->pool;
		e->pool = was;
		p->users_due = true;
	}
	errand_free(e);
	tick_pools(f);
	f->changed(f->arg);
}

static const struct offload_ops pool_ops = {pool_work, pool_done, errand_free};

static void pool_start(struct storage_feed *f, struct followed *p)
{
	struct errand *e = errand_new(f);
	e->name = xstrdup(p->name);
	e->cache = p->cache ? TAKE_PTR(p->cache) : img_facts_new();
	p->errand = e;
	if (offload_run(f->offload, &pool_ops, e))
		return;
	p->errand = NULL;
	p->cache = TAKE_PTR(e->cache);
	errand_free(e);
}

/* Looks on their way that are not late: one at a time is enough, the late ones do not count. */
static bool looking(const struct storage_feed *f, uint64_t now)
{
	for (size_t i = 0; i < f->n_pools; i++)
		if (f->pools[i].errand && now - f->pools[i].errand->began_ms < LATE_MS)
			return true;
	return false;
}

static void tick_pools(struct storage_feed *f)
{
	uint64_t now = loop_now_ms();
	struct followed *next = NULL;
	for (size_t i = 0; i < f->n_pools; i++) {
		struct followed *p = &f->pools[i];
		struct storage_pool *pool = storage_pool_find(f->facts, p->name);
		uint64_t takes = p->errand ? now - p->errand->began_ms : 0;
		if (!pool)
			continue;
		pool->waiting_ms = takes >= LATE_MS ? takes : 0;
		if (p->users_due && !p->matching)
			match_start(f, p);
		/* The chosen one first, then by how long they wait. */
		if (pool->active && !p->errand && p->due_ms <= now &&
		    (!next || str_eq(f->chosen, p->name) ||
		        (!str_eq(f->chosen, next->name) && p->due_ms < next->due_ms)))
			next = p;
	}
	if (next && !looking(f, now))
		pool_start(f, next);
}

/* --- a chain --- */

static void chain_work(void *arg)
{
	struct errand *e = arg;
	disk_chain_look(&e->chain, e->cache, e->path, e->format);
	img_facts_sweep(e->cache);
	errand_measure(e);
}

static void tick_chain(struct storage_feed *f);

static void chain_done(void *arg)
{
	struct errand *e = arg;
	struct storage_feed *f = e->feed;
	if (!f) {
		errand_free(e);
		return;
	}
	f->chain_errand = NULL;
	f->cache = TAKE_PTR(e->cache);
	if (str_eq(f->path, e->path)) {
		struct disk_chain was = f->chain;
		f->chain = e->chain;
		e->chain = was;
		f->chain_known = true;
		f->chain_due_ms = next_ms(e, CHAIN_EVERY_MS);
		f->changed(f->arg);
	}
	errand_free(e);
	tick_chain(f);
}

static const struct offload_ops chain_ops = {chain_work, chain_done, errand_free};

static void tick_chain(struct storage_feed *f)
{
	uint64_t now = loop_now_ms();
	struct errand *e;
	/* One that is stuck is left behind, with its cache, when another image is asked for. */
	if (f->chain_errand && now - f->chain_errand->began_ms >= LATE_MS &&
	    !str_eq(f->chain_errand->path, f->path)) {
		f->chain_errand->feed = NULL;
		f->chain_errand = NULL;
	}
	if (!f->path || f->chain_errand || f->chain_due_ms > now)
		return;
	e = errand_new(f);
	e->path = xstrdup(f->path);
	e->format = xstrdup0(f->format);
	e->cache = f->cache ? TAKE_PTR(f->cache) : img_facts_new();
	f->chain_errand = e;
	if (offload_run(f->offload, &chain_ops, e))
		return;
	f->chain_errand = NULL;
	f->cache = TAKE_PTR(e->cache);
	errand_free(e);
}

void storage_feed_choose(struct storage_feed *f, const char *path, const char *format)
{
	if (str_eq(f->path, path))
		return;
	free(f->path);
	free(f->format);
	f->path = xstrdup0(path);
	f->format = xstrdup0(format);
	f->chain_due_ms = 0;
	f->chain_known = false;
	tick_chain(f);
}

/* --- all of it --- */

struct storage_feed *storage_feed_new(
    const struct home *h, struct offload *o, void (*changed)(void *arg), void *arg)
{
	struct storage_feed *f = xcalloc(1, sizeof(*f));
	storage_home_copy(&f->home, h);
	f->offload = o;
	f->changed = changed;
	f->arg = arg;
	return f;
}

static void tick_list(struct storage_feed *f)
{
	struct errand *e;
	if (f->list || f->list_due_ms > loop_now_ms())
		return;
	e = errand_new(f);
	f->list = e;
	if (offload_run(f->offload, &list_ops, e))
		return;
	f->list = NULL;
	errand_free(e);
}

void storage_feed_tick(struct storage_feed *f, const char *pool)
{
	if (!str_eq(f->chosen, pool)) {
		free(f->chosen);
		f->chosen = xstrdup0(pool);
	}
	tick_list(f);
	tick_pools(f);
	tick_chain(f);
}

void storage_feed_again(struct storage_feed *f)
{
	f->list_due_ms = f->chain_due_ms = 0;
	for (size_t i = 0; i < f->n_pools; i++)
		f->pools[i].due_ms = 0;
	storage_feed_tick(f, f->chosen);
}

const struct storage_facts *storage_feed_facts(const struct storage_feed *f)
{
	return f->facts;
}

const struct disk_chain *storage_feed_chain(const struct storage_feed *f)
{
	return f->chain_known ? &f->chain : NULL;
}

static void leave(struct errand *e)
{
	if (e)
		e->feed = NULL;
}

void storage_feed_free(struct storage_feed *f)
{
	if (!f)
		return;
	leave(f->list);
	leave(f->chain_errand);
	for (size_t i = 0; i < f->n_pools; i++) {
		leave(f->pools[i].errand);
		leave(f->pools[i].matching);
		img_facts_free(f->pools[i].cache);
		free(f->pools[i].name);
	}
	free(f->pools);
	storage_facts_free(f->facts);
	users_free(f->users);
	if (f->users_home)
		home_fini(f->users_home);
	free(f->users_home);
	img_facts_free(f->cache);
	disk_chain_fini(&f->chain);
	home_fini(&f->home);
	free(f->chosen);
	free(f->path);
	free(f->format);
	free(f);
}
