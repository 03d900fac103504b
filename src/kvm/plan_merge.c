#include "kvm/plan_merge.h"

#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

/* --- jobs --- */

char *plan_job_id(const struct plan *p, const char *target)
{
	return xasprintf("%s-p%u", target, (unsigned)p->id);
}

int plan_job_check(const struct plan_in *in, size_t disk, struct err *err)
{
	struct json_object *job = plan_chain_job(in, disk);
	const char *target = in->live->disks[disk].target;
	if (job == NULL)
		return 0;
	return err_set(err, ERR_BUSY,
	    "disk '%s' is busy: a %s job works on it; 'hvmux blockjob %s %s' shows it, --pivot or --abort end it",
	    target, json_get_str(job, "type"), in->name, target);
}

/* The command that makes a job on the chain; *id is that of its job. */
static struct json_object *job_args(const struct plan *p, const struct plan_in *in,
    const struct plan_chain *c, const struct plan_merge *m)
{
	CLEANUP_FREE char *id = plan_job_id(p, in->live->disks[c->disk].target);
	struct json_object *o = plan_args("job-id", id, "device", c->link[0].node, NULL);
	if (m->speed > 0)
		json_object_object_add(o, "speed", json_object_new_int64((int64_t)m->speed));
	/* It stays until somebody has seen how it ended. */
	json_object_object_add(o, "auto-dismiss", json_object_new_boolean(0));
	return o;
}

/* --- what a job writes to --- */

static bool is_running(const struct plan_in *in)
{
	return json_get_bool(plan_fact(in, "query-status"), "running", 0) == 1;
}

static struct plan_storage storage_of(
    const struct plan_in *in, const struct plan_chain *c, const struct plan_link *l)
{
	return (struct plan_storage){.node = l->storage,
	    .path = l->path,
	    .cache = in->live->disks[c->disk].cache,
	    .set = l->set,
	    .block = l->block};
}

/* By its path QEMU opens it anew by itself. */
static bool has_set(const struct plan_link *l)
{
	return l->set != PLAN_SET_NONE && !l->fixed;
}

static int make_writable(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_link *l, struct err *err)
{
	if (!has_set(l))
		return 0;
	if (!is_running(in))
		return err_set(err, ERR_STATE,
		    "the machine is paused, and QEMU keeps the descriptor by which it reads '%s' as long as it is: "
		    "'hvmux resume %s' first, or shut it down",
		    l->path, in->name);
	struct plan_storage s = storage_of(in, c, l);
	plan_node_writable(p, &s);
	return 0;
}

/* What is only read again must not be open to write for a guest that has taken QEMU over. */
void plan_merge_readable(
    struct plan *p, const struct plan_in *in, const struct plan_chain *c, const struct plan_link *l)
{
	struct plan_storage s = storage_of(in, c, l);
	if (has_set(l))
		plan_node_readable(p, &s);
}

/* Until then the next supervisor sees in QEMU that its work is done. Before that its images cannot be closed. */
static void dismiss_job(struct plan *p, const char *job)
{
	struct plan_step *s =
	    plan_qmp(p, "QEMU forgets the job", "job-dismiss", plan_args("id", job, NULL));
	s->flags |= PLAN_MAY_FAIL;
}

/* QEMU changes headers before the tables of what it has written are on the disk: whoever kills it then, or the host, would
 * leave an image that reads as zeroes. So the job waits, what it wrote is synced, and then the headers come. */
static void sync_and_finish(
    struct plan *p, const char *job, const struct plan_link *to, const char *words)
{
	CLEANUP_FREE char *line = xasprintf("qemu-io %s flush", to->node);
	CLEANUP_FREE char *sync = xasprintf("sync %s", to->path);
	plan_qmp(p, sync, "human-monitor-command", plan_args("command-line", line, NULL));
	plan_job(p, words, "job-finalize", plan_args("id", job, NULL))->does.keep = true;
}

static void wait_for_sync(struct plan_step *s)
{
	json_object_object_add(s->does.args, "auto-finalize", json_object_new_boolean(0));
	s->does.to_ready = true;
}

/* What follows a job that has done its work belongs to it. */
static void make_firm(struct plan *p, size_t from)
{
	for (size_t i = from; i < p->n; i++)
		p->step[i].flags |= PLAN_FIRM;
}

static void drop_link(struct plan *p, const struct plan_link *l, bool remove)
{
	plan_node_drop(p, l->node, l->storage, l->set, l->path);
	if (!remove)
		return;
	struct plan_step *s = plan_add(p, "remove %s", l->path);
	plan_action_set(&s->does, PLAN_HOST, "remove", plan_args("path", l->path, NULL));
	s->flags |= PLAN_MAY_FAIL;
}

/* What leaves a chain, what comes. */
struct move {
	size_t from, gone;            /* links that leave */
	const struct plan_link *copy; /* in the place of the top; NULL none */
	const char *name; /* of link[from + gone] in the header above it; NULL its path */
};

/* Layers that the live document still tells of, below what is then the top. */
static size_t still_told(const struct plan_in *in, const struct plan_chain *c, const struct move *m)
{
	bool ends;
	size_t told = plan_layers_told(&in->live->disks[c->disk], &ends), left = 0;
	bool moves_up = m->from == 0 && m->copy == NULL;
	for (size_t i = 1; i <= told; i++)
		left += i < m->from || i >= m->from + m->gone + (moves_up ? 1 : 0);
	return left;
}

/* A name as the reader of the header above it makes a path of it. */
static char *named_path(const struct plan_link *above, const char *name)
{
	const char *slash = strrchr(above->path, '/');
	return name[0] == '/'
	           ? xstrdup(name)
	           : xasprintf("%.*s%s", (int)(slash - above->path) + 1, above->path, name);
}

static void remember(
    struct plan *p, const struct plan_in *in, const struct plan_chain *c, const struct move *m)
{
	const struct plan_link **list = xcalloc(c->n + 1, sizeof(struct plan_link *));
	const struct plan_link **left = xcalloc(c->n + 1, sizeof(struct plan_link *));
	struct plan_link named = {0};
	size_t n = 0, n_left = 0;
	if (m->copy != NULL)
		list[n++] = m->copy;
	for (size_t i = 0; i < c->n; i++) {
		if (i >= m->from && i < m->from + m->gone)
			left[n_left++] = &c->link[i];
		else
			list[n++] = &c->link[i];
		if (m->name != NULL && m->from > 0 && i == m->from + m->gone) {
			named = c->link[i];
			named.path = named_path(&c->link[m->from - 1], m->name);
			list[n - 1] = &named;
		}
	}
	plan_chain_remember_add(p, list, n, still_told(in, c, m), left, n_left);
	free(named.path);
	free(list);
	free(left);
}

static int check_merge(const struct plan_in *in, const struct plan_chain *c,
    const struct plan_merge *m, struct err *err)
{
	const struct domain_disk *k = &in->live->disks[c->disk];
	if (m->base >= c->n || m->top >= m->base)
		return err_set(err, ERR_INVALID,
		    "disk '%s': there is nothing below image %zu of its %zu", k->target, m->top,
		    c->n);
	if (k->transient)
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' discards what it writes (<transient/>): its overlay goes with this run",
		    k->target);
	return plan_job_check(in, c->disk, err);
}

/* Documents that tell nothing of what is below stay as they are. */
static void change_told(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_disk_change *k)
{
	bool ends;
	if (plan_layers_told(&in->live->disks[c->disk], &ends) >= k->from)
		plan_disk_change_add(p, in, k);
}

/* --- commit --- */

/* Another image that is made of one of these would see what is written to the lowest. */
static int check_clones(const struct plan_chain *c, const struct plan_merge *m, struct err *err)
{
	for (size_t i = m->top; i <= m->base; i++) {
		const struct plan_link *l = &c->link[i];
		if (l->clone == NULL || (i == m->top && i > 0 && !m->remove))
			continue;
		return err_set(err, ERR_STATE,
		    "'%s' is the base of '%s', too, which would be destroyed: 'hvmux img rebase -b \"\" %s' makes that "
		    "image stand alone",
		    l->path, l->clone, l->clone);
	}
	return 0;
}

static void add_commit_job(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_merge *m, bool to_ready)
{
	const struct plan_link *top = &c->link[m->top], *base = &c->link[m->base];
	struct json_object *args = job_args(p, in, c, m);
	json_object_object_add(args, "base-node", json_object_new_string(base->node));
	json_object_object_add(args, "top-node", json_object_new_string(top->node));
	/* QEMU's own idea would be a descriptor's name. */
	if (m->top > 0)
		json_object_object_add(args, "backing-file",
		    json_object_new_string(m->name != NULL ? m->name : base->path));
	struct plan_step *s = plan_add(p, "write what %s%s hold%s into %s", top->path,
	    m->base > m->top + 1 ? " and the images below it" : "", m->base > m->top + 1 ? "" : "s",
	    base->path);
	plan_action_set(&s->does, PLAN_JOB, "block-commit", args);
	s->does.to_ready = to_ready;
	if (!to_ready)
		wait_for_sync(s);
}

/* Below the image that the guest writes to. */
static int commit_below(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_merge *m, struct err *err)
{
	const struct plan_link *base = &c->link[m->base], *above = &c->link[m->top - 1];
	if (make_writable(p, in, c, base, err) < 0 || make_writable(p, in, c, above, err) < 0)
		return -1;
	add_commit_job(p, in, c, m, false);
	CLEANUP_FREE char *id = plan_job_id(p, in->live->disks[c->disk].target);
	CLEANUP_FREE char *words = xasprintf("%s is now on top of %s", above->path, base->path);
	sync_and_finish(p, id, base, words);
	size_t from = p->n;
	struct move v = {.from = m->top, .gone = m->base - m->top, .name = m->name};
	remember(p, in, c, &v);
	struct plan_disk_change k = {.target = in->live->disks[c->disk].target,
	    .was = c->link[0].path,
	    .from = m->top,
	    .drop = m->base - m->top};
	change_told(p, in, c, &k);
	dismiss_job(p, id);
	for (size_t i = m->top; i < m->base; i++)
		drop_link(p, &c->link[i], m->remove);
	plan_merge_readable(p, in, c, base);
	plan_merge_readable(p, in, c, above);
	make_firm(p, from);
	return 0;
}

static int commit_top(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_merge *m, struct err *err)
{
	const struct plan_link *base = &c->link[m->base];
	const char *target = in->live->disks[c->disk].target;
	CLEANUP_FREE char *id = plan_job_id(p, target);
	if (make_writable(p, in, c, base, err) < 0)
		return -1;
	add_commit_job(p, in, c, m, true);
	if (m->stay_ready) {
		struct plan_disk_change k = {.target = target,
		    .mirror = "active-commit",
		    .mirror_path = base->path,
		    .mirror_format = base->format,
		    .mirror_block = base->block,
		    .mirror_ready = true};
		plan_disk_change_add(p, in, &k);
		return 0;
	}
	struct plan_pivot v = {.job = id, .gone = m->base, .remove = m->remove};
	plan_pivot_add(p, in, c, &v);
	return 0;
}

int plan_commit_add(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_merge *m, struct err *err)
{
	if (check_merge(in, c, m, err) < 0 || check_clones(c, m, err) < 0)
		return -1;
	return m->top > 0 ? commit_below(p, in, c, m, err) : commit_top(p, in, c, m, err);
}

void plan_pivot_add(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_pivot *v)
{
	const struct plan_link *top = &c->link[0],
	                       *to = v->copy != NULL ? v->copy : &c->link[v->gone];
	bool running = is_running(in);
	if (running) {
		struct plan_step *s = plan_qmp(p, "the machine stands still", "stop", NULL);
		plan_undo_qmp(s, "cont", NULL);
	}
	struct plan_step *s =
	    plan_add(p, "the guest writes to %s, no more to %s", to->path, top->path);
	plan_action_set(&s->does, PLAN_JOB, "job-complete", plan_args("id", v->job, NULL));
	s->does.keep = true;
	size_t from = p->n;
	struct plan_disk_change k = {.target = in->live->disks[c->disk].target,
	    .path = to->path,
	    .format = to->format,
	    .block = to->block,
	    .was = top->path,
	    .from = 1,
	    .drop = v->copy != NULL ? v->gone - 1 : v->gone,
	    .mirror = ""};
	plan_disk_change_add(p, in, &k);
	if (running)
		plan_qmp(p, "the machine goes on", "cont", NULL);
	struct move m = {.gone = v->gone, .copy = v->copy};
	remember(p, in, c, &m);
	dismiss_job(p, v->job);
	for (size_t i = 0; i < v->gone; i++)
		drop_link(p, &c->link[i], v->remove);
	make_firm(p, from);
}

/* --- stream --- */

int plan_stream_add(struct plan *p, const struct plan_in *in, const struct plan_chain *c,
    const struct plan_merge *m, struct err *err)
{
	const struct plan_link *top = &c->link[0];
	struct plan_merge checked = {.top = 0, .base = c->n > 1 ? 1 : 0};
	if (check_merge(in, c, &checked, err) < 0)
		return -1;
	struct json_object *args = job_args(p, in, c, m);
	if (m->base < c->n) {
		const struct plan_link *base = &c->link[m->base];
		json_object_object_add(args, "base-node", json_object_new_string(base->node));
		json_object_object_add(args, "backing-file",
		    json_object_new_string(m->name != NULL ? m->name : base->path));
	}
	struct plan_step *s = plan_add(p, "read what lies below %s into it", top->path);
	plan_action_set(&s->does, PLAN_JOB, "block-stream", args);
	wait_for_sync(s);
	CLEANUP_FREE char *id = plan_job_id(p, in->live->disks[c->disk].target);
	CLEANUP_FREE char *words =
	    m->base < c->n ? xasprintf("%s is now on top of %s", top->path, c->link[m->base].path)
	                   : xasprintf("%s stands alone", top->path);
	sync_and_finish(p, id, top, words);
	size_t from = p->n;
	struct move v = {.from = 1, .gone = m->base - 1, .name = m->name};
	remember(p, in, c, &v);
	struct plan_disk_change k = {.target = in->live->disks[c->disk].target,
	    .was = top->path,
	    .from = 1,
	    .drop = m->base - 1};
	change_told(p, in, c, &k);
	dismiss_job(p, id);
	for (size_t i = 1; i < m->base; i++)
		drop_link(p, &c->link[i], false);
	make_firm(p, from);
	return 0;
}
