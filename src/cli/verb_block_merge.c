/* blockcommit, blockpull: images of a running domain's disk joined. */
#include <stdlib.h>
#include <string.h>

#include "cli/blockjob.h"
#include "cli/live.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/chain.h"

static struct json_object *merge_args(const struct cli *c, struct err *err)
{
	uint64_t bandwidth;
	if (blockjob_bandwidth(c, &bandwidth, err) < 0)
		return NULL;
	struct json_object *o = json_object_new_object();
	out_add_str(o, "disk", cli_value(c, "path"));
	if (cli_value(c, "base") != NULL)
		out_add_str(o, "base", cli_value(c, "base"));
	if (bandwidth > 0)
		out_add_u64(o, "bandwidth", bandwidth);
	blockjob_flags(c, o, "keep-relative", "keep_relative", NULL);
	return o;
}

/* All images of a disk, top first, as far as its document tells them, then by their headers. */
static size_t list_images(const struct domain_disk *k, char ***list)
{
	const struct disk_image *m = &k->image;
	struct chain chain;
	size_t n = 0;
	*list = NULL;
	for (; m->backing != NULL && m->path != NULL; m = m->backing) {
		*list = xreallocarray(*list, n + 1, sizeof(**list));
		(*list)[n++] = xstrdup(m->path);
	}
	if (m->path == NULL)
		return n; /* the plan says what is wrong with it */
	chain_read(m->path, disk_format_name(m->format), &chain);
	*list = xreallocarray(*list, n + chain.n, sizeof(**list));
	for (size_t i = 0; i < chain.n; i++)
		(*list)[n++] = xstrdup(chain.links[i].path);
	chain_fini(&chain);
	return n;
}

/* As plan_chain_find has it; n when it is none of them. */
static size_t find_image(char *const *list, size_t n, const char *target, const char *word)
{
	CLEANUP_FREE char *indexed = NULL;
	for (size_t i = 0; i < n; i++) {
		const char *slash = strrchr(list[i], '/');
		free(indexed);
		indexed = xasprintf("%s[%zu]", target, i);
		if (str_eq(list[i], word) || str_eq(indexed, word) ||
		    (slash != NULL && str_eq(slash + 1, word)))
			return i;
	}
	return n;
}

/* What another domain sees changes with everything down to the base. */
static int check_chain(
    const struct cli *c, const char *domain, const struct domain_disk *k, struct err *err)
{
	char **list;
	const char *top_word = cli_value(c, "top"), *base_word = cli_value(c, "base");
	size_t n = list_images(k, &list), top = 0, base = n - 1;
	int rc = 0;
	if (top_word != NULL)
		top = find_image(list, n, k->target, top_word);
	if (cli_flag(c, "shallow"))
		base = top + 1;
	else if (base_word != NULL)
		base = find_image(list, n, k->target, base_word);
	for (size_t i = top + 1; rc == 0 && i <= base && i < n; i++)
		rc = blockjob_check_users(c, domain, list[i], err);
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return rc;
}

static int check_others(struct cli *c, struct err *err)
{
	struct live l;
	struct domain d;
	size_t i;
	int rc = live_open_domain(c, &l, &d, err);
	if (rc == 0 && live_find_disk(&d, cli_value(c, "path"), &i, err) == 0)
		rc = check_chain(c, l.name, &d.disks[i], err);
	else
		rc = -1;
	domain_fini(&d);
	live_fini(&l);
	return rc;
}

int verb_blockcommit(struct cli *c)
{
	struct err err = {0};
	bool pivot = cli_flag(c, "pivot"), keep = cli_flag(c, "keep-overlay");
	bool active = cli_flag(c, "active") || pivot || keep;
	if (blockjob_only(c, "pivot", "keep-overlay", &err) < 0)
		return blockjob_failed(&err);
	if (cli_flag(c, "shallow") && cli_value(c, "base") != NULL) {
		err_set(&err, ERR_USAGE, "Options --shallow and --base are mutually exclusive");
		return blockjob_failed(&err);
	}
	struct json_object *o = merge_args(c, &err);
	if (o == NULL)
		return blockjob_failed(&err);
	if (check_others(c, &err) < 0) {
		json_object_put(o);
		return blockjob_failed(&err);
	}
	if (cli_value(c, "top") != NULL)
		out_add_str(o, "top", cli_value(c, "top"));
	blockjob_flags(c, o, "shallow", "shallow", "active", "active", "pivot", "pivot",
	    "keep-overlay", "keep_overlay", "delete", "delete", NULL);
	return blockjob_run(c, o, pivot || keep,
	    active ? "Active Block Commit started" : "Block commit started",
	    pivot    ? "Successfully pivoted"
	    : keep   ? "Commit complete, overlay image kept"
	    : active ? "Now in synchronized phase"
	             : "Commit complete");
}

int verb_blockpull(struct cli *c)
{
	struct err err = {0};
	struct json_object *o = merge_args(c, &err);
	if (o == NULL)
		return blockjob_failed(&err);
	return blockjob_run(c, o, false, "Block Pull started", "Pull complete");
}
