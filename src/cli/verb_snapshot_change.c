/* snapshot-revert, snapshot-delete. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "cli/out.h"
#include "cli/plan_verb.h"
#include "cli/snapshot.h"
#include "cli/snapshot_restart.h"
#include "core/mem.h"
#include "core/timestamp.h"
#include "core/vm.h"
#include "kvm/plan_snapshot.h"

/* Which one is meant, on the heap; NULL: the error was printed. One that is named is looked for when the plan is built. */
static char *find_name(struct cli *c, int *status)
{
	struct err err = {0};
	CLEANUP(snapshot_call_fini) struct snapshot_call s = {.c = c};
	const char *name = cli_value(c, "snapshotname");
	if (name != NULL && !cli_flag(c, "current"))
		return xstrdup(name);
	if (snapshot_call_open(c, &s, &err) == 0 &&
	    snapshot_call_find(&s, "snapshotname", true, &err) == 0)
		return xstrdup(s.all.v[s.i].name);
	out_error("%s", err.msg);
	*status = out_status(&err);
	return NULL;
}

static void add_flag(
    const struct cli *c, struct json_object *args, const char *opt, const char *key)
{
	if (cli_flag(c, opt))
		json_object_object_add(args, key, json_object_new_boolean(true));
}

static bool clash(const struct cli *c, const char *a, const char *b)
{
	struct err err = {0};
	if (snapshot_exclusive(c, a, b, &err) == 0)
		return false;
	out_error("%s", err.msg);
	return true;
}

int verb_snapshot_delete(struct cli *c)
{
	int status;
	if (clash(c, "children", "children-only"))
		return CLI_USAGE;
	CLEANUP_FREE char *name = find_name(c, &status);
	if (name == NULL)
		return status;
	CLEANUP_FREE char *failed = xasprintf("Failed to delete snapshot %s", name);
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "name", json_object_new_string(name));
	add_flag(c, args, "children", "children");
	add_flag(c, args, "children-only", "children_only");
	add_flag(c, args, "metadata", "metadata");
	return plan_verb_run(c, &(struct plan_request){.args = args, .failed = failed});
}

/* --- snapshot-revert --- */
/* What the domain is now, kept first, so that a revert that was a mistake can be taken back. */
static int keep_present(struct cli *c, const char *back_to)
{
	size_t n;
	struct err err = {0};
	struct snapshot s = {
	    .name = xasprintf("before-revert-%" PRIu64, timestamp_ns() / 1000000000u),
	    .description = xasprintf("before going back to '%s'", back_to)};
	CLEANUP_FREE char *xml = snapshot_format(&s, &n, &err);
	CLEANUP_FREE char *failed = xasprintf("Failed to make the safety snapshot %s", s.name);
	snapshot_fini(&s);
	if (xml == NULL) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "xml", json_object_new_string(xml));
	return plan_verb_run(
	    c, &(struct plan_request){.verb = "snapshot-create", .args = args, .failed = failed});
}

/* A domain that was off, and is to run. */
static int start(struct cli *c, bool paused)
{
	struct err err = {0};
	struct vm vm;
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	if (name == NULL || vm_probe(&c->home, name, &vm, &err) < 0) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	bool live = vm.live;
	vm_fini(&vm);
	if (live || vm_spawn_supervisor(&c->home, name, paused ? VM_SPAWN_PAUSED : 0, &err) == 0)
		return CLI_DONE;
	out_error("the disks are set back, but domain '%s' does not start: %s", name, err.msg);
	return CLI_FAILED;
}

/* Not in this QEMU, or not without one. */
static int by_restart(struct cli *c, const char *domain, const struct err *err,
    int (*way)(struct cli *c, const struct snapshot_restart *r))
{
	int status;
	if (strstr(err->msg, PLAN_RESTART_WORDS) == NULL)
		return -1;
	CLEANUP_FREE char *name = find_name(c, &status);
	if (name == NULL)
		return status;
	const struct snapshot_restart r = {.domain = domain,
	    .name = name,
	    .running = cli_flag(c, "running")  ? 1
	               : cli_flag(c, "paused") ? 0
	                                       : -1,
	    .force = cli_flag(c, "force"),
	    .why = err->msg};
	return way(c, &r);
}

static int start_anew(struct cli *c, const char *domain, const struct err *err)
{
	return by_restart(
	    c, domain, err, cli_flag(c, "dry-run") ? snapshot_restart_words : snapshot_restart);
}

static int look_anew(struct cli *c, const char *domain, const struct err *err)
{
	return by_restart(c, domain, err, snapshot_restart_look);
}

static struct json_object *revert_args(const struct cli *c, const char *name)
{
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "name", json_object_new_string(name));
	add_flag(c, args, "running", "running");
	add_flag(c, args, "paused", "paused");
	add_flag(c, args, "force", "force");
	return args;
}

/* First of all whether there is a way back to it: else the safety snapshot would be left, of a domain that went nowhere. */
static int keep_first(struct cli *c, const char *name, const char *failed)
{
	int status = plan_verb_run(c, &(struct plan_request){.args = revert_args(c, name),
	                                  .failed = failed,
	                                  .flags = PLAN_REQUEST_LOOK,
	                                  .refused = look_anew});
	return status == CLI_DONE ? keep_present(c, name) : status;
}

int verb_snapshot_revert(struct cli *c)
{
	int status;
	bool running = cli_flag(c, "running"), paused = cli_flag(c, "paused");
	bool dry = cli_flag(c, "dry-run");
	if (clash(c, "running", "paused"))
		return CLI_USAGE;
	CLEANUP_FREE char *name = find_name(c, &status);
	if (name == NULL)
		return status;
	CLEANUP_FREE char *failed = xasprintf("Failed to revert snapshot %s", name);
	if (cli_flag(c, "safety-snapshot") && (status = keep_first(c, name, failed)) != CLI_DONE)
		return status;
	status = plan_verb_run(
	    c, &(struct plan_request){
	           .args = revert_args(c, name), .failed = failed, .refused = start_anew});
	return status == CLI_DONE && (running || paused) && !dry ? start(c, paused) : status;
}
