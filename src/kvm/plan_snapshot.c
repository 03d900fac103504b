/* Snapshots made, gone back to, deleted: the requests, and what their builders share. */
#include "kvm/plan_snapshot.h"
#include "kvm/plan_chain.h"
#include "kvm/plan_snapshot_off.h"

#include <inttypes.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

/* --- nodes --- */

static bool is_filter(const char *driver)
{
	return str_eq(driver, "throttle") || str_eq(driver, "copy-on-read");
}

/* From the guest's disk down. Its name tells nothing: what an image's header names is opened by QEMU under a name of its own, and is the
 * top after a merge. */
struct json_object *plan_snapshot_node_info(const struct plan_in *in, size_t i)
{
	struct json_object *at = plan_disk_entry(in, "query-blockstats", i);
	for (; at != NULL; at = json_get_obj(at, "backing")) {
		const char *name = json_get_str(at, "node-name");
		struct json_object *o = name != NULL ? plan_chain_node(in, name) : NULL;
		if (o != NULL && !is_filter(json_get_str(o, "drv")))
			return o;
	}
	return NULL;
}

const char *plan_snapshot_node(const struct plan_in *in, size_t i)
{
	return json_get_str(plan_snapshot_node_info(in, i), "node-name");
}

bool plan_snapshot_is_written(const struct domain_disk *k)
{
	return !k->readonly && (k->device == DISK_DISK || k->device == DISK_LUN) &&
	       disk_has_image(k);
}

bool plan_snapshot_runs(const struct plan_in *in)
{
	return json_get_bool(plan_fact(in, "query-status"), "running", 0) != 0;
}

/* --- documents --- */

int plan_snapshot_read(
    const struct plan_in *in, const char *name, struct snapshot *s, struct err *err)
{
	struct json_object *list = json_get_arr(plan_fact(in, "snapshots"), "list");
	size_t n = list == NULL ? 0 : json_object_array_length(list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *xml = json_get_str(o, "xml");
		if (str_eq(json_get_str(o, "name"), name) && xml != NULL)
			return snapshot_parse(xml, strlen(xml), name, s, err);
	}
	return err_set(err, ERR_NOT_FOUND,
	    "Domain snapshot not found: no domain snapshot with matching name '%s'",
	    name == NULL ? "" : name);
}

int plan_snapshot_add_document(
    const struct plan_in *in, const struct snapshot *s, struct plan *p, struct err *err)
{
	size_t len;
	const char *was = json_get_str(plan_fact(in, "snapshots"), "current");
	if (json_get_bool(in->args, "no_metadata", 0))
		return 0;
	CLEANUP_FREE char *xml = snapshot_format(s, &len, err);
	if (xml == NULL)
		return -1;
	struct json_object *args = plan_args("xml", xml, "was", was, NULL);
	json_object_object_add(args, "current", json_object_new_boolean(1));
	struct plan_step *step = plan_host(p, "write down the snapshot", "snapshot-write", args);
	plan_undo_host(step, "snapshot-drop", plan_args("name", s->name, "was", was, NULL));
	return 0;
}

/* --- snapshot-create --- */

int plan_snapshot_refuse_memory(const struct plan_in *in, const char *instead, struct err *err)
{
	const struct domain *d = in->live;
	struct json_object *why = json_get_arr(plan_fact(in, "query-migrate"), "blocked-reasons");
	for (size_t i = 0; i < d->n_devs; i++) {
		const struct domain_dev *dev = &d->devs[i];
		enum domain_dev_kind k = dev->kind;
		if (k == DEV_HOSTDEV && domain_hostdev_type(dev) != HOSTDEV_SCSI)
			return err_set(err, ERR_UNSUPPORTED,
			    "the state of the host's device in <%s> (line %u) cannot be kept: detach it first, or %s",
			    domain_dev_name(k), dev->line, instead);
		if (k == DEV_FILESYSTEM && domain_filesystem_is_virtiofs(dev))
			return err_set(err, ERR_UNSUPPORTED,
			    "the state of a virtiofs file system cannot be kept: %s", instead);
	}
	if (why != NULL && json_object_array_length(why) > 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "QEMU cannot keep this guest's memory (%.300s): %s",
		    json_object_get_string(json_object_array_get_idx(why, 0)), instead);
	return 0;
}

static bool is_taken(const struct plan_in *in, const char *name)
{
	struct json_object *list = json_get_arr(plan_fact(in, "snapshots"), "list");
	size_t n = list == NULL ? 0 : json_object_array_length(list);
	for (size_t i = 0; i < n; i++)
		if (str_eq(json_get_str(json_object_array_get_idx(list, i), "name"), name))
			return true;
	return false;
}

/* libvirt's default: the seconds since 1970. */
static int fill_name(const struct plan_in *in, struct snapshot *s, struct err *err)
{
	if (s->name == NULL)
		s->name = xasprintf("%" PRIu64, in->now_ns / 1000000000u);
	if (snapshot_name_check(s->name, err) < 0)
		return -1;
	if (is_taken(in, s->name) && !json_get_bool(in->args, "no_metadata", 0))
		return err_set(err, ERR_EXISTS,
		    "domain snapshot %s already exists: choose another name, or delete that one",
		    s->name);
	return 0;
}

/* What the guest's memory and the disks that the request says nothing of get: libvirt's rules. */
static int fill_memory(const struct plan_in *in, struct snapshot *s, struct err *err)
{
	bool alone = json_get_bool(in->args, "disk_only", 0) != 0;
	bool wants = s->memory == SNAPSHOT_INTERNAL || s->memory == SNAPSHOT_EXTERNAL;
	if (in->live == NULL && (wants || s->memory_file != NULL))
		return err_set(err, ERR_STATE,
		    "memory state cannot be saved with offline or disk-only snapshot: domain '%s' is not running",
		    in->name);
	if (in->live == NULL)
		s->memory = SNAPSHOT_NO;
	if (alone && (s->memory == SNAPSHOT_INTERNAL || s->memory == SNAPSHOT_EXTERNAL))
		return err_set(err, ERR_USAGE, "--disk-only and --memspec exclude each other");
	if (alone || s->memory == SNAPSHOT_NO)
		s->memory = SNAPSHOT_NO;
	else if (s->memory_file != NULL)
		s->memory = SNAPSHOT_EXTERNAL;
	else if (s->memory == SNAPSHOT_EXTERNAL)
		return err_set(err, ERR_INVALID,
		    "the memory of a snapshot in a file of its own needs that file's name: --memspec file=/path");
	if (s->memory_file != NULL && s->memory_file[0] != '/')
		return err_set(
		    err, ERR_INVALID, "memory file '%s' is not an absolute path", s->memory_file);
	return 0;
}

/* A guest that is off has no memory to keep: there a word of a disk decides. */
static bool wants_external(const struct plan_in *in, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_disks; i++)
		if (s->disks[i].kind == SNAPSHOT_EXTERNAL ||
		    (s->disks[i].kind == SNAPSHOT_UNSAID && s->disks[i].file != NULL))
			return true;
	if (in->live == NULL)
		return json_get_bool(in->args, "disk_only", 0) != 0;
	return s->memory == SNAPSHOT_NO || s->memory == SNAPSHOT_EXTERNAL;
}

/* A user may name a disk by its image. */
static int match_disks(const struct domain *d, struct snapshot *s, struct err *err)
{
	for (size_t k = 0; k < s->n_disks; k++) {
		size_t i = 0;
		for (; i < d->n_disks; i++)
			if (str_eq(d->disks[i].target, s->disks[k].name) ||
			    (d->disks[i].image.path != NULL &&
			        str_eq(d->disks[i].image.path, s->disks[k].name)))
				break;
		if (i == d->n_disks)
			return err_set(err, ERR_INVALID, "no disk named '%s'", s->disks[k].name);
		char *target = xstrdup(d->disks[i].target);
		free(s->disks[k].name);
		s->disks[k].name = target;
		for (size_t j = 0; j < k; j++)
			if (str_eq(s->disks[j].name, target))
				return err_set(
				    err, ERR_INVALID, "disk '%s' specified twice", target);
	}
	return 0;
}

void plan_snapshot_add_overlay(struct plan *p, const char *words, const char *path,
    const char *backing, const char *backing_format, int64_t size)
{
	struct json_object *args =
	    plan_args("path", path, "backing", backing, "backing_format", backing_format, NULL);
	struct json_object *undo = plan_args("path", path, NULL);
	json_object_object_add(args, "size", json_object_new_int64(size));
	json_object_object_add(undo, "only_new", json_object_new_boolean(1));
	plan_undo_host(plan_host(p, words, "overlay", args), "overlay-drop", undo);
}

/* Where a disk of the snapshot keeps what is written from now on; NULL nobody. */
static const struct snapshot_disk *find_file(const struct snapshot *s, const char *path)
{
	for (size_t i = 0; i < s->n_disks; i++)
		if (str_eq(s->disks[i].file, path))
			return &s->disks[i];
	return NULL;
}

/* libvirt's: "/images/web1.qcow2" becomes "/images/web1.SNAPSHOT"; where that is an overlay of another disk already, as of "web1.raw", it is
 * "/images/web1.qcow2.SNAPSHOT". What is there as a file is refused before the plan runs. */
static char *overlay_path(const struct domain_disk *k, const struct snapshot *s)
{
	const char *path = k->image.path, *slash = strrchr(path, '/');
	const char *dot = strrchr(slash == NULL ? path : slash, '.');
	size_t n = dot == NULL || dot == slash + 1 ? strlen(path) : (size_t)(dot - path);
	char *cut = xasprintf("%.*s.%s", (int)n, path, s->name);
	if (find_file(s, cut) == NULL)
		return cut;
	free(cut);
	return xasprintf("%s.%s", path, s->name);
}

static int fill_overlay(
    const struct domain_disk *k, struct snapshot *s, struct snapshot_disk *sd, struct err *err)
{
	if (sd->file == NULL) {
		if (k->image.path == NULL || k->image.type != IMAGE_FILE)
			return err_set(err, ERR_INVALID,
			    "disk '%s' is no file: say where what is written from now on goes, with --diskspec %s,file=/path",
			    k->target, k->target);
		sd->file = overlay_path(k, s);
	}
	if (sd->file[0] != '/')
		return err_set(err, ERR_INVALID, "disk '%s': '%s' is not an absolute path",
		    k->target, sd->file);
	const struct snapshot_disk *other = find_file(s, sd->file);
	if (other != sd)
		return err_set(err, ERR_INVALID,
		    "disks '%s' and '%s' would both be written to '%s': name another file with --diskspec %s,file=/path",
		    other->name, sd->name, sd->file, sd->name);
	if (sd->format != NULL && !str_eq(sd->format, "qcow2"))
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s': an overlay of format '%s' cannot be made: qcow2 can", k->target,
		    sd->format);
	if (sd->format == NULL)
		sd->format = xstrdup("qcow2");
	return 0;
}

static int fill_disks(const struct domain *d, struct snapshot *s, bool external, struct err *err)
{
	unsigned kept = 0;
	for (size_t i = 0; i < d->n_disks; i++) {
		const struct domain_disk *k = &d->disks[i];
		struct snapshot_disk *sd = snapshot_disk_find(s, k->target);
		enum snapshot_kind usual = !plan_snapshot_is_written(k) ? SNAPSHOT_NO
		                           : external                   ? SNAPSHOT_EXTERNAL
		                                                        : SNAPSHOT_INTERNAL;
		if (sd == NULL)
			sd = snapshot_disk_add(s, k->target, usual);
		if (sd->kind == SNAPSHOT_UNSAID)
			sd->kind = usual;
		if (sd->kind == SNAPSHOT_MANUAL)
			return err_set(err, ERR_UNSUPPORTED,
			    "disk '%s': snapshot='manual' is not supported: use no, internal or external",
			    k->target);
		if (sd->kind != SNAPSHOT_NO && !disk_has_image(k))
			return err_set(err, ERR_INVALID,
			    "disk '%s' is an empty drive: there is nothing to keep", k->target);
		if (sd->kind == SNAPSHOT_EXTERNAL && fill_overlay(k, s, sd, err) < 0)
			return -1;
		kept += sd->kind != SNAPSHOT_NO;
	}
	if (kept == 0 && s->memory == SNAPSHOT_NO)
		return err_set(err, ERR_INVALID, "there is no disk that the snapshot could keep");
	return 0;
}

static int check_mix(struct snapshot *s, struct err *err)
{
	const char *inside = NULL, *outside = NULL;
	for (size_t i = 0; i < s->n_disks; i++) {
		if (s->disks[i].kind == SNAPSHOT_INTERNAL)
			inside = s->disks[i].name;
		if (s->disks[i].kind == SNAPSHOT_EXTERNAL)
			outside = s->disks[i].name;
	}
	if (inside != NULL && outside != NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' inside of its image and disk '%s' in a file of its own: one snapshot is of one kind",
		    inside, outside);
	if (inside != NULL && s->memory == SNAPSHOT_EXTERNAL)
		return err_set(err, ERR_UNSUPPORTED,
		    "the memory in a file and disk '%s' inside of its image: one snapshot is of one kind",
		    inside);
	if (outside != NULL && s->memory == SNAPSHOT_INTERNAL)
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' in a file of its own and the memory inside of an image: name a file for the memory, too "
		    "(--memspec), or keep the disks alone (--disk-only)",
		    outside);
	return 0;
}

int plan_snapshot_fill(const struct plan_in *in, struct snapshot *s, struct err *err)
{
	const char *xml = json_get_str(in->args, "xml");
	const struct domain *d = in->live != NULL ? in->live : in->config;
	if (xml == NULL || d == NULL)
		return err_set(err, ERR_INVALID, "the request names no snapshot");
	if (snapshot_parse(xml, strlen(xml), "snapshot", s, err) < 0)
		return -1;
	bool external = false;
	int rc = fill_name(in, s, err);
	if (rc == 0)
		rc = fill_memory(in, s, err);
	if (rc == 0)
		rc = match_disks(d, s, err);
	if (rc == 0) {
		external = wants_external(in, s);
		if (s->memory == SNAPSHOT_UNSAID && external)
			rc = err_set(err, ERR_INVALID,
			    "a disk in a file of its own, and no word of the memory: add --disk-only, or --memspec file=/path");
		else if (s->memory == SNAPSHOT_UNSAID)
			s->memory = SNAPSHOT_INTERNAL;
	}
	if (rc == 0)
		rc = fill_disks(d, s, external, err);
	if (rc == 0)
		rc = check_mix(s, err);
	if (rc < 0)
		snapshot_fini(s);
	return rc;
}

static char *source_of(const struct domain *d)
{
	return d == NULL || d->source == NULL ? NULL : xstrndup(d->source, d->source_len);
}

/* What it will be known by. */
static void describe(const struct plan_in *in, struct snapshot *s)
{
	const char *current = json_get_str(plan_fact(in, "snapshots"), "current");
	s->created = in->now_ns / 1000000000u;
	s->state = s->memory == SNAPSHOT_NO ? SNAPSHOT_DISKS_ONLY
	           : plan_snapshot_runs(in) ? SNAPSHOT_RUNNING
	                                    : SNAPSHOT_PAUSED;
	free(s->parent);
	s->parent = current == NULL ? NULL : xstrdup(current);
	free(s->domain);
	s->domain = source_of(in->live);
	free(s->inactive);
	s->inactive = source_of(in->config);
	if (str_eq(s->domain, s->inactive)) {
		free(s->inactive);
		s->inactive = NULL;
	}
}

static int check_request(const struct plan_in *in, const struct snapshot *s, struct err *err)
{
	bool quiesce = json_get_bool(in->args, "quiesce", 0) != 0;
	if (quiesce && s->memory != SNAPSHOT_NO)
		return err_set(err, ERR_USAGE,
		    "--quiesce is for --disk-only: with its memory the guest's disks are whole by themselves");
	if (json_get_bool(in->args, "live", 0) && s->memory != SNAPSHOT_EXTERNAL)
		return err_set(err, ERR_USAGE, "--live needs the memory in a file: --memspec");
	if (json_get_bool(in->args, "halt", 0) && quiesce)
		return err_set(err, ERR_USAGE, "--halt and --quiesce exclude each other");
	return s->memory == SNAPSHOT_NO
	           ? 0
	           : plan_snapshot_refuse_memory(in, "keep the disks alone with --disk-only", err);
}

static int build_create(const struct plan_in *in, struct plan *p, struct err *err)
{
	struct snapshot s;
	if (in->live == NULL)
		return plan_snapshot_off_create(in, p, err);
	if (plan_snapshot_fill(in, &s, err) < 0)
		return -1;
	describe(in, &s);
	bool external = s.memory != SNAPSHOT_INTERNAL;
	p->words = xasprintf("snapshot '%s' of %s: %s", s.name, in->name,
	    !external                       ? "memory and disks, inside of the images"
	    : s.memory == SNAPSHOT_EXTERNAL ? "memory and disks, in files of their own"
	                                    : "the disks alone, in files of their own");
	p->result = xasprintf("Domain snapshot %s created", s.name);
	int rc = check_request(in, &s, err);
	if (rc == 0)
		rc = external ? plan_snapshot_external(in, &s, p, err)
		              : plan_snapshot_internal(in, &s, p, err);
	snapshot_fini(&s);
	return rc;
}

/* --- the verbs: a machine that runs, and one that is off --- */

static int look(const struct plan_in *in, struct json_object *facts, struct err *err)
{
	return in->live != NULL ? plan_snapshot_look(in, facts, err)
	                        : plan_snapshot_off_look(in, facts, err);
}

static int build_revert(const struct plan_in *in, struct plan *p, struct err *err)
{
	return in->live != NULL ? plan_snapshot_revert(in, p, err)
	                        : plan_snapshot_off_revert(in, p, err);
}

static int build_delete(const struct plan_in *in, struct plan *p, struct err *err)
{
	return in->live != NULL ? plan_snapshot_delete(in, p, err)
	                        : plan_snapshot_off_delete(in, p, err);
}

static const char *const queries[] = {PLAN_CHAIN_QUERIES, "query-migrate", NULL};

const struct plan_verb plan_verbs_snapshot[] = {
    {"snapshot-create", PLAN_VERB_OFF, queries, look, build_create},
    {"snapshot-revert", PLAN_VERB_OFF, queries, look, build_revert},
    {"snapshot-delete", PLAN_VERB_OFF, queries, look, build_delete},
    {0},
};
