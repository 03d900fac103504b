/* Memory and disks inside of the qcow2 images, by QEMU's job snapshot-save. While that runs QEMU answers nobody (7.2 does all of
 * it in its main loop), so there is no progress and no cancel in the middle of it. */
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_snapshot.h"

static int check_disk(
    const struct plan_in *in, size_t i, const struct snapshot_disk *sd, struct err *err)
{
	const struct domain_disk *k = &in->live->disks[i];
	struct json_object *info = plan_snapshot_node_info(in, i);
	const char *driver = json_get_str(info, "drv");
	if (sd->kind == SNAPSHOT_NO && plan_snapshot_is_written(k))
		return err_set(err, ERR_INVALID,
		    "disk '%s' would not be set back with the guest's memory, which would ruin its file systems: keep it, too, "
		    "or keep the disks alone with --disk-only",
		    k->target);
	if (sd->kind == SNAPSHOT_NO)
		return 0;
	if (info == NULL)
		return err_set(err, ERR_STATE,
		    "QEMU has no image under disk '%s' that is known here", k->target);
	if (!str_eq(driver, "qcow2"))
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' is %s, which keeps no snapshots inside: convert it to qcow2 ('hvmux img convert' while the domain "
		    "is off), or put what is written from now on into a file of its own: --disk-only, or --memspec file=/path",
		    k->target, driver == NULL ? "of an unknown format" : driver);
	return 0;
}

/* The names of the format nodes that take part; the guest's memory goes into the first. */
static struct json_object *list_nodes(const struct plan_in *in, struct snapshot *s, struct err *err)
{
	struct json_object *nodes = json_object_new_array();
	for (size_t i = 0; i < in->live->n_disks; i++) {
		const struct snapshot_disk *sd = snapshot_disk_find(s, in->live->disks[i].target);
		if (check_disk(in, i, sd, err) < 0) {
			json_object_put(nodes);
			return NULL;
		}
		if (sd->kind == SNAPSHOT_INTERNAL)
			json_object_array_add(
			    nodes, json_object_new_string(plan_snapshot_node(in, i)));
	}
	if (json_object_array_length(nodes) > 0)
		return nodes;
	json_object_put(nodes);
	err_set(err, ERR_UNSUPPORTED,
	    "domain '%s' has no disk that could keep the guest's memory: it needs one of format qcow2 that it may write to, or "
	    "a file: --memspec file=/path",
	    in->name);
	return NULL;
}

/* A snapshot of that name inside of an image that no document tells of: QEMU would replace it. */
static int check_inside(
    const struct plan_in *in, const char *tag, const struct snapshot *s, struct err *err)
{
	for (size_t i = 0; i < in->live->n_disks; i++) {
		struct json_object *image = json_get_obj(plan_snapshot_node_info(in, i), "image");
		struct json_object *list = json_get_arr(image, "snapshots");
		size_t n = list == NULL ? 0 : json_object_array_length(list);
		for (size_t k = 0; k < n; k++)
			if (str_eq(json_get_str(json_object_array_get_idx(list, k), "name"), tag))
				return err_set(err, ERR_EXISTS,
				    "the image of disk '%s' has a snapshot '%s' already, which no document here tells of: choose another "
				    "name, or delete it with 'hvmux img snapshot -d'",
				    in->live->disks[i].target, s->name);
	}
	return 0;
}

static int check_room(const struct plan_in *in, struct snapshot *s, struct err *err)
{
	for (size_t i = 0; i < in->live->n_disks; i++) {
		const struct domain_disk *k = &in->live->disks[i];
		if (snapshot_disk_find(s, k->target)->kind == SNAPSHOT_INTERNAL &&
		    k->image.path != NULL)
			return plan_snapshot_check_room(
			    in, k->image.path, "put it elsewhere with --memspec file=/path", err);
	}
	return 0;
}

/* A guest with UEFI: its variables are part of its memory, too, which sets them back when it is loaded; the copy is for
 * who goes back to the disks alone. */
static void add_nvram(const struct plan_in *in, struct snapshot *s, struct plan *p)
{
	struct json_object *host = plan_fact(in, "host");
	const char *from = json_get_str(host, "nvram"), *to = json_get_str(host, "nvram_copy");
	/* Without a document nobody would find the copy, and one of that name may be another snapshot's. */
	if (from == NULL || to == NULL || json_get_bool(in->args, "no_metadata", 0))
		return;
	struct plan_step *step = plan_host(p, "copy the firmware's variables", "snapshot-nvram",
	    plan_args("from", from, "to", to, NULL));
	plan_undo_host(step, "remove", plan_args("path", to, NULL));
	free(s->nvram);
	s->nvram = xstrdup(strrchr(to, '/') + 1);
	free(s->nvram_format);
	s->nvram_format = xstrdup0(json_get_str(host, "nvram_format"));
}

static void add_save(struct snapshot *s, struct json_object *nodes, struct plan *p)
{
	const char *first = json_object_get_string(json_object_array_get_idx(nodes, 0));
	CLEANUP_FREE char *id = xasprintf("snapshot-save-%llu", (unsigned long long)p->id);
	CLEANUP_FREE char *back = xasprintf("snapshot-drop-%llu", (unsigned long long)p->id);
	struct json_object *args =
	    plan_args("job-id", id, "tag", snapshot_tag(s), "vmstate", first, NULL);
	json_object_object_add(args, "devices", nodes);
	struct plan_step *step =
	    plan_job(p, "write memory and disks into the images; the guest stands still",
	        "snapshot-save", args);
	step->advice = xstrdup("look whether the images' disk is full");
	args = plan_args("job-id", back, "tag", snapshot_tag(s), NULL);
	json_object_object_add(args, "devices", json_object_get(nodes));
	plan_action_set(&step->undo, PLAN_JOB, "snapshot-delete", args);
}

int plan_snapshot_internal(
    const struct plan_in *in, struct snapshot *s, struct plan *p, struct err *err)
{
	struct json_object *nodes = list_nodes(in, s, err);
	if (nodes == NULL || check_inside(in, snapshot_tag(s), s, err) < 0 ||
	    check_room(in, s, err) < 0) {
		json_object_put(nodes);
		return -1;
	}
	bool halt = json_get_bool(in->args, "halt", 0) != 0;
	bool still = plan_snapshot_runs(in) &&
	             (halt || json_get_str(plan_fact(in, "host"), "nvram") != NULL);
	if (still)
		plan_undo_qmp(plan_qmp(p, "stop the guest", "stop", NULL), "cont", NULL);
	add_nvram(in, s, p);
	add_save(s, nodes, p);
	if (plan_snapshot_add_document(in, s, p, err) < 0)
		return -1;
	if (halt)
		plan_host(p, "end the machine", "machine-end",
		    plan_args("reason", "from snapshot", NULL));
	else if (still)
		plan_qmp(p, "the guest goes on", "cont", NULL);
	return 0;
}
