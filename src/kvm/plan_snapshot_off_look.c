/* What a plan about snapshots of a domain that is off has to know: its files. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/snapshots.h"
#include "core/str.h"
#include "disk/bases.h"
#include "disk/img_facts.h"
#include "kvm/chain_guard.h"
#include "kvm/disk_volumes.h"
#include "kvm/firmware.h"
#include "kvm/plan_snapshot_off.h"

struct look {
	const struct plan_in *in;
	struct img_facts *facts;
	struct json_object *images, *clones;
};

/* --- images --- */
static struct json_object *image_json(const struct img_fact *f)
{
	struct json_object *o = plan_args("format", disk_format_name(f->format), "trouble", f->why,
	    "backing", f->backing_path, NULL);
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < f->n_snapshots; i++)
		json_object_array_add(list, json_object_new_string(f->snapshots[i]));
	json_object_object_add(o, "snapshots", list);
	json_object_object_add(o, "size", json_object_new_int64((int64_t)f->virtual_size));
	if (f->backing != NULL && f->backing_path == NULL)
		json_object_object_add(o, "backing", json_object_new_string(f->backing));
	return o;
}

/* An image with all that backs it. */
static void look_at(struct look *l, const char *path, const char *format)
{
	const struct img_fact *chain[IMG_CHAIN_MAX];
	bool ring = false;
	if (path == NULL || json_object_object_get_ex(l->images, path, NULL))
		return;
	size_t n = img_facts_chain(l->facts, path, format, chain, IMG_CHAIN_MAX, &ring);
	for (size_t i = 0; i < n; i++) {
		if (chain[i]->state == IMG_FACT_MISSING)
			continue;
		json_object_object_add(l->images, chain[i]->path, image_json(chain[i]));
		CLEANUP_FREE char *clone = bases_find(l->in->home, chain[i]->path);
		if (clone != NULL)
			json_object_object_add(
			    l->clones, chain[i]->path, json_object_new_string(clone));
	}
}

static bool has_place(const struct domain_disk *k)
{
	return k->image.path != NULL &&
	       (k->image.type == IMAGE_FILE || k->image.type == IMAGE_BLOCK);
}

static void look_at_domain(struct look *l, const struct domain *d)
{
	for (size_t i = 0; i < d->n_disks; i++)
		if (has_place(&d->disks[i]) && d->disks[i].device != DISK_CDROM &&
		    d->disks[i].device != DISK_FLOPPY)
			look_at(
			    l, d->disks[i].image.path, disk_format_name(d->disks[i].image.format));
}

/* Where disks were, and where they went. */
static void look_at_snapshot(struct look *l, const struct snapshot *s)
{
	const char *texts[] = {s->domain, s->inactive};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct domain d;
		if (texts[i] == NULL || domain_parse(texts[i], strlen(texts[i]), s->name,
		                            DOMAIN_PARSE_LENIENT, &d, NULL, NULL) < 0)
			continue;
		(void)disk_volumes_resolve(l->in->home, &d, NULL);
		look_at_domain(l, &d);
		domain_fini(&d);
	}
	for (size_t i = 0; i < s->n_disks; i++)
		look_at(l, s->disks[i].file, s->disks[i].format);
}

/* --- the definition --- */
static int look_at_definition(struct look *l, struct json_object *off, struct err *err)
{
	struct domain d;
	const struct domain *config = l->in->config;
	struct json_object *paths = json_object_new_object();
	json_object_object_add(off, "paths", paths);
	if (domain_parse(config->source, config->source_len, l->in->name, DOMAIN_PARSE_LENIENT, &d,
	        NULL, err) < 0)
		return -1;
	/* A pool that does not answer is told where its volume is needed. */
	(void)disk_volumes_resolve(l->in->home, &d, NULL);
	look_at_domain(l, &d);
	for (size_t i = 0; i < d.n_disks; i++)
		if (has_place(&d.disks[i]))
			json_object_object_add(paths, d.disks[i].target,
			    json_object_new_string(d.disks[i].image.path));
	/* Below an image that nothing is remembered of, nobody would see it at the next start. */
	int rc = chain_guard_compare(l->in->home, &d, err);
	domain_fini(&d);
	return rc;
}

static void look_at_nvram(const struct plan_in *in, struct json_object *off)
{
	struct firmware_env env;
	const struct os_nvram *n = &in->config->os.nvram;
	if (n->type != NVRAM_FILE)
		return;
	firmware_env_init(&env, in->home);
	CLEANUP_FREE char *path =
	    n->path != NULL ? xstrdup(n->path) : firmware_nvram_path(&env, in->name);
	firmware_env_fini(&env);
	if (path == NULL || access(path, F_OK) < 0)
		return;
	json_object_object_add(off, "nvram", json_object_new_string(path));
	json_object_object_add(
	    off, "nvram_format", json_object_new_string(n->format != NULL ? n->format : "raw"));
}

/* --- the documents --- */
/* Inside of images each is by itself, with those below it where they are meant, too; where there are overlays, all have to do with
 * each other. */
static bool is_wanted(const struct plan_in *in, const struct snapshots *s, size_t i, bool overlays)
{
	const char *name = json_get_str(in->args, "name");
	bool below =
	    json_get_bool(in->args, "children", 0) || json_get_bool(in->args, "children_only", 0);
	size_t root = name != NULL ? snapshots_find(s, name) : SNAPSHOTS_NONE;
	if (root == SNAPSHOTS_NONE)
		return false;
	return overlays || i == root || (below && snapshots_is_below(s, i, root));
}

static void add_snapshot(
    struct look *l, const struct snapshots *all, size_t i, struct json_object *one, bool whole)
{
	struct snapshot s;
	size_t n;
	CLEANUP_FREE char *xml = whole ? snapshot_format(&all->v[i], &n, NULL) : NULL;
	if (xml == NULL)
		return;
	json_object_object_add(one, "xml", json_object_new_string(xml));
	if (snapshot_parse(xml, n, all->v[i].name, &s, NULL) < 0)
		return;
	look_at_snapshot(l, &s);
	snapshot_fini(&s);
}

static int look_at_snapshots(struct look *l, struct json_object *facts, struct err *err)
{
	struct snapshots s;
	bool overlays = false;
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	json_object_object_add(facts, "snapshots", o);
	json_object_object_add(o, "list", list);
	int rc = snapshots_load(l->in->home, l->in->name, &s, err);
	if (rc == 0 && s.current != SNAPSHOTS_NONE)
		json_object_object_add(o, "current", json_object_new_string(s.v[s.current].name));
	for (size_t i = 0; i < s.n; i++)
		overlays |= snapshot_is_external(&s.v[i]);
	for (size_t i = 0; rc == 0 && i < s.n; i++) {
		struct json_object *one = plan_args("name", s.v[i].name, "parent",
		    s.parent[i] != SNAPSHOTS_NONE ? s.v[s.parent[i]].name : NULL, NULL);
		json_object_array_add(list, one);
		add_snapshot(l, &s, i, one, is_wanted(l->in, &s, i, overlays));
	}
	snapshots_fini(&s);
	return rc;
}

int plan_snapshot_off_look(const struct plan_in *in, struct json_object *facts, struct err *err)
{
	struct look l = {in, img_facts_new(), json_object_new_object(), json_object_new_object()};
	struct json_object *off = json_object_new_object();
	json_object_object_add(facts, "off", off);
	json_object_object_add(off, "images", l.images);
	json_object_object_add(off, "clone", l.clones);
	int rc = in->config != NULL ? look_at_definition(&l, off, err) : 0;
	if (rc == 0 && in->config != NULL)
		look_at_nvram(in, off);
	if (rc == 0)
		rc = look_at_snapshots(&l, facts, err);
	CLEANUP_FREE char *saves = xasprintf("%s.save", in->name);
	CLEANUP_FREE char *saved = home_data_file(in->home, "save", saves);
	if (access(saved, F_OK) == 0)
		json_object_object_add(off, "saved", json_object_new_boolean(1));
	img_facts_free(l.facts);
	return rc;
}
