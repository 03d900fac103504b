/* A machine that runs set back to one of its snapshots, in the same QEMU: where its memory is inside of the images and its
 * hardware is what it was. */
#include <ctype.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv.h"
#include "kvm/plan_snapshot.h"

static int restart(const struct snapshot *s, const char *why, struct err *err)
{
	return err_set(err, ERR_STATE, PLAN_RESTART_WORDS " for snapshot '%s': %s", s->name, why);
}

/* The same command line makes the same hardware. Its paths and descriptors are of no account, so the reader's form will do. */
static bool same_hardware(const struct plan_in *in, const struct domain *was)
{
	struct argv_out now, then;
	struct err err;
	const struct argv_in how = {.run_dir = "/run", .log_dir = "/log"};
	bool same = false;
	if (argv_build(in->live, in->caps, &how, &now, &err) < 0)
		return false;
	if (argv_build(was, in->caps, &how, &then, &err) == 0) {
		same = now.argc == then.argc;
		for (size_t i = 0; same && i < now.argc; i++)
			same = str_eq(now.argv[i], then.argv[i]);
		argv_fini(&then);
	}
	argv_fini(&now);
	return same;
}

static int parse_domain(
    const char *xml, unsigned flags, const char *name, struct domain *d, struct err *err)
{
	return domain_parse(xml, strlen(xml), name, DOMAIN_PARSE_LENIENT | flags, d, NULL, err);
}

/* In the top image of the disk; its vm-state-size, -1: it is not there. */
static int64_t find_inside(const struct plan_in *in, size_t i, const char *tag)
{
	struct json_object *image = json_get_obj(plan_snapshot_node_info(in, i), "image");
	struct json_object *list = json_get_arr(image, "snapshots");
	size_t n = list == NULL ? 0 : json_object_array_length(list);
	for (size_t k = 0; k < n; k++) {
		struct json_object *o = json_object_array_get_idx(list, k);
		if (str_eq(json_get_str(o, "name"), tag))
			return json_get_int(o, "vm-state-size", 0);
	}
	return -1;
}

/* The nodes to set back, and the one with the memory first. NULL: err says what is not there. */
static struct json_object *list_nodes(
    const struct plan_in *in, const struct snapshot *s, struct err *err)
{
	struct json_object *nodes = json_object_new_array();
	const char *memory = NULL, *missing = NULL;
	for (size_t i = 0; i < in->live->n_disks; i++) {
		const struct snapshot_disk *sd = snapshot_disk_find(s, in->live->disks[i].target);
		if (sd == NULL ? !plan_snapshot_is_written(&in->live->disks[i])
		               : sd->kind == SNAPSHOT_NO)
			continue;
		int64_t size = find_inside(in, i, snapshot_tag(s));
		if (size < 0)
			missing = in->live->disks[i].target;
		else if (size > 0 && memory == NULL)
			memory = plan_snapshot_node(in, i);
		if (size >= 0)
			json_object_array_add(
			    nodes, json_object_new_string(plan_snapshot_node(in, i)));
	}
	if (missing == NULL && memory != NULL) {
		json_object_array_put_idx(nodes, json_object_array_length(nodes),
		    json_object_new_string(memory)); /* taken off again by the caller */
		return nodes;
	}
	json_object_put(nodes);
	if (missing != NULL)
		err_set(err, ERR_INVALID,
		    "the image of disk '%s' has no snapshot '%s' inside: it was deleted by somebody else, or the image is "
		    "another one",
		    missing, snapshot_tag(s));
	else
		err_set(err, ERR_INVALID, "no image holds the guest's memory of snapshot '%s'",
		    s->name);
	return NULL;
}

static void add_load(const struct snapshot *s, struct json_object *nodes, struct plan *p)
{
	size_t last = json_object_array_length(nodes) - 1;
	CLEANUP_FREE char *memory =
	    xstrdup(json_object_get_string(json_object_array_get_idx(nodes, last)));
	CLEANUP_FREE char *id = xasprintf("snapshot-load-%llu", (unsigned long long)p->id);
	json_object_array_del_idx(nodes, last, 1);
	struct json_object *args =
	    plan_args("job-id", id, "tag", snapshot_tag(s), "vmstate", memory, NULL);
	json_object_object_add(args, "devices", nodes);
	plan_commit(p);
	struct plan_step *step = plan_job(p, "set memory and disks back", "snapshot-load", args);
	step->flags = PLAN_TURN;
	step->advice = xstrdup(
	    "the guest stands still, and some of its disks may be set back already: do not let it "
	    "run on; revert again, or destroy it and revert then");
}

/* Snapshots' documents indent what is in them anew. */
static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	for (size_t i = 0, k = 0;; i++, k++) {
		while (i < a_len && isspace((unsigned char)a[i]))
			i++;
		while (k < b_len && isspace((unsigned char)b[k]))
			k++;
		if (i == a_len || k == b_len)
			return i == a_len && k == b_len;
		if (a[i] != b[k])
			return false;
	}
}

static bool is_same(const struct domain *now, const char *text)
{
	return now->source != NULL && same_text(now->source, now->source_len, text, strlen(text));
}

static int add_documents(
    const struct plan_in *in, const struct snapshot *s, struct plan *p, struct err *err)
{
	struct domain was, defined;
	const char *config = s->inactive != NULL ? s->inactive : s->domain;
	if (!is_same(in->live, s->domain)) {
		if (parse_domain(s->domain, DOMAIN_PARSE_LIVE, s->name, &was, err) < 0)
			return -1;
		int rc = plan_add_documents(p, in, &was, NULL, err);
		domain_fini(&was);
		if (rc < 0)
			return -1;
	}
	if (in->config == NULL || is_same(in->config, config))
		return 0;
	if (parse_domain(config, 0, s->name, &defined, err) < 0)
		return -1;
	int rc = plan_add_documents(p, in, NULL, &defined, err);
	domain_fini(&defined);
	return rc;
}

static int check(const struct plan_in *in, const struct snapshot *s, struct err *err)
{
	struct domain was;
	if (s->state != SNAPSHOT_RUNNING && s->state != SNAPSHOT_PAUSED)
		return restart(s, "the guest's memory is not in it", err);
	if (snapshot_is_external(s))
		return restart(s, "it is in files of its own", err);
	if (s->domain == NULL && !json_get_bool(in->args, "force", 0))
		return err_set(err, ERR_INVALID,
		    "snapshot '%s' does not say what hardware the guest had: if that is still the same, use --force",
		    s->name);
	if (s->domain == NULL)
		return 0;
	if (parse_domain(s->domain, DOMAIN_PARSE_LIVE, s->name, &was, err) < 0)
		return -1;
	bool same = same_hardware(in, &was);
	domain_fini(&was);
	return same ? 0 : restart(s, "the machine had other hardware then", err);
}

static int build(const struct plan_in *in, struct snapshot *s, struct plan *p, struct err *err)
{
	bool running = json_get_bool(in->args, "running", 0) != 0;
	bool paused = json_get_bool(in->args, "paused", 0) != 0;
	bool runs = plan_snapshot_runs(in);
	if (running && paused)
		return err_set(err, ERR_USAGE, "--running and --paused exclude each other");
	if (check(in, s, err) < 0)
		return -1;
	struct json_object *nodes = list_nodes(in, s, err);
	if (nodes == NULL)
		return -1;
	bool goes_on = running || (s->state == SNAPSHOT_RUNNING && !paused);
	p->words = xasprintf("set %s back to snapshot '%s'", in->name, s->name);
	p->result = xasprintf("Domain snapshot %s reverted", s->name);
	/* Not taken back: a guest whose memory could not be loaded must stand still. */
	if (runs && !goes_on)
		plan_qmp(p, "stop the guest", "stop", NULL);
	add_load(s, nodes, p);
	if (goes_on && !runs)
		plan_qmp(p, "the guest goes on", "cont", NULL);
	plan_host(
	    p, "it is the current snapshot", "snapshot-current", plan_args("name", s->name, NULL));
	return s->domain == NULL ? 0 : add_documents(in, s, p, err);
}

int plan_snapshot_revert(const struct plan_in *in, struct plan *p, struct err *err)
{
	struct snapshot s;
	if (in->live == NULL)
		return err_set(err, ERR_STATE, "domain '%s' is not running", in->name);
	if (plan_snapshot_read(in, json_get_str(in->args, "name"), &s, err) < 0)
		return -1;
	int rc = build(in, &s, p, err);
	snapshot_fini(&s);
	return rc;
}
