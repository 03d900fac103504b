#include "cli/shutdown.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cli/live.h"
#include "cli/out.h"
#include "cli/children.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"

#define AGENT_MS 12000 /* its supervisor gives it 5 s to be in step, and 5 s to object */
#define LOOK_MS 50     /* between looks at who is still there */
#define DESTROYS 16u   /* at a time */

unsigned shutdown_modes(const struct cli *c)
{
	const char *value = cli_value(c, "mode");
	unsigned modes = 0;
	if (value != NULL && strstr(value, "acpi") != NULL)
		modes |= SHUTDOWN_ACPI;
	if (value != NULL && strstr(value, "agent") != NULL)
		modes |= SHUTDOWN_AGENT;
	return modes;
}

bool shutdown_by_agent(const struct home *h, const char *name, unsigned modes)
{
	struct vm vm;
	if (modes != 0 || vm_probe(h, name, &vm, NULL) < 0)
		return (modes & SHUTDOWN_AGENT) != 0;
	bool answers = vm.head != NULL && vm.head->agent == STATUS_AGENT_READY;
	vm_fini(&vm);
	return answers;
}

int shutdown_ask_agent(const struct home *h, const char *name, bool reboot, struct err *err)
{
	struct rpc_client *r = live_connect(h, name, err);
	if (r == NULL)
		return -1;
	struct json_object *params = json_object_new_object();
	out_add_bool(params, "reboot", reboot);
	int rc = rpc_call(r, "shutdown-agent", params, AGENT_MS, NULL, err);
	rpc_free(r);
	return rc;
}

/* --- waiting --- */

static bool is_live(const struct home *h, const char *name)
{
	struct vm vm;
	if (vm_probe(h, name, &vm, NULL) < 0)
		return false;
	bool live = vm.live || vm.supervised;
	vm_fini(&vm);
	return live;
}

static unsigned destroy_rest(struct cli *c, char *const *names, const bool *ended, unsigned n)
{
	unsigned failed = 0;
	struct children_result r;
	struct children *pool = children_new(c, DESTROYS);
	for (unsigned i = 0; i < n || !children_empty(pool);) {
		if (i < n && ended[i]) {
			i++;
		} else if (i < n && !children_full(pool)) {
			children_run(pool, "destroy", names[i], i);
			i++;
		} else if (children_wait(pool, -1, &r)) {
			if (r.ok)
				out_message(c, "Domain '%s' destroyed", names[r.tag]);
			else
				out_error("%s", r.words);
			failed += !r.ok;
			free(r.words);
		}
	}
	children_free(pool);
	return failed;
}

unsigned shutdown_await(struct cli *c, char *const *names, unsigned n, uint64_t ms, bool force)
{
	CLEANUP_FREE bool *ended = xcalloc(n + 1, sizeof(*ended));
	uint64_t end = loop_now_ms() + ms;
	unsigned left = n;
	for (;;) {
		for (unsigned i = 0; i < n; i++) {
			if (ended[i] || is_live(&c->home, names[i]))
				continue;
			ended[i] = true;
			left--;
			out_message(c, "Domain '%s' is shut off", names[i]);
		}
		if (left == 0 || loop_now_ms() >= end)
			break;
		poll(NULL, 0, LOOK_MS);
	}
	if (left > 0 && force)
		return destroy_rest(c, names, ended, n);
	for (unsigned i = 0; i < n; i++)
		if (!ended[i])
			out_error(
			    "Domain '%s' has not shut down within %llu s; it was asked and may still do so, 'destroy' ends it",
			    names[i], (unsigned long long)(ms / 1000));
	return left;
}
