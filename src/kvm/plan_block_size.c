/* Disks of a running machine resized; a word when one fills up. */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_block.h"

#define SECTOR 512u

static int resize(const struct plan_in *in, struct plan *p, struct plan_block *b, struct err *err)
{
	int64_t want = json_get_int(in->args, "size", 0);
	uint64_t old = plan_block_size(in, b);
	if (want <= 0 || want > INT64_MAX - SECTOR)
		return err_set(
		    err, ERR_INVALID, "invalid argument: a disk of %lld bytes", (long long)want);
	uint64_t size = ((uint64_t)want + SECTOR - 1) / SECTOR * SECTOR;
	if (plan_job_check(in, b->disk, err) < 0)
		return -1;
	if (in->live->disks[b->disk].readonly)
		return err_set(err, ERR_STATE, "disk '%s' is read-only", b->target);
	if (size < old && json_get_bool(in->args, "shrink", 0) != 1)
		return err_set(err, ERR_INVALID,
		    "disk '%s' has %llu bytes: to make it smaller destroys what lies beyond %llu; --shrink does it",
		    b->target, (unsigned long long)old, (unsigned long long)size);
	p->words = xasprintf("resize %s to %llu bytes", b->target, (unsigned long long)size);
	if (size == old) {
		p->result =
		    xasprintf("Block device '%s' has that size", json_get_str(in->args, "disk"));
		return 0;
	}
	struct json_object *args = plan_args("node-name", b->chain.link[0].node, NULL);
	json_object_object_add(args, "size", json_object_new_int64((int64_t)size));
	struct plan_step *s = plan_add(p, "%s gets %llu bytes instead of %llu",
	    b->chain.link[0].path, (unsigned long long)size, (unsigned long long)old);
	plan_action_set(&s->does, PLAN_QMP, "block_resize", args);
	return 0;
}

int plan_block_resize(const struct plan_in *in, struct plan *p, struct err *err)
{
	struct plan_block b;
	int rc = plan_block_begin(in, &b, err);
	if (rc == 0)
		rc = resize(in, p, &b, err);
	plan_block_fini(&b);
	return rc;
}

/* "vda[2]" is an image of the chain, and its disk is "vda". */
static int threshold(const struct plan_in *in, struct plan *p, struct err *err)
{
	const char *word = json_get_str(in->args, "disk");
	int64_t bytes = json_get_int(in->args, "threshold", -1);
	struct plan_chain c;
	size_t disk;
	CLEANUP_FREE char *target = word == NULL ? NULL : xstrndup(word, strcspn(word, "["));
	if (bytes < 0)
		return err_set(err, ERR_INVALID, "invalid argument: a threshold of %lld bytes",
		    (long long)bytes);
	if (plan_disk_find(in->live, target, &disk, err) < 0 ||
	    plan_chain_get(in, disk, &c, err) < 0)
		return -1;
	int i = plan_chain_find(&c, in, word);
	const char *node = i < 0                       ? NULL
	                   : c.link[i].storage != NULL ? c.link[i].storage
	                                               : c.link[i].node;
	if (node != NULL) {
		struct json_object *args = plan_args("node-name", node, NULL);
		json_object_object_add(args, "write-threshold", json_object_new_int64(bytes));
		p->words = xasprintf("watch how far %s fills up", c.link[i].path);
		struct plan_step *s =
		    plan_add(p, "QEMU tells when something is written beyond byte %lld of %s",
		        (long long)bytes, c.link[i].path);
		plan_action_set(&s->does, PLAN_QMP, "block-set-write-threshold", args);
	}
	plan_chain_fini(&c);
	return node != NULL ? 0
	                    : err_set(err, ERR_INVALID,
	                          "invalid argument: '%s' is no image of disk '%s'", word, target);
}

int plan_block_threshold(const struct plan_in *in, struct plan *p, struct err *err)
{
	if (in->live == NULL)
		return err_set(err, ERR_STATE, "domain '%s' is not running", in->name);
	return threshold(in, p, err);
}
