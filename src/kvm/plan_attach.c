/* Devices plugged in. */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/argv_alias.h"
#include "kvm/plan_argv.h"
#include "kvm/plan_device.h"
#include "kvm/plan_net.h"

char *plan_device_words(const struct domain *d, struct device_ref r)
{
	const char *alias = device_alias(d, r);
	CLEANUP_FREE char *id = alias != NULL ? xstrdup(alias) : argv_device_id(d, r);
	if (r.kind == DEVICE_DISK)
		return xasprintf("disk %s", d->disks[r.index].target);
	if (r.kind == DEVICE_NET && d->nets[r.index].mac != NULL)
		return xasprintf("interface %s", d->nets[r.index].mac);
	return xasprintf(
	    "%s%s%s", device_element_name(d, r), id != NULL ? " " : "", id != NULL ? id : "");
}

/* --- can it be? --- */

static int refuse(const struct domain *d, struct device_ref r, struct err *err, const char *why)
{
	CLEANUP_FREE char *what = plan_device_words(d, r);
	return err_set(err, ERR_UNSUPPORTED,
	    "%s of domain '%s' cannot be plugged in or out while the machine runs: %s; --config changes the next start",
	    what, d->name, why);
}

static const char *disk_obstacle(const struct domain_disk *k)
{
	if (k->device == DISK_FLOPPY)
		return "a floppy drive is part of the board";
	if (k->bus == DISK_IDE || k->bus == DISK_SATA || k->bus == DISK_NVME)
		return k->device == DISK_CDROM
		           ? "bus='ide', 'sata' and 'nvme' take nothing new (change-media puts another disc in)"
		           : "bus='ide', 'sata' and 'nvme' take nothing new; virtio, scsi and usb do";
	if (k->bus == DISK_USB && k->device == DISK_CDROM)
		return "a CD drive on USB is there from the start";
	return k->transient ? "<transient/> needs an overlay, which a start makes" : NULL;
}

static const char *dev_obstacle(const struct domain_dev *dev)
{
	switch (dev->kind) {
	case DEV_FILESYSTEM:
		return domain_filesystem_is_virtiofs(dev)
		           ? "virtiofs needs a daemon beside QEMU, which a start makes"
		           : "QEMU takes a folder of the host from its command line alone";
	case DEV_CRYPTO:
	case DEV_HOSTDEV:
	case DEV_INPUT:
	case DEV_REDIRDEV:
	case DEV_RNG:
	case DEV_SHMEM:
	case DEV_VSOCK:
	case DEV_WATCHDOG:
	case DEV_BALLOON:
		return NULL;
	case DEV_HUB:
		return "QEMU's USB hub does not know how to come and go";
	default:
		return "it is part of the machine from the start";
	}
}

/* Of a PCI device: where it sits must take one. */
static const char *place_obstacle(const struct domain *d, struct device_ref r)
{
	const struct domain_address *a = device_address(d, r);
	if (a->type != ADDRESS_PCI)
		return NULL;
	if (a->bus == 0 && domain_is_q35(d))
		return "it sits on pcie.0, which is soldered: a place behind a free pcie-root-port is needed";
	const struct domain_controller *c = domain_controller(d, CONTROLLER_PCI, a->bus);
	if (c != NULL && c->hotplug == SWITCH_OFF)
		return "the port that it sits on was defined with hotplug='off'";
	return NULL;
}

int plan_device_hotplug(const struct domain *d, struct device_ref r, struct err *err)
{
	const char *why = NULL;
	if (r.kind == DEVICE_CONSOLE)
		why = "its console and its log are made when it starts";
	else if (r.kind == DEVICE_DISK)
		why = disk_obstacle(&d->disks[r.index]);
	else if (r.kind == DEVICE_OTHER)
		why = dev_obstacle(&d->devs[r.index]);
	else if (r.kind == DEVICE_CONTROLLER && d->controllers[r.index].type == CONTROLLER_PCI)
		why = "buses are there from the start";
	else if (r.kind == DEVICE_CHANNEL && d->channels[r.index].ours)
		why = "its socket is made when it starts; one with a <source path=…> can be";
	if (why == NULL)
		why = place_obstacle(d, r);
	return why == NULL ? 0 : refuse(d, r, err, why);
}

/* --- the documents --- */

/* One document with the device in it, complete. Owner: the builder's stack. */
struct with {
	struct domain d;
	unsigned element;
	unsigned first_new; /* elements from here on were not there before */
	struct device_ref r;
};

/* libvirt's words for what is asked most. */
static int check_target(const struct domain *d, const struct plan_fragment *f, struct err *err)
{
	CLEANUP_FREE char *target =
	    xml_is(f->device, "disk") ? xml_child_attr(f->device, "target", "dev") : NULL;
	CLEANUP_FREE char *alias = xml_child_attr(f->device, "alias", "name");
	struct device_ref other;
	for (size_t i = 0; target != NULL && i < d->n_disks; i++)
		if (strcmp(d->disks[i].target, target) == 0)
			return err_set(err, ERR_EXISTS,
			    "target %s already exists in domain '%s'%s: take another", target,
			    d->name, d->live ? "" : " (in its definition)");
	if (alias != NULL && str_prefix(alias, "ua-") && device_by_alias(d, alias, &other))
		return err_set(
		    err, ERR_EXISTS, "alias '%s' already exists in domain '%s'", alias, d->name);
	return 0;
}

/* The first SCSI disk of a machine that runs brings its controller along. The default model is one of old times, which
 * needs a place on conventional PCI, and which few guests still know. */
static bool brings_controller(const struct domain *was, const struct with *w)
{
	if (w->r.kind != DEVICE_DISK || w->d.disks[w->r.index].bus != DISK_SCSI)
		return false;
	for (size_t i = 0; i < was->n_controllers; i++)
		if (was->controllers[i].type == CONTROLLER_SCSI)
			return false;
	return w->d.disks[w->r.index].address.controller == 0;
}

static int read_with(const struct domain *was, const struct plan_fragment *f, bool controller,
    struct with *w, struct err *err)
{
	struct plan_tree t = {0};
	domain_fini(&w->d);
	if (plan_tree_open(&t, was, err) < 0)
		return -1;
	w->first_new = 1;
	for (const xmlNode *e = xml_first(t.devices); e != NULL; e = xml_next(e))
		w->first_new++;
	if (controller) {
		xmlNode *n = xml_add_child(t.devices, "controller");
		xml_set_attr(n, "type", "scsi");
		xml_set_attr(n, "index", "0");
		xml_set_attr(n, "model", "virtio-scsi");
	}
	w->element = plan_fragment_graft(f, &t);
	int rc = plan_tree_read(&t, &w->d, err);
	plan_tree_fini(&t);
	if (rc < 0)
		return -1;
	return device_by_element(&w->d, w->element, &w->r)
	           ? 0
	           : xml_error(err, ERR_UNSUPPORTED, f->file, f->device,
	                 "is no device that can be attached");
}

static int put_in(const struct domain *was, const struct plan_fragment *f, bool runs,
    struct with *w, struct err *err)
{
	*w = (struct with){0};
	if (check_target(was, f, err) < 0 || plan_fragment_check(f, was, err) < 0 ||
	    read_with(was, f, false, w, err) < 0)
		return -1;
	if (runs && brings_controller(was, w) && read_with(was, f, true, w, err) < 0)
		return -1;
	return domain_complete(&w->d, NULL, NULL, err);
}

/* Not the device itself, but what it needs. */
static bool is_new(const struct with *w, unsigned element)
{
	return element == 0 || (element >= w->first_new && element != w->element);
}

static bool bus_is_used(const struct domain *d, unsigned bus)
{
	DEVICE_FOREACH (d, r) {
		const struct domain_address *a = device_address(d, r);
		if (a->type == ADDRESS_PCI && a->bus == bus)
			return true;
	}
	return false;
}

/* Room that is kept for what comes later is of no use in a machine that runs. */
static void drop_spare_buses(struct domain *d)
{
	for (size_t i = d->n_controllers; i-- > 0;) {
		struct domain_controller *c = &d->controllers[i];
		if (c->element != 0 || c->type != CONTROLLER_PCI || bus_is_used(d, c->index))
			continue;
		controller_fini(c);
		memmove(c, c + 1, (--d->n_controllers - i) * sizeof *c);
	}
}

/* New buses cannot be plugged in: the machine has no free port. */
static int check_buses(const struct plan_in *in, struct with *w, struct err *err)
{
	drop_spare_buses(&w->d);
	CLEANUP_FREE char *what = plan_device_words(&w->d, w->r);
	for (size_t i = 0; i < w->d.n_controllers; i++) {
		const struct domain_controller *c = &w->d.controllers[i];
		if (c->element != 0 || c->type != CONTROLLER_PCI)
			continue;
		bool port = strcmp(c->model, "pcie-root-port") == 0;
		return err_set(err, ERR_STATE,
		    "no place is left for %s in the running domain '%s': it needs a %s more, and buses cannot be plugged in. "
		    "Unplug something, or define a few <controller type='pci' model='%s'/> (hvmux edit %s), which are there "
		    "from the next start on",
		    what, in->name, c->model, port ? "pcie-root-port" : c->model, in->name);
	}
	return 0;
}

/* --- into QEMU --- */

static int plug_controllers(
    struct plan *p, const struct plan_in *in, struct with *w, struct err *err)
{
	for (size_t i = 0; i < w->d.n_controllers; i++) {
		if (!is_new(w, w->d.controllers[i].element))
			continue;
		struct device_ref r = {DEVICE_CONTROLLER, i};
		CLEANUP_FREE char *what = plan_device_words(&w->d, r);
		if (plan_device_hotplug(&w->d, r, err) < 0 ||
		    plan_argv_device(p, in, &w->d, r, what, err) < 0)
			return -1;
	}
	return 0;
}

static struct json_object *pci_args(const struct domain_attrs *a)
{
	CLEANUP_FREE char *address = xasprintf("%04llx:%02llx:%02llx.%llx",
	    (unsigned long long)attrs_number(a, "source/address@domain", 0),
	    (unsigned long long)attrs_number(a, "source/address@bus", 0),
	    (unsigned long long)attrs_number(a, "source/address@slot", 0),
	    (unsigned long long)attrs_number(a, "source/address@function", 0));
	struct json_object *o = plan_args("address", address, NULL);
	json_object_object_add(o, "managed", json_object_new_boolean(attrs_on(a, "@managed")));
	return o;
}

static const struct domain_attrs *pci_of(const struct domain *d, struct device_ref r)
{
	const struct domain_dev *dev = r.kind == DEVICE_OTHER ? &d->devs[r.index] : NULL;
	bool pci =
	    dev != NULL && dev->kind == DEV_HOSTDEV && domain_hostdev_type(dev) == HOSTDEV_PCI;
	return pci ? &dev->attrs : NULL;
}

void plan_device_take(struct plan *p, const struct domain *d, struct device_ref r)
{
	const struct domain_attrs *a = pci_of(d, r);
	if (a == NULL)
		return;
	struct plan_step *s =
	    plan_host(p, "take the device from the host's driver", "pci-take", pci_args(a));
	plan_undo_host(s, "pci-give", pci_args(a));
}

void plan_device_give(struct plan *p, const struct domain *d, struct device_ref r)
{
	const struct domain_attrs *a = pci_of(d, r);
	if (a != NULL)
		plan_host(p, "give the device back to the host", "pci-give", pci_args(a))->flags |=
		    PLAN_MAY_FAIL;
}

static int plug(struct plan *p, const struct plan_in *in, struct with *w, struct err *err)
{
	CLEANUP_FREE char *what = plan_device_words(&w->d, w->r);
	if (plug_controllers(p, in, w, err) < 0)
		return -1;
	if (w->r.kind == DEVICE_DISK && plan_attach_image(in, &w->d.disks[w->r.index], err) < 0)
		return -1;
	plan_device_take(p, &w->d, w->r);
	return w->r.kind == DEVICE_NET ? plan_net_plug(p, in, &w->d, w->r.index, what, err)
	                               : plan_argv_device(p, in, &w->d, w->r, what, err);
}

/* --- the plan --- */

/* The element as it stands in the running document now. */
static int read_back(
    const struct with *live, const char *file, struct plan_fragment *same, struct err *err)
{
	CLEANUP_FREE char *text = domain_format(&live->d, err);
	CLEANUP_XML xmlDoc *doc =
	    text != NULL ? xml_read(text, strlen(text), file, "domain", err) : NULL;
	if (doc == NULL)
		return -1;
	struct plan_tree t = {.was = &live->d, .doc = doc};
	t.devices = xml_child(xmlDocGetRootElement(doc), "devices");
	xmlBuffer *b = xmlBufferCreate();
	xmlNodeDump(b, doc, plan_tree_element(&t, live->element), 0, 0);
	int rc = plan_fragment_read(same, (const char *)xmlBufferContent(b), file, err);
	xmlBufferFree(b);
	return rc;
}

/* The same device in the definition: with the place and the MAC address that it has now, when they are free there, so that the
 * guest finds it where it was at the next start. */
static int put_in_config(const struct plan_in *in, const struct plan_fragment *f,
    const struct with *live, struct with *w, struct err *err)
{
	struct plan_fragment same = {0};
	struct err why;
	if (live->d.source == NULL)
		return put_in(in->config, f, false, w, err);
	int rc = read_back(live, f->file, &same, err);
	if (rc == 0 && put_in(in->config, &same, true, w, &why) < 0) {
		/* The place is another's in the definition. */
		domain_fini(&w->d);
		rc = put_in(in->config, f, true, w, err);
		if (rc == 0 && live->r.kind == DEVICE_NET) {
			free(w->d.nets[w->r.index].mac);
			w->d.nets[w->r.index].mac = xstrdup0(live->d.nets[live->r.index].mac);
		}
	}
	plan_fragment_fini(&same);
	return rc;
}

static int add_steps(const struct plan_in *in, struct plan *p, struct with *live,
    struct with *config, struct err *err)
{
	bool runs = (in->where & PLAN_LIVE) != 0, defined = (in->where & PLAN_CONFIG) != 0;
	/* Before QEMU has it: what a guest may write is remembered first. */
	if (runs && plan_add_documents(p, in, &live->d, NULL, err) < 0)
		return -1;
	if (runs && live->r.kind == DEVICE_DISK)
		plan_host(p, "remember what its images refer to", "chains",
		    plan_args("target", live->d.disks[live->r.index].target, NULL));
	if (runs && plug(p, in, live, err) < 0)
		return -1;
	return defined ? plan_add_documents(p, in, NULL, &config->d, err) : 0;
}

static int build(const struct plan_in *in, const struct plan_fragment *f, struct plan *p,
    struct with *live, struct with *config, struct err *err)
{
	bool runs = (in->where & PLAN_LIVE) != 0, defined = (in->where & PLAN_CONFIG) != 0;
	if (defined && in->config == NULL)
		return err_set(err, ERR_STATE,
		    "domain '%s' is transient: it has no definition that --config could change",
		    in->name);
	if (runs && put_in(in->live, f, true, live, err) < 0)
		return -1;
	if (runs) {
		argv_aliases(&live->d);
		if (check_buses(in, live, err) < 0 ||
		    plan_device_hotplug(&live->d, live->r, err) < 0)
			return -1;
	}
	if (defined && put_in_config(in, f, live, config, err) < 0)
		return -1;
	/* A tap's name is of this run alone. */
	if (runs && live->r.kind == DEVICE_NET)
		plan_net_resolve(in, &live->d, live->r.index);
	const struct with *w = runs ? live : config;
	CLEANUP_FREE char *what = plan_device_words(&w->d, w->r);
	p->words = xasprintf("attach %s to %s%s", what, in->name,
	    runs && defined ? ", and to its definition"
	    : runs          ? ""
	                    : "'s definition");
	return add_steps(in, p, live, config, err);
}

int plan_attach(
    const struct plan_in *in, const char *xml, const char *file, struct plan *p, struct err *err)
{
	struct plan_fragment f;
	struct with live = {0}, config = {0};
	int rc = plan_fragment_read(&f, xml, file, err);
	if (rc == 0)
		rc = build(in, &f, p, &live, &config, err);
	domain_fini(&live.d);
	domain_fini(&config.d);
	plan_fragment_fini(&f);
	return rc;
}
