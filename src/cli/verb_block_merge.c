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

/* Every image below the disk's that might be written to, or whose contents would no longer be what another domain sees. */
static int check_chain(
    const struct cli *c, const char *domain, const struct domain_disk *k, struct err *err)
{
	const struct disk_image *m = &k->image;
	struct chain chain;
	int rc = 0;
	if (m->path == NULL)
		return 0; /* the plan says what is wrong with it */
	for (m = m->backing; rc == 0 && m != NULL && m->path != NULL; m = m->backing)
		rc = blockjob_check_users(c, domain, m->path, err);
	chain_read(k->image.path, disk_format_name(k->image.format), &chain);
	for (size_t i = 1; rc == 0 && i < chain.n; i++)
		rc = blockjob_check_users(c, domain, chain.links[i].path, err);
	chain_fini(&chain);
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
