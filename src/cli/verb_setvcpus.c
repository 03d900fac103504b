/* setvcpus, setvcpu, guest-online: how many processors a guest has, and uses. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/guest_online.h"
#include "cli/live.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"

/* virsh's words. false: they were said. */
static bool refuse_both(const struct cli *c, const char *a, const char *b)
{
	if (!cli_flag(c, a) || !cli_flag(c, b))
		return false;
	out_error("Options --%s and --%s are mutually exclusive", a, b);
	return true;
}

#define SEEN_MS 10000 /* for a guest to find what was plugged a moment ago */
#define SEEN_STEP_MS 100

static int guest_count(struct cli *c, unsigned count, bool plugged, struct err *err)
{
	struct live l;
	struct timespec step = {0, SEEN_STEP_MS * 1000000l};
	int rc = live_open(c, &l, err);
	if (rc == 0)
		rc = guest_online_cpus(&l, count, err);
	for (unsigned ms = 0; plugged && rc < 0 && err->code == ERR_INVALID && ms < SEEN_MS;
	     ms += SEEN_STEP_MS) {
		nanosleep(&step, NULL);
		rc = guest_online_cpus(&l, count, err);
	}
	live_fini(&l);
	return rc;
}

/* vCPUs that are plugged; 0: it does not run. */
static unsigned plugged(struct cli *c)
{
	struct vm vm;
	unsigned n = 0;
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), NULL);
	if (name == NULL || vm_probe(&c->home, name, &vm, NULL) < 0)
		return 0;
	if (vm.live && vm.head != NULL)
		n = vm.head->vcpus;
	vm_fini(&vm);
	return n;
}

static int set_count(struct cli *c, unsigned count)
{
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "count", json_object_new_int64(count));
	json_object_object_add(args, "maximum", json_object_new_boolean(cli_flag(c, "maximum")));
	json_object_object_add(
	    args, "hotpluggable", json_object_new_boolean(cli_flag(c, "hotpluggable")));
	struct plan_request r = {.args = args};
	return plan_verb_run(c, &r);
}

/* virsh's --guest changes what the guest uses of what is plugged; together with --live what is missing is plugged before. */
static int set_guest(struct cli *c, unsigned count)
{
	struct err err = {0};
	if (refuse_both(c, "guest", "config") || refuse_both(c, "guest", "maximum") ||
	    refuse_both(c, "guest", "hotpluggable"))
		return CLI_FAILED;
	bool more = cli_flag(c, "live") && count > plugged(c);
	if (more) {
		int status = set_count(c, count);
		if (status != CLI_DONE || cli_flag(c, "dry-run"))
			return status;
	}
	if (cli_flag(c, "dry-run")) {
		out_message(c, "the guest's agent is asked to have %u vCPUs online", count);
		return CLI_DONE;
	}
	return guest_count(c, count, more, &err) == 0 ? CLI_DONE : live_failed(NULL, &err);
}

int verb_setvcpus(struct cli *c)
{
	uint64_t count;
	if (str_u64(cli_value(c, "count"), DOMAIN_VCPUS_MAX, &count) < 0 || count == 0) {
		out_error("Invalid value of '%s' for number of virtual CPUs: 1 to %u are possible",
		    cli_value(c, "count"), DOMAIN_VCPUS_MAX);
		return CLI_FAILED;
	}
	if (cli_flag(c, "guest"))
		return set_guest(c, (unsigned)count);
	return set_count(c, (unsigned)count);
}

int verb_setvcpu(struct cli *c)
{
	if (cli_flag(c, "enable") == cli_flag(c, "disable")) {
		out_error("options --enable and --disable are mutually exclusive and mandatory");
		return CLI_FAILED;
	}
	struct json_object *args = json_object_new_object();
	out_add_str(args, "vcpus", cli_value(c, "vcpulist"));
	json_object_object_add(args, "enable", json_object_new_boolean(cli_flag(c, "enable")));
	struct plan_request r = {.args = args};
	return plan_verb_run(c, &r);
}

/* --- guest-online --- */
#define BY_HAND                                                                                       \
	"without an agent, in the guest as root: for f in /sys/devices/system/cpu/cpu*/online; do "   \
	"echo 1 > $f; done; for f in /sys/devices/system/memory/memory*/state; do echo online > $f; " \
	"done"

static void print_online(struct cli *c, unsigned cpus, unsigned blocks)
{
	if (c->json) {
		struct json_object *o = json_object_new_object();
		out_add_u64(o, "vcpus", cpus);
		out_add_u64(o, "memory_blocks", blocks);
		out_json(o);
	} else if (cpus + blocks == 0) {
		out_message(c, "Everything that is plugged is online");
	} else {
		out_message(c, "Brought online: %u vCPUs, %u memory blocks", cpus, blocks);
	}
}

int verb_guest_online(struct cli *c)
{
	struct live l;
	struct err err = {0};
	unsigned cpus = 0, blocks = 0;
	int rc = live_open(c, &l, &err);
	bool running = rc == 0;
	if (rc == 0)
		rc = guest_online_all(&l, &cpus, &blocks, &err);
	live_fini(&l);
	if (rc == 0) {
		print_online(c, cpus, blocks);
		return CLI_DONE;
	}
	int status = live_failed(NULL, &err);
	if (running &&
	    (err.code == ERR_UNSUPPORTED || err.code == ERR_STATE || err.code == ERR_TIMEOUT))
		out_error(BY_HAND);
	return status;
}
