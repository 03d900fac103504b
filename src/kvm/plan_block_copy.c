/* A disk of a running machine copied to another image, and moved there. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_block.h"

struct copy {
	const struct plan_in *in;
	struct plan_block *b;
	struct plan_image target;
	bool shallow, reuse;
	uint64_t size;
	char node[PLAN_NODE_MAX]; /* of the copy */
	long set;                 /* through which it is opened */
};

static bool flag(const struct plan_in *in, const char *key)
{
	return json_get_bool(in->args, key, 0) == 1;
}

int plan_block_copy_look(const struct plan_in *in, struct json_object *facts, struct err *err)
{
	const char *path = json_get_str(in->args, "path");
	struct json_object *o = json_object_new_object();
	struct stat st;
	struct statvfs fs;
	if (path != NULL && stat(path, &st) == 0) {
		json_object_object_add(o, "there", json_object_new_boolean(1));
		json_object_object_add(o, "size", json_object_new_int64(st.st_size));
	}
	const char *slash = path == NULL ? NULL : strrchr(path, '/');
	CLEANUP_FREE char *folder =
	    slash == NULL ? NULL : xstrndup(path, (size_t)(slash - path) + 1);
	if (folder != NULL && statvfs(folder, &fs) == 0)
		json_object_object_add(
		    o, "free", json_object_new_int64((int64_t)(fs.f_bavail * fs.f_frsize)));
	json_object_object_add(facts, "target", o);
	return plan_chain_look(in, facts, err);
}

static int check_target(struct copy *k, struct err *err)
{
	struct json_object *fact = plan_fact(k->in, "target");
	bool there = json_get_bool(fact, "there", 0) == 1;
	if (k->target.path == NULL || k->target.path[0] != '/')
		return err_set(err, ERR_INVALID, "invalid argument: a copy needs a whole path");
	if (plan_chain_find(&k->b->chain, k->in, k->target.path) >= 0)
		return err_set(err, ERR_INVALID, "'%s' is an image of disk '%s' itself",
		    k->target.path, k->b->target);
	if (there && !k->reuse && !k->target.block)
		return err_set(err, ERR_EXISTS,
		    "'%s' is there already: another name, or --reuse-external to write over it",
		    k->target.path);
	if (!there && (k->reuse || k->target.block))
		return err_set(err, ERR_NOT_FOUND, "there is no '%s'", k->target.path);
	if (!str_eq(k->target.format, "qcow2") && !str_eq(k->target.format, "raw"))
		return err_set(err, ERR_UNSUPPORTED,
		    "a copy can be raw or qcow2, not '%s': --format qcow2", k->target.format);
	if (k->shallow && !str_eq(k->target.format, "qcow2"))
		return err_set(err, ERR_INVALID,
		    "invalid argument: %s has no backing file: --shallow needs --format qcow2",
		    k->target.format);
	if (k->size == 0)
		return err_set(
		    err, ERR_STATE, "QEMU does not tell the size of disk '%s'", k->b->target);
	return 0;
}

static void note_room(const struct copy *k, struct plan *p)
{
	int64_t room = json_get_int(plan_fact(k->in, "target"), "free", -1);
	if (room >= 0 && (uint64_t)room < k->size && !k->target.block && !k->reuse)
		plan_note(p,
		    "the disk has %llu bytes, and %lld are free where the copy goes: it ends with an error when the guest has "
		    "written to more of it",
		    (unsigned long long)k->size, (long long)room);
}

static void add_file(const struct copy *k, struct plan *p)
{
	const struct plan_chain *c = &k->b->chain;
	struct json_object *args =
	    plan_args("path", k->target.path, "format", k->target.format, NULL);
	json_object_object_add(args, "size", json_object_new_int64((int64_t)k->size));
	if (k->shallow) {
		json_object_object_add(args, "backing", json_object_new_string(c->link[1].path));
		json_object_object_add(
		    args, "backing_format", json_object_new_string(c->link[1].format));
	}
	struct plan_step *s = plan_add(p, "make %s", k->target.path);
	plan_action_set(&s->does, PLAN_HOST, "image-new", args);
	args = plan_args("path", k->target.path, NULL);
	json_object_object_add(args, "only_new", json_object_new_boolean(1));
	plan_undo_host(s, "remove", args);
}

static void put_number(
    const struct copy *k, struct json_object *o, const char *from, const char *to)
{
	int64_t n = json_get_int(k->in->args, from, 0);
	if (n > 0)
		json_object_object_add(o, to, json_object_new_int64(n));
}

static void add_mirror(const struct copy *k, struct plan *p, const char *id)
{
	const struct plan_link *top = &k->b->chain.link[0];
	struct json_object *o = plan_args("job-id", id, "device", top->node, "target", k->node,
	    "sync", k->shallow ? "top" : "full", "copy-mode",
	    flag(k->in, "synchronous") ? "write-blocking" : NULL, NULL);
	put_number(k, o, "bandwidth", "speed");
	put_number(k, o, "granularity", "granularity");
	put_number(k, o, "buf_size", "buf-size");
	json_object_object_add(o, "auto-dismiss", json_object_new_boolean(0));
	struct plan_step *s =
	    plan_add(p, "copy %s to %s until both are alike", top->path, k->target.path);
	plan_action_set(&s->does, PLAN_JOB, "blockdev-mirror", o);
	s->does.to_ready = true;
}

/* The copy is as the disk was at this moment; the guest stays. */
static void add_finish(const struct copy *k, struct plan *p, const char *id)
{
	struct plan_step *s =
	    plan_add(p, "the copy ends, the guest stays with %s", k->b->chain.link[0].path);
	plan_action_set(&s->does, PLAN_JOB, "block-job-cancel", plan_args("device", id, NULL));
	plan_commit(p);
	CLEANUP_FREE char *storage = xasprintf("%s-storage", id);
	plan_node_drop(p, k->node, storage, k->set, k->target.path);
}

static void add_end(const struct copy *k, struct plan *p)
{
	const struct plan_image *t = &k->target;
	CLEANUP_FREE char *path = xstrdup(t->path), *format = xstrdup(t->format);
	CLEANUP_FREE char *id = plan_job_id(p, k->b->target);
	struct plan_link copy = {.path = path, .format = format, .block = t->block};
	add_mirror(k, p, id);
	if (flag(k->in, "pivot")) {
		struct plan_pivot v = {
		    .job = id, .gone = k->shallow ? 1 : k->b->chain.n, .copy = &copy};
		plan_pivot_add(p, k->in, &k->b->chain, &v);
		return;
	}
	if (flag(k->in, "finish")) {
		add_finish(k, p, id);
		return;
	}
	struct plan_disk_change m = {.target = k->b->target,
	    .mirror = "copy",
	    .mirror_path = t->path,
	    .mirror_format = t->format,
	    .mirror_block = t->block,
	    .mirror_ready = true};
	plan_disk_change_add(p, k->in, &m);
}

static int copy_build(
    const struct plan_in *in, struct plan *p, struct plan_block *b, struct err *err)
{
	const struct plan_chain *c = &b->chain;
	const char *format = json_get_str(in->args, "format");
	struct copy k = {.in = in,
	    .b = b,
	    .target = {.path = json_get_str(in->args, "path"),
	        .format = format != NULL ? format : c->link[0].format,
	        .block = flag(in, "block")},
	    /* Without a chain there is nothing to share. */
	    .shallow = flag(in, "shallow") && c->n > 1,
	    .reuse = flag(in, "reuse"),
	    .size = plan_block_size(in, b)};
	const struct domain_disk *disk = &in->live->disks[b->disk];
	if (disk->transient)
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' discards what it writes (<transient/>): there is nothing to move",
		    b->target);
	if (disk->image.encryption != NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' is encrypted, and a copy would not be: shut the machine down, and use 'hvmux img convert'",
		    b->target);
	if (plan_job_check(in, b->disk, err) < 0 || check_target(&k, err) < 0)
		return -1;
	p->words = xasprintf("copy %s to %s", b->target, k.target.path);
	note_room(&k, p);
	if (!k.reuse && !k.target.block)
		add_file(&k, p);
	if (k.shallow)
		k.target.backing = c->link[1].node;
	k.set = plan_node_add(p, disk, &k.target, k.node);
	add_end(&k, p);
	return 0;
}

int plan_block_copy(const struct plan_in *in, struct plan *p, struct err *err)
{
	struct plan_block b;
	int rc = plan_block_begin(in, &b, err);
	if (rc == 0)
		rc = copy_build(in, p, &b, err);
	plan_block_fini(&b);
	return rc;
}
