/* qemu-agent-command, domtime, domhostname, domfsfreeze, domfsthaw, domfstrim, dompmsuspend, dompmwakeup, guestvcpus: a command
 * or two to the guest's agent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/live.h"
#include "cli/out.h"
#include "core/buf.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/numset.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "kvm/agent_facts.h"

#define SLOW_MS 600000u    /* freezing runs the guest's hooks, trimming walks its disks */
#define BLOCK_MS 86400000u /* --block */
#define GUEST_CPUS_MAX 4096u

/* Opens, runs, closes, and says what went wrong. what: virsh's first line, NULL none. */
static int with_agent(struct cli *c, const char *what, int (*fn)(struct live *l, struct err *err))
{
	struct err err = {0};
	struct live l;
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = fn(&l, &err);
	live_fini(&l);
	return rc == 0 ? CLI_DONE : live_failed(what, &err);
}

static struct json_object *object_with(const char *key, struct json_object *value)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, key, value);
	return o;
}

/* --- qemu-agent-command --- */

static int raw_agent(struct live *l, struct err *err)
{
	const struct cli *c = l->c;
	CLEANUP_FREE char *command = NULL;
	struct json_object *args = NULL, *id = NULL, *result = NULL;
	if (live_parse_command(c, &command, &args, &id, err) < 0)
		return -1;
	json_object_put(id); /* the agent may not know ids: nothing to give it back to */
	bool async = cli_flag(c, "async");
	unsigned ms =
	    cli_flag(c, "block") ? BLOCK_MS : (unsigned)cli_number(c, "timeout", 0) * 1000u;
	if (live_agent(l, command, args, ms, async, &result, err) < 0)
		return -1;
	if (!async)
		out_json_foreign(object_with("return", result), cli_flag(c, "pretty"));
	else
		json_object_put(result);
	return 0;
}

int verb_qemu_agent_command(struct cli *c)
{
	unsigned given = (unsigned)(cli_value(c, "timeout") != NULL) + cli_flag(c, "async") +
	                 cli_flag(c, "block");
	if (given > 1) {
		out_error("timeout, async and block options are exclusive");
		return CLI_FAILED;
	}
	if (cli_value(c, "timeout") &&
	    (cli_number(c, "timeout", 0) < 1 || cli_number(c, "timeout", 0) > BLOCK_MS / 1000)) {
		out_error("--timeout is a number of seconds from 1 to %u", BLOCK_MS / 1000);
		return CLI_FAILED;
	}
	return with_agent(c, NULL, raw_agent);
}

/* --- domtime --- */

static void print_time(const struct cli *c, int64_t ns)
{
	char text[OUT_TIME_MAX];
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;
	if (c->json)
		out_json(object_with("time_ns", json_object_new_int64(ns)));
	else if (cli_flag(c, "pretty") && gmtime_r(&s, &tm) &&
	         strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		printf("Time: %s\n", text);
	else
		printf("Time: %" PRId64 "\n", (int64_t)s);
}

static int get_time(struct live *l, struct err *err)
{
	struct json_object *result = NULL;
	if (live_agent(l, "guest-get-time", NULL, 0, false, &result, err) < 0)
		return -1;
	bool number = json_object_is_type(result, json_type_int);
	int64_t ns = json_object_get_int64(result);
	json_object_put(result);
	if (!number)
		return err_set(err, ERR_FAIL, "the guest agent's answer is no time");
	print_time(l->c, ns);
	return 0;
}

static int set_time(struct live *l, struct err *err)
{
	const struct cli *c = l->c;
	const char *given = cli_value(c, "time");
	uint64_t s = timestamp_ns() / 1000000000u;
	struct json_object *args = NULL;
	if (given && str_u64(given, INT64_MAX / 1000000000, &s) < 0)
		return err_set(err, ERR_USAGE,
		    "invalid value '%s' for --time: seconds since 1970 are needed", given);
	if (!cli_flag(c, "sync"))
		args = object_with("time", json_object_new_int64((int64_t)(s * 1000000000u)));
	return live_agent(l, "guest-set-time", args, 0, false, NULL, err);
}

int verb_domtime(struct cli *c)
{
	unsigned given =
	    cli_flag(c, "now") + cli_flag(c, "sync") + (unsigned)(cli_value(c, "time") != NULL);
	if (given > 1) {
		out_error("Options --now, --sync and --time are mutually exclusive");
		return CLI_FAILED;
	}
	return with_agent(c, NULL, given ? set_time : get_time);
}

/* --- domhostname --- */

static int get_hostname(struct live *l, struct err *err)
{
	struct json_object *answer = NULL;
	if (str_eq(cli_value(l->c, "source"), "lease"))
		return err_set(err, ERR_NOT_FOUND,
		    "Requested operation is not valid: no hostname found for domain '%s': none of its "
		    "interfaces has a lease of ours",
		    l->name);
	if (live_agent(l, "guest-get-host-name", NULL, 0, false, &answer, err) < 0)
		return -1;
	struct json_object *clean = agent_fact_clean(FACT_HOSTNAME, answer);
	const char *name = json_get_str(clean, "host-name");
	int rc = 0;
	if (!name)
		rc = err_set(err, ERR_FAIL, "the guest agent's answer holds no host name");
	else if (l->c->json)
		out_json(object_with("hostname", json_object_new_string(name)));
	else
		puts(name);
	json_object_put(answer);
	json_object_put(clean);
	return rc;
}

int verb_domhostname(struct cli *c)
{
	return with_agent(c, "failed to get hostname", get_hostname);
}

/* --- file systems --- */

static struct json_object *mountpoints(const struct cli *c)
{
	unsigned n;
	const char *const *words = cli_values(c, "mountpoint", &n);
	struct json_object *list = json_object_new_array();
	for (unsigned i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_string(words[i]));
	return list;
}

static int frozen_count(struct live *l, const char *command, struct json_object *args,
    const char *done, struct err *err)
{
	struct json_object *result = NULL;
	if (live_agent(l, command, args, SLOW_MS, false, &result, err) < 0)
		return -1;
	int64_t n = json_object_is_type(result, json_type_int) ? json_object_get_int64(result) : 0;
	json_object_put(result);
	out_message(l->c, "%s %" PRId64 " filesystem(s)", done, n);
	return 0;
}

static int freeze(struct live *l, struct err *err)
{
	if (!cli_value(l->c, "mountpoint"))
		return frozen_count(l, "guest-fsfreeze-freeze", NULL, "Froze", err);
	return frozen_count(l, "guest-fsfreeze-freeze-list",
	    object_with("mountpoints", mountpoints(l->c)), "Froze", err);
}

static int thaw(struct live *l, struct err *err)
{
	return frozen_count(l, "guest-fsfreeze-thaw", NULL, "Thawed", err);
}

int verb_domfsfreeze(struct cli *c)
{
	return with_agent(c, "Unable to freeze filesystems", freeze);
}

int verb_domfsthaw(struct cli *c)
{
	return with_agent(c, "Unable to thaw filesystems", thaw);
}

/* Each file system that could not be trimmed is named; that alone is no failure: virsh says nothing at all. */
static void print_trim_errors(struct json_object *result)
{
	struct json_object *paths = json_get_arr(result, "paths");
	size_t n = paths ? json_object_array_length(paths) : 0;
	for (size_t i = 0; i < n && i < 128; i++) {
		struct json_object *o = json_object_array_get_idx(paths, i);
		const char *path = json_get_str(o, "path"), *error = json_get_str(o, "error");
		if (error) {
			CLEANUP_FREE char *line = xasprintf("%s: %s", path ? path : "?", error);
			CLEANUP_FREE char *shown = str_printable(line, strlen(line), 500);
			out_warning("not trimmed: %s", shown);
		}
	}
}

static int trim(struct live *l, struct err *err)
{
	const char *minimum = cli_value(l->c, "minimum");
	struct json_object *args = NULL, *result = NULL;
	uint64_t n = 0;
	if (cli_value(l->c, "mountpoint"))
		return err_set(err, ERR_UNSUPPORTED,
		    "Specifying mount point is not supported for now: the agent trims all file systems");
	if (minimum && str_u64(minimum, INT64_MAX, &n) < 0)
		return err_set(err, ERR_USAGE,
		    "invalid value '%s' for --minimum: a number of bytes is needed", minimum);
	if (minimum)
		args = object_with("minimum", json_object_new_int64((int64_t)n));
	if (live_agent(l, "guest-fstrim", args, SLOW_MS, false, &result, err) < 0)
		return -1;
	print_trim_errors(result);
	json_object_put(result);
	return 0;
}

int verb_domfstrim(struct cli *c)
{
	return with_agent(c, "Unable to invoke fstrim", trim);
}

/* --- sleep --- */

static int sleep_now(struct live *l, struct err *err)
{
	const char *target = cli_value(l->c, "target");
	CLEANUP_FREE char *command =
	    xasprintf("guest-suspend-%s", str_eq(target, "mem") ? "ram" : target);
	if (live_agent(l, command, NULL, 0, true, NULL, err) < 0)
		return -1;
	out_message(l->c, "Domain '%s' successfully suspended", l->name);
	return 0;
}

int verb_dompmsuspend(struct cli *c)
{
	CLEANUP_FREE char *what =
	    xasprintf("Domain '%s' could not be suspended", cli_value(c, "domain"));
	return with_agent(c, what, sleep_now);
}

static int wake_up(struct live *l, struct err *err)
{
	if (live_qmp(l, "system_wakeup", NULL, NULL, err) < 0)
		return -1;
	out_message(l->c, "Domain '%s' successfully woken up", l->name);
	return 0;
}

int verb_dompmwakeup(struct cli *c)
{
	CLEANUP_FREE char *what =
	    xasprintf("Domain '%s' could not be woken up", cli_value(c, "domain"));
	return with_agent(c, what, wake_up);
}

/* --- guestvcpus --- */

static void mark_cpus(
    struct json_object *cpus, struct numset *all, struct numset *online, struct numset *offlinable)
{
	size_t n = json_object_array_length(cpus);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(cpus, i);
		int64_t id = json_get_int(o, "logical-id", -1);
		if (id < 0 || id >= GUEST_CPUS_MAX)
			continue;
		numset_add(all, (unsigned)id);
		if (json_get_bool(o, "online", 0))
			numset_add(online, (unsigned)id);
		if (json_get_bool(o, "can-offline", 0))
			numset_add(offlinable, (unsigned)id);
	}
}

static int show_cpus(struct live *l, struct err *err)
{
	struct json_object *answer = NULL;
	CLEANUP(numset_fini) struct numset all = {0}, online = {0}, offlinable = {0};
	if (live_agent(l, "guest-get-vcpus", NULL, 0, false, &answer, err) < 0)
		return -1;
	struct json_object *cpus = agent_fact_clean(FACT_VCPUS, answer);
	json_object_put(answer);
	if (!cpus)
		return err_set(err, ERR_FAIL, "the guest agent's answer is no list of CPUs");
	mark_cpus(cpus, &all, &online, &offlinable);
	json_object_put(cpus);
	CLEANUP_FREE char *a = numset_format(&all, ",");
	CLEANUP_FREE char *on = numset_format(&online, ",");
	CLEANUP_FREE char *off = numset_format(&offlinable, ",");
	if (l->c->json) {
		struct json_object *o = object_with("vcpus", json_object_new_string(a));
		out_add_str(o, "online", on);
		out_add_str(o, "offlinable", off);
		out_json(o);
	} else {
		printf("%-15s: %s\n%-15s: %s\n%-15s: %s\n", "vcpus", a, "online", on, "offlinable",
		    off);
	}
	return 0;
}

static int change_cpus(struct live *l, struct err *err)
{
	CLEANUP(numset_fini) struct numset list = {0};
	struct json_object *result = NULL;
	if (numset_parse(cli_value(l->c, "cpulist"), GUEST_CPUS_MAX, &list, err) < 0)
		return err_wrap(err, "--cpulist");
	struct json_object *cpus = json_object_new_array();
	for (unsigned i = numset_next(&list, 0); i < NUMSET_MAX; i = numset_next(&list, i + 1)) {
		struct json_object *o = object_with("logical-id", json_object_new_int((int)i));
		json_object_object_add(
		    o, "online", json_object_new_boolean(cli_flag(l->c, "enable")));
		json_object_array_add(cpus, o);
	}
	int64_t asked = (int64_t)json_object_array_length(cpus);
	if (live_agent(l, "guest-set-vcpus", object_with("vcpus", cpus), 0, false, &result, err) <
	    0)
		return -1;
	/* It stops at the first CPU that it cannot change, and says how many it did. */
	int64_t did =
	    json_object_is_type(result, json_type_int) ? json_object_get_int64(result) : asked;
	json_object_put(result);
	return did >= asked ? 0
	                    : err_set(err, ERR_FAIL,
	                          "the guest changed %" PRId64 " of %" PRId64 " CPUs", did, asked);
}

int verb_guestvcpus(struct cli *c)
{
	bool enable = cli_flag(c, "enable"), disable = cli_flag(c, "disable");
	if (enable && disable) {
		out_error("Options --enable and --disable are mutually exclusive");
		return CLI_FAILED;
	}
	if ((enable || disable) != (cli_value(c, "cpulist") != NULL)) {
		out_error("One of options --enable or --disable is required by option --cpulist");
		return CLI_FAILED;
	}
	return with_agent(c, NULL, enable || disable ? change_cpus : show_cpus);
}
