/* A guest asked to power off or reboot by its agent. */
#include <stdlib.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "kvm/supervisor_impl.h"

struct asked {
	struct supervisor *s;
	struct control_req *req;
};

static void taken(void *arg, const struct err *err)
{
	struct asked *q = arg;
	if (err == NULL)
		machine_handle(&q->s->machine, EV_ASKED, NULL);
	control_reply(q->req, NULL, err);
	free(q);
}

void sup_ctl_shutdown_agent(void *arg, struct json_object *params, struct control_req *r)
{
	struct supervisor *s = arg;
	struct err err;
	struct asked *q = xmalloc(sizeof(*q));
	*q = (struct asked){s, r};
	const char *mode = json_get_bool(params, "reboot", 0) ? "reboot" : "powerdown";
	if (sup_agent_shutdown(s, mode, taken, q, &err) == 0)
		return;
	control_reply(r, NULL, &err);
	free(q);
}
