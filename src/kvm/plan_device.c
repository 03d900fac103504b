/* Devices plugged and unplugged: the requests. */
#include "kvm/plan_device.h"

#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/plan_argv.h"
#include "kvm/plan_update.h"

static int build_attach(const struct plan_in *in, struct plan *p, struct err *err)
{
	const char *xml = plan_arg(in, "xml", err), *file = json_get_str(in->args, "file");
	return xml == NULL ? -1 : plan_attach(in, xml, file != NULL ? file : "the device", p, err);
}

/* --- which device? --- */

static int check_config(const struct plan_in *in, struct err *err)
{
	return (in->where & PLAN_CONFIG) != 0 && in->config == NULL
	           ? err_set(err, ERR_STATE,
	                 "domain '%s' is transient: it has no definition that --config could change",
	                 in->name)
	           : 0;
}

static int find_in(const struct plan_fragment *f, const struct domain *d, const char *where,
    unsigned *element, struct err *err)
{
	struct plan_tree t;
	if (plan_tree_open(&t, d, err) < 0)
		return -1;
	int rc = plan_fragment_find(f, &t, where, element, err);
	plan_tree_fini(&t);
	return rc;
}

static int detach_fragment(
    const struct plan_in *in, const struct plan_fragment *f, struct plan *p, struct err *err)
{
	unsigned live = 0, config = 0;
	if (check_config(in, err) < 0)
		return -1;
	if ((in->where & PLAN_LIVE) != 0 &&
	    find_in(f, in->live, "in the running domain", &live, err) < 0)
		return -1;
	if ((in->where & PLAN_CONFIG) != 0 &&
	    find_in(f, in->config,
	        live > 0 ? "in the definition (--live detaches it from the running domain alone)"
	                 : "in the definition",
	        &config, err) < 0)
		return -1;
	return plan_detach(in, live, config, p, err);
}

static int build_detach_device(const struct plan_in *in, struct plan *p, struct err *err)
{
	struct plan_fragment f;
	const char *xml = plan_arg(in, "xml", err), *file = json_get_str(in->args, "file");
	if (xml == NULL)
		return -1;
	int rc = plan_fragment_read(&f, xml, file != NULL ? file : "the device", err);
	if (rc == 0)
		rc = detach_fragment(in, &f, p, err);
	plan_fragment_fini(&f);
	return rc;
}

static unsigned disk_element(const struct domain *d, const char *target)
{
	for (size_t i = 0; i < d->n_disks; i++)
		if (str_eq(d->disks[i].target, target) || str_eq(d->disks[i].image.path, target))
			return d->disks[i].element;
	return 0;
}

static int build_detach_disk(const struct plan_in *in, struct plan *p, struct err *err)
{
	const char *target = plan_arg(in, "target", err);
	if (target == NULL || check_config(in, err) < 0)
		return -1;
	unsigned live = (in->where & PLAN_LIVE) != 0 ? disk_element(in->live, target) : 0;
	unsigned config = (in->where & PLAN_CONFIG) != 0 ? disk_element(in->config, target) : 0;
	if (((in->where & PLAN_LIVE) != 0 && live == 0) ||
	    ((in->where & PLAN_CONFIG) != 0 && config == 0))
		return err_set(err, ERR_NOT_FOUND,
		    "No disk found whose source path or target is %s%s", target,
		    live > 0
		        ? " in the definition (--live detaches it from the running domain alone)"
		        : "");
	return plan_detach(in, live, config, p, err);
}

/* The device of the definition that is the same as one that runs: by what tells it apart there. */
static unsigned same_device(const struct domain *live, struct device_ref r, const struct domain *d)
{
	DEVICE_FOREACH (d, k) {
		const char *alias = device_alias(d, k);
		if (k.kind != r.kind)
			continue;
		bool same =
		    alias != NULL
		        ? str_eq(alias, device_alias(live, r))
		        : str_eq(device_element_name(d, k), device_element_name(live, r)) &&
		              address_equal(device_address(d, k), device_address(live, r)) &&
		              device_address(d, k)->type != ADDRESS_NONE;
		if (r.kind == DEVICE_DISK)
			same = str_eq(d->disks[k.index].target, live->disks[r.index].target);
		if (r.kind == DEVICE_NET && d->nets[k.index].mac != NULL)
			same = str_eq(d->nets[k.index].mac, live->nets[r.index].mac);
		if (same)
			return device_element(d, k);
	}
	return 0;
}

static int build_detach_alias(const struct plan_in *in, struct plan *p, struct err *err)
{
	const char *alias = plan_arg(in, "alias", err);
	struct device_ref r;
	unsigned live = 0, config = 0;
	if (alias == NULL || check_config(in, err) < 0)
		return -1;
	bool runs = in->live != NULL && device_by_alias(in->live, alias, &r);
	if ((in->where & PLAN_LIVE) != 0 && runs)
		live = device_element(in->live, r);
	if ((in->where & PLAN_CONFIG) != 0 && runs)
		config = same_device(in->live, r, in->config);
	else if ((in->where & PLAN_CONFIG) != 0 && device_by_alias(in->config, alias, &r))
		config = device_element(in->config, r);
	if (((in->where & PLAN_LIVE) != 0 && live == 0) ||
	    ((in->where & PLAN_CONFIG) != 0 && config == 0))
		return err_set(err, ERR_NOT_FOUND, "no device found with alias '%s'%s", alias,
		    live > 0 ? " in the definition" : "");
	return plan_detach(in, live, config, p, err);
}

static int build_gone(const struct plan_in *in, struct plan *p, struct err *err)
{
	const char *alias = plan_arg(in, "alias", err);
	return alias == NULL ? -1 : plan_device_gone(in, alias, p, err);
}

static const char *const detach_queries[] = {PLAN_ARGV_QUERIES, "query-block-jobs", NULL};

const struct plan_verb plan_verbs_device[] = {
    {"attach-device", PLAN_VERB_OFF, NULL, plan_attach_look, build_attach},
    {"attach-disk", PLAN_VERB_OFF, NULL, plan_attach_look, build_attach},
    {"detach-device", PLAN_VERB_OFF, detach_queries, NULL, build_detach_device},
    {"detach-disk", PLAN_VERB_OFF, detach_queries, NULL, build_detach_disk},
    {"detach-device-alias", PLAN_VERB_OFF, detach_queries, NULL, build_detach_alias},
    {"device-gone", PLAN_VERB_OWN, detach_queries, NULL, build_gone},
    {0},
};
