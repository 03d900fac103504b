#include "tui/tree.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

struct tree {
	struct vm_entry **folders; /* by name */
	size_t n;
};

struct tree *tree_new(void)
{
	return xcalloc(1, sizeof(struct tree));
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		vm_entry_free(t->folders[i]);
	free(t->folders);
	free(t);
}

/* As strings in which '/' comes before every other character: a group before its subgroups and those before the next. */
static int compare_paths(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	if (*a == '/' || *b == '/')
		return *a == *b ? 0 : !*a ? -1 : !*b ? 1 : *a == '/' ? -1 : 1;
	return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

struct place {
	struct vm_entry *e;
	unsigned at; /* in the order given */
};

static int by_group(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;
	bool none_a = !*a->e->group, none_b = !*b->e->group;
	int r =
	    none_a || none_b ? (int)none_a - (int)none_b : compare_paths(a->e->group, b->e->group);
	return r ? r : a->at < b->at ? -1 : 1;
}

struct vm_entry *tree_find(const struct tree *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->folders[i]->name, name))
			return t->folders[i];
	return NULL;
}

static struct vm_entry *folder(struct tree *t, const char *path, size_t len, unsigned depth)
{
	CLEANUP_FREE char *name = xasprintf("%.*s/", (int)len, path);
	struct vm_entry *f = tree_find(t, name);
	if (f)
		return f;
	t->folders = xreallocarray(t->folders, t->n + 1, sizeof(*t->folders));
	f = t->folders[t->n++] = vm_entry_new(name);
	f->folder = f->here = true;
	f->depth = depth;
	return f;
}

/* What the folder's own row says: sums over all below it, folded or not. */
static void count_in(struct vm_entry *f, const struct vm_entry *e)
{
	f->members++;
	f->members_live += e->live;
	f->members_bad += e->silent || e->state == VM_CRASHED || e->badge == STATUS_BADGE_BAD;
	f->members_marked += e->marked;
	if (!e->live)
		return;
	f->live = true;
	f->cpu_shown += e->cpu_shown;
	f->used_shown += e->used_shown;
	f->memory_kib += e->memory_kib;
	f->now.rd_kib += e->now.rd_kib;
	f->now.wr_kib += e->now.wr_kib;
	f->now.rx_kib += e->now.rx_kib;
	f->now.tx_kib += e->now.tx_kib;
}

static void empty(struct vm_entry *f)
{
	f->members = f->members_live = f->members_bad = f->members_marked = 0;
	f->live = false;
	f->cpu_shown = 0;
	f->used_shown = f->memory_kib = 0;
	memset(&f->now, 0, sizeof(f->now));
}

size_t tree_room(const struct tree *t, struct vm_entry *const *vms, unsigned n)
{
	size_t room = n + t->n;
	for (unsigned i = 0; i < n; i++)
		for (const char *s = vms[i]->group; *s; s++)
			room += *s == '/' || s == vms[i]->group;
	return room;
}

/* Puts e below its folders; headings of those that `last`, the group before, had not. */
static unsigned place(struct tree *t, struct vm_entry *e, const char *last, bool unfold,
    struct vm_entry **rows, unsigned n)
{
	const char *g = e->group;
	size_t len = strlen(g);
	unsigned depth = 0;
	bool hidden = false;
	for (size_t i = 0; len && i <= len; i++) {
		if (g[i] != '/' && g[i])
			continue;
		struct vm_entry *f = folder(t, g, i, depth++);
		bool fresh = strncmp(g, last, i) != 0 || (last[i] && last[i] != '/');
		if (fresh)
			empty(f);
		if (fresh && !hidden)
			rows[n++] = f;
		count_in(f, e);
		hidden = hidden || (f->folded && !unfold);
	}
	e->depth = depth;
	if (!hidden)
		rows[n++] = e;
	return n;
}

unsigned tree_build(
    struct tree *t, struct vm_entry **vms, unsigned n, bool unfold, struct vm_entry **rows)
{
	struct place *order = xcalloc(n + 1, sizeof(*order));
	const char *last = "";
	unsigned k = 0;
	for (unsigned i = 0; i < n; i++)
		order[i] = (struct place){vms[i], i};
	qsort(order, n, sizeof(*order), by_group);
	for (unsigned i = 0; i < n; i++) {
		k = place(t, order[i].e, last, unfold, rows, k);
		last = order[i].e->group;
	}
	free(order);
	return k;
}
