#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/mem.h"
#include "tui/model_impl.h"

void model_text_set(char **to, const char *s)
{
	if (*to && !strcmp(*to, s))
		return;
	free(*to);
	*to = xstrdup(s);
}

struct vm_entry *vm_entry_new(const char *name)
{
	struct vm_entry *e = xcalloc(1, sizeof(*e));
	char **texts[] = {&e->title, &e->detail, &e->address, &e->line, &e->holder, &e->job,
	    &e->job_words, &e->job_who, &e->group, &e->tags};
	e->name = xstrdup(name);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = xstrdup("");
	return e;
}

void vm_entry_free(struct vm_entry *e)
{
	free(e->name);
	free(e->title);
	free(e->detail);
	free(e->address);
	free(e->line);
	free(e->holder);
	free(e->job);
	free(e->job_words);
	free(e->job_who);
	free(e->group);
	free(e->tags);
	free(e);
}

struct model *model_new(const struct home *h, bool readonly)
{
	struct model *m = xcalloc(1, sizeof(*m));
	m->home = h;
	m->readonly = readonly;
	m->run_fd = -1;
	m->definitions.path = home_domains_dir(h);
	m->runs.path = xstrdup(h->run);
	m->head = xmalloc(STATUS_HEAD_SIZE);
	m->filter = xstrdup("");
	m->tree = tree_new();
	return m;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_all; i++)
		vm_entry_free(m->all[i]);
	if (m->run_fd >= 0)
		close(m->run_fd);
	free(m->definitions.path);
	free(m->runs.path);
	free(m->all);
	free(m->vms);
	free(m->rows);
	tree_free(m->tree);
	free(m->head);
	free(m->filter);
	free(m);
}

/* --- names --- */

static size_t position(const struct model *m, const char *name, bool *found)
{
	size_t lo = 0, hi = m->n_all;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(m->all[mid]->name, name);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = false;
	return lo;
}

struct vm_entry *model_find(struct model *m, const char *name)
{
	bool found;
	size_t at = name ? position(m, name, &found) : 0;
	if (name && !found)
		return tree_find(m->tree, name);
	return name ? m->all[at] : NULL;
}

struct vm_entry *model_entry(struct model *m, const char *name)
{
	bool found;
	size_t at = position(m, name, &found);
	if (found)
		return m->all[at];
	if (m->n_all == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->all = xreallocarray(m->all, m->cap, sizeof(*m->all));
	}
	memmove(m->all + at + 1, m->all + at, (m->n_all - at) * sizeof(*m->all));
	m->n_all++;
	m->rows_stale = true;
	return m->all[at] = vm_entry_new(name);
}
void model_on_change(
    struct model *m, void (*fn)(void *arg, const struct vm_entry *e, const char *before), void *arg)
{
	m->changed = fn;
	m->changed_arg = arg;
}

/* --- order --- */

const char *vm_entry_state(const struct vm_entry *e)
{
	return e->silent ? "not answering" : e->orphan ? "adopting" : vm_state_name(e->state);
}

bool vm_entry_matches(const struct vm_entry *e, const char *text)
{
	const char *in[] = {
	    e->name, vm_entry_state(e), e->address, e->title, e->group, e->tags, e->line};
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		if (strcasestr(in[i], text))
			return true;
	return e->badge != STATUS_BADGE_NONE && strcasestr(e->badge_name, text);
}

/* States in the order in which they matter: trouble first. */
static unsigned state_rank(const struct vm_entry *e)
{
	static const unsigned char rank[VM_STATE_COUNT] = {[VM_CRASHED] = 1,
	    [VM_STOPPING] = 2,
	    [VM_SHUTDOWN] = 3,
	    [VM_STARTING] = 4,
	    [VM_PAUSED] = 5,
	    [VM_PMSUSPENDED] = 6,
	    [VM_RUNNING] = 7,
	    [VM_OFF] = 8};
	return e->silent ? 0 : rank[e->state];
}

/* Larger comes first in every column of figures. */
static uint64_t figure(const struct vm_entry *e, enum sort_column c)
{
	switch (c) {
	case SORT_UP:
		return e->live ? UINT64_MAX - e->started_ns : 0;
	case SORT_CPU:
		return e->cpu_shown;
	case SORT_MEM:
		return e->live ? e->used_shown : 0;
	case SORT_DISK:
		return (uint64_t)e->now.rd_kib + e->now.wr_kib;
	case SORT_NET:
		return (uint64_t)e->now.rx_kib + e->now.tx_kib;
	case SORT_CONSOLE:
		return e->con_last_ns;
	default:
		return 0;
	}
}

static int by_column(const void *pa, const void *pb, void *arg)
{
	const struct vm_entry *a = *(struct vm_entry *const *)pa,
	                      *b = *(struct vm_entry *const *)pb;
	const struct model *m = arg;
	int r = 0;
	if (m->sort == SORT_STATE)
		r = (int)state_rank(a) - (int)state_rank(b);
	else if (m->sort == SORT_ADDRESS)
		r = (!*a->address - !*b->address) ? (!*a->address - !*b->address)
		                                  : strverscmp(a->address, b->address);
	else if (m->sort != SORT_NAME)
		r = figure(a, m->sort) > figure(b, m->sort)
		        ? -1
		        : figure(a, m->sort) < figure(b, m->sort);
	if (r == 0 && m->sort == SORT_NAME)
		r = strverscmp(a->name, b->name); /* web2 before web10 */
	if (m->inverted)
		r = -r;
	if (r == 0)
		r = strverscmp(a->name, b->name);
	return r ? r : strcmp(a->name, b->name);
}

static void order_rows(struct model *m)
{
	m->vms = xreallocarray(m->vms, m->n_all + 1, sizeof(*m->vms));
	m->n_vms = 0;
	for (size_t i = 0; i < m->n_all; i++)
		if (m->all[i]->here && (!*m->filter || vm_entry_matches(m->all[i], m->filter)))
			m->vms[m->n_vms++] = m->all[i];
	qsort_r(m->vms, m->n_vms, sizeof(*m->vms), by_column, m);
	m->rows =
	    xreallocarray(m->rows, tree_room(m->tree, m->vms, m->n_vms) + 1, sizeof(*m->rows));
	if (m->as_tree) {
		m->n_rows = tree_build(m->tree, m->vms, m->n_vms, *m->filter != '\0', m->rows);
		return;
	}
	memcpy(m->rows, m->vms, m->n_vms * sizeof(*m->rows));
	m->n_rows = m->n_vms;
}

struct vm_entry **model_rows(struct model *m, unsigned *n)
{
	if (m->rows_stale)
		order_rows(m);
	m->rows_stale = false;
	*n = m->n_rows;
	return m->rows;
}

struct vm_entry **model_vms(struct model *m, unsigned *n)
{
	model_rows(m, n);
	*n = m->n_vms;
	return m->vms;
}

void model_tree(struct model *m, bool on)
{
	m->as_tree = on;
	m->rows_stale = true;
}

bool model_is_tree(const struct model *m)
{
	return m->as_tree;
}

void model_marked(struct model *m)
{
	m->rows_stale = m->rows_stale || m->as_tree;
}

void model_fold(struct model *m, struct vm_entry *folder, bool folded)
{
	folder->folded = folded;
	m->rows_stale = true;
}

bool vm_entry_in(const struct vm_entry *e, const struct vm_entry *folder)
{
	size_t n = strlen(folder->name) - 1; /* without its '/' */
	return !e->folder && strncmp(e->group, folder->name, n) == 0 &&
	       (e->group[n] == '\0' || e->group[n] == '/');
}

void model_window(struct model *m, unsigned first, unsigned n)
{
	if (m->first == first && m->shown == n)
		return;
	m->first = first;
	m->shown = n;
	for (size_t i = 0; i < m->n_all; i++)
		m->all[i]->watched = false;
	model_refresh_window(m);
}

int model_index(struct model *m, const char *name)
{
	unsigned n;
	struct vm_entry **rows = model_rows(m, &n);
	for (unsigned i = 0; name && i < n; i++)
		if (!strcmp(rows[i]->name, name))
			return (int)i;
	return -1;
}

void model_sort(struct model *m, enum sort_column c, bool inverted)
{
	m->sort = c;
	m->inverted = inverted;
	m->rows_stale = true;
}

enum sort_column model_sort_column(const struct model *m, bool *inverted)
{
	*inverted = m->inverted;
	return m->sort;
}

void model_filter(struct model *m, const char *text)
{
	model_text_set(&m->filter, text ? text : "");
	m->rows_stale = true;
}

const char *model_filter_text(const struct model *m)
{
	return m->filter;
}

void model_counts(const struct model *m, struct model_counts *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < m->n_all; i++) {
		const struct vm_entry *e = m->all[i];
		if (!e->here)
			continue;
		c->all++;
		c->marked += e->marked;
		c->busy += *e->job != '\0';
		if (e->silent)
			c->silent++;
		else if (e->state == VM_RUNNING)
			c->running++;
		else if (e->state == VM_PAUSED)
			c->paused++;
		else if (e->state == VM_CRASHED)
			c->crashed++;
		else if (e->state == VM_OFF)
			c->off++;
		else
			c->other++;
	}
}
uint64_t model_now(const struct model *m)
{
	return m->now_ns;
}
