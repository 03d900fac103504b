#include "tui/snap_rows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/domain.h"
#include "core/mem.h"
#include "core/schedule.h"
#include "core/snapshots.h"
#include "core/str.h"
#include "disk/img_info.h"

#define TEXT_MAX 2000 /* bytes of a description */

static char *safe(const char *s)
{
	return s && *s ? str_printable(s, strlen(s), TEXT_MAX) : xstrdup("");
}

/* --- sizes --- */

static uint64_t file_bytes(const char *path)
{
	struct stat st;
	return path && stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

/* The image that was looked at last: all snapshots of a domain are mostly in the same. */
struct looked {
	const struct home *home;
	const char *domain;
	char *path;
	struct img_info info;
};

/* The image that a target had then, as the whole document says; those that are listed come without their domain. */
static char *image_of(const struct looked *l, const char *name, const char *target)
{
	struct snapshot s;
	struct domain d;
	char *path = NULL;
	if (snapshots_read(l->home, l->domain, name, &s, NULL) < 0)
		return NULL;
	if (s.domain && domain_parse(s.domain, strlen(s.domain), name, DOMAIN_PARSE_LENIENT, &d,
	                    NULL, NULL) == 0) {
		for (size_t i = 0; i < d.n_disks && !path; i++)
			if (str_eq(d.disks[i].target, target) && d.disks[i].image.path)
				path = xstrdup(d.disks[i].image.path);
		domain_fini(&d);
	}
	snapshot_fini(&s);
	return path;
}

static void look_at(struct looked *l, const char *path)
{
	struct img *im;
	if (str_eq(l->path, path))
		return;
	if (l->path)
		img_info_fini(&l->info);
	memset(&l->info, 0, sizeof(l->info));
	free(l->path);
	l->path = xstrdup(path);
	im = img_look(path, NULL, NULL);
	if (im && img_info(im, &l->info, NULL) < 0)
		memset(&l->info, 0, sizeof(l->info));
	img_drop(&im);
}

static uint64_t memory_in(const struct looked *l, const char *tag)
{
	for (size_t k = 0; k < l->info.n_snapshots; k++)
		if (str_eq(l->info.snapshots[k].name, tag))
			return l->info.snapshots[k].vm_state;
	return 0;
}

/* Of a memory inside of an image: one of them holds it. */
static uint64_t memory_size(const struct snapshot *s, struct looked *l)
{
	uint64_t bytes = memory_in(l, snapshot_tag(s));
	for (size_t i = 0; i < s->n_disks && !bytes; i++) {
		CLEANUP_FREE char *path = s->disks[i].kind == SNAPSHOT_INTERNAL
		                              ? image_of(l, s->name, s->disks[i].name)
		                              : NULL;
		if (path)
			look_at(l, path);
		bytes = memory_in(l, snapshot_tag(s));
	}
	return bytes;
}

static uint64_t size_of(const struct snapshot *s, struct looked *l)
{
	uint64_t sum = file_bytes(s->memory_file);
	for (size_t i = 0; i < s->n_disks; i++)
		if (s->disks[i].kind == SNAPSHOT_EXTERNAL)
			sum += file_bytes(s->disks[i].file);
	return s->memory == SNAPSHOT_INTERNAL ? sum + memory_size(s, l) : sum;
}

/* --- one --- */

static char *disks_text(const struct snapshot *s)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	for (size_t i = 0; i < s->n_disks; i++) {
		const struct snapshot_disk *d = &s->disks[i];
		const char *kind = snapshot_kind_name(d->kind);
		buf_addf(&b, "%s%s %s", i ? ", " : "", d->name ? d->name : "?", *kind ? kind : "?");
		if (d->kind == SNAPSHOT_EXTERNAL && d->file)
			buf_addf(&b, " %s", d->file);
	}
	return safe(b.data);
}

static void fill(struct snap_row *r, const struct snapshots *all, size_t i, struct looked *l)
{
	const struct snapshot *s = &all->v[i];
	r->name = xstrdup(s->name);
	r->shown = safe(s->name);
	r->description = safe(s->description);
	r->parent = safe(s->parent);
	r->state = xstrdup(snapshot_state_name(s->state));
	r->disks = disks_text(s);
	r->memory_file = safe(s->memory_file);
	r->schedule = safe(s->schedule);
	r->created = s->created;
	r->size = size_of(s, l);
	r->external = snapshot_is_external(s);
	r->memory = snapshot_has_memory(s);
	r->nvram = s->nvram != NULL;
	r->current = i == all->current;
}

/* --- the tree --- */

struct child {
	size_t i, parent;
	uint64_t created;
	const char *name;
};

static int by_parent(const void *pa, const void *pb)
{
	const struct child *a = pa, *b = pb;
	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	if (a->created != b->created)
		return a->created < b->created ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* What is still to be put down: a snapshot and where it hangs. */
struct todo {
	size_t i;
	unsigned level;
	uint32_t more;
	bool first, last;
};

struct tree {
	const struct snapshots *all;
	struct child *child; /* by parent, the roots (SNAPSHOTS_NONE) last */
	size_t *from, *count;
	unsigned *below;
	struct todo *stack;
	size_t n_stack;
};

/* Children of one are pushed in reverse, so that they come off in order. A child alone goes on in its parent's column. */
static void push(struct tree *t, size_t from, size_t n, const struct todo *above)
{
	unsigned level = above ? above->level : 0;
	uint32_t more = above ? above->more : 0;
	bool branches = n > 1 && level + 1 < SNAP_LEVELS;
	for (size_t k = n; k-- > 0;) {
		struct todo *to = &t->stack[t->n_stack++];
		bool last = k + 1 == n;
		*to = (struct todo){.i = t->child[from + k].i,
		    .level = level + branches,
		    .more = more | (branches && !last ? 1u << level : 0),
		    .first = n > 1,
		    .last = last};
	}
}

static void count_below(struct tree *t, size_t n)
{
	size_t *order = snapshots_topological(t->all);
	for (size_t k = n; k-- > 0;) {
		size_t i = order[k], up = t->all->parent[i];
		if (up != SNAPSHOTS_NONE)
			t->below[up] += t->below[i] + 1;
	}
	free(order);
}

static void tree_init(struct tree *t, const struct snapshots *all)
{
	size_t n = all->n;
	t->all = all;
	t->child = xcalloc(n + 1, sizeof(*t->child));
	t->from = xcalloc(n + 1, sizeof(*t->from));
	t->count = xcalloc(n + 1, sizeof(*t->count));
	t->below = xcalloc(n + 1, sizeof(*t->below));
	t->stack = xcalloc(n + 1, sizeof(*t->stack));
	for (size_t i = 0; i < n; i++)
		t->child[i] =
		    (struct child){i, all->parent[i] == SNAPSHOTS_NONE ? n : all->parent[i],
		        all->v[i].created, all->v[i].name};
	qsort(t->child, n, sizeof(*t->child), by_parent);
	for (size_t k = n; k-- > 0;) {
		t->from[t->child[k].parent] = k;
		t->count[t->child[k].parent]++;
	}
	count_below(t, n);
}

static void tree_fini(struct tree *t)
{
	free(t->child);
	free(t->from);
	free(t->count);
	free(t->below);
	free(t->stack);
}

static void make_rows(
    struct snap_rows *s, const struct home *h, const char *domain, const struct snapshots *all)
{
	struct tree t = {0};
	struct looked looked = {.home = h, .domain = domain};
	tree_init(&t, all);
	s->row = xcalloc(all->n < SNAP_KEPT ? all->n + 1 : SNAP_KEPT, sizeof(*s->row));
	push(&t, t.from[all->n], t.count[all->n], NULL);
	while (t.n_stack > 0 && s->n < SNAP_KEPT) {
		struct todo at = t.stack[--t.n_stack];
		struct snap_row *r = &s->row[s->n];
		fill(r, all, at.i, &looked);
		r->children = (unsigned)t.count[at.i];
		r->below = t.below[at.i];
		r->level = at.level;
		r->more = at.more;
		r->first = at.first;
		r->last = at.last;
		if (r->current)
			s->current = s->n;
		s->n++;
		push(&t, t.from[at.i], t.count[at.i], &at);
	}
	s->left_out = all->n - s->n;
	if (looked.path)
		img_info_fini(&looked.info);
	free(looked.path);
	tree_fini(&t);
}

/* "auto every 6h, kept 7d"; what went wrong with it last. */
static char *schedule_text(const struct home *h, const char *domain)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct schedules s;
	struct err err = {0};
	if (schedules_read(h, domain, &s, &err) < 0)
		buf_adds(&b, err.msg);
	for (size_t i = 0; i < s.n; i++) {
		const struct schedule *k = &s.v[i];
		char every[STR_HUMAN_MAX], keep[STR_HUMAN_MAX];
		str_age(k->every, every);
		str_age(k->keep, keep);
		buf_addf(&b, "%s%s every %s", i ? "; " : "", k->name, every);
		if (k->keep)
			buf_addf(&b, ", kept %s", keep);
		if (k->count)
			buf_addf(&b, ", at most %llu", (unsigned long long)k->count);
		if (k->trouble && *k->trouble)
			buf_addf(&b, " (failed: %s)", k->trouble);
	}
	schedules_fini(&s);
	return safe(b.data);
}

void snap_rows_read(struct snap_rows *s, const struct home *h, const char *domain)
{
	struct snapshots all;
	struct err err = {0};
	memset(s, 0, sizeof(*s));
	s->current = SIZE_MAX;
	s->looked = true;
	if (snapshots_load(h, domain, &all, &err) < 0) {
		s->trouble = safe(err.msg);
	} else {
		make_rows(s, h, domain, &all);
		s->trouble = safe(all.trouble.data);
	}
	s->schedule = schedule_text(h, domain);
	if (s->current == SIZE_MAX)
		s->current = s->n;
	snapshots_fini(&all);
}

void snap_rows_fini(struct snap_rows *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct snap_row *r = &s->row[i];
		char *const texts[] = {r->name, r->shown, r->description, r->parent, r->state,
		    r->disks, r->memory_file, r->schedule};
		for (size_t k = 0; k < ARRAY_LEN(texts); k++)
			free(texts[k]);
	}
	free(s->row);
	free(s->trouble);
	free(s->schedule);
	memset(s, 0, sizeof(*s));
}

size_t snap_rows_find(const struct snap_rows *s, const char *name)
{
	for (size_t i = 0; name && i < s->n; i++)
		if (!strcmp(s->row[i].name, name))
			return i;
	return s->n;
}
