/* blockjob: the job that works on a disk's images, shown, held back, ended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/blockjob.h"
#include "cli/live.h"
#include "cli/out.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_disk_xml.h"

#define MIB (1u << 20)
#define END_POLL_MS 50
#define END_WAIT_MS 60000

struct seen {
	struct live l;
	struct domain d;
	size_t disk;
	struct json_object *jobs, *nodes;
	struct json_object *job; /* of the disk, in jobs; NULL none */
};

static int look_again(struct seen *s, struct err *err)
{
	CLEANUP_FREE char *start = xasprintf("%s-p", s->d.disks[s->disk].target);
	json_object_put(s->jobs);
	s->jobs = s->job = NULL;
	if (live_qmp(&s->l, "query-block-jobs", NULL, &s->jobs, err) < 0)
		return -1;
	size_t n =
	    json_object_is_type(s->jobs, json_type_array) ? json_object_array_length(s->jobs) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(s->jobs, i);
		const char *id = json_get_str(o, "device");
		if (id != NULL && str_prefix(id, start))
			s->job = o;
	}
	return 0;
}

static int look(struct cli *c, struct seen *s, struct err *err)
{
	if (live_open_domain(c, &s->l, &s->d, err) < 0 ||
	    live_find_disk(&s->d, cli_value(c, "path"), &s->disk, err) < 0)
		return -1;
	return look_again(s, err);
}

static void seen_fini(struct seen *s)
{
	json_object_put(s->jobs);
	json_object_put(s->nodes);
	domain_fini(&s->d);
	live_fini(&s->l);
}

/* --- showing --- */

/* QEMU calls both kinds of commit the same; that of the top puts a mirror's filter above the disk. */
static bool is_active_commit(struct seen *s)
{
	struct plan_mirror m;
	bool active = false;
	if (plan_mirror_read(&s->d, s->d.disks[s->disk].target, &m, NULL) == 0)
		active = str_eq(m.job, "active-commit");
	plan_mirror_fini(&m);
	if (active || live_qmp(&s->l, "query-named-block-nodes", NULL, &s->nodes, NULL) < 0)
		return active;
	size_t n =
	    json_object_is_type(s->nodes, json_type_array) ? json_object_array_length(s->nodes) : 0;
	for (size_t i = 0; i < n && !active; i++)
		active = str_eq(
		    json_get_str(json_object_array_get_idx(s->nodes, i), "drv"), "mirror_top");
	return active;
}

/* Numbers are libvirt's virDomainBlockJobType. */
static const char *kind_of(struct seen *s, int *number)
{
	static const struct {
		const char *type, *words;
	} kinds[] = {{"", "Unknown job"}, {"stream", "Block Pull"}, {"mirror", "Block Copy"},
	    {"commit", "Block Commit"}, {"active", "Active Block Commit"}, {"backup", "Backup"}};
	const char *type = json_get_str(s->job, "type");
	if (str_eq(type, "commit") && is_active_commit(s))
		type = "active";
	for (*number = 1; *number < (int)ARRAY_LEN(kinds); ++*number)
		if (str_eq(type, kinds[*number].type))
			return kinds[*number].words;
	*number = 0;
	return kinds[0].words;
}

static void show_json(
    struct seen *s, const char *kind, uint64_t done, uint64_t total, uint64_t speed)
{
	struct json_object *o = json_object_new_object();
	out_add_str(o, "domain", s->l.name);
	out_add_str(o, "disk", s->d.disks[s->disk].target);
	out_add_str(o, "job", kind);
	out_add_str(o, "status", json_get_str(s->job, "status"));
	out_add_bool(o, "ready", json_get_bool(s->job, "ready", 0) == 1);
	out_add_u64(o, "done", done);
	out_add_u64(o, "total", total);
	out_add_u64(o, "bandwidth", speed);
	out_add_str(o, "error", json_get_str(s->job, "error"));
	out_json(o);
}

static uint64_t number(struct json_object *o, const char *key)
{
	int64_t n = json_get_int(o, key, 0);
	return n > 0 ? (uint64_t)n : 0;
}

static void show_words(const char *kind, uint64_t done, uint64_t total, uint64_t speed)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)speed;
	size_t unit = 0;
	/* As libvirt has it, 100 only when nothing is left. */
	unsigned percent = total == 0 || done >= total ? 100 : (unsigned)(done * 100 / total);
	fflush(stdout);
	fprintf(stderr, "\r%s: [%3u %%]", kind, percent);
	fflush(stderr);
	for (; value >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
		value /= 1024;
	if (speed > 0)
		printf("    Bandwidth limit: %" PRIu64 " bytes/s (%-.3lf %s/s)", speed, value,
		    units[unit]);
	putchar('\n');
}

static int show(struct cli *c, struct seen *s)
{
	int type;
	bool raw = cli_flag(c, "raw");
	if (s->job == NULL) {
		if (c->json)
			show_json(s, NULL, 0, 0, 0);
		else if (!raw)
			out_message(c, "No current block job for %s", cli_value(c, "path"));
		return CLI_DONE;
	}
	uint64_t done = number(s->job, "offset"), total = number(s->job, "len"),
	         speed = number(s->job, "speed");
	const char *kind = kind_of(s, &type), *error = json_get_str(s->job, "error");
	if (c->json)
		show_json(s, kind, done, total, speed);
	else if (raw)
		printf(" type=%s\n bandwidth=%" PRIu64 "\n cur=%" PRIu64 "\n end=%" PRIu64 "\n",
		    kind, cli_flag(c, "bytes") ? speed : speed / MIB, done, total);
	else
		show_words(kind, done, total, speed);
	if (error != NULL)
		out_warning("the job has failed: %s; 'hvmux blockjob %s %s --abort' clears it",
		    error, s->l.name, s->d.disks[s->disk].target);
	return CLI_DONE;
}

/* --- changing --- */

static int set_bandwidth(struct cli *c, struct seen *s, struct err *err)
{
	uint64_t bytes;
	if (blockjob_bandwidth(c, &bytes, err) < 0)
		return -1;
	if (s->job == NULL)
		return err_set(err, ERR_STATE, "no current block job for disk '%s'",
		    s->d.disks[s->disk].target);
	struct json_object *o = json_object_new_object();
	out_add_str(o, "device", json_get_str(s->job, "device"));
	out_add_u64(o, "speed", bytes);
	return live_qmp(&s->l, "block-job-set-speed", o, NULL, err);
}

/* Is a plan at work that has made this job, or is about to end it? */
static int plan_works(struct seen *s, bool *works, struct err *err)
{
	struct json_object *o = NULL;
	if (live_call(&s->l, "plan-status", NULL, RPC_TIMEOUT_MS, &o, err) < 0)
		return -1;
	struct json_object *steps = json_get_arr(json_get_obj(o, "plan"), "steps");
	size_t n = steps == NULL ? 0 : json_object_array_length(steps);
	*works = false;
	for (size_t i = 0; i < n; i++) {
		const char *id = json_get_str(s->job, "device");
		*works |= id != NULL &&
		          str_eq(json_get_str(json_object_array_get_idx(steps, i), "job"), id);
	}
	json_object_put(o);
	return 0;
}

/* Taken back with its plan; that no job is left is waited for. */
static int cancel_plan(struct cli *c, struct seen *s, struct err *err)
{
	if (live_call(&s->l, "plan-cancel", NULL, RPC_TIMEOUT_MS, NULL, err) < 0)
		return -1;
	bool works = true;
	for (unsigned ms = 0; works && !cli_flag(c, "async"); ms += END_POLL_MS) {
		if (ms > END_WAIT_MS)
			return err_set(err, ERR_TIMEOUT,
			    "it was told to end, and has not yet: 'hvmux plan-show %s' shows where it stands",
			    s->l.name);
		if (plan_works(s, &works, err) < 0)
			return -1;
		if (works)
			usleep(END_POLL_MS * 1000);
	}
	return 0;
}

static int end_job(struct cli *c, struct seen *s, struct err *err)
{
	bool works = false;
	if (s->job != NULL && plan_works(s, &works, err) < 0)
		return blockjob_failed(err);
	if (works && cli_flag(c, "pivot")) {
		err_set(err, ERR_STATE,
		    "block copy still active: disk '%s' not ready for pivot yet",
		    s->d.disks[s->disk].target);
		return blockjob_failed(err);
	}
	if (works && !cli_flag(c, "dry-run"))
		return cancel_plan(c, s, err) < 0 ? blockjob_failed(err) : CLI_DONE;
	struct json_object *o = json_object_new_object();
	out_add_str(o, "disk", cli_value(c, "path"));
	blockjob_flags(c, o, "pivot", "pivot", NULL);
	const struct plan_request r = {.args = o, .flags = PLAN_REQUEST_LIVE_ONLY};
	return plan_verb_run(c, &r);
}

int verb_blockjob(struct cli *c)
{
	struct seen s = {0};
	struct err err = {0};
	bool ends = cli_flag(c, "abort") || cli_flag(c, "async") || cli_flag(c, "pivot");
	bool shows = cli_flag(c, "info") || cli_flag(c, "raw");
	bool limits = cli_value(c, "bandwidth") != NULL;
	int status = CLI_DONE;
	if (ends + shows + limits > 1) {
		err_set(&err, ERR_USAGE, "conflict between abort, info, and bandwidth modes");
		return blockjob_failed(&err);
	}
	if (c->readonly && (ends || limits)) {
		err_set(&err, ERR_DENIED, "--readonly: nothing is changed");
		return blockjob_failed(&err);
	}
	if (look(c, &s, &err) < 0)
		status = blockjob_failed(&err);
	else if (ends)
		status = end_job(c, &s, &err);
	else if (limits)
		status = set_bandwidth(c, &s, &err) < 0 ? blockjob_failed(&err) : CLI_DONE;
	else
		status = show(c, &s);
	seen_fini(&s);
	return status;
}
