/* A domain that is off goes back to one of its snapshots that keeps the disks alone: inside of an image the disk becomes what it
 * was; what an overlay was made for gets a new, empty one, so that the snapshot stays what it is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/snapshots.h"
#include "core/str.h"
#include "kvm/plan_snapshot.h"
#include "kvm/plan_snapshot_off.h"

#define REVERT_DIGITS 10 /* of the seconds since 1970 */

struct going {
	const struct plan_in *in;
	struct snapshot was, s; /* as its document says, and as it will */
	struct plan *p;
	char *config;    /* the definition that comes out */
	size_t n_inside; /* disks that are set back inside of their images */
	char *aside;     /* the name under which an image keeps what it is now until all is done */
	struct json_object *left; /* overlays that nothing refers to afterwards */
};

static void going_fini(struct going *g)
{
	snapshot_fini(&g->was);
	snapshot_fini(&g->s);
	free(g->config);
	free(g->aside);
	json_object_put(g->left);
}

static bool is_base(const struct plan_in *in, const char *path)
{
	struct json_object *images = json_get_obj(plan_fact(in, "off"), "images");
	if (images == NULL || path == NULL)
		return false;
	json_object_object_foreach(images, other, o)
	{
		(void)other;
		if (str_eq(json_get_str(o, "backing"), path))
			return true;
	}
	return false;
}

/* --- checks --- */
/* Who else needs what the image is now? */
static int check_free(const struct going *g, const char *path, struct err *err)
{
	struct json_object *off = plan_fact(g->in, "off"), *images = json_get_obj(off, "images");
	const char *clone = json_get_str(json_get_obj(off, "clone"), path);
	if (clone != NULL)
		return err_set(err, ERR_BUSY,
		    "'%s' is the base of the linked clone '%s', which would lose what it is made of",
		    path, clone);
	if (images == NULL)
		return 0;
	json_object_object_foreach(images, other,
	    o) if (str_eq(json_get_str(o, "backing"), path)) return err_set(err, ERR_STATE,
	    "'%s' needs '%s' as it is now: delete the snapshots that were made after '%s' first",
	    other, path, g->s.name);
	return 0;
}

static int check_inside(
    const struct going *g, const struct snapshot_disk *sd, const char *path, struct err *err)
{
	if (path == NULL)
		return err_set(err, ERR_INVALID,
		    "snapshot '%s' does not say where disk '%s' was, and the definition has no such disk",
		    g->s.name, sd->name);
	if (plan_off_image(g->in, path) == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "disk '%s': '%s', which holds the snapshot, is not there", sd->name, path);
	if (!plan_off_holds(g->in, path, snapshot_tag(&g->s)))
		return err_set(err, ERR_NOT_FOUND,
		    "disk '%s': '%s' holds no snapshot '%s': somebody else has deleted it",
		    sd->name, path, snapshot_tag(&g->s));
	return check_free(g, path, err);
}

static int check_snapshot(const struct going *g, struct err *err)
{
	struct json_object *off = plan_fact(g->in, "off");
	bool force = json_get_bool(g->in->args, "force", 0) != 0;
	if (g->s.deleting)
		return err_set(err, ERR_STATE,
		    "snapshot '%s' is no longer whole: its deletion was begun; delete it again",
		    g->s.name);
	if (snapshot_has_memory(&g->s) && !json_get_bool(g->in->args, "disks", 0))
		return err_set(err, ERR_STATE,
		    PLAN_RESTART_WORDS " for snapshot '%s': the guest's memory is part of it",
		    g->s.name);
	if (json_get_bool(off, "saved", 0) && !force)
		return err_set(err, ERR_STATE,
		    "the memory of '%s' is saved, and goes with the disks as they are: start the domain, or take that away with "
		    "'hvmux managedsave-remove %s'",
		    g->in->name, g->in->name);
	if (g->s.domain == NULL && g->s.inactive == NULL && !force)
		return err_set(err, ERR_STATE,
		    "revert requires force: snapshot '%s' lacks the domain's definition of then; --force goes back to the disks "
		    "alone",
		    g->s.name);
	return 0;
}

/* --- inside of images --- */
static int add_inside(struct going *g, const struct snapshot_disk *sd, struct err *err)
{
	CLEANUP_FREE char *path = plan_off_path_then(g->in, &g->s, sd->name);
	CLEANUP_FREE char *words = xasprintf("set disk %s back inside of its image", sd->name);
	const char *here = path != NULL ? path : plan_off_path(g->in, sd->name);
	if (check_inside(g, sd, here, err) < 0)
		return -1;
	struct plan_step *s = plan_host(
	    g->p, words, "image-restore", plan_off_args(g->in, here, "name", snapshot_tag(&g->s)));
	if (g->n_inside > 1)
		plan_undo_host(s, "image-restore", plan_off_args(g->in, here, "name", g->aside));
	return 0;
}

/* With one image the change is whole by itself; several are kept as they are now, to be taken back together. */
static int add_asides(struct going *g, bool drop, struct err *err)
{
	for (size_t i = 0; i < g->s.n_disks && g->n_inside > 1; i++) {
		const struct snapshot_disk *sd = &g->s.disks[i];
		CLEANUP_FREE char *path = plan_off_path_then(g->in, &g->s, sd->name);
		const char *here = path != NULL ? path : plan_off_path(g->in, sd->name);
		if (sd->kind != SNAPSHOT_INTERNAL)
			continue;
		if (check_inside(g, sd, here, err) < 0)
			return -1;
		CLEANUP_FREE char *words = xasprintf(
		    drop ? "forget how disk %s was" : "keep disk %s as it is, until all is done",
		    sd->name);
		struct json_object *args = plan_off_args(g->in, here, "name", g->aside);
		struct plan_step *s =
		    plan_host(g->p, words, drop ? "image-forget" : "image-keep", args);
		if (drop)
			s->flags = PLAN_MAY_FAIL;
		else
			plan_undo_host(s, "image-forget", json_object_get(args));
	}
	return 0;
}

/* --- overlays --- */
/* Does a snapshot's document say that it lies there? */
static bool is_base_of_any(const struct going *g, const char *path, const char *target)
{
	struct json_object *list = json_get_arr(plan_fact(g->in, "snapshots"), "list");
	size_t n = list != NULL ? json_object_array_length(list) : 0;
	bool found = false;
	for (size_t i = 0; i < n && !found; i++) {
		struct snapshot s;
		const char *name = json_get_str(json_object_array_get_idx(list, i), "name");
		if (plan_snapshot_read(g->in, name, &s, NULL) < 0)
			continue;
		CLEANUP_FREE char *then = plan_off_path_then(g->in, &s, target);
		found = str_eq(then, path);
		snapshot_fini(&s);
	}
	return found;
}

/* Does it lie on top of what a snapshot keeps? Nothing else is ever removed. */
static bool is_overlay_of_any(const struct going *g, const char *path, const char *target)
{
	const char *below = json_get_str(plan_off_image(g->in, path), "backing");
	struct json_object *list = json_get_arr(plan_fact(g->in, "snapshots"), "list");
	size_t n = list != NULL ? json_object_array_length(list) : 0;
	bool found = false;
	for (size_t i = 0; i < n && below != NULL && !found; i++) {
		struct snapshot s;
		const char *name = json_get_str(json_object_array_get_idx(list, i), "name");
		if (plan_snapshot_read(g->in, name, &s, NULL) < 0)
			continue;
		const struct snapshot_disk *sd = snapshot_disk_find(&s, target);
		CLEANUP_FREE char *then = plan_off_path_then(g->in, &s, target);
		found = sd != NULL && sd->kind == SNAPSHOT_EXTERNAL && str_eq(then, below);
		snapshot_fini(&s);
	}
	return found;
}

/* What the disk has been written to since goes, unless somebody needs it. */
static void leave(struct going *g, const char *target)
{
	const char *now = plan_off_path(g->in, target);
	if (now == NULL || is_base(g->in, now) || plan_off_image(g->in, now) == NULL ||
	    !is_overlay_of_any(g, now, target) || is_base_of_any(g, now, target))
		return;
	json_object_array_add(g->left, json_object_new_string(now));
}

/* "/images/web1.snap1" becomes "/images/web1.snap1-1795305968": a name that is not there. */
static char *fresh_path(const struct going *g, const char *base, const char *file)
{
	const char *stem = file != NULL ? file : base, *dash = strrchr(stem, '-');
	uint64_t number = g->in->now_ns / 1000000000u;
	size_t n = strlen(stem), digits = dash != NULL ? strspn(dash + 1, "0123456789") : 0;
	/* The number of an earlier revert gives way, so that names do not grow. */
	if (digits >= REVERT_DIGITS && dash[1 + digits] == '\0')
		n = (size_t)(dash - stem);
	for (;; number++) {
		char *path = xasprintf("%.*s-%" PRIu64, (int)n, stem, number);
		if (plan_off_image(g->in, path) == NULL)
			return path;
		free(path);
	}
}

static int add_overlay(struct going *g, struct snapshot_disk *sd, struct err *err)
{
	CLEANUP_FREE char *base = plan_off_path_then(g->in, &g->s, sd->name);
	struct json_object *image = plan_off_image(g->in, base);
	if (base == NULL || image == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "disk '%s': '%s', which snapshot '%s' is in, is not there", sd->name,
		    base != NULL ? base : "?", g->s.name);
	CLEANUP_FREE char *path = fresh_path(g, base, sd->file);
	CLEANUP_FREE char *words = xasprintf("an empty overlay '%s' for disk %s", path, sd->name);
	plan_snapshot_add_overlay(
	    g->p, words, path, base, json_get_str(image, "format"), json_get_int(image, "size", 0));
	leave(g, sd->name);
	char *config = plan_off_placed(g->config, sd->name, path, "qcow2", err);
	if (config == NULL)
		return -1;
	free(g->config);
	g->config = config;
	free(sd->file);
	sd->file = xstrdup(path);
	return 0;
}

/* --- the rest of the machine --- */
/* A disk that the snapshot does not keep stays where it is now, when what it was then has become the base of an overlay. */
static int stay(struct going *g, const char *target, const char *then, struct err *err)
{
	const struct snapshot_disk *sd = snapshot_disk_find(&g->s, target);
	const char *now = plan_off_path(g->in, target);
	if ((sd != NULL && sd->kind != SNAPSHOT_NO) || now == NULL || str_eq(now, then) ||
	    !is_base(g->in, then))
		return 0;
	char *config = plan_off_placed(
	    g->config, target, now, json_get_str(plan_off_image(g->in, now), "format"), err);
	if (config == NULL)
		return -1;
	free(g->config);
	g->config = config;
	return 0;
}

/* The definition of then, under the name and uuid of now. */
static int take_definition(struct going *g, struct err *err)
{
	struct domain d;
	const char *text = g->s.inactive != NULL ? g->s.inactive : g->s.domain;
	const struct domain *now = g->in->config;
	if (text == NULL) {
		g->config = xstrndup(now->source, now->source_len);
		return 0;
	}
	if (domain_parse(text, strlen(text), g->s.name, DOMAIN_PARSE_LENIENT, &d, NULL, err) < 0)
		return err_wrap(err, "the definition that snapshot '%s' keeps", g->s.name);
	int rc = 0;
	if (d.has_uuid && now->has_uuid && memcmp(d.uuid, now->uuid, sizeof d.uuid) != 0)
		rc = err_set(err, ERR_INVALID,
		    "snapshot '%s' is of another machine: its <uuid> is not that of '%s'",
		    g->s.name, g->in->name);
	free(d.name);
	d.name = xstrdup(g->in->name);
	g->config = rc == 0 ? domain_format(&d, err) : NULL;
	for (size_t i = 0; rc == 0 && i < d.n_disks; i++)
		if (d.disks[i].image.path != NULL)
			rc = g->config == NULL
			         ? -1
			         : stay(g, d.disks[i].target, d.disks[i].image.path, err);
	domain_fini(&d);
	return g->config != NULL ? rc : -1;
}

static void add_nvram(struct going *g, bool drop)
{
	const char *now = json_get_str(plan_fact(g->in, "off"), "nvram");
	if (now == NULL || g->s.nvram == NULL)
		return;
	CLEANUP_FREE char *then = snapshots_nvram_path(g->in->home, g->in->name, &g->s);
	CLEANUP_FREE char *aside = xasprintf("%s.aside", then);
	if (drop) {
		plan_host(g->p, "forget how the firmware's variables were", "remove",
		    plan_args("path", aside, NULL))
		    ->flags = PLAN_MAY_FAIL;
		return;
	}
	plan_undo_host(
	    plan_host(g->p, "keep the firmware's variables as they are, until all is done",
	        "snapshot-nvram", plan_args("from", now, "to", aside, NULL)),
	    "remove", plan_args("path", aside, NULL));
	plan_undo_host(plan_host(g->p, "set the firmware's variables back", "snapshot-nvram",
	                   plan_args("from", then, "to", now, NULL)),
	    "snapshot-nvram", plan_args("from", aside, "to", now, NULL));
}

static void add_current(struct going *g)
{
	const char *was = json_get_str(plan_fact(g->in, "snapshots"), "current");
	if (str_eq(was, g->s.name))
		return;
	plan_undo_host(plan_host(g->p, "it is the current snapshot", "snapshot-current",
	                   plan_args("name", g->s.name, NULL)),
	    "snapshot-current", plan_args("name", was, NULL));
}

static int add_steps(struct going *g, struct err *err)
{
	for (size_t i = 0; i < g->s.n_disks; i++)
		if (g->s.disks[i].kind == SNAPSHOT_EXTERNAL &&
		    add_overlay(g, &g->s.disks[i], err) < 0)
			return -1;
	if (add_asides(g, false, err) < 0)
		return -1;
	add_nvram(g, false);
	if (plan_off_add_define(g->in, g->config, g->p, err) < 0 ||
	    plan_off_add_write(&g->was, &g->s, g->p, err) < 0)
		return -1;
	add_current(g);
	for (size_t i = 0; i < g->s.n_disks; i++)
		if (g->s.disks[i].kind == SNAPSHOT_INTERNAL &&
		    add_inside(g, &g->s.disks[i], err) < 0)
			return -1;
	plan_commit(g->p);
	add_nvram(g, true);
	for (size_t i = 0; i < json_object_array_length(g->left); i++) {
		const char *path = json_object_get_string(json_object_array_get_idx(g->left, i));
		CLEANUP_FREE char *words =
		    xasprintf("remove '%s', which nothing needs any more", path);
		plan_host(g->p, words, "overlay-drop", plan_args("path", path, NULL))->flags =
		    PLAN_MAY_FAIL;
	}
	return add_asides(g, true, err);
}

int plan_snapshot_off_revert(const struct plan_in *in, struct plan *p, struct err *err)
{
	CLEANUP(going_fini) struct going g = {.in = in, .p = p, .left = json_object_new_array()};
	const char *name = json_get_str(in->args, "name");
	if (in->config == NULL)
		return err_set(err, ERR_STATE, "domain '%s' is not defined", in->name);
	if (plan_snapshot_read(in, name, &g.was, err) < 0 ||
	    plan_snapshot_read(in, name, &g.s, err) < 0)
		return -1;
	p->words = xasprintf("%s, which is off, back to snapshot '%s'", in->name, name);
	p->result = xasprintf("Domain snapshot %s reverted", name);
	g.aside = xasprintf("hvmux-aside-%" PRIu64, p->id);
	for (size_t i = 0; i < g.s.n_disks; i++)
		g.n_inside += g.s.disks[i].kind == SNAPSHOT_INTERNAL;
	if (check_snapshot(&g, err) < 0 || take_definition(&g, err) < 0)
		return -1;
	return add_steps(&g, err);
}
