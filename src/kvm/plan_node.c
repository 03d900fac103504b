#include "kvm/plan_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* --- sets of descriptors --- */

/* Beyond all that the command line of a QEMU gives out. */
long plan_set_new(const struct plan *p)
{
	return (long)(p->id * 100000 + 1000000 + p->n);
}

static struct json_object *set_args(long set, const char *opaque)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "fdset-id", json_object_new_int64(set));
	if (opaque != NULL)
		json_object_object_add(o, "opaque", json_object_new_string(opaque));
	return o;
}

static struct plan_step *add_descriptor(struct plan *p, long set, const char *path, bool write)
{
	CLEANUP_FREE char *name = xasprintf("set%ld%s", set, write ? "w" : "r");
	struct json_object *args = plan_args("name", name, "path", path, NULL);
	json_object_object_add(args, "write", json_object_new_boolean(write));
	struct plan_step *s = plan_add(p, "open %s", path);
	plan_action_set(&s->does, PLAN_HOST, "open", args);
	plan_undo_host(s, "close", plan_args("name", name, NULL));
	s = plan_add(p, "hand %s over to QEMU%s", path, write ? "" : ", to read only");
	plan_action_set(&s->does, PLAN_QMP, "add-fd", set_args(set, path));
	s->does.fd = xstrdup(name);
	return s;
}

long plan_file_set(struct plan *p, const char *path, bool write)
{
	long set = plan_set_new(p);
	struct plan_step *s = add_descriptor(p, set, path, write);
	plan_undo_qmp(s, "remove-fd", set_args(set, NULL));
	return set;
}

void plan_file_drop(struct plan *p, long set, const char *path)
{
	struct plan_step *s = plan_add(p, "QEMU keeps no spare descriptor of %s", path);
	plan_action_set(&s->does, PLAN_QMP, "remove-fd", set_args(set, NULL));
	s->flags |= PLAN_MAY_FAIL;
}

/* --- nodes --- */

static void put_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

static void put_cache(struct json_object *o, const char *cache)
{
	if (cache == NULL)
		return;
	struct json_object *c = json_object_new_object();
	put_bool(c, "direct", str_eq(cache, "none") || str_eq(cache, "directsync"));
	put_bool(c, "no-flush", str_eq(cache, "unsafe"));
	json_object_object_add(o, "cache", c);
}

static struct json_object *storage_args(
    const struct domain_disk *disk, const struct plan_image *im, const char *name, long set)
{
	CLEANUP_FREE char *file = xasprintf("/dev/fdset/%ld", set);
	struct json_object *o = plan_args("driver", im->block ? "host_device" : "file", "node-name",
	    name, "filename", file, "aio", disk->io, "discard", disk->discard, NULL);
	put_bool(o, im->readonly ? "auto-read-only" : "read-only", im->readonly);
	put_cache(o, disk->cache);
	return o;
}

static struct json_object *format_args(const struct domain_disk *disk, const struct plan_image *im,
    const char *name, const char *storage)
{
	bool backing = str_eq(im->format, "qcow2") || str_eq(im->format, "qcow") ||
	               str_eq(im->format, "qed") || str_eq(im->format, "vmdk");
	struct json_object *o =
	    plan_args("driver", im->format, "node-name", name, "file", storage, "discard",
	        disk->discard, "detect-zeroes", im->readonly ? NULL : disk->detect_zeroes, NULL);
	put_bool(o, "read-only", im->readonly);
	put_cache(o, disk->cache);
	if (backing)
		json_object_object_add(
		    o, "backing", im->backing != NULL ? json_object_new_string(im->backing) : NULL);
	return o;
}

static void add_node(struct plan *p, struct json_object *args, const char *what, const char *name)
{
	struct plan_step *s = plan_add(p, "QEMU opens %s", what);
	plan_action_set(&s->does, PLAN_QMP, "blockdev-add", args);
	plan_undo_qmp(s, "blockdev-del", plan_args("node-name", name, NULL));
}

long plan_node_add(struct plan *p, const struct domain_disk *disk, const struct plan_image *im,
    char node[PLAN_NODE_MAX])
{
	char storage[PLAN_NODE_MAX], nth[12] = "";
	if (im->nth > 0)
		snprintf(nth, sizeof(nth), ".%u", im->nth);
	snprintf(storage, sizeof(storage), "%s-p%u%s-storage", disk->target, (unsigned)p->id, nth);
	snprintf(node, PLAN_NODE_MAX, "%s-p%u%s-format", disk->target, (unsigned)p->id, nth);
	long set = plan_file_set(p, im->path, !im->readonly);
	add_node(p, storage_args(disk, im, storage, set), im->path, storage);
	CLEANUP_FREE char *what = xasprintf("it as %s", im->format);
	add_node(p, format_args(disk, im, node, storage), what, node);
	return set;
}

/* All options are told: one that is left out is QEMU's own again. */
static struct json_object *reopen_args(const struct plan_storage *s, bool write)
{
	CLEANUP_FREE char *file = xasprintf("/dev/fdset/%ld", s->set);
	struct json_object *o = plan_args("driver", s->block ? "host_device" : "file", "node-name",
	    s->node, "filename", file, NULL);
	struct json_object *list = json_object_new_array(), *args = json_object_new_object();
	put_bool(o, "read-only", false);
	put_bool(o, "auto-read-only", !write);
	put_cache(o, s->cache);
	json_object_array_add(list, o);
	json_object_object_add(args, "options", list);
	return args;
}

void plan_node_writable(struct plan *p, const struct plan_storage *n)
{
	plan_file_drop(p, n->set, n->path);
	struct plan_step *s = add_descriptor(p, n->set, n->path, false);
	plan_undo_qmp(s, "remove-fd", set_args(n->set, NULL));
	add_descriptor(p, n->set, n->path, true);
	s = plan_add(p, "QEMU opens %s to write", n->path);
	plan_action_set(&s->does, PLAN_QMP, "blockdev-reopen", reopen_args(n, true));
	plan_undo_qmp(s, "blockdev-reopen", reopen_args(n, false));
}

void plan_node_readable(struct plan *p, const struct plan_storage *n)
{
	struct plan_step *s = plan_add(p, "QEMU opens %s to read only", n->path);
	plan_action_set(&s->does, PLAN_QMP, "blockdev-reopen", reopen_args(n, false));
	s->flags |= PLAN_MAY_FAIL;
	plan_file_drop(p, n->set, n->path);
}

static void drop_node(struct plan *p, const char *node, const char *verb, const char *path)
{
	if (node == NULL || node[0] == '#')
		return;
	struct plan_step *s = plan_add(p, "QEMU %s %s", verb, path != NULL ? path : node);
	plan_action_set(&s->does, PLAN_QMP, "blockdev-del", plan_args("node-name", node, NULL));
	s->flags |= PLAN_MAY_FAIL;
}

void plan_node_drop(
    struct plan *p, const char *node, const char *storage, long set, const char *path)
{
	drop_node(p, node, "forgets", path);
	drop_node(p, storage, "closes", path);
	if (set != PLAN_SET_NONE)
		plan_file_drop(p, set, path != NULL ? path : node);
}
