/* update-device, change-media: {"xml": the device as it shall be, "file", "force"}. What differs from the device that is there is named by
 * name; what cannot change while the domain runs is refused with all its names, before anything is done. */
#include <stdlib.h>
#include <string.h>

#include "core/domain_diff.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"
#include "core/xml.h"
#include "kvm/plan_device.h"
#include "kvm/plan_net.h"
#include "kvm/plan_update.h"

/* --- what may change in a machine that runs, and who does it --- */

enum way {
	WAY_NOTE = 1,     /* the documents alone */
	WAY_MEDIUM = 2,   /* what is in a CD or floppy drive */
	WAY_IOTUNE = 4,   /* how much a disk may do */
	WAY_LINK = 8,     /* the cable */
	WAY_BRIDGE = 16,  /* the other end of the cable */
	WAY_RATES = 32,   /* how much goes over it */
	WAY_PASSWORD = 64 /* a display's */
};

static const struct {
	const char *element, *setting;
	bool alone; /* else all that begins with it and a blank, too */
	unsigned way;
} table[] = {
    {"disk", "source startupPolicy", true, WAY_NOTE},
    {"disk", "source index", true, WAY_NOTE},
    {"disk", "source", false, WAY_MEDIUM},
    {"disk", "type", true, WAY_MEDIUM},
    {"disk", "driver", true, WAY_MEDIUM},
    {"disk", "driver name", true, WAY_MEDIUM},
    {"disk", "driver type", true, WAY_MEDIUM},
    {"disk", "backingStore", false, WAY_MEDIUM},
    {"disk", "target tray", true, WAY_MEDIUM},
    {"disk", "iotune", false, WAY_IOTUNE},
    {"interface", "link", false, WAY_LINK},
    {"interface", "source bridge", true, WAY_BRIDGE},
    {"interface", "source network", true, WAY_BRIDGE},
    {"interface", "bandwidth", false, WAY_RATES},
    {"graphics", "passwd", true, WAY_PASSWORD},
    {"graphics", "passwdValidTo", true, WAY_PASSWORD},
    {"graphics", "connected", true, WAY_PASSWORD},
};

static unsigned way_of(const char *element, const char *setting)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		size_t n = strlen(table[i].setting);
		if (strcmp(table[i].element, element) == 0 &&
		    strncmp(table[i].setting, setting, n) == 0 &&
		    (setting[n] == '\0' || (!table[i].alone && setting[n] == ' ')))
			return table[i].way;
	}
	return 0;
}

/* --- one document with the device changed; owner: the builder's stack --- */

struct updated {
	struct plan_tree tree;
	unsigned element; /* 0: this document stays as it is */
	char *was, *now;  /* the device's element in a document of its own */
	struct domain d;  /* with the device as it shall be */
	struct device_ref r;
};

static void updated_fini(struct updated *u)
{
	plan_tree_fini(&u->tree);
	free(u->was);
	free(u->now);
	domain_fini(&u->d);
}

static char *alone(xmlNode *device)
{
	xmlBuffer *b = xmlBufferCreate();
	xmlNodeDump(b, device->doc, device, 0, 0);
	char *text =
	    xasprintf("<domain><devices>%s</devices></domain>", (const char *)xmlBufferContent(b));
	xmlBufferFree(b);
	return text;
}

/* Displays are known by their type, others by what attach and detach know them by. */
static int find(const struct plan_fragment *f, const struct plan_tree *t, const char *where,
    unsigned *element, struct err *err)
{
	CLEANUP_FREE char *type = xml_attr(f->device, "type");
	unsigned n = 0;
	if (!xml_is(f->device, "graphics"))
		return plan_fragment_find(f, t, where, element, err);
	*element = 0;
	for (const xmlNode *e = xml_first(t->devices); e != NULL && *element == 0;
	     e = xml_next(e)) {
		CLEANUP_FREE char *other = xml_attr(e, "type");
		n++;
		if (xml_is(e, "graphics") && str_eq(type, other))
			*element = n;
	}
	return *element > 0 ? 0
	                    : err_set(err, ERR_NOT_FOUND, "there is no <graphics type='%s'> %s",
	                          type != NULL ? type : "", where);
}

static void keep_child(xmlNode *fresh, xmlNode *old, const char *name)
{
	xmlNode *child = xml_child(old, name);
	if (child == NULL || xml_child(fresh, name) != NULL)
		return;
	xmlNode *place = xml_add_child(fresh, name);
	xmlReplaceNode(place, xmlDocCopyNode(child, fresh->doc, 1));
	xmlFreeNode(place);
}

/* What the request does not say of where the device sits and what QEMU calls it stays. */
static void put_in_place(const struct plan_fragment *f, struct updated *u, bool live)
{
	xmlNode *old = plan_tree_element(&u->tree, u->element);
	xmlNode *fresh = xmlDocCopyNode(f->device, u->tree.doc, 1);
	xmlNode *alias = xml_child(fresh, "alias");
	u->was = alone(old);
	xmlReplaceNode(old, fresh);
	if (alias != NULL && live)
		xml_remove(alias);
	if (live)
		keep_child(fresh, old, "alias");
	keep_child(fresh, old, "address");
	if (xml_is(fresh, "interface") && live)
		keep_child(fresh, old, "target");
	xmlFreeNode(old);
	xml_reindent(fresh);
	u->now = alone(fresh);
}

/* What comes out is checked as a definition is. */
static int read_strictly(struct updated *u, const struct domain *was, struct err *err)
{
	size_t n;
	struct domain strict;
	CLEANUP_FREE char *text = xml_format(u->tree.doc, &n);
	unsigned flags = was->live ? DOMAIN_PARSE_LIVE : 0u;
	if (domain_parse(text, n, was->name, flags, &strict, NULL, err) < 0)
		return -1;
	domain_fini(&strict);
	return plan_tree_read(&u->tree, &u->d, err);
}

static int update(const struct plan_fragment *f, const struct domain *was, const char *where,
    struct updated *u, struct err *err)
{
	if (plan_tree_open(&u->tree, was, err) < 0 ||
	    find(f, &u->tree, where, &u->element, err) < 0)
		return -1;
	put_in_place(f, u, was->live);
	if (read_strictly(u, was, err) < 0)
		return -1;
	if (!device_by_element(&u->d, u->element, &u->r))
		return xml_error(
		    err, ERR_UNSUPPORTED, f->file, f->device, "is no device that can be changed");
	return 0;
}

/* --- what is different, and can it be? --- */

static int find_ways(
    const struct updated *u, const struct domain *d, unsigned *ways, struct err *err)
{
	struct domain_diff diff;
	struct buf fixed = BUF_INIT;
	*ways = 0;
	if (domain_diff_read(u->was, strlen(u->was), u->now, strlen(u->now), d->name, &diff, err) <
	    0)
		return -1;
	for (size_t i = 0; i < diff.n; i++) {
		const struct domain_diff_item *x = &diff.item[i];
		unsigned way = way_of(device_element_name(d, u->r), x->setting);
		*ways |= way;
		if (way == 0)
			buf_addf(&fixed, "%s'%s' (%s, wanted %s)", fixed.len > 0 ? ", " : "",
			    x->setting[0] != '\0' ? x->setting : x->device,
			    x->now != NULL ? x->now : "none", x->next != NULL ? x->next : "none");
	}
	domain_diff_fini(&diff);
	CLEANUP_FREE char *names = buf_take(&fixed);
	CLEANUP_FREE char *what = plan_device_words(d, u->r);
	return names[0] == '\0'
	           ? 0
	           : err_set(err, ERR_UNSUPPORTED,
	                 "%s: %s cannot be changed while the domain runs; --config changes it for the next start",
	                 what, names);
}

/* --- the steps --- */

static void add_bridge(struct plan *p, const struct domain_net *was, const char *bridge)
{
	struct plan_step *s =
	    plan_add(p, "move %s from bridge %s to %s", was->target, was->source, bridge);
	plan_action_set(&s->does, PLAN_HOST, "net-bridge",
	    plan_args("tap", was->target, "bridge", bridge, NULL));
	plan_undo_host(s, "net-bridge", plan_args("tap", was->target, "bridge", was->source, NULL));
}

static int change_net(const struct plan_in *in, struct plan *p, const struct updated *u,
    unsigned ways, struct err *err)
{
	const struct domain_net *was = &in->live->nets[u->r.index], *now = &u->d.nets[u->r.index];
	const char *bridge = json_get_str(plan_fact(in, "net"), "bridge");
	if ((ways & WAY_BRIDGE) != 0 && (was->type != NET_BRIDGE || was->target == NULL))
		return err_set(err, ERR_UNSUPPORTED,
		    "interface %s has no tap that could be moved to another bridge while the domain runs; "
		    "--config changes it for the next start",
		    was->mac);
	if ((ways & WAY_BRIDGE) != 0)
		add_bridge(p, was, bridge != NULL ? bridge : now->source);
	if ((ways & WAY_RATES) != 0 && plan_net_rates(p, was, now, err) < 0)
		return -1;
	return (ways & WAY_LINK) != 0 && was->link_down != now->link_down
	           ? plan_net_link(p, in->live, u->r.index, !now->link_down, err)
	           : 0;
}

static int change_live(
    const struct plan_in *in, struct plan *p, struct updated *u, unsigned ways, struct err *err)
{
	if (u->r.kind == DEVICE_NET)
		return change_net(in, p, u, ways, err);
	if (u->r.kind == DEVICE_OTHER)
		return ways == 0 ? 0
		                 : plan_display_password(
		                       p, &in->live->devs[u->r.index], &u->d.devs[u->r.index], err);
	if (u->r.kind != DEVICE_DISK)
		return 0;
	if ((ways & WAY_IOTUNE) != 0 &&
	    plan_iotune_live(p, in, u->r.index, &u->d.disks[u->r.index].iotune, err) < 0)
		return -1;
	return (ways & WAY_MEDIUM) != 0 ? plan_medium(in, p, &u->d, u->r.index, err) : 0;
}

static int add_documents(struct plan *p, const struct plan_in *in, const struct updated *live,
    const struct updated *config, unsigned ways, struct err *err)
{
	if (plan_tree_add(p, in, &live->tree, &config->tree, err) < 0)
		return -1;
	if ((ways & WAY_MEDIUM) == 0)
		return 0;
	plan_host(p, "remember what its images refer to", "chains",
	    plan_args("target", live->d.disks[live->r.index].target, NULL));
	plan_medium_drop(in, p, live->r.index);
	return 0;
}

static int build(const struct plan_in *in, const struct plan_fragment *f, struct plan *p,
    struct updated *live, struct updated *config, struct err *err)
{
	bool runs = (in->where & PLAN_LIVE) != 0, defined = (in->where & PLAN_CONFIG) != 0;
	if (defined && in->config == NULL)
		return err_set(err, ERR_STATE,
		    "domain '%s' is transient: it has no definition that --config could change",
		    in->name);
	if (runs && update(f, in->live, "in the running domain", live, err) < 0)
		return -1;
	if (defined && update(f, in->config,
	                   runs ? "in the definition (--live changes the running domain alone)"
	                        : "in the definition",
	                   config, err) < 0)
		return -1;
	CLEANUP_FREE char *what =
	    runs ? plan_device_words(&live->d, live->r) : plan_device_words(&config->d, config->r);
	p->words = xasprintf("change %s of %s", what, in->name);
	unsigned ways = 0;
	if (runs &&
	    (find_ways(live, in->live, &ways, err) < 0 || change_live(in, p, live, ways, err) < 0))
		return -1;
	return add_documents(p, in, live, config, ways, err);
}

/* --- memory devices: <requested> alone, by the builder of update-memory-device --- */

static int read_kib(const xmlNode *target, const char *name, uint64_t *kib, struct err *err)
{
	const xmlNode *node = xml_child(target, name);
	CLEANUP_FREE char *text = xml_text(node);
	CLEANUP_FREE char *unit = xml_attr(node, "unit");
	if (text == NULL)
		return err_set(err, ERR_INVALID,
		    "a memory device has no <%s>: while a domain runs <requested> of virtio-mem is all that can change",
		    name);
	return units_kib(text, unit, DOMAIN_MEMORY_MAX_KIB, kib, err);
}

static bool has_size(const struct domain *d, uint64_t kib)
{
	for (size_t i = 0; i < d->memory.n_devices; i++)
		if (d->memory.devices[i].model == MEMDEV_VIRTIO_MEM &&
		    d->memory.devices[i].size_kib == kib)
			return true;
	return false;
}

static int update_memory(
    const struct plan_in *in, const struct plan_fragment *f, struct plan *p, struct err *err)
{
	const xmlNode *target = xml_child(f->device, "target");
	CLEANUP_FREE char *alias = xml_child_attr(f->device, "alias", "name");
	CLEANUP_FREE char *node = xml_child_text(target, "node");
	const struct domain *d = (in->where & PLAN_LIVE) != 0 ? in->live : in->config;
	uint64_t kib, size, n;
	if (read_kib(target, "requested", &kib, err) < 0 ||
	    read_kib(target, "size", &size, err) < 0)
		return -1;
	if (!has_size(d, size))
		return err_set(err, ERR_UNSUPPORTED,
		    "%s has no <memory model='virtio-mem'> of that <size>, and a size stays as it is",
		    in->name);
	struct plan_in same = *in;
	same.args = plan_args("alias", alias, NULL);
	json_object_object_add(same.args, "kib", json_object_new_int64((int64_t)kib));
	if (node != NULL && str_u64(node, UINT32_MAX, &n) == 0)
		json_object_object_add(same.args, "node", json_object_new_int64((int64_t)n));
	int rc = plan_verb_find("update-memory-device")->build(&same, p, err);
	json_object_put(same.args);
	return rc;
}

int plan_build_update(const struct plan_in *in, struct plan *p, struct err *err)
{
	const char *xml = plan_arg(in, "xml", err), *file = json_get_str(in->args, "file");
	CLEANUP(updated_fini) struct updated live = {0};
	CLEANUP(updated_fini) struct updated config = {0};
	struct plan_fragment f;
	if (xml == NULL)
		return -1;
	int rc = plan_fragment_read(&f, xml, file != NULL ? file : "the device", err);
	if (rc == 0)
		rc = xml_is(f.device, "memory") ? update_memory(in, &f, p, err)
		                                : build(in, &f, p, &live, &config, err);
	plan_fragment_fini(&f);
	return rc;
}
