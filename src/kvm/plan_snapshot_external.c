/* Disks kept by putting overlays on top of their images, and the guest's memory in a file as `save` writes it. The overlays
 * are ours, so QEMU opens nothing that an image's header names. The transaction over all disks is the last that can fail. */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_chain.h"
#include "kvm/plan_disk_xml.h"
#include "kvm/plan_save.h"
#include "kvm/plan_snapshot.h"

struct making {
	const struct plan_in *in;
	struct snapshot *s;
	struct plan *p;
	struct json_object *actions; /* of the transaction */
	struct plan_chain *chain;    /* of each disk of in->live; n 0: it does not take part */
};

/* --- checks --- */

static bool is_there(const struct plan_in *in, const char *path)
{
	return json_get_bool(json_get_obj(plan_fact(in, "host"), "there"), path, 0) != 0;
}

static int check_disk(
    const struct making *m, size_t i, const struct snapshot_disk *sd, struct err *err)
{
	const struct plan_in *in = m->in;
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
	if (k->transient)
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' discards what it writes (<transient/>): leave it out with --diskspec %s,snapshot=no",
		    k->target, k->target);
	if (is_there(in, sd->file) && !reuse)
		return err_set(err, ERR_EXISTS,
		    "external snapshot file for disk '%s' already exists: '%s'; choose another one with --diskspec, or use it "
		    "with --reuse-external",
		    k->target, sd->file);
	if (!is_there(in, sd->file) && reuse)
		return err_set(err, ERR_NOT_FOUND,
		    "disk '%s': '%s' is to be used as it is, but is not there", k->target,
		    sd->file);
	return plan_chain_get(in, i, &m->chain[i], err);
}

static int check_disks(const struct making *m, struct err *err)
{
	const struct plan_in *in = m->in;
	for (size_t i = 0; i < in->live->n_disks; i++)
		if (check_disk(m, i, snapshot_disk_find(m->s, in->live->disks[i].target), err) < 0)
			return -1;
	return 0;
}

/* --- overlays --- */

static void add_overlay(struct making *m, size_t i, const struct snapshot_disk *sd)
{
	const struct plan_link *below = &m->chain[i].link[0];
	struct json_object *image = json_get_obj(plan_chain_node(m->in, below->node), "image");
	CLEANUP_FREE char *words = xasprintf("make the overlay '%s'", sd->file);
	plan_snapshot_add_overlay(m->p, words, sd->file, below->path, below->format,
	    json_get_int(image, "virtual-size", 0));
}

static void add_nodes(struct making *m, size_t i, const struct snapshot_disk *sd)
{
	char node[PLAN_NODE_MAX];
	const struct plan_image im = {.path = sd->file, .format = "qcow2"};
	plan_node_add(m->p, &m->in->live->disks[i], &im, node);
	struct json_object *action = plan_args("type", "blockdev-snapshot", NULL);
	json_object_object_add(
	    action, "data", plan_args("node", m->chain[i].link[0].node, "overlay", node, NULL));
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

/* The chain as it will be, and in a document that tells of layers one more of them. */
static void remember(struct making *m, size_t i, const struct snapshot_disk *sd)
{
	bool ends;
	const struct plan_chain *c = &m->chain[i];
	size_t told = plan_layers_told(&m->in->live->disks[i], &ends);
	struct plan_link top = {.path = sd->file, .format = (char *)"qcow2"};
	const struct plan_link **list = xcalloc(c->n + 1, sizeof(struct plan_link *));
	list[0] = &top;
	for (size_t k = 0; k < c->n; k++)
		list[k + 1] = &c->link[k];
	plan_chain_remember_add(m->p, list, c->n + 1, told > 0 || ends ? told + 1 : 0, NULL, 0);
	free(list);
}

static void add_documents(struct making *m)
{
	for (size_t i = 0; i < m->in->live->n_disks; i++) {
		const struct snapshot_disk *sd =
		    snapshot_disk_find(m->s, m->in->live->disks[i].target);
		if (sd->kind != SNAPSHOT_EXTERNAL)
			continue;
		const struct plan_disk_change k = {.target = sd->name,
		    .path = sd->file,
		    .format = "qcow2",
		    .was = m->chain[i].link[0].path,
		    .was_format = m->chain[i].link[0].format,
		    .push = true};
		plan_disk_change_add(m->p, m->in, &k);
		remember(m, i, sd);
	}
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
	if (memory)
		plan_save_add_memory(m->in, p, m->s->memory_file, runs, NULL);
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
	add_documents(m);
	if (plan_snapshot_add_document(m->in, m->s, p, err) < 0)
		return -1;
	if (halt)
		plan_host(p, "end the machine", "machine-end",
		    plan_args("reason", "from snapshot", NULL));
	return 0;
}

int plan_snapshot_external(
    const struct plan_in *in, struct snapshot *s, struct plan *p, struct err *err)
{
	struct making m = {.in = in, .s = s, .p = p};
	m.chain = xcalloc(in->live->n_disks + 1, sizeof(*m.chain));
	m.actions = json_object_new_array();
	int rc = check_disks(&m, err);
	if (rc == 0)
		rc = build(&m, err);
	for (size_t i = 0; i < in->live->n_disks; i++)
		plan_chain_fini(&m.chain[i]);
	free(m.chain);
	json_object_put(m.actions);
	return rc;
}
