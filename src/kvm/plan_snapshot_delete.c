/* Snapshots of a machine that runs deleted: inside of the images by QEMU, the documents by us; children before their
 * parents, so that whatever stays is a whole tree. */
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_snapshot.h"

struct family {
	struct json_object **member; /* entries of "snapshots", the request's own first */
	size_t n;
};

static struct json_object *entry(const struct plan_in *in, const char *name)
{
	struct json_object *list = json_get_arr(plan_fact(in, "snapshots"), "list");
	size_t n = list == NULL ? 0 : json_object_array_length(list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		if (str_eq(json_get_str(o, "name"), name))
			return o;
	}
	return NULL;
}

/* Parents before their children: each round adds the children of those that are there. */
static void gather(const struct plan_in *in, const char *name, struct family *f)
{
	struct json_object *list = json_get_arr(plan_fact(in, "snapshots"), "list");
	size_t n = list == NULL ? 0 : json_object_array_length(list);
	f->member = xcalloc(n + 1, sizeof(struct json_object *));
	f->member[f->n++] = entry(in, name);
	for (size_t k = 0; k < f->n; k++)
		for (size_t i = 0; i < n && f->n <= n; i++) {
			struct json_object *o = json_object_array_get_idx(list, i);
			if (str_eq(json_get_str(o, "parent"), json_get_str(f->member[k], "name")))
				f->member[f->n++] = o;
		}
}

static bool has_inside(struct json_object *info, const char *tag)
{
	struct json_object *list = json_get_arr(json_get_obj(info, "image"), "snapshots");
	size_t n = list == NULL ? 0 : json_object_array_length(list);
	for (size_t i = 0; i < n; i++)
		if (str_eq(json_get_str(json_object_array_get_idx(list, i), "name"), tag))
			return true;
	return false;
}

static int check_place(
    const struct plan_in *in, size_t i, const struct snapshot *s, struct err *err)
{
	const struct snapshot_disk *sd = snapshot_disk_find(s, in->live->disks[i].target);
	struct json_object *image = json_get_obj(plan_snapshot_node_info(in, i), "image");
	if (sd == NULL || sd->kind != SNAPSHOT_INTERNAL ||
	    json_get_str(image, "backing-filename") == NULL)
		return 0;
	for (struct json_object *below = json_get_obj(image, "backing-image"); below != NULL;
	     below = json_get_obj(below, "backing-image")) {
		CLEANUP_FREE char *file = xstrdup0(json_get_str(below, "filename"));
		struct json_object *info = json_object_new_object();
		json_object_object_add(info, "image", json_object_get(below));
		bool there = has_inside(info, snapshot_tag(s));
		json_object_put(info);
		if (there)
			return err_set(err, ERR_STATE,
			    "snapshot '%s' is inside of '%s', which is now the base of what disk '%s' writes to: merge that first "
			    "('hvmux blockcommit %s %s --active --pivot'), or delete it while the domain is off",
			    s->name, file == NULL ? "an image" : file, sd->name, in->name,
			    sd->name);
	}
	return 0;
}

/* An image from which somebody else has deleted it is passed over. */
static int add_internal(
    const struct plan_in *in, const struct snapshot *s, struct plan *p, struct err *err)
{
	struct json_object *nodes = json_object_new_array();
	for (size_t i = 0; i < in->live->n_disks; i++) {
		if (check_place(in, i, s, err) < 0) {
			json_object_put(nodes);
			return -1;
		}
		if (has_inside(plan_snapshot_node_info(in, i), snapshot_tag(s)))
			json_object_array_add(
			    nodes, json_object_new_string(plan_snapshot_node(in, i)));
	}
	if (json_object_array_length(nodes) == 0) {
		json_object_put(nodes);
		plan_note(p, "no image holds snapshot '%s' any more: its document goes", s->name);
		return 0;
	}
	CLEANUP_FREE char *words = xasprintf("delete '%s' inside of the images", s->name);
	CLEANUP_FREE char *id =
	    xasprintf("snapshot-delete-%llu-%zu", (unsigned long long)p->id, p->n);
	struct json_object *args = plan_args("job-id", id, "tag", snapshot_tag(s), NULL);
	json_object_object_add(args, "devices", nodes);
	if (p->commit == SIZE_MAX)
		plan_commit(p);
	plan_job(p, words, "snapshot-delete", args)->flags = PLAN_TURN;
	return 0;
}

static int add_one(const struct plan_in *in, const char *name, struct plan *p, struct err *err)
{
	struct snapshot s;
	CLEANUP_FREE char *words = xasprintf("forget '%s'", name);
	bool metadata = json_get_bool(in->args, "metadata", 0) != 0;
	if (plan_snapshot_read(in, name, &s, err) < 0)
		return -1;
	int rc = 0;
	if (!metadata && snapshot_is_external(&s))
		rc = plan_snapshot_merge(in, &s, p, err);
	else if (!metadata)
		rc = add_internal(in, &s, p, err);
	if (rc == 0)
		plan_host(p, words, "snapshot-drop", plan_args("name", name, NULL));
	snapshot_fini(&s);
	return rc;
}

/* Each merge makes another chain of what the next one would find. */
static size_t count_external(const struct plan_in *in, const struct family *f)
{
	size_t n = 0;
	bool metadata = json_get_bool(in->args, "metadata", 0) != 0;
	for (size_t k = 0; !metadata && k < f->n; k++) {
		struct snapshot s;
		if (plan_snapshot_read(in, json_get_str(f->member[k], "name"), &s, NULL) < 0)
			continue;
		n += snapshot_is_external(&s);
		snapshot_fini(&s);
	}
	return n;
}

int plan_snapshot_delete(const struct plan_in *in, struct plan *p, struct err *err)
{
	struct family f = {0};
	const char *name = json_get_str(in->args, "name");
	bool only = json_get_bool(in->args, "children_only", 0) != 0;
	bool children = only || json_get_bool(in->args, "children", 0) != 0;
	struct snapshot s;
	if (in->live == NULL)
		return err_set(err, ERR_STATE, "domain '%s' is not running", in->name);
	if (plan_snapshot_read(in, name, &s, err) < 0)
		return -1;
	snapshot_fini(&s);
	gather(in, name, &f);
	if (children && count_external(in, &f) > 1) {
		free(f.member);
		return err_set(err, ERR_UNSUPPORTED,
		    "several of these snapshots are in files of their own: while the domain runs delete them one by one, the newest "
		    "first, or all of them while it is off");
	}
	p->words = xasprintf("delete snapshot '%s' of %s%s", name, in->name,
	    only       ? ": what comes after it"
	    : children ? " and what comes after it"
	               : "");
	p->result = xasprintf("Domain snapshot %s%s deleted", name, only ? " children" : "");
	int rc = 0;
	for (size_t k = children ? f.n : 1; rc == 0 && k-- > (only ? 1 : 0);)
		rc = add_one(in, json_get_str(f.member[k], "name"), p, err);
	free(f.member);
	return rc;
}
