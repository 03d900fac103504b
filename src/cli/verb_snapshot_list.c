/* snapshot-list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "cli/out.h"
#include "cli/snapshot.h"
#include "core/mem.h"
#include "core/timestamp.h"

#define SHOWN_TIME "%Y-%m-%d %H:%M:%S %z" /* virsh's */

/* --- which --- */
/* Options of which some let a snapshot pass: when none of them is given, or all are, every snapshot does. */
static bool state_passes(const struct cli *c, const struct snapshot *s)
{
	bool inactive = cli_flag(c, "inactive"), active = cli_flag(c, "active");
	bool disks = cli_flag(c, "disk-only");
	if (!inactive && !active && !disks)
		return true;
	return s->state == SNAPSHOT_SHUTOFF      ? inactive
	       : s->state == SNAPSHOT_DISKS_ONLY ? disks
	                                         : active;
}

static bool pair_passes(const struct cli *c, const char *yes, const char *no, bool is)
{
	return cli_flag(c, yes) == cli_flag(c, no) || cli_flag(c, yes) == is;
}

static bool passes(const struct snapshot_call *s, size_t i)
{
	const struct cli *c = s->c;
	if (s->i != SNAPSHOTS_NONE && (cli_flag(c, "descendants") || cli_flag(c, "tree")
	                                      ? !snapshots_is_below(&s->all, i, s->i)
	                                      : s->all.parent[i] != s->i))
		return false;
	if (cli_flag(c, "roots") && s->all.parent[i] != SNAPSHOTS_NONE)
		return false;
	return pair_passes(c, "metadata", "no-metadata", true) && state_passes(c, &s->all.v[i]) &&
	       pair_passes(c, "external", "internal", snapshot_is_external(&s->all.v[i])) &&
	       pair_passes(c, "no-leaves", "leaves", snapshots_children(&s->all, i) > 0);
}

/* --- how --- */
static void add_row(struct out_table *t, const struct snapshots *all, size_t i)
{
	const struct snapshot *s = &all->v[i];
	char when[TIMESTAMP_MAX];
	timestamp_local(s->created, SHOWN_TIME, when, sizeof when);
	out_table_row(t, (const char *[]){s->name, when, snapshot_state_name(s->state),
	                     s->parent != NULL ? s->parent : ""});
}

static void print_table(const struct snapshot_call *s, const size_t *order)
{
	static const char *const heads[] = {"Name", "Creation Time", "State", "Parent"};
	struct out_table *t = out_table_new(cli_flag(s->c, "parent") ? 4 : 3, heads);
	CLEANUP_BUF struct buf text = BUF_INIT;
	for (size_t i = 0; i < s->all.n; i++)
		if (passes(s, order[i]))
			add_row(t, &s->all, order[i]);
	out_table_format(t, true, &text);
	fwrite(text.data, 1, text.len, stdout);
	out_table_free(t);
}

static void print_names(const struct snapshot_call *s, const size_t *order)
{
	for (size_t i = 0; i < s->all.n; i++)
		if (passes(s, order[i]))
			puts(s->all.v[order[i]].name);
}

static void print_json(const struct snapshot_call *s, const size_t *order)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < s->all.n; i++)
		if (passes(s, order[i]))
			json_object_array_add(list, snapshot_json(&s->all, order[i]));
	out_json(list);
}

static size_t last_child(const struct snapshots *all, size_t of)
{
	for (size_t i = all->n; i-- > 0;)
		if (all->parent[i] == of)
			return i;
	return SNAPSHOTS_NONE;
}

/* virsh's picture, blank for blank. Depth is that of the tree. */
static void print_branch(
    const struct snapshots *all, size_t i, bool root, bool last, struct buf *indent)
{
	size_t before = indent->len, below = last_child(all, i);
	printf("%.*s%s%s\n", (int)indent->len, indent->data != NULL ? indent->data : "",
	    root ? "" : "+- ", all->v[i].name);
	if (!root)
		buf_adds(indent, last ? "  " : "| ");
	if (below != SNAPSHOTS_NONE)
		printf("%.*s  |\n", (int)indent->len, indent->data != NULL ? indent->data : "");
	buf_adds(indent, "  ");
	for (size_t k = 0; below != SNAPSHOTS_NONE && k < all->n; k++)
		if (all->parent[k] == i)
			print_branch(all, k, false, k == below, indent);
	indent->len -= 2;
	if (below == SNAPSHOTS_NONE && last)
		printf("%.*s\n", (int)indent->len, indent->data != NULL ? indent->data : "");
	indent->len = before;
}

static void print_tree(const struct snapshot_call *s)
{
	CLEANUP_BUF struct buf indent = BUF_INIT;
	for (size_t i = 0; i < s->all.n; i++)
		if (s->i != SNAPSHOTS_NONE ? i == s->i : s->all.parent[i] == SNAPSHOTS_NONE)
			print_branch(&s->all, i, true, true, &indent);
}

/* --- the verb --- */
static int check_options(const struct cli *c, struct err *err)
{
	static const char *const pairs[][2] = {{"tree", "name"}, {"parent", "roots"},
	    {"parent", "tree"}, {"roots", "tree"}, {"roots", "from"}, {"roots", "current"}};
	static const char *const filters[] = {"leaves", "no-leaves", "inactive", "active",
	    "disk-only", "internal", "external", "metadata", "no-metadata"};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (snapshot_exclusive(c, pairs[i][0], pairs[i][1], err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		if (snapshot_exclusive(c, filters[i], "tree", err) < 0)
			return -1;
	if (cli_flag(c, "descendants") && cli_value(c, "from") == NULL && !cli_flag(c, "current"))
		return err_set(err, ERR_USAGE, "--descendants requires either --from or --current");
	return 0;
}

static void print(const struct snapshot_call *s)
{
	struct cli *c = s->c;
	CLEANUP_FREE size_t *order = snapshots_topological(&s->all);
	for (size_t i = 0; !cli_flag(c, "topological") && i < s->all.n; i++)
		order[i] = i;
	if (c->json)
		print_json(s, order);
	else if (cli_flag(c, "tree"))
		print_tree(s);
	else if (cli_flag(c, "name"))
		print_names(s, order);
	else
		print_table(s, order);
}

int verb_snapshot_list(struct cli *c)
{
	struct err err = {0};
	CLEANUP(snapshot_call_fini) struct snapshot_call s = {.c = c};
	if (check_options(c, &err) < 0 || snapshot_call_open(c, &s, &err) < 0 ||
	    snapshot_call_find(&s, "from", false, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	print(&s);
	return CLI_DONE;
}
