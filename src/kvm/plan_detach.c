/* Devices unplugged. */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/plan_memory.h"
#include "kvm/argv_alias.h"
#include "kvm/plan_argv.h"
#include "kvm/plan_device.h"
#include "kvm/plan_net.h"

/* A document without the element; steps follow when both are there. */
static int without(const struct domain *was, unsigned element, struct domain *out, struct err *err)
{
	struct plan_tree t;
	if (plan_tree_open(&t, was, err) < 0)
		return -1;
	xmlNode *n = plan_tree_element(&t, element);
	if (n != NULL)
		xml_remove(n);
	int rc = plan_tree_read(&t, out, err);
	plan_tree_fini(&t);
	return rc;
}

/* --- is it in use? --- */

static bool sits_on(const struct domain_address *a, const struct domain_controller *c)
{
	switch (c->type) {
	case CONTROLLER_USB:
		return a->type == ADDRESS_USB && a->bus == c->index;
	case CONTROLLER_SCSI:
	case CONTROLLER_VIRTIO_SERIAL:
	case CONTROLLER_CCID: {
		static const enum address_type types[CONTROLLER_TYPES] = {
		    [CONTROLLER_SCSI] = ADDRESS_DRIVE,
		    [CONTROLLER_VIRTIO_SERIAL] = ADDRESS_VIRTIO_SERIAL,
		    [CONTROLLER_CCID] = ADDRESS_CCID};
		return a->type == types[c->type] && a->controller == c->index;
	}
	default:
		return false;
	}
}

static int check_controller(const struct domain *d, struct device_ref r, struct err *err)
{
	if (r.kind != DEVICE_CONTROLLER)
		return 0;
	const struct domain_controller *c = &d->controllers[r.index];
	DEVICE_FOREACH (d, u) {
		bool scsi_disk = u.kind != DEVICE_DISK || d->disks[u.index].bus == DISK_SCSI;
		if (!sits_on(device_address(d, u), c) || (c->type == CONTROLLER_SCSI && !scsi_disk))
			continue;
		CLEANUP_FREE char *what = plan_device_words(d, r);
		CLEANUP_FREE char *user = plan_device_words(d, u);
		return err_set(
		    err, ERR_BUSY, "%s is in use: %s is on it; detach that first", what, user);
	}
	return 0;
}

/* QEMU would wait for the job, and the guest's disk would be gone meanwhile. */
static int check_jobs(const struct plan_in *in, struct device_ref r, struct err *err)
{
	struct json_object *list = plan_fact(in, "query-block-jobs");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	if (r.kind != DEVICE_DISK || n == 0)
		return 0;
	const char *target = in->live->disks[r.index].target;
	size_t len = strlen(target);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *id = json_get_str(o, "device");
		for (const char *at = id; at != NULL && (at = strstr(at, target)) != NULL;
		     at += len)
			if ((at == id || at[-1] == '-') && (at[len] == '\0' || at[len] == '-'))
				return err_set(err, ERR_BUSY,
				    "disk %s of domain '%s' has a job that runs ('%s'): wait for it, or end it by 'hvmux blockjob %s %s --abort'",
				    target, in->name, json_get_str(o, "type"), in->name, target);
	}
	return 0;
}

/* --- out of QEMU --- */

static int put_away(const struct plan_in *in, struct device_ref r, unsigned element, struct plan *p,
    struct err *err)
{
	struct domain d = {0};
	int rc = without(in->live, element, &d, err);
	if (rc == 0)
		rc = plan_add_documents(p, in, &d, NULL, err);
	if (rc == 0)
		rc = plan_argv_remove(p, in, in->live, r, err);
	if (rc == 0 && r.kind == DEVICE_NET)
		plan_net_close(p, in->live, r.index);
	if (rc == 0)
		plan_device_give(p, in->live, r);
	domain_fini(&d);
	return rc;
}

static int unplug(const struct plan_in *in, struct device_ref r, unsigned element, const char *what,
    struct plan *p, struct err *err)
{
	CLEANUP_FREE char *id = argv_device_id(in->live, r);
	if (plan_device_hotplug(in->live, r, err) < 0 || check_controller(in->live, r, err) < 0 ||
	    check_jobs(in, r, err) < 0)
		return -1;
	if (id == NULL)
		return err_set(
		    err, ERR_UNSUPPORTED, "%s is nothing that QEMU could let go of", what);
	struct plan_step *s = plan_argv_unplug(p, id, what);
	if (r.kind == DEVICE_MEMORY)
		plan_memory_advice(s, what);
	plan_commit(p);
	return put_away(in, r, element, p, err);
}

int plan_device_gone(const struct plan_in *in, const char *alias, struct plan *p, struct err *err)
{
	struct device_ref r;
	p->words = xasprintf("put away what %s of %s has left", alias, in->name);
	if (!device_by_alias(in->live, alias, &r)) {
		p->result = xasprintf("%s has gone already", alias);
		return 0;
	}
	plan_commit(p);
	return put_away(in, r, device_element(in->live, r), p, err);
}

static int add_config(const struct plan_in *in, unsigned element, struct plan *p, struct err *err)
{
	struct domain d = {0};
	int rc = without(in->config, element, &d, err);
	if (rc == 0)
		rc = plan_add_documents(p, in, NULL, &d, err);
	domain_fini(&d);
	return rc;
}

int plan_detach(
    const struct plan_in *in, unsigned live, unsigned config, struct plan *p, struct err *err)
{
	struct device_ref r;
	const struct domain *d = live > 0 ? in->live : in->config;
	if (!device_by_element(d, live > 0 ? live : config, &r))
		return err_set(err, ERR_UNSUPPORTED, "this is no device that could be detached");
	CLEANUP_FREE char *what = plan_device_words(d, r);
	p->words = xasprintf("detach %s from %s%s", what, in->name,
	    live > 0 && config > 0 ? ", and from its definition"
	    : live > 0             ? ""
	                           : "'s definition");
	/* The definition first: it can be put back should the guest not let go. */
	if (config > 0 && add_config(in, config, p, err) < 0)
		return -1;
	return live > 0 ? unplug(in, r, live, what, p, err) : 0;
}
