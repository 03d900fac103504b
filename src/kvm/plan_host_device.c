/* What plans of devices do on the host. */
#include "core/jsonl.h"
#include "kvm/plan_host.h"
#include "kvm/supervisor_gone.h"

static int op_leaving(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *alias = json_get_str(args, "alias");
	if (alias == NULL)
		return err_set(err, ERR_INVALID, "a step on the host lacks its 'alias'");
	return gone_note(c->home, c->name, alias, json_get_bool(args, "on", 0) != 0, err);
}

const struct plan_host_op plan_host_ops_device[] = {
    {"leaving", false, op_leaving},
    {0},
};
