/* The other way round of plan_argv.c: a device out of a QEMU that runs, and what it leaves behind. */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_argv.h"
#include "kvm/plan_node.h"
#include "kvm/plan_words.h"

#define NODES_MAX 4096 /* of QEMU's block graph */

/* Who was asked to go stands in a list, also when nobody waits any more (supervisor_gone.h). */
static void plan_leaving(struct plan *p, const char *id, bool on)
{
	struct json_object *args = plan_args("alias", id, NULL);
	json_object_object_add(args, "on", json_object_new_boolean(on));
	struct plan_step *s =
	    plan_add(p, on ? "note that %s is to go" : "%s is not waited for any more", id);
	plan_action_set(&s->does, PLAN_HOST, "leaving", args);
	if (!on)
		s->flags |= PLAN_MAY_FAIL;
}

struct plan_step *plan_argv_unplug(struct plan *p, const char *id, const char *what)
{
	plan_leaving(p, id, true);
	struct plan_step *s = plan_add(p, "the guest lets go of %s", what);
	plan_action_set(&s->does, PLAN_QMP, "device_del", plan_args("id", id, NULL));
	s->does.until = xstrdup("DEVICE_DELETED");
	s->does.fails = xstrdup("DEVICE_UNPLUG_GUEST_ERROR");
	s->does.match = plan_args("device", id, NULL);
	s->advice = xasprintf(
	    "the guest has not released %s: it does so only while its kernel runs and knows hot-plug (Linux: acpiphp or "
	    "pciehp), and not while it uses it. Unmount it there and try again, or shut the guest down: with --config it is "
	    "gone at the next start. Should the guest release it later, it goes then",
	    what);
	return s;
}

/* --- QEMU's block graph --- */
struct graph {
	struct json_object *nodes, *edges;
	size_t n_nodes, n_edges;
};

static bool graph_get(const struct plan_in *in, struct graph *g)
{
	struct json_object *o = plan_fact(in, "x-debug-query-block-graph");
	g->nodes = json_get_arr(o, "nodes");
	g->edges = json_get_arr(o, "edges");
	if (g->nodes == NULL || g->edges == NULL)
		return false;
	g->n_nodes = json_object_array_length(g->nodes);
	g->n_edges = json_object_array_length(g->edges);
	return g->n_nodes <= NODES_MAX;
}

static struct json_object *node_by_id(const struct graph *g, int64_t id)
{
	for (size_t i = 0; i < g->n_nodes; i++) {
		struct json_object *o = json_object_array_get_idx(g->nodes, i);
		if (json_get_int(o, "id", -1) == id)
			return o;
	}
	return NULL;
}

static struct json_object *node_by_name(const struct graph *g, const char *name)
{
	for (size_t i = 0; i < g->n_nodes; i++) {
		struct json_object *o = json_object_array_get_idx(g->nodes, i);
		if (str_eq(json_get_str(o, "type"), "block-driver") &&
		    str_eq(json_get_str(o, "name"), name))
			return o;
	}
	return NULL;
}

static bool has_id(const int64_t *ids, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* Is everything that reads this node among the first n ids? The device itself is no matter: it has gone. */
static bool is_free(const struct graph *g, const int64_t *ids, size_t n, int64_t node)
{
	for (size_t i = 0; i < g->n_edges; i++) {
		struct json_object *e = json_object_array_get_idx(g->edges, i);
		int64_t parent = json_get_int(e, "parent", -1);
		struct json_object *o = node_by_id(g, parent);
		if (json_get_int(e, "child", -1) == node && !has_id(ids, n, parent) &&
		    (n > 0 || str_eq(json_get_str(o, "type"), "block-driver")))
			return false;
	}
	return true;
}

/* top and what only it uses, those above before those below; returns how many. */
static size_t order(const struct graph *g, int64_t top, int64_t *ids)
{
	size_t n = 0;
	if (is_free(g, ids, 0, top))
		ids[n++] = top;
	for (size_t at = 0; at < n; at++)
		for (size_t i = 0; i < g->n_edges; i++) {
			struct json_object *e = json_object_array_get_idx(g->edges, i);
			int64_t child = json_get_int(e, "child", -1);
			if (json_get_int(e, "parent", -1) == ids[at] && !has_id(ids, n, child) &&
			    n < NODES_MAX && is_free(g, ids, n, child))
				ids[n++] = child;
		}
	return n;
}

/* The set that a node of a file was opened through. */
static long node_set(const struct plan_in *in, const char *name)
{
	struct json_object *list = plan_fact(in, "query-named-block-nodes");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *file = json_get_str(o, "file"), *drv = json_get_str(o, "drv");
		if (!str_eq(json_get_str(o, "node-name"), name) || !str_prefix(file, "/dev/fdset/"))
			continue;
		bool storage = str_prefix(drv, "host_") || str_eq(drv, "file");
		return storage ? strtol(file + strlen("/dev/fdset/"), NULL, 10) : PLAN_SET_NONE;
	}
	return PLAN_SET_NONE;
}

static void drop_node(struct plan *p, const struct plan_in *in, const char *name)
{
	plan_node_drop(p, name, NULL, node_set(in, name), NULL);
}

static bool drop_graph(struct plan *p, const struct plan_in *in, const char *top)
{
	struct graph g;
	struct json_object *o = top != NULL && graph_get(in, &g) ? node_by_name(&g, top) : NULL;
	if (o == NULL)
		return false;
	int64_t *ids = xcalloc(NODES_MAX, sizeof(*ids));
	size_t n = order(&g, json_get_int(o, "id", -1), ids);
	for (size_t i = 0; i < n; i++)
		drop_node(p, in, json_get_str(node_by_id(&g, ids[i]), "name"));
	free(ids);
	return true;
}

void plan_argv_drop_nodes(struct plan *p, const struct plan_in *in, const char *top)
{
	if (!drop_graph(p, in, top))
		drop_node(p, in, top);
}

/* --- all that stays --- */
static void drop_word(struct plan *p, const struct plan_in *in, const struct word_kind *k,
    const char *value, bool nodes)
{
	struct json_object *args = k->convert(value, NULL);
	const char *id = json_get_str(args, k->key);
	bool node = strcmp(k->command, "blockdev-add") == 0;
	if (id != NULL && node && nodes) {
		drop_node(p, in, id);
	} else if (id != NULL && !node) {
		struct plan_step *s = plan_add(p, "%s goes, too", id);
		plan_action_set(&s->does, PLAN_QMP, k->undo, plan_args(k->undo_key, id, NULL));
		s->flags |= PLAN_MAY_FAIL;
	}
	json_object_put(args);
}

int plan_argv_remove(struct plan *p, const struct plan_in *in, const struct domain *d,
    struct device_ref r, struct err *err)
{
	struct argv_out words;
	if (plan_argv_words(in, d, r, &words, err) < 0)
		return -1;
	bool done = r.kind == DEVICE_DISK && drop_graph(p, in, plan_disk_node(in, r.index));
	for (size_t i = words.argc; i >= 2; i -= 2) {
		const struct word_kind *k = word_kind(words.argv[i - 2]);
		if (k != NULL && strcmp(k->command, "device_add") != 0)
			drop_word(p, in, k, words.argv[i - 1], !done);
	}
	argv_fini(&words);
	const char *id = device_alias(d, r);
	if (id != NULL)
		plan_leaving(p, id, false);
	return 0;
}
