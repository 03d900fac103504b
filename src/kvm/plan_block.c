/* Images of a running machine committed and pulled; the table of their verbs. */
#include "kvm/plan_block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

/* --- what they share --- */

int plan_block_begin(const struct plan_in *in, struct plan_block *b, struct err *err)
{
	*b = (struct plan_block){0};
	if (in->live == NULL)
		return err_set(err, ERR_STATE, "domain '%s' is not running", in->name);
	if (plan_disk_find(in->live, json_get_str(in->args, "disk"), &b->disk, err) < 0 ||
	    plan_chain_get(in, b->disk, &b->chain, err) < 0)
		return -1;
	b->target = in->live->disks[b->disk].target;
	return 0;
}

void plan_block_fini(struct plan_block *b)
{
	plan_chain_fini(&b->chain);
}

uint64_t plan_block_size(const struct plan_in *in, const struct plan_block *b)
{
	struct json_object *o = plan_disk_entry(in, "query-block", b->disk);
	o = json_get_obj(json_get_obj(o, "inserted"), "image");
	int64_t size = json_get_int(o, "virtual-size", 0);
	return size > 0 ? (uint64_t)size : 0;
}

static bool flag(const struct plan_in *in, const char *key)
{
	return json_get_bool(in->args, key, 0) == 1;
}

static uint64_t bandwidth(const struct plan_in *in)
{
	int64_t n = json_get_int(in->args, "bandwidth", 0);
	return n > 0 ? (uint64_t)n : 0;
}

/* How one path is written in an image that lies at another: "../base.qcow2". On the heap. */
static char *relative_name(const char *from, const char *to)
{
	size_t same = 0;
	struct buf b = BUF_INIT;
	for (size_t i = 0; from[i] != '\0' && from[i] == to[i]; i++)
		if (from[i] == '/')
			same = i + 1;
	for (const char *at = from + same; (at = strchr(at, '/')) != NULL; at++)
		buf_adds(&b, "../");
	buf_adds(&b, to + same);
	return buf_take(&b);
}

static int find_link(const struct plan_in *in, const struct plan_block *b, const char *key,
    size_t absent, size_t *i, struct err *err)
{
	const char *word = json_get_str(in->args, key);
	int found = word == NULL ? (int)absent : plan_chain_find(&b->chain, in, word);
	if (found < 0)
		return err_set(err, ERR_INVALID,
		    "invalid argument: could not find image '%s' in chain for '%s'", word,
		    b->chain.link[0].path);
	*i = (size_t)found;
	return 0;
}

/* --- blockcommit --- */

static int commit_range(
    const struct plan_in *in, const struct plan_block *b, struct plan_merge *m, struct err *err)
{
	const struct plan_chain *c = &b->chain;
	if (find_link(in, b, "top", 0, &m->top, err) < 0 ||
	    find_link(in, b, "base", flag(in, "shallow") ? m->top + 1 : c->n - 1, &m->base, err) <
	        0)
		return -1;
	if (m->top == c->n - 1)
		return err_set(err, ERR_INVALID,
		    "invalid argument: top '%s' in chain for '%s' has no backing file",
		    c->link[m->top].path, b->target);
	if (m->base <= m->top)
		return err_set(err, ERR_INVALID,
		    "invalid argument: image '%s' is not below '%s' in the chain of disk '%s'",
		    c->link[m->base].path, c->link[m->top].path, b->target);
	bool active = flag(in, "active") || flag(in, "pivot") || flag(in, "keep_overlay");
	if (m->top == 0 && !active)
		return err_set(err, ERR_INVALID,
		    "invalid argument: commit of '%s' active layer requires active flag (--active, --pivot or --keep-overlay)",
		    b->target);
	if (m->top > 0 && active)
		return err_set(err, ERR_INVALID,
		    "invalid argument: active commit requested but '%s' is not active",
		    c->link[m->top].path);
	return 0;
}

/* Both images are alike, and the guest goes on with its overlay. */
static void keep_overlay(struct plan *p, const struct plan_in *in, const struct plan_block *b,
    const struct plan_link *base)
{
	CLEANUP_FREE char *id = plan_job_id(p, b->target);
	struct plan_step *s = plan_add(p, "the guest keeps writing to %s", b->chain.link[0].path);
	plan_action_set(&s->does, PLAN_JOB, "block-job-cancel", plan_args("device", id, NULL));
	plan_commit(p);
	struct plan_disk_change k = {.target = b->target, .mirror = ""};
	plan_disk_change_add(p, in, &k);
	plan_merge_readable(p, in, &b->chain, base);
}

static int commit_build(
    const struct plan_in *in, struct plan *p, struct plan_block *b, struct err *err)
{
	struct plan_merge m = {.speed = bandwidth(in), .remove = flag(in, "delete")};
	if (commit_range(in, b, &m, err) < 0)
		return -1;
	m.stay_ready = m.top == 0 && !flag(in, "pivot");
	CLEANUP_FREE char *name =
	    m.top > 0 && flag(in, "keep_relative")
	        ? relative_name(b->chain.link[m.top - 1].path, b->chain.link[m.base].path)
	        : NULL;
	m.name = name;
	p->words = xasprintf("commit %s of %s into %s", b->chain.link[m.top].path, b->target,
	    b->chain.link[m.base].path);
	if (m.remove && m.stay_ready)
		plan_note(p,
		    "--delete waits for the pivot: 'blockjob %s %s --pivot' keeps the file",
		    in->name, b->target);
	if (plan_commit_add(p, in, &b->chain, &m, err) < 0)
		return -1;
	if (flag(in, "keep_overlay"))
		keep_overlay(p, in, b, &b->chain.link[m.base]);
	return 0;
}

static int with_block(const struct plan_in *in, struct plan *p, struct err *err,
    int (*build)(const struct plan_in *, struct plan *, struct plan_block *, struct err *))
{
	struct plan_block b;
	int rc = plan_block_begin(in, &b, err);
	if (rc == 0)
		rc = build(in, p, &b, err);
	plan_block_fini(&b);
	return rc;
}

static int block_commit(const struct plan_in *in, struct plan *p, struct err *err)
{
	return with_block(in, p, err, commit_build);
}

/* --- blockpull --- */

static int pull_build(
    const struct plan_in *in, struct plan *p, struct plan_block *b, struct err *err)
{
	struct plan_merge m = {.speed = bandwidth(in)};
	const struct plan_chain *c = &b->chain;
	if (find_link(in, b, "base", c->n, &m.base, err) < 0)
		return -1;
	if (m.base == 0)
		return err_set(err, ERR_INVALID,
		    "invalid argument: '%s' is what disk '%s' writes to: a base is below it",
		    c->link[0].path, b->target);
	if (c->n == 1 || m.base == 1) {
		p->result = xasprintf("%s needs nothing of what is below %s", c->link[0].path,
		    c->n == 1 ? "it" : "that base");
		return 0;
	}
	CLEANUP_FREE char *name = m.base < c->n && flag(in, "keep_relative")
	                              ? relative_name(c->link[0].path, c->link[m.base].path)
	                              : NULL;
	m.name = name;
	p->words = xasprintf("pull what is below it into %s of %s", c->link[0].path, b->target);
	return plan_stream_add(p, in, c, &m, err);
}

static int block_pull(const struct plan_in *in, struct plan *p, struct err *err)
{
	return with_block(in, p, err, pull_build);
}

/* --- the table --- */

static const char *const queries[] = {PLAN_CHAIN_QUERIES, NULL};

const struct plan_verb plan_verbs_block[] = {
    {"blockcommit", 0, queries, plan_chain_look, block_commit},
    {"blockpull", 0, queries, plan_chain_look, block_pull},
    {"blockcopy", 0, queries, plan_block_copy_look, plan_block_copy},
    {"blockjob", 0, queries, plan_chain_look, plan_block_job},
    {"blockresize", 0, queries, plan_chain_look, plan_block_resize},
    {"domblkthreshold", 0, queries, plan_chain_look, plan_block_threshold},
    {0},
};
