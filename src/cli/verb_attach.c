/* attach-device, detach-device, detach-device-alias: devices of any kind, as XML. */
#include <string.h>

#include "cli/attach_image.h"
#include "cli/document.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

static int read_element(const struct cli *c, struct buf *xml, struct err *err)
{
	const char *file = cli_value(c, "file"), *element = cli_value(c, "xml");
	if (file == NULL && element == NULL)
		return err_set(err, ERR_FAIL, "command '%s' requires <file> option", c->verb->name);
	if (file == NULL)
		buf_adds(xml, element);
	else if (document_read(file, xml, err) < 0)
		return -1;
	buf_addc(xml, '\0');
	return 0;
}

static const char *source_of(const struct cli *c)
{
	return cli_value(c, "file") != NULL ? cli_value(c, "file") : "--xml";
}

static int run_element(struct cli *c, const char *xml, const char *done, const char *failed)
{
	const struct plan_request r = {
	    .args = json_object_new_object(), .done = done, .failed = failed};
	json_object_object_add(r.args, "xml", json_object_new_string(xml));
	json_object_object_add(r.args, "file", json_object_new_string(source_of(c)));
	return plan_verb_run(c, &r);
}

int verb_attach_device(struct cli *c)
{
	struct err err = {0};
	bool running;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (read_element(c, &xml, &err) < 0)
		return out_refusal(NULL, &err);
	CLEANUP_FREE char *failed = xasprintf("Failed to attach device from %s", source_of(c));
	CLEANUP_FREE char *name = plan_verb_domain(c, failed, &running);
	if (name == NULL)
		return CLI_FAILED;
	if (attach_is_live(c, running) && attach_image_check(c, name, xml.data, &err) < 0)
		return out_refusal(failed, &err);
	return run_element(c, xml.data, "Device attached successfully", failed);
}

int verb_detach_device(struct cli *c)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (read_element(c, &xml, &err) < 0)
		return out_refusal(NULL, &err);
	CLEANUP_FREE char *failed = xasprintf("Failed to detach device from %s", source_of(c));
	return run_element(c, xml.data, "Device detached successfully", failed);
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
