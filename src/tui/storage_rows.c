#include "tui/storage_rows.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

struct order {
	enum storage_sort sort;
	bool inverted;
};

static uint64_t figure(const struct storage_volume *v, enum storage_sort sort)
{
	return sort == STORAGE_SORT_SIZE      ? v->capacity
	       : sort == STORAGE_SORT_USED    ? v->allocation
	       : sort == STORAGE_SORT_CHANGED ? v->changed_s
	                                      : 0;
}

static int by_order(const void *pa, const void *pb, void *arg)
{
	const struct storage_volume *a = *(const struct storage_volume *const *)pa,
	                            *b = *(const struct storage_volume *const *)pb;
	const struct order *o = arg;
	uint64_t fa = figure(a, o->sort), fb = figure(b, o->sort);
	int r = fa > fb ? -1 : fa < fb;
	if (a->trashed != b->trashed)
		return a->trashed ? 1 : -1;
	if (r == 0 && o->sort == STORAGE_SORT_NAME)
		r = strverscmp(a->name, b->name);
	if (o->inverted)
		r = -r;
	r = r ? r : strverscmp(a->name, b->name);
	if (r == 0) /* twice in the trash: the one deleted last comes first */
		r = a->trashed_s > b->trashed_s ? -1 : a->trashed_s < b->trashed_s;
	return r ? r : strcmp(a->path, b->path);
}

static bool matches(const struct storage_volume *v, const char *text)
{
	if (strcasestr(v->name, text) || strcasestr(v->format, text) ||
	    (v->trashed && strcasestr("in the trash", text)))
		return true;
	for (size_t i = 0; i < v->n_users; i++)
		if (strcasestr(v->users[i].domain, text))
			return true;
	return v->users_known && !v->n_users && !v->above && strcasestr("nobody", text);
}

const struct storage_volume **storage_rows(const struct storage_pool *p, const char *filter,
    enum storage_sort sort, bool inverted, unsigned *n)
{
	struct order o = {sort, inverted};
	const struct storage_volume **rows = xcalloc((p ? p->n_volumes : 0) + 1, sizeof(*rows));
	*n = 0;
	for (size_t i = 0; p && i < p->n_volumes; i++)
		if (!*filter || matches(&p->volumes[i], filter))
			rows[(*n)++] = &p->volumes[i];
	qsort_r(rows, *n, sizeof(*rows), by_order, &o);
	return rows;
}
