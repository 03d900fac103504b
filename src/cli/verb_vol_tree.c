/* Volumes and what hangs together: vol-tree, vol-orphans. */
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/out.h"
#include "cli/storage.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/users.h"

#define DEPTH_MAX 200 /* IMG_CHAIN_MAX */

struct node {
	struct volume *vol;
	const struct pool *pool;
	dev_t dev; /* of what backs it; see struct volume */
	ino_t ino;
	bool based; /* there is something */
	bool shown;
	char *who; /* VMs; "" none */
	size_t n_who;
};
struct forest {
	struct pool *pools;
	size_t n_pools;
	struct volume **lists; /* of each pool */
	size_t *counts;
	struct node *nodes;
	size_t n;
};

static void forest_fini(struct forest *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->nodes[i].who);
	free(f->nodes);
	for (size_t i = 0; i < f->n_pools; i++)
		volume_list_free(f->lists[i], f->counts[i]);
	free(f->lists);
	free(f->counts);
	pool_list_free(f->pools, f->n_pools);
}

static void add_node(
    struct forest *f, const struct users *users, struct volume *vol, const struct pool *pool)
{
	struct stat st;
	struct user by[8];
	struct node node = {.vol = vol, .pool = pool};
	CLEANUP_BUF struct buf who = BUF_INIT;
	if (vol->backing != NULL && vol->backing[0] == '/' && stat(vol->backing, &st) == 0) {
		bool block = S_ISBLK(st.st_mode);
		node.based = true;
		node.dev = block ? st.st_rdev : st.st_dev;
		node.ino = block ? 0 : st.st_ino;
	}
	node.n_who = users_of(users, vol->path, by, ARRAY_LEN(by));
	if (node.n_who > 0)
		users_words(by, node.n_who < ARRAY_LEN(by) ? node.n_who : ARRAY_LEN(by), &who);
	node.who = buf_take(&who);
	f->nodes = xreallocarray(f->nodes, f->n + 1, sizeof *f->nodes);
	f->nodes[f->n++] = node;
}

/* All active pools; one that does not answer is told and left out. */
static int forest_read(struct cli *c, struct forest *f, struct err *err)
{
	struct users *users = users_new(&c->home);
	if (users_refresh(users, err) < 0 || pool_list(&c->home, &f->pools, &f->n_pools, err) < 0) {
		users_free(users);
		return -1;
	}
	f->lists = xcalloc(f->n_pools + 1, sizeof *f->lists);
	f->counts = xcalloc(f->n_pools + 1, sizeof *f->counts);
	for (size_t i = 0; i < f->n_pools; i++) {
		struct err why = {0};
		if (!f->pools[i].active)
			continue;
		if (volume_list(&f->pools[i], &f->lists[i], &f->counts[i], &why) < 0)
			out_warning("pool '%s' is left out: %s", f->pools[i].def.name, why.msg);
		for (size_t k = 0; k < f->counts[i]; k++)
			add_node(f, users, &f->lists[i][k], &f->pools[i]);
	}
	users_free(users);
	return 0;
}

static bool backs(const struct node *below, const struct node *above)
{
	return above->based && above->dev == below->vol->dev && above->ino == below->vol->ino &&
	       above != below;
}

static const struct node *base_of(const struct forest *f, const struct node *node)
{
	for (size_t i = 0; i < f->n; i++)
		if (backs(&f->nodes[i], node))
			return &f->nodes[i];
	return NULL;
}

/* --- vol-tree --- */
struct drawing {
	struct forest *f;
	struct out_table *t;
	const char *tee, *corner, *line, *blank;
};

static void draw_row(const struct drawing *d, const char *prefix, const struct node *n)
{
	char sizes[2][STORAGE_SIZE_MAX];
	CLEANUP_FREE char *name = xasprintf("%s%s", prefix, n->vol->name);
	storage_pretty(n->vol->capacity, sizes[0]);
	storage_pretty(n->vol->allocation, sizes[1]);
	out_table_row(
	    d->t, (const char *const[]){name, n->pool->def.name, volume_format_word(n->vol),
	              sizes[0], sizes[1], n->who[0] != '\0' ? n->who : "-"});
}

static void draw(
    const struct drawing *d, struct node *n, const char *head, const char *rest, unsigned depth)
{
	struct forest *f = d->f;
	size_t left = 0;
	if (n->shown || depth > DEPTH_MAX)
		return;
	n->shown = true;
	draw_row(d, head, n);
	for (size_t i = 0; i < f->n; i++)
		left += backs(n, &f->nodes[i]) && !f->nodes[i].shown;
	for (size_t i = 0; i < f->n && left > 0; i++) {
		if (!backs(n, &f->nodes[i]) || f->nodes[i].shown)
			continue;
		bool last = --left == 0;
		CLEANUP_FREE char *h = xasprintf("%s%s", rest, last ? d->corner : d->tee);
		CLEANUP_FREE char *r = xasprintf("%s%s", rest, last ? d->blank : d->line);
		draw(d, &f->nodes[i], h, r, depth + 1);
	}
}

/* A base that is in no pool has a line of its own. */
static void draw_outsider(const struct drawing *d, struct node *n)
{
	CLEANUP_FREE char *safe = str_printable(n->vol->backing, strlen(n->vol->backing), SIZE_MAX);
	out_table_row(d->t, (const char *const[]){safe, "-",
	                        n->vol->backing_format != NULL ? n->vol->backing_format : "-", "-",
	                        "-", n->based ? "-" : "(missing)"});
	draw(d, n, d->corner, d->blank, 1);
}

static bool in_pool(const struct node *n, const char *name)
{
	return name == NULL || str_eq(n->pool->def.name, name);
}

static void draw_all(const struct drawing *d, const char *pool)
{
	struct forest *f = d->f;
	for (size_t i = 0; i < f->n; i++) {
		struct node *n = &f->nodes[i];
		if (n->vol->backing != NULL || !in_pool(n, pool))
			continue;
		draw(d, n, "", "", 0);
	}
	for (size_t i = 0; i < f->n; i++) {
		struct node *n = &f->nodes[i];
		if (!n->shown && n->vol->backing != NULL && in_pool(n, pool) &&
		    base_of(f, n) == NULL)
			draw_outsider(d, n);
	}
	/* Bases in another pool, and rings. */
	for (size_t i = 0; i < f->n; i++)
		if (!f->nodes[i].shown && in_pool(&f->nodes[i], pool))
			draw(d, &f->nodes[i], "", "", 0);
}

/* The pool that is asked for, checked; NULL all. */
static int pool_option(struct cli *c, struct pool *pool, const char **name)
{
	*name = NULL;
	if (cli_value(c, "pool") == NULL)
		return CLI_DONE;
	int status = storage_pool(c, "pool", pool);
	*name = pool->def.name;
	return status;
}

/* What both lists begin with. */
static struct json_object *volume_json(const struct node *n)
{
	struct json_object *o = json_object_new_object();
	out_add_str(o, "name", n->vol->name);
	out_add_str(o, "pool", n->pool->def.name);
	out_add_str(o, "path", n->vol->path);
	out_add_str(o, "format", volume_format_word(n->vol));
	return o;
}

static void print_tree_json(const struct forest *f, const char *pool)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < f->n; i++) {
		const struct node *n = &f->nodes[i];
		if (!in_pool(n, pool))
			continue;
		struct json_object *o = volume_json(n);
		out_add_u64(o, "capacity_bytes", n->vol->capacity);
		out_add_u64(o, "allocation_bytes", n->vol->allocation);
		out_add_str(o, "backing", n->vol->backing);
		out_add_str(o, "users", n->who[0] != '\0' ? n->who : NULL);
		json_object_array_add(all, o);
	}
	out_json(all);
}

int verb_vol_tree(struct cli *c)
{
	static const char *const heads[] = {
	    "Name", "Pool", "Format", "Capacity", "Allocation", "Used by"};
	const char *name;
	struct err err = {0};
	CLEANUP(forest_fini) struct forest f = {0};
	CLEANUP(pool_fini) struct pool pool = {0};
	bool utf8 = str_eq(nl_langinfo(CODESET), "UTF-8");
	int status = pool_option(c, &pool, &name);
	if (status != CLI_DONE)
		return status;
	if (forest_read(c, &f, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	if (c->json) {
		print_tree_json(&f, name);
		return CLI_DONE;
	}
	struct drawing d = {&f, out_table_new(ARRAY_LEN(heads), heads), utf8 ? "├─ " : "|- ",
	    utf8 ? "└─ " : "`- ", utf8 ? "│  " : "|  ", "   "};
	draw_all(&d, name);
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(d.t, !c->quiet, &b);
	fputs(b.data != NULL ? b.data : "", stdout);
	out_table_free(d.t);
	return CLI_DONE;
}

/* --- vol-orphans --- */
/* users_of knows chains: a base that a VM needs is used, too. */
static bool is_orphan(const struct node *n, const char *pool)
{
	return n->n_who == 0 && n->vol->type != VOLUME_DIR && in_pool(n, pool);
}

static void orphan_row(struct out_table *t, const struct node *n)
{
	struct tm tm;
	char when[32], size[STORAGE_SIZE_MAX];
	localtime_r(&n->vol->mtime.tv_sec, &tm);
	strftime(when, sizeof when, "%Y-%m-%d %H:%M", &tm);
	storage_pretty(n->vol->allocation, size);
	out_table_row(t, (const char *const[]){n->vol->name, n->pool->def.name,
	                     volume_format_word(n->vol), size, when, n->vol->path});
}

static void print_orphans(const struct cli *c, const struct forest *f, const char *pool)
{
	static const char *const heads[] = {
	    "Name", "Pool", "Format", "Allocation", "Written", "Path"};
	uint64_t total = 0;
	size_t n = 0;
	char size[STORAGE_SIZE_MAX];
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);
	for (size_t i = 0; i < f->n; i++) {
		if (!is_orphan(&f->nodes[i], pool))
			continue;
		orphan_row(t, &f->nodes[i]);
		total += f->nodes[i].vol->allocation;
		n++;
	}
	out_table_format(t, !c->quiet, &b);
	fputs(b.data != NULL ? b.data : "", stdout);
	out_table_free(t);
	storage_pretty(total, size);
	out_message(c, "%zu volume%s that no domain uses, %s", n, n == 1 ? "" : "s", size);
}

static void print_orphans_json(const struct forest *f, const char *pool)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < f->n; i++) {
		const struct node *n = &f->nodes[i];
		if (!is_orphan(n, pool))
			continue;
		struct json_object *o = volume_json(n);
		out_add_u64(o, "allocation_bytes", n->vol->allocation);
		out_add_u64(o, "modified_time_ns",
		    (uint64_t)n->vol->mtime.tv_sec * 1000000000u + (uint64_t)n->vol->mtime.tv_nsec);
		json_object_array_add(all, o);
	}
	out_json(all);
}

int verb_vol_orphans(struct cli *c)
{
	const char *name;
	struct err err = {0};
	CLEANUP(forest_fini) struct forest f = {0};
	CLEANUP(pool_fini) struct pool pool = {0};
	int status = pool_option(c, &pool, &name);
	if (status != CLI_DONE)
		return status;
	if (forest_read(c, &f, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	if (c->json)
		print_orphans_json(&f, name);
	else
		print_orphans(c, &f, name);
	return CLI_DONE;
}
