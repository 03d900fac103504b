/* A running machine saved to a file. */
#include "kvm/plan_save.h"

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

#define UNLIMITED \
	9223372036853727232 /* what QEMU takes for "no limit" of bytes a second: INT64_MAX less a MiB, as libvirt has it */

int plan_save_add_memory(const struct plan_in *in, struct plan *p, const char *path, bool running,
    const char *xml, struct err *err)
{
	(void)err;
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
	struct plan_step *step =
	    plan_qmp(p, "hand it to QEMU", "getfd", plan_args("fdname", "save", NULL));
	step->does.fd = xstrdup("save");
	plan_undo_qmp(step, "closefd", plan_args("fdname", "save", NULL));
	step = plan_add(p, "write the guest's memory");
	plan_action_set(&step->does, PLAN_MIGRATE, "migrate", plan_args("uri", "fd:save", NULL));
	step->advice = xstrdup("look whether the disk is full; the guest goes on as it was");
	step = plan_host(p, "give the file its name", "save-finish",
	    plan_args("part", part, "path", path, NULL));
	plan_undo_host(step, "remove", plan_args("path", path, NULL));
	return 0;
}

const struct plan_verb plan_verbs_save[] = {{0}};
