/* What is in a CD or floppy drive, changed while the domain runs. The new medium is opened before the old one goes, so that one
 * that cannot be opened changes nothing. A guest may hold the tray: then it is asked, and waited for. */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/option.h"
#include "kvm/plan_argv.h"
#include "kvm/plan_device.h"
#include "kvm/plan_update.h"

#define TRAY_MS 20000 /* for the guest to open it */

struct medium {
	const struct plan_in *in;
	struct plan *p;
	const struct domain_disk *was, *now;
	const char *drive; /* QEMU's name of it */
	const char *node;  /* of the medium that is in it; NULL it is empty */
	int tray;          /* is it open? -1: it has none */
};

static struct json_object *drive_args(const struct medium *m, const char *node)
{
	return node != NULL ? plan_args("id", m->drive, "node-name", node, NULL)
	                    : plan_args("id", m->drive, NULL);
}

/* --- the new medium --- */

/* The words but for the drive itself, which is there; *top: the node that it would have got. Borrowed from words. */
static struct argv_out without_drive(const struct argv_out *words, char **top)
{
	struct argv_out nodes = {.sockets = words->sockets, .n_sockets = words->n_sockets};
	for (size_t k = 0; k + 1 < words->argc; k += 2) {
		struct option o;
		if (strcmp(words->argv[k], "-device") == 0 &&
		    option_parse(words->argv[k + 1], &o)) {
			*top = xstrdup0(option_get(&o, "drive"));
			option_fini(&o);
			continue;
		}
		nodes.argv = xreallocarray(nodes.argv, nodes.argc + 2, sizeof(*nodes.argv));
		nodes.argv[nodes.argc++] = words->argv[k];
		nodes.argv[nodes.argc++] = words->argv[k + 1];
	}
	return nodes;
}

static int add_nodes(
    const struct medium *m, struct domain *next, size_t i, char **top, struct err *err)
{
	struct argv_out words;
	const char *path = m->now->image.path;
	if (plan_attach_image(m->in, &next->disks[i], err) < 0 ||
	    plan_argv_words(m->in, next, (struct device_ref){DEVICE_DISK, i}, &words, err) < 0)
		return -1;
	struct argv_out nodes = without_drive(&words, top);
	int rc = plan_argv_add(m->p, m->in, &nodes, path != NULL ? path : m->was->target, err);
	free(nodes.argv);
	argv_fini(&words);
	return rc;
}

/* Nodes are named after the target, and those of the old medium are still there: for the time of it the target has the plan's
 * number. Limits that were set later are the drive's own, and stay with it. */
static int open_medium(
    const struct medium *m, struct domain *next, size_t i, char **top, struct err *err)
{
	struct domain_disk *disk = &next->disks[i];
	struct json_object *inserted = json_get_obj(plan_drive(m->in, i), "inserted");
	char *target = disk->target;
	bool with_iotune = disk->with_iotune;
	disk->target = xasprintf("%s-p%u", target, (unsigned)m->p->id);
	disk->with_iotune = with_iotune && str_eq(json_get_str(inserted, "drv"), "throttle");
	int rc = add_nodes(m, next, i, top, err);
	free(disk->target);
	disk->target = target;
	disk->with_iotune = with_iotune;
	return rc;
}

/* --- the tray --- */

static void open_tray(struct medium *m)
{
	bool force = json_get_bool(m->in->args, "force", 0) != 0;
	if (m->tray != 0)
		return;
	struct json_object *args = drive_args(m, NULL), *match = drive_args(m, NULL);
	struct plan_step *s = plan_add(m->p,
	    force ? "force the tray of %s open" : "the guest opens the tray of %s", m->was->target);
	if (force)
		json_object_object_add(args, "force", json_object_new_boolean(1));
	plan_action_set(&s->does, PLAN_QMP, "blockdev-open-tray", args);
	s->does.until = xstrdup("DEVICE_TRAY_MOVED");
	s->does.match = match;
	json_object_object_add(match, "tray-open", json_object_new_boolean(1));
	s->does.timeout_ms = TRAY_MS;
	plan_undo_qmp(s, "blockdev-close-tray", drive_args(m, NULL));
	s->advice = xasprintf(
	    "the guest holds the medium of %s: unmount it there, or take it away from the guest with --force",
	    m->was->target);
}

static void take_out(struct medium *m)
{
	if (m->node == NULL)
		return;
	struct plan_step *s = plan_add(m->p, "take the medium out of %s", m->was->target);
	plan_action_set(&s->does, PLAN_QMP, "blockdev-remove-medium", drive_args(m, NULL));
	plan_undo_qmp(s, "blockdev-insert-medium", drive_args(m, m->node));
}

static void put_in(struct medium *m, const char *top)
{
	struct plan_step *s = plan_add(m->p, "put %s into %s",
	    m->now->image.path != NULL ? m->now->image.path : top, m->was->target);
	plan_action_set(&s->does, PLAN_QMP, "blockdev-insert-medium", drive_args(m, top));
	plan_undo_qmp(s, "blockdev-remove-medium", drive_args(m, NULL));
	if (m->tray < 0)
		return;
	s = plan_add(m->p, "close the tray of %s", m->was->target);
	plan_action_set(&s->does, PLAN_QMP, "blockdev-close-tray", drive_args(m, NULL));
	struct json_object *undo = drive_args(m, NULL);
	json_object_object_add(undo, "force", json_object_new_boolean(1));
	plan_undo_qmp(s, "blockdev-open-tray", undo);
}

/* --- all of it --- */

static int look_at_drive(struct medium *m, size_t i, struct err *err)
{
	struct json_object *drive = plan_drive(m->in, i);
	m->drive = json_get_str(drive, "qdev");
	m->node = json_get_str(json_get_obj(drive, "inserted"), "node-name");
	m->tray = json_get_bool(drive, "tray_open", -1);
	if (m->was->device != DISK_CDROM && m->was->device != DISK_FLOPPY)
		return err_set(err, ERR_UNSUPPORTED,
		    "%s is no CD or floppy drive: its image stays while the domain runs (blockcopy moves it to another "
		    "one); --config changes it for the next start",
		    m->was->target);
	return m->drive != NULL
	           ? 0
	           : err_set(err, ERR_STATE, "QEMU does not know the drive %s", m->was->target);
}

int plan_medium(
    const struct plan_in *in, struct plan *p, struct domain *next, size_t i, struct err *err)
{
	struct medium m = {.in = in, .p = p, .was = &in->live->disks[i], .now = &next->disks[i]};
	CLEANUP_FREE char *top = NULL;
	bool fresh = disk_has_image(m.now);
	if (look_at_drive(&m, i, err) < 0 || (fresh && open_medium(&m, next, i, &top, err) < 0))
		return -1;
	free(p->words);
	p->words = fresh ? xasprintf("put %s into %s of %s",
	                       m.now->image.path != NULL ? m.now->image.path : "a medium",
	                       m.was->target, in->name)
	                 : xasprintf("eject %s of %s", m.was->target, in->name);
	open_tray(&m);
	take_out(&m);
	if (fresh)
		put_in(&m, top);
	return 0;
}

void plan_medium_drop(const struct plan_in *in, struct plan *p, size_t i)
{
	const char *node = plan_disk_node(in, i);
	plan_commit(p);
	if (node != NULL)
		plan_argv_drop_nodes(p, in, node);
}
