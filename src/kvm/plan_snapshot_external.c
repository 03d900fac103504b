/* Disks kept by putting overlays on top of their images, and the guest's memory in a file as `save` writes it. The overlays
 * are ours, so QEMU opens nothing that an image's header names. The transaction over all disks is the last that can fail. */
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/plan_node.h"
#include "kvm/plan_save.h"
#include "kvm/plan_snapshot.h"

struct making {
	const struct plan_in *in;
	struct snapshot *s;
	struct plan *p;
	struct json_object *actions; /* of the transaction */
};

/* --- checks --- */

static bool is_there(const struct plan_in *in, const char *path)
{
	return json_get_bool(json_get_obj(plan_fact(in, "host"), "there"), path, 0) != 0;
}

static int check_disk(
    const struct plan_in *in, size_t i, const struct snapshot_disk *sd, struct err *err)
{
	const struct domain_disk *k = &in->live->disks[i];
	bool reuse = json_get_bool(in->args, "reuse_external", 0) != 0;
	if (sd->kind != SNAPSHOT_EXTERNAL)
		return 0;
	if (!plan_snapshot_is_written(k))
		return err_set(err, ERR_INVALID,
		    "disk '%s' is read only: nothing is written to it that could go elsewhere",
		    k->target);
	if (k->image.type == IMAGE_VHOST_USER || k->image.type == IMAGE_NVME)
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' of type '%s' has no overlay: leave it out with --diskspec %s,snapshot=no",
		    k->target, image_type_name(k->image.type), k->target);
	if (plan_snapshot_node(in, i) == NULL)
		return err_set(err, ERR_STATE,
		    "QEMU has no image under disk '%s' that is known here", k->target);
	if (is_there(in, sd->file) && !reuse)
		return err_set(err, ERR_EXISTS,
		    "external snapshot file for disk '%s' already exists: '%s'; choose another one with --diskspec, or use it "
		    "with --reuse-external",
		    k->target, sd->file);
	if (!is_there(in, sd->file) && reuse)
		return err_set(err, ERR_NOT_FOUND,
		    "disk '%s': '%s' is to be used as it is, but is not there", k->target,
		    sd->file);
	return 0;
}

static int check_disks(const struct plan_in *in, struct snapshot *s, struct err *err)
{
	for (size_t i = 0; i < in->live->n_disks; i++) {
		const struct snapshot_disk *sd = snapshot_disk_find(s, in->live->disks[i].target);
		if (check_disk(in, i, sd, err) < 0)
			return -1;
		for (size_t k = 0; sd->kind == SNAPSHOT_EXTERNAL && k < s->n_disks; k++)
			if (&s->disks[k] != sd && str_eq(s->disks[k].file, sd->file))
				return err_set(err, ERR_INVALID,
				    "disks '%s' and '%s' cannot both write to '%s'", sd->name,
				    s->disks[k].name, sd->file);
	}
	return 0;
}

/* --- overlays --- */

/* What backs it is looked up when the domain is off again: by its present path, in the present format. */
static void add_overlay(struct making *m, size_t i, const struct snapshot_disk *sd)
{
	const struct domain_disk *k = &m->in->live->disks[i];
	struct json_object *image = json_get_obj(plan_snapshot_node_info(m->in, i), "image");
	CLEANUP_FREE char *words = xasprintf("make the overlay '%s'", sd->file);
	struct json_object *args = plan_args("path", sd->file, "backing", k->image.path,
	    "backing_format", disk_format_name(k->image.format), NULL);
	json_object_object_add(
	    args, "size", json_object_new_int64(json_get_int(image, "virtual-size", 0)));
	struct plan_step *step = plan_host(m->p, words, "overlay", args);
	plan_undo_host(step, "overlay-drop", plan_args("path", sd->file, NULL));
}

static void add_nodes(struct making *m, size_t i, const struct snapshot_disk *sd)
{
	char node[PLAN_NODE_MAX];
	const struct plan_image im = {.path = sd->file, .format = "qcow2"};
	plan_node_add(m->p, &m->in->live->disks[i], &im, node);
	struct json_object *action = plan_args("type", "blockdev-snapshot", NULL);
	json_object_object_add(
	    action, "data", plan_args("node", plan_snapshot_node(m->in, i), "overlay", node, NULL));
	json_object_array_add(m->actions, action);
}

static void add_all_overlays(struct making *m)
{
	bool reuse = json_get_bool(m->in->args, "reuse_external", 0) != 0;
	for (size_t i = 0; i < m->in->live->n_disks; i++) {
		const struct snapshot_disk *sd =
		    snapshot_disk_find(m->s, m->in->live->disks[i].target);
		if (sd->kind != SNAPSHOT_EXTERNAL)
			continue;
		if (!reuse)
			add_overlay(m, i, sd);
		add_nodes(m, i, sd);
	}
}

/* --- documents --- */

static xmlNode *find_disk(xmlNode *devices, const char *target)
{
	for (xmlNode *n = xml_first(devices); n != NULL; n = xml_next(n)) {
		CLEANUP_FREE char *dev =
		    xml_is(n, "disk") ? xml_child_attr(n, "target", "dev") : NULL;
		if (str_eq(dev, target))
			return n;
	}
	return NULL;
}

/* <source> and <backingStore> become what the new <backingStore> says. */
static void put_below(xmlNode *disk, const char *format)
{
	xmlNode *source = xml_child(disk, "source"), *inner = xml_child(disk, "backingStore");
	CLEANUP_FREE char *type = xml_attr(disk, "type");
	if (inner != NULL)
		xmlUnlinkNode(inner);
	xmlNode *below = xml_add_after(disk, source, "backingStore");
	xml_set_attr(below, "type", type == NULL ? "file" : type);
	xml_set_attr(xml_add_child(below, "format"), "type", format);
	xmlNode *copy = xmlCopyNode(source, 1);
	if (copy != NULL)
		xmlAddChild(below, copy);
	if (inner != NULL)
		xmlAddChild(below, inner);
}

static void overlay_disk(xmlNode *disk, const struct snapshot_disk *sd, bool live)
{
	xmlNode *driver = xml_need_child(disk, "driver"), *source = xml_child(disk, "source");
	CLEANUP_FREE char *format = xml_attr(driver, "type");
	if (source == NULL)
		return;
	/* A definition leaves to the image what backs it, unless it says so itself. */
	if (live || xml_child(disk, "backingStore") != NULL)
		put_below(disk, format == NULL ? "raw" : format);
	xml_set_attr(disk, "type", "file");
	xml_set_attr(driver, "type", "qcow2");
	xmlNode *fresh = xml_add_after(disk, source, "source");
	xml_set_attr(fresh, "file", sd->file);
	xml_remove(source);
}

/* Is it the same disk in both documents? A definition may have another one by that name from the next start. */
static bool same_image(const struct domain *a, const struct domain *b, const char *target)
{
	const struct domain *both[2] = {a, b};
	const char *path[2] = {NULL, NULL};
	for (unsigned k = 0; k < 2; k++)
		for (size_t i = 0; i < both[k]->n_disks; i++)
			if (str_eq(both[k]->disks[i].target, target))
				path[k] = both[k]->disks[i].image.path;
	return path[0] != NULL && str_eq(path[0], path[1]);
}

static int overlaid(
    const struct making *m, const struct domain *was, bool live, struct domain *d, struct err *err)
{
	size_t n;
	CLEANUP_XML xmlDoc *doc =
	    xml_read(was->source, was->source_len, m->in->name, "domain", err);
	if (doc == NULL)
		return -1;
	xmlNode *devices = xml_child(xmlDocGetRootElement(doc), "devices");
	for (size_t k = 0; k < m->s->n_disks; k++) {
		const struct snapshot_disk *sd = &m->s->disks[k];
		xmlNode *disk = find_disk(devices, sd->name);
		if (sd->kind == SNAPSHOT_EXTERNAL && disk != NULL &&
		    same_image(m->in->live, was, sd->name))
			overlay_disk(disk, sd, live);
	}
	CLEANUP_FREE char *xml = xml_format(doc, &n);
	return domain_parse(xml, n, m->in->name,
	    DOMAIN_PARSE_LENIENT | (live ? DOMAIN_PARSE_LIVE : 0u), d, NULL, err);
}

static int add_documents(struct making *m, struct err *err)
{
	struct domain live, config;
	if (overlaid(m, m->in->live, true, &live, err) < 0)
		return -1;
	int rc = plan_add_documents(m->p, m->in, &live, NULL, err);
	domain_fini(&live);
	if (rc < 0 || m->in->config == NULL)
		return rc;
	if (overlaid(m, m->in->config, false, &config, err) < 0)
		return -1;
	rc = plan_add_documents(m->p, m->in, NULL, &config, err);
	domain_fini(&config);
	return rc;
}

/* --- the whole --- */

static void add_freeze(struct plan *p)
{
	struct plan_step *step = plan_add(p, "the guest's agent holds its file systems still");
	plan_action_set(&step->does, PLAN_AGENT, "guest-fsfreeze-freeze", NULL);
	step->advice = xstrdup(
	    "without the agent take the snapshot without --quiesce: the guest's disks are then as after a "
	    "power cut");
	plan_action_set(&step->undo, PLAN_AGENT, "guest-fsfreeze-thaw", NULL);
}

static void add_thaw(struct plan *p)
{
	struct plan_step *step = plan_add(p, "the guest's agent lets its file systems go");
	plan_action_set(&step->does, PLAN_AGENT, "guest-fsfreeze-thaw", NULL);
	step->flags = PLAN_MAY_FAIL | PLAN_ALWAYS;
	step->advice = xstrdup("the guest's file systems may still be frozen: 'hvmux domfsthaw'");
}

static int build(struct making *m, struct err *err)
{
	struct plan *p = m->p;
	bool quiesce = json_get_bool(m->in->args, "quiesce", 0) != 0;
	bool halt = json_get_bool(m->in->args, "halt", 0) != 0;
	bool memory = m->s->memory == SNAPSHOT_EXTERNAL, runs = plan_snapshot_runs(m->in);
	bool live = json_get_bool(m->in->args, "live", 0) != 0;
	if (memory && is_there(m->in, m->s->memory_file))
		return err_set(err, ERR_EXISTS,
		    "memory file '%s' is there already: choose another one, or remove it",
		    m->s->memory_file);
	if (runs && ((memory && !live) || halt))
		plan_undo_qmp(plan_qmp(p, "stop the guest", "stop", NULL), "cont", NULL);
	if (memory && plan_save_add_memory(m->in, p, m->s->memory_file, runs, NULL, err) < 0)
		return -1;
	add_all_overlays(m);
	if (quiesce)
		add_freeze(p);
	if (json_object_array_length(m->actions) > 0) {
		struct json_object *args = json_object_new_object();
		json_object_object_add(args, "actions", json_object_get(m->actions));
		plan_commit(p);
		plan_qmp(p, "from now on the guest writes to the overlays", "transaction", args)
		    ->flags = PLAN_TURN;
	} else {
		plan_commit(p);
	}
	if (quiesce)
		add_thaw(p);
	if (runs && memory && !halt)
		plan_qmp(p, "the guest goes on", "cont", NULL);
	if (add_documents(m, err) < 0 || plan_snapshot_add_document(m->in, m->s, p, err) < 0)
		return -1;
	plan_host(p, "remember what its images refer to", "chains", NULL);
	if (halt)
		plan_host(p, "end the machine", "machine-end",
		    plan_args("reason", "from snapshot", NULL));
	return 0;
}

int plan_snapshot_external(
    const struct plan_in *in, struct snapshot *s, struct plan *p, struct err *err)
{
	struct making m = {.in = in, .s = s, .p = p};
	if (check_disks(in, s, err) < 0)
		return -1;
	m.actions = json_object_new_array();
	int rc = build(&m, err);
	json_object_put(m.actions);
	return rc;
}
