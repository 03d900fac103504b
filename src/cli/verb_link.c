/* domif-getlink, domif-setlink: an interface's cable. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/device_doc.h"
#include "cli/dispatch.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

#define FAILED "Failed to update interface link state"

/* virsh's --persistent says the same here. */
static bool wants_config(const struct cli *c)
{
	return cli_flag(c, "config") || cli_flag(c, "persistent");
}

int verb_domif_getlink(struct cli *c)
{
	struct err err = {0};
	CLEANUP(device_doc_fini) struct device_doc doc = {0};
	const char *word = cli_value(c, "interface");
	size_t i;
	if (device_doc_open(c, wants_config(c), &doc, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	if (!domain_net_find(&doc.d, word, &i)) {
		out_error("Interface (dev: %s) not found.", word);
		return CLI_FAILED;
	}
	const char *state = doc.d.nets[i].link_down ? "down" : "up";
	c->bare = true;
	if (c->json) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "interface", word);
		out_add_str(o, "mac", doc.d.nets[i].mac);
		out_add_str(o, "state", state);
		out_json(o);
	} else {
		printf("%s %s\n", word, state);
	}
	return CLI_DONE;
}

static void put_state(void *arg, xmlNode *device)
{
	xml_set_attr(xml_need_child(device, "link"), "state", arg);
}

/* 1: there is nothing more to do. */
static int look(struct cli *c, const char *word, const char *state, struct err *err)
{
	CLEANUP(device_doc_fini) struct device_doc doc = {0};
	CLEANUP_FREE char *text = xstrdup(state);
	size_t i;
	if (device_doc_open(c, wants_config(c), &doc, err) < 0)
		return -1;
	if (!domain_net_find(&doc.d, word, &i))
		return err_set(err, ERR_NOT_FOUND, "interface '%s' not found", word);
	if (!cli_flag(c, "print-xml"))
		return 0;
	c->bare = true;
	return device_doc_print(&doc, doc.d.nets[i].element, put_state, text, err) < 0 ? -1 : 1;
}

int verb_domif_setlink(struct cli *c)
{
	struct err err = {0};
	const char *word = cli_value(c, "interface"), *state = cli_value(c, "state");
	if (!str_eq(state, "up") && !str_eq(state, "down")) {
		out_error("invalid link state '%s'", state);
		return CLI_FAILED;
	}
	int rc = look(c, word, state, &err);
	if (rc < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	if (rc > 0)
		return CLI_DONE;
	struct json_object *args = json_object_new_object();
	out_add_str(args, "interface", word);
	out_add_str(args, "state", state);
	const struct plan_request r = {.args = args,
	    .done = "Device updated successfully",
	    .failed = FAILED,
	    .flags = wants_config(c) ? PLAN_REQUEST_CONFIG_ONLY : 0};
	return plan_verb_run(c, &r);
}
