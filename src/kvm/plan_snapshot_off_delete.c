/* Snapshots of a domain that is off are deleted. Inside of an image that is one change. Where an overlay was put on top of what
 * the snapshot keeps, what the overlay holds is brought down into it and the overlay goes; every document that names the
 * overlay names the image below from then on.
 *
 * Order: while an overlay is being brought down it stays whole, and reads the same at any moment; it is removed as the last step, when
 * all documents are written. Until then everything is undone on failure, but for what the snapshot itself kept: its document says
 * that its deletion was begun, before. */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_snapshot.h"
#include "kvm/plan_snapshot_off.h"

struct node {
	const char *name, *parent; /* of the facts */
	struct snapshot was, s;    /* as its document says, and as it will */
	bool doomed, done;
};

struct deleting {
	const struct plan_in *in;
	struct plan *p;
	struct node *v;
	size_t n;
	char *config;               /* the definition that comes out; NULL: there is none */
	struct json_object *images; /* PATH: what backs it, as the merges leave it */
	struct json_object *gone;   /* paths to be removed in the end */
};

static void deleting_fini(struct deleting *d)
{
	for (size_t i = 0; i < d->n; i++) {
		snapshot_fini(&d->v[i].was);
		snapshot_fini(&d->v[i].s);
	}
	free(d->v);
	free(d->config);
	json_object_put(d->images);
	json_object_put(d->gone);
}

/* --- which --- */
static struct node *find(const struct deleting *d, const char *name)
{
	for (size_t i = 0; name != NULL && i < d->n; i++)
		if (str_eq(d->v[i].name, name))
			return &d->v[i];
	return NULL;
}

static bool is_below(const struct deleting *d, const struct node *k, const char *name)
{
	size_t steps = 0;
	for (k = find(d, k->parent); k != NULL && steps++ <= d->n; k = find(d, k->parent))
		if (str_eq(k->name, name))
			return true;
	return false;
}

static int load(struct deleting *d, struct err *err)
{
	struct json_object *list = json_get_arr(plan_fact(d->in, "snapshots"), "list");
	d->n = list != NULL ? json_object_array_length(list) : 0;
	d->v = xcalloc(d->n + 1, sizeof *d->v);
	for (size_t i = 0; i < d->n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		d->v[i].name = json_get_str(o, "name");
		d->v[i].parent = json_get_str(o, "parent");
		/* Not looked at: it has nothing to do with this. */
		if (json_get_str(o, "xml") == NULL)
			continue;
		if (plan_snapshot_read(d->in, d->v[i].name, &d->v[i].was, err) < 0 ||
		    plan_snapshot_read(d->in, d->v[i].name, &d->v[i].s, err) < 0)
			return -1;
	}
	return 0;
}

static int choose(struct deleting *d, struct err *err)
{
	const char *name = json_get_str(d->in->args, "name");
	bool only = json_get_bool(d->in->args, "children_only", 0) != 0;
	bool below = only || json_get_bool(d->in->args, "children", 0) != 0;
	if (find(d, name) == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "Domain snapshot not found: no domain snapshot with matching name '%s'",
		    name != NULL ? name : "");
	for (size_t i = 0; i < d->n; i++)
		d->v[i].doomed =
		    str_eq(d->v[i].name, name) ? !only : below && is_below(d, &d->v[i], name);
	return 0;
}

/* A doomed one whose children that are doomed are all done: the tree from its leaves. */
static struct node *next_leaf(const struct deleting *d)
{
	for (size_t i = 0; i < d->n; i++) {
		bool leaf = d->v[i].doomed && !d->v[i].done;
		for (size_t k = 0; leaf && k < d->n; k++)
			leaf = !(d->v[k].doomed && !d->v[k].done &&
			         str_eq(d->v[k].parent, d->v[i].name));
		if (leaf)
			return &d->v[i];
	}
	return NULL;
}

/* --- inside of images --- */
static int add_forget(struct deleting *d, const struct node *k, const struct snapshot_disk *sd)
{
	CLEANUP_FREE char *then = plan_off_path_then(d->in, &k->was, sd->name);
	const char *path = then != NULL ? then : plan_off_path(d->in, sd->name);
	const char *tag = snapshot_tag(&k->s);
	if (path == NULL || !plan_off_holds(d->in, path, tag)) {
		plan_note(d->p, "disk %s holds no snapshot '%s' any more", sd->name, tag);
		return 0;
	}
	CLEANUP_FREE char *words = xasprintf("delete '%s' inside of '%s'", tag, path);
	plan_host(d->p, words, "image-forget", plan_off_args(d->in, path, "name", tag));
	return 0;
}

/* --- chains --- */
/* How many images lie on top of it, and one of them. */
static size_t count_above(const struct deleting *d, const char *path, const char **one)
{
	size_t n = 0;
	json_object_object_foreach(
	    d->images, above, below) if (str_eq(json_object_get_string(below), path))
	{
		*one = above;
		n++;
	}
	return n;
}

/* Another snapshot's disk lies there without being inside of it. */
static const struct node *also_kept(
    const struct deleting *d, const struct node *than, const char *path, const char *target)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct snapshot_disk *sd = snapshot_disk_find(&d->v[i].s, target);
		if (&d->v[i] == than || d->v[i].done || sd == NULL || sd->kind != SNAPSHOT_EXTERNAL)
			continue;
		CLEANUP_FREE char *then = plan_off_path_then(d->in, &d->v[i].s, target);
		if (str_eq(then, path))
			return &d->v[i];
	}
	return NULL;
}

/* One that an image holds, and that this plan does not delete before; NULL: none. */
static const char *held_inside(const struct deleting *d, struct json_object *image)
{
	struct json_object *inside = json_get_arr(image, "snapshots");
	size_t n = inside != NULL ? json_object_array_length(inside) : 0;
	for (size_t i = 0; i < n; i++) {
		const char *tag = json_object_get_string(json_object_array_get_idx(inside, i));
		bool deleted = false;
		for (size_t k = 0; k < d->n; k++)
			deleted |=
			    d->v[k].doomed && d->v[k].done && str_eq(snapshot_tag(&d->v[k].s), tag);
		if (!deleted)
			return tag;
	}
	return NULL;
}

static int check_merge(const struct deleting *d, const struct node *k, const char *base,
    const char *top, struct err *err)
{
	struct json_object *image = plan_off_image(d->in, top);
	const char *inside = held_inside(d, image);
	const char *clone = json_get_str(json_get_obj(plan_fact(d->in, "off"), "clone"), base);
	const char *top_clone = json_get_str(json_get_obj(plan_fact(d->in, "off"), "clone"), top);
	if (clone != NULL || top_clone != NULL)
		return err_set(err, ERR_BUSY,
		    "snapshot '%s' cannot be merged: '%s' is the base of the linked clone '%s'",
		    k->s.name, clone != NULL ? base : top, clone != NULL ? clone : top_clone);
	if (inside != NULL)
		return err_set(err, ERR_STATE,
		    "snapshot '%s' cannot be merged: '%s', which would go, holds snapshot '%s' inside; delete that one first",
		    k->s.name, top, inside);
	if (json_get_str(image, "trouble") != NULL)
		return err_set(err, ERR_INVALID, "%s", json_get_str(image, "trouble"));
	return 0;
}

/* What names `from` names `to`: documents, and the images above. */
static int move_all(struct deleting *d, const char *from, const char *to, struct err *err)
{
	const char *format = json_get_str(plan_off_image(d->in, to), "format");
	char *config = d->config != NULL ? plan_off_moved(d->config, from, to, format, err) : NULL;
	if (d->config != NULL && config == NULL)
		return -1;
	free(d->config);
	d->config = config;
	for (size_t i = 0; i < d->n; i++) {
		char **const texts[] = {&d->v[i].s.domain, &d->v[i].s.inactive};
		for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
			if (*texts[t] == NULL)
				continue;
			char *next = plan_off_moved(*texts[t], from, to, format, err);
			if (next == NULL)
				return -1;
			free(*texts[t]);
			*texts[t] = next;
		}
	}
	return 0;
}

static void add_rename_base(struct deleting *d, const char *above, const char *from, const char *to)
{
	CLEANUP_FREE char *words = xasprintf("'%s' is now on top of '%s'", above, to);
	struct json_object *does = plan_off_args(d->in, above, "base", to);
	struct json_object *undo = plan_off_args(d->in, above, "base", from);
	json_object_object_add(does, "base_format",
	    json_object_new_string(json_get_str(plan_off_image(d->in, to), "format")));
	json_object_object_add(undo, "base_format",
	    json_object_new_string(json_get_str(plan_off_image(d->in, from), "format")));
	plan_undo_host(
	    plan_host(d->p, words, "image-rename-base", does), "image-rename-base", undo);
}

/* What lay on top of `top` lies on `base`. */
static void move_above(struct deleting *d, const char *top, const char *base)
{
	struct json_object *next = json_object_new_object();
	json_object_object_foreach(d->images, above, below)
	{
		const char *on = json_object_get_string(below);
		if (str_eq(above, top))
			continue;
		json_object_object_add(
		    next, above, json_object_new_string(str_eq(on, top) ? base : on));
	}
	json_object_put(d->images);
	d->images = next;
}

static void add_merge(struct deleting *d, const char *top, const char *base)
{
	CLEANUP_FREE char *words = xasprintf("bring what '%s' holds down into '%s'", top, base);
	struct plan_step *s =
	    plan_host(d->p, words, "image-commit", plan_off_args(d->in, top, "base", base));
	s->advice = xstrdup("make room on the disk, and delete the snapshot again");
	json_object_array_add(d->gone, json_object_new_string(top));
}

/* Its base is nobody's: an overlay that was put on top of an earlier snapshot's, and left by a revert. */
static void drop_base(
    struct deleting *d, const struct node *k, const char *base, const char *target)
{
	bool ours = false;
	const char *one, *below = json_get_str(plan_off_image(d->in, base), "backing");
	if (below == NULL || str_eq(plan_off_path(d->in, target), base) ||
	    count_above(d, base, &one) > 0)
		return;
	for (size_t i = 0; i < d->n; i++) {
		const struct snapshot_disk *sd = snapshot_disk_find(&d->v[i].was, target);
		CLEANUP_FREE char *was = plan_off_path_then(d->in, &d->v[i].was, target);
		CLEANUP_FREE char *then = plan_off_path_then(d->in, &d->v[i].s, target);
		ours |= sd != NULL && sd->kind == SNAPSHOT_EXTERNAL && str_eq(was, below);
		if (&d->v[i] != k && !d->v[i].done && str_eq(then, base))
			return;
	}
	if (ours)
		json_object_array_add(d->gone, json_object_new_string(base));
}

/* A disk that it did not keep may have been in an overlay that nothing else needs. */
static void drop_other(struct deleting *d, const struct node *k, const char *target)
{
	CLEANUP_FREE char *then = plan_off_path_then(d->in, &k->s, target);
	if (then != NULL)
		drop_base(d, k, then, target);
}

static int add_external(
    struct deleting *d, struct node *k, const struct snapshot_disk *sd, struct err *err)
{
	const char *top = NULL;
	CLEANUP_FREE char *base = plan_off_path_then(d->in, &k->s, sd->name);
	if (base == NULL)
		return err_set(err, ERR_INVALID,
		    "snapshot '%s' does not say where disk '%s' was: --metadata forgets it and leaves the files as they are",
		    k->s.name, sd->name);
	if (plan_off_image(d->in, base) == NULL) {
		plan_note(d->p, "disk %s: '%s' is not there any more", sd->name, base);
		return 0;
	}
	if (also_kept(d, k, base, sd->name) != NULL)
		return 0;
	size_t n = count_above(d, base, &top);
	if (n == 0) {
		drop_base(d, k, base, sd->name);
		return 0;
	}
	if (n > 1)
		return err_set(err, ERR_UNSUPPORTED,
		    "snapshot '%s': %zu images lie on top of '%s', '%s' among them, and it cannot be merged into all: delete the "
		    "snapshots of all lines but one first",
		    k->s.name, n, base, top);
	CLEANUP_FREE char *overlay = xstrdup(top);
	if (check_merge(d, k, base, overlay, err) < 0)
		return -1;
	add_merge(d, overlay, base);
	move_above(d, overlay, base);
	return move_all(d, overlay, base, err);
}

/* --- the plan --- */
static int add_begun(struct deleting *d, struct node *k, struct err *err)
{
	size_t n;
	struct snapshot marked;
	CLEANUP_FREE char *words = xasprintf("mark that '%s' is being merged away", k->s.name);
	if (plan_snapshot_read(d->in, k->name, &marked, err) < 0)
		return -1;
	marked.deleting = true;
	CLEANUP_FREE char *xml = snapshot_format(&marked, &n, err);
	snapshot_fini(&marked);
	if (xml == NULL)
		return -1;
	plan_host(d->p, words, "snapshot-write", plan_args("xml", xml, NULL));
	return 0;
}

static int add_contents(struct deleting *d, struct err *err)
{
	for (struct node *k; (k = next_leaf(d)) != NULL; k->done = true) {
		if (snapshot_is_external(&k->s) && add_begun(d, k, err) < 0)
			return -1;
		for (size_t i = 0; i < k->s.n_disks; i++) {
			const struct snapshot_disk *sd = &k->s.disks[i];
			int rc = sd->kind == SNAPSHOT_INTERNAL   ? add_forget(d, k, sd)
			         : sd->kind == SNAPSHOT_EXTERNAL ? add_external(d, k, sd, err)
			                                         : 0;
			if (sd->kind == SNAPSHOT_NO)
				drop_other(d, k, sd->name);
			if (rc < 0)
				return -1;
		}
		if (k->s.memory_file != NULL)
			json_object_array_add(d->gone, json_object_new_string(k->s.memory_file));
	}
	return 0;
}

/* Headers and documents follow the files. */
static int add_followers(struct deleting *d, struct err *err)
{
	json_object_object_foreach(d->images, above, below)
	{
		const char *was = json_get_str(plan_off_image(d->in, above), "backing");
		if (!str_eq(was, json_object_get_string(below)))
			add_rename_base(d, above, was, json_object_get_string(below));
	}
	if (d->config != NULL && plan_off_add_define(d->in, d->config, d->p, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n; i++)
		if (!d->v[i].doomed && d->v[i].s.name != NULL &&
		    plan_off_add_write(&d->v[i].was, &d->v[i].s, d->p, err) < 0)
			return -1;
	return 0;
}

static void add_drops(struct deleting *d)
{
	for (size_t i = 0; i < d->n; i++)
		d->v[i].done = !d->v[i].doomed;
	for (struct node *k; (k = next_leaf(d)) != NULL; k->done = true) {
		CLEANUP_FREE char *words = xasprintf("forget '%s'", k->name);
		plan_host(d->p, words, "snapshot-drop", plan_args("name", k->name, NULL));
	}
	for (size_t i = 0; i < json_object_array_length(d->gone); i++) {
		const char *path = json_object_get_string(json_object_array_get_idx(d->gone, i));
		CLEANUP_FREE char *words =
		    xasprintf("remove '%s', which nothing needs any more", path);
		plan_host(d->p, words, "overlay-drop", plan_args("path", path, NULL))->flags =
		    PLAN_MAY_FAIL;
	}
}

static void take_images(struct deleting *d)
{
	struct json_object *all = json_get_obj(plan_fact(d->in, "off"), "images");
	if (all == NULL)
		return;
	json_object_object_foreach(all, path, o) if (json_get_str(o, "backing") != NULL)
	    json_object_object_add(
	        d->images, path, json_object_new_string(json_get_str(o, "backing")));
}

int plan_snapshot_off_delete(const struct plan_in *in, struct plan *p, struct err *err)
{
	CLEANUP(deleting_fini)
	struct deleting d = {
	    .in = in, .p = p, .images = json_object_new_object(), .gone = json_object_new_array()};
	const char *name = json_get_str(in->args, "name");
	bool only = json_get_bool(in->args, "children_only", 0) != 0;
	bool metadata = json_get_bool(in->args, "metadata", 0) != 0;
	if (load(&d, err) < 0 || choose(&d, err) < 0)
		return -1;
	p->words = xasprintf("delete snapshot '%s' of %s, which is off", name, in->name);
	p->result = xasprintf("Domain snapshot %s %sdeleted", name, only ? "children " : "");
	if (in->config != NULL)
		d.config = xstrndup(in->config->source, in->config->source_len);
	take_images(&d);
	if (!metadata && (add_contents(&d, err) < 0 || add_followers(&d, err) < 0))
		return -1;
	plan_commit(p);
	add_drops(&d);
	return 0;
}
