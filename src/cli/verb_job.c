/* domjobinfo: long work on a running domain, from its status page. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/dispatch.h"
#include "cli/live.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"

static void print_job(const struct cli *c, const struct status_page *p)
{
	bool job = p && p->job[0];
	if (c->json) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "job", job ? p->job : NULL);
		out_add_u64(o, "done", job ? p->job_done : 0);
		out_add_u64(o, "total", job ? p->job_total : 0);
		out_json(o);
		return;
	}
	printf("%-17s %-12s\n", "Job type:",
	    !job           ? "None"
	    : p->job_total ? "Bounded"
	                   : "Unbounded");
	if (!job)
		return;
	printf("%-17s %-12s\n", "Operation:", p->job);
	if (p->job_total)
		printf("%-17s %" PRIu64 " of %" PRIu64 "\n", "Done:", p->job_done, p->job_total);
}

int verb_domjobinfo(struct cli *c)
{
	struct err err = {0};
	struct vm vm;
	if (cli_flag(c, "completed")) {
		out_error("nothing is kept of work that is done; the audit log has it");
		return CLI_FAILED;
	}
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	if (!name || vm_probe(&c->home, name, &vm, &err) < 0)
		return live_failed(NULL, &err);
	bool live = vm.live;
	if (live)
		print_job(c, vm.head);
	else
		err_set(&err, ERR_STATE, "Requested operation is not valid: domain is not running");
	vm_fini(&vm);
	return live ? CLI_DONE : live_failed(NULL, &err);
}
