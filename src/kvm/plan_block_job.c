/* The end of a block job that a plan left ready: the guest moves over, or stays. */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_block.h"

struct ending {
	const struct plan_in *in;
	struct plan_block *b;
	struct json_object *job; /* NULL: QEMU has none any more */
	const char *id;          /* of the job */
	struct plan_mirror mirror;
};

/* The target's nodes have the names that the plan of the copy gave them. */
static void drop_copy(const struct ending *e, struct plan *p)
{
	CLEANUP_FREE char *node = xasprintf("%s-format", e->id);
	CLEANUP_FREE char *storage = xasprintf("%s-storage", e->id);
	plan_node_drop(p, node, storage, plan_chain_set(e->in, storage), e->mirror.path);
}

static void cancel_job(const struct ending *e, struct plan *p)
{
	const char *status = json_get_str(e->job, "status");
	struct plan_step *s =
	    plan_add(p, "the job ends, the guest goes on with %s", e->b->chain.link[0].path);
	struct json_object *args = plan_args("device", e->id, NULL);
	/* When it is ready, an end without force leaves a copy that is whole. */
	if (!str_eq(status, "ready"))
		json_object_object_add(args, "force", json_object_new_boolean(1));
	plan_action_set(&s->does, PLAN_JOB, "block-job-cancel", args);
}

static int abort_job(const struct ending *e, struct plan *p)
{
	p->words = xasprintf("end the block job of %s", e->b->target);
	if (str_eq(json_get_str(e->job, "status"), "concluded"))
		plan_qmp(p, "QEMU forgets the job, which has ended", "job-dismiss",
		    plan_args("id", e->id, NULL));
	else
		cancel_job(e, p);
	plan_commit(p);
	struct plan_disk_change k = {.target = e->b->target, .mirror = ""};
	plan_disk_change_add(p, e->in, &k);
	int base =
	    e->mirror.path == NULL ? -1 : plan_chain_find(&e->b->chain, e->in, e->mirror.path);
	if (str_eq(e->mirror.job, "copy"))
		drop_copy(e, p);
	else if (base > 0)
		plan_merge_readable(p, e->in, &e->b->chain, &e->b->chain.link[base]);
	return 0;
}

/* Is the copy backed by what backs the source? Then the source alone leaves. */
static bool is_shallow(const struct ending *e)
{
	CLEANUP_FREE char *node = xasprintf("%s-format", e->id);
	return json_get_int(plan_chain_node(e->in, node), "backing_file_depth", 0) > 0;
}

static int pivot_job(const struct ending *e, struct plan *p, struct err *err)
{
	const struct plan_chain *c = &e->b->chain;
	struct plan_pivot v = {.job = e->id};
	struct plan_link copy = {
	    .path = e->mirror.path, .format = e->mirror.format, .block = e->mirror.block};
	if (e->mirror.path == NULL || e->mirror.format == NULL ||
	    json_get_bool(e->job, "ready", 0) != 1)
		return err_set(err, ERR_STATE,
		    "block copy still active: disk '%s' not ready for pivot yet", e->b->target);
	if (str_eq(e->mirror.job, "copy")) {
		v.gone = is_shallow(e) ? 1 : c->n;
		v.copy = &copy;
	} else {
		int base = plan_chain_find(c, e->in, e->mirror.path);
		if (base <= 0)
			return err_set(err, ERR_STATE, "'%s' is not below disk '%s'",
			    e->mirror.path, e->b->target);
		v.gone = (size_t)base;
	}
	p->words = xasprintf("move %s over to %s", e->b->target, e->mirror.path);
	plan_pivot_add(p, e->in, c, &v);
	return 0;
}

/* What a job that failed has left: it is said, and cleared by --abort. */
static int end_job(const struct ending *e, struct plan *p, struct err *err)
{
	bool pivot = json_get_bool(e->in->args, "pivot", 0) == 1;
	if (e->job == NULL && e->mirror.job == NULL)
		return err_set(err, ERR_STATE, "no current block job for disk '%s'", e->b->target);
	if (e->job == NULL) {
		p->words = xasprintf("forget the block job of %s", e->b->target);
		struct plan_disk_change k = {.target = e->b->target, .mirror = ""};
		plan_note(p, "the job is no more in QEMU; the guest goes on with %s",
		    e->b->chain.link[0].path);
		plan_disk_change_add(p, e->in, &k);
		return 0;
	}
	return pivot ? pivot_job(e, p, err) : abort_job(e, p);
}

int plan_block_job(const struct plan_in *in, struct plan *p, struct err *err)
{
	struct plan_block b;
	struct ending e = {.in = in, .b = &b};
	int rc = plan_block_begin(in, &b, err);
	if (rc == 0)
		rc = plan_mirror_read(in->live, b.target, &e.mirror, err);
	if (rc == 0) {
		e.job = plan_chain_job(in, b.disk);
		e.id = json_get_str(e.job, "device");
		rc = end_job(&e, p, err);
	}
	plan_mirror_fini(&e.mirror);
	plan_block_fini(&b);
	return rc;
}
