/* blockresize, domblkthreshold: a running domain's disk gets another size; a word when its image fills up. */
#include <stdlib.h>

#include "cli/blockjob.h"
#include "cli/out.h"
#include "core/mem.h"

#define KIB 1024u

int verb_blockresize(struct cli *c)
{
	struct err err = {0};
	uint64_t bytes;
	if (blockjob_bytes("size", cli_value(c, "size"), KIB, &bytes, &err) < 0)
		return blockjob_failed(&err);
	struct json_object *o = json_object_new_object();
	out_add_str(o, "disk", cli_value(c, "path"));
	out_add_u64(o, "size", bytes);
	blockjob_flags(c, o, "shrink", "shrink", NULL);
	CLEANUP_FREE char *failed =
	    xasprintf("Failed to resize block device '%s'", cli_value(c, "path"));
	CLEANUP_FREE char *done = xasprintf("Block device '%s' is resized", cli_value(c, "path"));
	const struct plan_request r = {
	    .args = o, .flags = PLAN_REQUEST_LIVE_ONLY, .failed = failed, .done = done};
	return plan_verb_run(c, &r);
}

int verb_domblkthreshold(struct cli *c)
{
	struct err err = {0};
	uint64_t bytes;
	if (blockjob_bytes("threshold", cli_value(c, "threshold"), 1, &bytes, &err) < 0)
		return blockjob_failed(&err);
	struct json_object *o = json_object_new_object();
	out_add_str(o, "disk", cli_value(c, "dev"));
	out_add_u64(o, "threshold", bytes);
	const struct plan_request r = {.args = o, .flags = PLAN_REQUEST_LIVE_ONLY};
	return plan_verb_run(c, &r);
}
