/* A running machine saved to a file. */
#include "kvm/plan_save.h"

#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_snapshot.h"

#define UNLIMITED \
	9223372036853727232 /* what QEMU takes for "no limit" of bytes a second: INT64_MAX less a MiB, as libvirt has it */

void plan_save_add_memory(
    const struct plan_in *in, struct plan *p, const char *path, bool running, const char *xml)
{
	CLEANUP_FREE char *part = xasprintf("%s.part", path);
	CLEANUP_FREE char *live = xstrndup(in->live->source, in->live->source_len);
	CLEANUP_FREE char *words = xasprintf("open '%s'", path);
	struct json_object *args =
	    plan_args("name", "save", "part", part, "xml", xml != NULL ? xml : live, NULL);
	json_object_object_add(args, "running", json_object_new_boolean(running));
	plan_undo_host(
	    plan_host(p, words, "save-begin", args), "save-drop", plan_args("part", part, NULL));
	args = json_object_new_object();
	json_object_object_add(args, "max-bandwidth", json_object_new_int64(UNLIMITED));
	plan_qmp(p, "as fast as the disk takes it", "migrate-set-parameters", args);
	/* The migration takes it with it, however it ends. */
	struct plan_step *step =
	    plan_qmp(p, "hand it to QEMU", "getfd", plan_args("fdname", "save", NULL));
	step->does.fd = xstrdup("save");
	step = plan_add(p, "write the guest's memory");
	plan_action_set(&step->does, PLAN_MIGRATE, "migrate", plan_args("uri", "fd:save", NULL));
	step->advice = xstrdup("look whether the disk is full; the guest goes on as it was");
	step = plan_host(p, "give the file its name", "save-finish",
	    plan_args("part", part, "path", path, NULL));
	/* What was there before is not ours to remove: this one may not have come so far. */
	args = plan_args("path", path, NULL);
	json_object_object_add(args, "only_new", json_object_new_boolean(1));
	plan_undo_host(step, "remove", args);
}

/* --- save, managedsave --- */

/* The guest's devices must be the ones that it knows: what differs otherwise is the operator's. */
static int check_document(const struct plan_in *in, const char *xml, struct err *err)
{
	struct domain d;
	if (xml == NULL)
		return 0;
	if (domain_parse(xml, strlen(xml), "--xml", DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE, &d,
	        NULL, err) < 0)
		return -1;
	int rc = 0;
	if (!str_eq(d.name, in->name) || (d.has_uuid && memcmp(d.uuid, in->live->uuid, 16) != 0))
		rc = err_set(err, ERR_INVALID,
		    "--xml is the document of another domain ('%s'): its name and uuid stay",
		    d.name);
	domain_fini(&d);
	return rc;
}

static int build_save(const struct plan_in *in, struct plan *p, struct err *err)
{
	const char *path = json_get_str(in->args, "path"), *xml = json_get_str(in->args, "xml");
	bool runs = plan_snapshot_runs(in);
	if (in->live == NULL)
		return err_set(err, ERR_STATE, "domain '%s' is not running", in->name);
	if (path == NULL || path[0] != '/')
		return err_set(err, ERR_INVALID, "the file to save to is no absolute path");
	if (check_document(in, xml, err) < 0 ||
	    plan_snapshot_refuse_memory(in, "shut the guest down instead", err) < 0 ||
	    plan_snapshot_check_room(in, path, "save to another place", err) < 0)
		return -1;
	p->words = xasprintf("save the state of %s to %s and end it", in->name, path);
	p->result = xasprintf("Domain '%s' saved to %s", in->name, path);
	if (runs)
		plan_undo_qmp(plan_qmp(p, "stop the guest", "stop", NULL), "cont", NULL);
	bool goes_on = json_get_bool(in->args, "running", runs) != 0;
	plan_save_add_memory(in, p, path, goes_on, xml);
	plan_commit(p);
	plan_host(p, "end the machine", "machine-end", plan_args("reason", "saved", NULL));
	return 0;
}

/* The next start goes on from it: without a definition there is none, and the machine would be lost. */
static int build_managed(const struct plan_in *in, struct plan *p, struct err *err)
{
	if (in->live != NULL && in->config == NULL)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: cannot do managed save for transient domain: '%s' has no definition that a "
		    "start could go on from; save it to a file ('hvmux save'), or define it first",
		    in->name);
	return build_save(in, p, err);
}

static int look(const struct plan_in *in, struct json_object *facts, struct err *err)
{
	const char *path = json_get_str(in->args, "path");
	(void)err;
	if (in->live != NULL && path != NULL)
		plan_snapshot_look_room(in, path, facts);
	return 0;
}

static const char *const queries[] = {"query-status", "query-migrate", NULL};

const struct plan_verb plan_verbs_save[] = {
    {"save", 0, queries, look, build_save},
    {"managedsave", 0, queries, look, build_managed},
    {0},
};
