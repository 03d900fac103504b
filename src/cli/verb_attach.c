/* attach-device, detach-device, detach-device-alias: devices of any kind, as XML. */
#include <string.h>

#include "cli/document.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

static int run_file(struct cli *c, const char *done, const char *doing)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	const char *file = cli_value(c, "file"), *element = cli_value(c, "xml");
	if (file == NULL && element == NULL) {
		out_error("command '%s' requires <file> option", c->verb->name);
		return 1;
	}
	if (file == NULL)
		buf_adds(&xml, element);
	else if (document_read(file, &xml, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	file = file != NULL ? file : "--xml";
	buf_addc(&xml, '\0');
	CLEANUP_FREE char *failed = xasprintf("Failed to %s device from %s", doing, file);
	const struct plan_request r = {
	    .args = json_object_new_object(), .done = done, .failed = failed};
	json_object_object_add(r.args, "xml", json_object_new_string(xml.data));
	json_object_object_add(r.args, "file", json_object_new_string(file));
	return plan_verb_run(c, &r);
}

int verb_attach_device(struct cli *c)
{
	return run_file(c, "Device attached successfully", "attach");
}

int verb_detach_device(struct cli *c)
{
	return run_file(c, "Device detached successfully", "detach");
}

int verb_detach_device_alias(struct cli *c)
{
	const char *alias = cli_value(c, "alias");
	CLEANUP_FREE char *failed = xasprintf("Failed to detach device with alias %s", alias);
	const struct plan_request r = {.args = json_object_new_object(),
	    .done = "Device detach request sent successfully",
	    .failed = failed};
	json_object_object_add(r.args, "alias", json_object_new_string(alias));
	return plan_verb_run(c, &r);
}
