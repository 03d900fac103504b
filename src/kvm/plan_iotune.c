/* blkdeviotune: how much a disk may do, {"device": "vda", "set": {"total_bytes_sec": 1000, …}, "group_name": "g"}. As in virsh, what
 * is said of one kind (bytes, operations, …) replaces all of that kind, and 0 is no limit. Disks of one group share
 * their limits, so all of them change in the documents. */
#include "kvm/plan_update.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

#define VALUE_MAX 1000000000000000ull /* QEMU's THROTTLE_VALUE_MAX */

/* The same limits in libvirt's words, in QMP's block_set_io_throttle, and in a throttle group's. */
static const struct {
	const char *word, *qmp, *group;
} kinds[IOTUNE_KINDS] = {
    [IOTUNE_BPS_TOTAL] = {"total_bytes_sec", "bps", "bps-total"},
    [IOTUNE_BPS_READ] = {"read_bytes_sec", "bps_rd", "bps-read"},
    [IOTUNE_BPS_WRITE] = {"write_bytes_sec", "bps_wr", "bps-write"},
    [IOTUNE_IOPS_TOTAL] = {"total_iops_sec", "iops", "iops-total"},
    [IOTUNE_IOPS_READ] = {"read_iops_sec", "iops_rd", "iops-read"},
    [IOTUNE_IOPS_WRITE] = {"write_iops_sec", "iops_wr", "iops-write"},
};

/* --- the request --- */

/* "" + "_max" + "_max_length" of three limits each. */
static int read_kind(struct json_object *set, const char *suffix, size_t first,
    uint64_t values[IOTUNE_KINDS], bool *any, unsigned *known, struct err *err)
{
	uint64_t fresh[3] = {0};
	*any = false;
	for (size_t i = 0; i < 3; i++) {
		CLEANUP_FREE char *key = xasprintf("%s%s", kinds[first + i].word, suffix);
		int64_t n = json_get_int(set, key, -1);
		struct json_object *o;
		if (!json_object_object_get_ex(set, key, &o))
			continue;
		if (n < 0 || (uint64_t)n > VALUE_MAX)
			return err_set(
			    err, ERR_INVALID, "%s is a number from 0 to %llu", key, VALUE_MAX);
		fresh[i] = (uint64_t)n;
		*any = true;
		++*known;
	}
	if (*any)
		memcpy(&values[first], fresh, sizeof fresh);
	return 0;
}

/* What was, with what the request says. *t's group is on the heap. */
static int read_request(
    const struct plan_in *in, const struct disk_iotune *was, struct disk_iotune *t, struct err *err)
{
	struct json_object *set = json_get_obj(in->args, "set"), *size;
	const char *group = json_get_str(in->args, "group_name");
	unsigned known = 0;
	*t = *was;
	t->group = group == NULL ? xstrdup0(was->group) : group[0] != '\0' ? xstrdup(group) : NULL;
	for (size_t first = 0; first < IOTUNE_KINDS; first += 3) {
		bool limits, bursts, lengths;
		if (read_kind(set, "", first, t->limit, &limits, &known, err) < 0 ||
		    read_kind(set, "_max", first, t->max, &bursts, &known, err) < 0 ||
		    read_kind(set, "_max_length", first, t->max_length, &lengths, &known, err) < 0)
			return -1;
		/* Bursts of a limit that goes go with it, unless they were asked for: then it is a mistake. */
		for (size_t i = first; i < first + 3; i++) {
			if (t->limit[i] == 0 && !bursts)
				t->max[i] = 0;
			if (t->max[i] == 0 && !lengths)
				t->max_length[i] = 0;
		}
	}
	if (json_object_object_get_ex(set, "size_iops_sec", &size)) {
		t->iops_size = (uint64_t)json_object_get_int64(size);
		known++;
	}
	if (set != NULL && known != (unsigned)json_object_object_length(set))
		return err_set(
		    err, ERR_INVALID, "the request's \"set\" has a limit of no known name");
	return 0;
}

static bool has_limits(const struct disk_iotune *t)
{
	for (size_t i = 0; i < IOTUNE_KINDS; i++)
		if (t->limit[i] != 0 || t->max[i] != 0)
			return true;
	return false;
}

/* --- documents --- */

static void put_number(xmlNode *tune, const char *name, uint64_t n)
{
	CLEANUP_FREE char *text = xasprintf("%" PRIu64, n);
	if (n != 0)
		xml_set_text(xml_add_child(tune, name), text);
}

static void put_iotune(xmlNode *disk, const struct disk_iotune *t)
{
	xmlNode *tune = xml_child(disk, "iotune");
	if (tune != NULL)
		xml_remove(tune);
	if (disk == NULL || !has_limits(t))
		return;
	tune = xml_add_child(disk, "iotune");
	for (size_t i = 0; i < IOTUNE_KINDS; i++)
		put_number(tune, kinds[i].word, t->limit[i]);
	for (size_t i = 0; i < IOTUNE_KINDS; i++) {
		CLEANUP_FREE char *max = xasprintf("%s_max", kinds[i].word);
		put_number(tune, max, t->max[i]);
	}
	put_number(tune, "size_iops_sec", t->iops_size);
	if (t->group != NULL)
		xml_set_text(xml_add_child(tune, "group_name"), t->group);
	for (size_t i = 0; i < IOTUNE_KINDS; i++) {
		CLEANUP_FREE char *length = xasprintf("%s_max_length", kinds[i].word);
		put_number(tune, length, t->max_length[i]);
	}
}

static bool shares(const struct domain_disk *disk, const char *group)
{
	return group != NULL && disk->with_iotune && str_eq(disk->iotune.group, group);
}

/* The disk and those that share its group. */
static void put_all(const struct plan_tree *e, size_t disk, const struct disk_iotune *t)
{
	const struct domain *d = e->was;
	for (size_t i = 0; d != NULL && i < d->n_disks; i++)
		if (i == disk || shares(&d->disks[i], t->group))
			put_iotune(plan_tree_element(e, d->disks[i].element), t);
}

/* --- QEMU --- */

static void add_number(struct json_object *o, const char *key, const char *suffix, uint64_t n)
{
	CLEANUP_FREE char *name = xasprintf("%s%s", key, suffix);
	json_object_object_add(o, name, json_object_new_int64((int64_t)n));
}

/* Of QEMU's own, which has no length of 0. */
static uint64_t length_of(const struct disk_iotune *t, size_t i)
{
	return t->max_length[i] == 0 ? 1 : t->max_length[i];
}

static struct json_object *throttle_args(
    const char *qdev, const char *group, const struct disk_iotune *t)
{
	struct json_object *o = plan_args("id", qdev, NULL);
	for (size_t i = 0; i < IOTUNE_KINDS; i++) {
		add_number(o, kinds[i].qmp, "", t->limit[i]);
		add_number(o, kinds[i].qmp, "_max", t->max[i]);
		add_number(o, kinds[i].qmp, "_max_length", length_of(t, i));
	}
	add_number(o, "iops_size", "", t->iops_size);
	json_object_object_add(o, "group", json_object_new_string(group));
	return o;
}

static struct json_object *group_args(const char *group, const struct disk_iotune *t)
{
	CLEANUP_FREE char *path = xasprintf("/objects/%s", group);
	struct json_object *o = plan_args("path", path, "property", "limits", NULL);
	struct json_object *limits = json_object_new_object();
	for (size_t i = 0; i < IOTUNE_KINDS; i++) {
		add_number(limits, kinds[i].group, "", t->limit[i]);
		add_number(limits, kinds[i].group, "-max", t->max[i]);
		add_number(limits, kinds[i].group, "-max-length", length_of(t, i));
	}
	add_number(limits, "iops-size", "", t->iops_size);
	json_object_object_add(o, "value", limits);
	return o;
}

/* --- groups: QEMU says who is in which; the names of the documents are not theirs --- */

/* Disks that had limits when they were plugged have a node for them, others get them on their device. */
static bool has_node(struct json_object *drive)
{
	return str_eq(json_get_str(json_get_obj(drive, "inserted"), "drv"), "throttle");
}

/* On the heap; NULL: in none. A node of limits shows its options as its file: "json:{…}". */
static char *present_group(struct json_object *drive)
{
	struct json_object *inserted = json_get_obj(drive, "inserted");
	const char *group = json_get_str(inserted, "group"), *file = json_get_str(inserted, "file");
	if (!has_node(drive))
		return xstrdup0(group);
	struct json_object *options =
	    file != NULL && str_prefix(file, "json:") ? json_tokener_parse(file + 5) : NULL;
	char *name = xstrdup0(json_get_str(options, "throttle-group"));
	json_object_put(options);
	return name;
}

/* That disk i is in once it has this name of a group, which may be NULL; on the heap. was: that it is in, or NULL. */
static char *next_group(
    const struct plan_in *in, const struct plan *p, size_t i, const char *name, const char *was)
{
	const struct domain *d = in->live;
	char *group = NULL;
	for (size_t k = 0; name != NULL && k < d->n_disks && group == NULL; k++)
		if (k != i && shares(&d->disks[k], name))
			group = present_group(plan_drive(in, k));
	if (group != NULL)
		return group;
	if (was != NULL && str_eq(name, d->disks[i].iotune.group))
		return xstrdup(was);
	return xasprintf("throttle-%s-p%u", d->disks[i].target, (unsigned)p->id);
}

/* One disk of the group; `now` is the group's name in QEMU. */
static int add_step(struct plan *p, const struct plan_in *in, size_t i, const struct disk_iotune *t,
    const char *now, struct err *err)
{
	const struct domain_disk *disk = &in->live->disks[i];
	struct json_object *drive = plan_drive(in, i);
	const char *qdev = json_get_str(drive, "qdev");
	bool node = has_node(drive);
	CLEANUP_FREE char *was = present_group(drive);
	if (qdev == NULL || json_get_obj(drive, "inserted") == NULL)
		return err_set(err, ERR_STATE,
		    "%s: limits are for drives with a medium, and there is none in it",
		    disk->target);
	if (node && !str_eq(was, now))
		return err_set(err, ERR_UNSUPPORTED,
		    "%s: a disk that was plugged with limits stays in its group while the domain runs; "
		    "--config changes it for the next start",
		    disk->target);
	const char *command = node ? "qom-set" : "block_set_io_throttle";
	struct plan_step *s = plan_add(
	    p, has_limits(t) ? "QEMU limits %s" : "QEMU no longer limits %s", disk->target);
	plan_action_set(
	    &s->does, PLAN_QMP, command, node ? group_args(now, t) : throttle_args(qdev, now, t));
	plan_undo_qmp(s, command,
	    node ? group_args(was, &disk->iotune)
	         : throttle_args(qdev, was != NULL ? was : now, &disk->iotune));
	return 0;
}

/* Each of its group by itself, so that each finds its way back, and the disk that was named last: when it leaves on the way
 * back, the others have their limits again. */
int plan_iotune_live(struct plan *p, const struct plan_in *in, size_t i,
    const struct disk_iotune *t, struct err *err)
{
	const struct domain *d = in->live;
	CLEANUP_FREE char *was = present_group(plan_drive(in, i));
	CLEANUP_FREE char *now = next_group(in, p, i, t->group, was);
	for (size_t k = 0; k < d->n_disks; k++)
		if (k != i && shares(&d->disks[k], t->group) && add_step(p, in, k, t, now, err) < 0)
			return -1;
	return add_step(p, in, i, t, now, err);
}

/* --- both --- */

int plan_build_iotune(const struct plan_in *in, struct plan *p, struct err *err)
{
	CLEANUP(plan_pair_fini) struct plan_pair q = {0};
	struct disk_iotune live = {0}, config = {0};
	const char *word = plan_arg(in, "device", err);
	if (word == NULL || plan_pair_disk(&q, in, word, err) < 0)
		return -1;
	p->words = xasprintf("limits of disk %s of %s", word, in->name);
	int rc = 0;
	if (q.live.was != NULL) {
		rc = read_request(in, &in->live->disks[q.in_live].iotune, &live, err);
		put_all(&q.live, q.in_live, &live);
	}
	if (rc == 0 && q.config.was != NULL) {
		rc = read_request(in, &in->config->disks[q.in_config].iotune, &config, err);
		put_all(&q.config, q.in_config, &config);
	}
	/* What makes no sense, the documents' own rules say, before QEMU is asked for anything. */
	CLEANUP(domain_fini) struct domain check = {0};
	if (rc == 0)
		rc = plan_tree_read(q.live.was != NULL ? &q.live : &q.config, &check, err);
	if (rc == 0 && q.live.was != NULL)
		rc = plan_iotune_live(p, in, q.in_live, &live, err);
	if (rc == 0)
		rc = plan_pair_add(p, in, &q, err);
	free(live.group);
	free(config.group);
	return rc;
}
