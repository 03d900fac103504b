#include "tui/storage_facts.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"

#define DEPTH_MAX 200 /* disk/img.h: IMG_CHAIN_MAX; a ring ends here */

static void user_fini(struct storage_user *u)
{
	free(u->domain);
	free(u->target);
}

void storage_volume_users(struct storage_volume *v, struct storage_user *users, size_t n)
{
	for (size_t i = 0; i < v->n_users; i++)
		user_fini(&v->users[i]);
	free(v->users);
	v->users = users;
	v->n_users = n;
	v->users_known = true;
}

void storage_volume_fini(struct storage_volume *v)
{
	storage_volume_users(v, NULL, 0);
	free(v->name);
	free(v->path);
	free(v->backing);
	free(v->trouble);
	*v = (struct storage_volume){0};
}

void storage_pool_fini(struct storage_pool *p)
{
	for (size_t i = 0; i < p->n_volumes; i++)
		storage_volume_fini(&p->volumes[i]);
	free(p->volumes);
	free(p->name);
	free(p->where);
	free(p->trouble);
	*p = (struct storage_pool){0};
}

void storage_job_fini(struct storage_job *j)
{
	free(j->command);
	free(j->text);
	*j = (struct storage_job){0};
}

void storage_facts_free(struct storage_facts *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_pools; i++)
		storage_pool_fini(&f->pools[i]);
	for (size_t i = 0; i < f->n_jobs; i++)
		storage_job_fini(&f->jobs[i]);
	free(f->pools);
	free(f->jobs);
	free(f->trouble);
	free(f);
}

struct storage_pool *storage_pool_find(const struct storage_facts *f, const char *name)
{
	for (size_t i = 0; f && name && i < f->n_pools; i++)
		if (!strcmp(f->pools[i].name, name))
			return &f->pools[i];
	return NULL;
}

struct storage_volume *storage_volume_find(
    const struct storage_pool *p, const char *name, bool trashed)
{
	for (size_t i = 0; p && name && i < p->n_volumes; i++)
		if (p->volumes[i].trashed == trashed && !strcmp(p->volumes[i].name, name))
			return &p->volumes[i];
	return NULL;
}

/* --- chains inside of a pool --- */

static int by_path(const void *pa, const void *pb)
{
	const struct storage_volume *a = *(struct storage_volume *const *)pa,
	                            *b = *(struct storage_volume *const *)pb;
	return strcmp(a->path, b->path);
}

static struct storage_volume *at_path(struct storage_volume **sorted, size_t n, const char *path)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(sorted[mid]->path, path);
		if (c == 0)
			return sorted[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

void storage_pool_settle(struct storage_pool *p)
{
	CLEANUP_FREE struct storage_volume **sorted = xcalloc(p->n_volumes + 1, sizeof(*sorted));
	size_t n = 0;
	p->promised = p->may_grow = 0;
	for (size_t i = 0; i < p->n_volumes; i++) {
		struct storage_volume *v = &p->volumes[i];
		v->depth = v->above = 0;
		if (v->trashed)
			continue;
		sorted[n++] = v;
	}
	qsort(sorted, n, sizeof(*sorted), by_path);
	for (size_t i = 0; i < n; i++) {
		struct storage_volume *below = sorted[i];
		if (*below->backing && (below = at_path(sorted, n, below->backing)) != NULL)
			below->above++;
		below = sorted[i];
		while (below && *below->backing && sorted[i]->depth < DEPTH_MAX) {
			sorted[i]->depth++;
			below = at_path(sorted, n, below->backing);
		}
	}
	for (size_t i = 0; i < n; i++) {
		const struct storage_volume *v = sorted[i];
		/* Nobody writes to what others stand on. */
		bool grows = !v->above && v->capacity > v->allocation;
		p->promised += grows ? v->capacity : v->allocation;
		p->may_grow += grows ? v->capacity - v->allocation : 0;
	}
}

char *storage_users_text(const struct storage_volume *v, bool brief)
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < v->n_users; i++) {
		const struct storage_user *u = &v->users[i];
		buf_addf(&b, "%s%s", b.len ? ", " : "", u->domain);
		if (brief && u->running)
			buf_adds(&b, "*");
		if (!brief)
			buf_addf(&b, " (%s%s%s, %s)", u->below ? "below " : "", u->target,
			    *u->target ? "" : "a disk of it", u->running ? "running" : "off");
	}
	return buf_take(&b);
}
