#include "cli/snapshot_restart.h"

#include <stdio.h>
#include <stdlib.h>
#include <json-c/json.h>

#include "cli/out.h"
#include "cli/plan_off.h"
#include "cli/plan_verb.h"
#include "cli/restore.h"
#include "core/mem.h"
#include "core/snapshots.h"
#include "core/vm.h"
#include "kvm/plan_snapshot_off.h"

static int fail(const struct snapshot_restart *r, const char *when, const struct err *err)
{
	out_error("Failed to revert snapshot %s", r->name);
	out_error("%s%s", when, err->msg);
	return out_status(err);
}

static int quiet(struct cli *c, const char *domain, struct json_object *answer)
{
	(void)c, (void)domain, (void)answer;
	return CLI_DONE;
}

static struct json_object *disks_args(const struct snapshot_restart *r)
{
	struct json_object *args = plan_args("name", r->name, NULL);
	json_object_object_add(args, "disks", json_object_new_boolean(true));
	if (r->force)
		json_object_object_add(args, "force", json_object_new_boolean(true));
	return args;
}

/* Nobody's machine is ended for a plan that is refused afterwards. */
static int check_plan(struct cli *c, const struct snapshot_restart *r, struct err *err)
{
	struct json_object *args = disks_args(r), *answer = NULL;
	const struct plan_off o = {.home = &c->home,
	    .name = r->domain,
	    .verb = plan_verb_find("snapshot-revert"),
	    .args = args,
	    .dry_run = true};
	int rc = plan_off_run(&o, &answer, err);
	json_object_put(args);
	json_object_put(answer);
	return rc;
}

/* By the plan of a domain that is off. */
static int set_disks_back(struct cli *c, const struct snapshot_restart *r)
{
	CLEANUP_FREE char *failed = xasprintf("Failed to revert snapshot %s", r->name);
	return plan_verb_run(
	    c, &(struct plan_request){.args = disks_args(r), .failed = failed, .print = quiet});
}

/* The machine as it was, on the overlays that its disks have got now. */
static int document(struct snapshot *s, struct err *err)
{
	for (size_t i = 0; i < s->n_disks; i++) {
		const struct snapshot_disk *sd = &s->disks[i];
		if (sd->kind != SNAPSHOT_EXTERNAL || sd->file == NULL)
			continue;
		char *xml = plan_off_placed(
		    s->domain, sd->name, sd->file, sd->format != NULL ? sd->format : "qcow2", err);
		if (xml == NULL)
			return -1;
		free(s->domain);
		s->domain = xml;
	}
	return 0;
}

static int go_on(struct cli *c, const struct snapshot_restart *r, struct err *err)
{
	struct snapshot s;
	if (snapshots_read(&c->home, r->domain, r->name, &s, err) < 0)
		return -1;
	int rc = 0;
	if (snapshot_has_memory(&s)) {
		rc = document(&s, err);
		if (rc == 0)
			rc = restore_snapshot(c, r->domain, &s, r->running, err);
	} else if (r->running >= 0) {
		rc = vm_spawn_supervisor(
		    &c->home, r->domain, r->running == 0 ? VM_SPAWN_PAUSED : 0, err);
	}
	snapshot_fini(&s);
	return rc;
}

int snapshot_restart(struct cli *c, const struct snapshot_restart *r)
{
	struct err err = {0};
	if (check_plan(c, r, &err) < 0 || restore_end(c, r->domain, &err) < 0)
		return fail(r, "", &err);
	int status = set_disks_back(c, r);
	if (status != CLI_DONE)
		return status;
	if (go_on(c, r, &err) < 0)
		return fail(r, "the disks are set back, but the guest does not go on: ", &err);
	if (!c->json)
		out_message(c, "Domain snapshot %s reverted", r->name);
	return CLI_DONE;
}

int snapshot_restart_look(struct cli *c, const struct snapshot_restart *r)
{
	struct err err = {0};
	return check_plan(c, r, &err) < 0 ? fail(r, "", &err) : CLI_DONE;
}

int snapshot_restart_words(struct cli *c, const struct snapshot_restart *r)
{
	int status = snapshot_restart_look(c, r);
	if (status != CLI_DONE)
		return status;
	printf("set %s back to snapshot '%s': %s\n"
	       " 1. end its QEMU, when it runs\n"
	       " 2. set its disks and its definition back (the plan of a domain that is off)\n"
	       " 3. start it from the snapshot's memory, where that has been kept\n",
	    r->domain, r->name, r->why);
	c->bare = true;
	return CLI_DONE;
}
