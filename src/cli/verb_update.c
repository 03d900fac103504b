/* update-device: a device that stays, as XML says it shall be. */
#include "cli/document.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/mem.h"

int verb_update_device(struct cli *c)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	const char *file = cli_value(c, "file");
	if (document_read(file, &xml, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	buf_addc(&xml, '\0');
	struct json_object *args = json_object_new_object();
	out_add_str(args, "xml", xml.data);
	out_add_str(args, "file", document_shown(file));
	out_add_bool(args, "force", cli_flag(c, "force"));
	CLEANUP_FREE char *failed = xasprintf("Failed to update device from %s", file);
	const struct plan_request r = {
	    .args = args, .done = "Device updated successfully", .failed = failed};
	return plan_verb_run(c, &r);
}
