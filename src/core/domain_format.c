/* struct domain → document: the source is read again, and only members that differ from what it
 * says are put in, so that comments, order and unknown elements survive. */
#include "core/domain_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "core/mem.h"
#include "core/str.h"

struct format {
	const struct domain *d; /* as it shall be */
	struct domain old;      /* as the source says */
	xmlNode *root, *devices;
	xmlNode **elements; /* of <devices>, by number from 1 */
	unsigned n_elements;
};

static void set_attrf(xmlNode *node, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void set_attrf(xmlNode *node, const char *name, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *value = xvasprintf(fmt, ap);
	va_end(ap);
	xml_set_attr(node, name, value);
}

/* A text element that may be absent on either side. */
static void put_text(xmlNode *parent, const char *name, const char *old, const char *text)
{
	if (str_eq(old, text))
		return;
	if (text != NULL)
		xml_set_text(xml_need_child(parent, name), text);
	else if (xml_child(parent, name) != NULL)
		xml_remove(xml_child(parent, name));
}

static void put_kib(struct format *f, const char *name, uint64_t old, uint64_t kib)
{
	if (old == kib)
		return;
	xmlNode *node = xml_need_child(f->root, name);
	CLEANUP_FREE char *text = xasprintf("%llu", (unsigned long long)kib);
	xml_set_attr(node, "unit", "KiB");
	xml_set_text(node, text);
}

static void put_action(
    struct format *f, const char *name, enum domain_action old, enum domain_action action)
{
	if (old != action)
		xml_set_text(xml_need_child(f->root, name), domain_action_name(action));
}

static void put_general(struct format *f)
{
	const struct domain *d = f->d, *old = &f->old;
	if (d->type != old->type)
		xml_set_attr(f->root, "type", d->type == DOMAIN_KVM ? "kvm" : "qemu");
	put_text(f->root, "name", old->name, d->name);
	if (d->has_uuid && (!old->has_uuid || memcmp(d->uuid, old->uuid, 16) != 0)) {
		char uuid[37];
		uuid_unparse_lower(d->uuid, uuid);
		xmlNode *node = xml_child(f->root, "uuid");
		if (node == NULL)
			node = xml_add_after(f->root, xml_child(f->root, "name"), "uuid");
		xml_set_text(node, uuid);
	}
	put_text(f->root, "title", old->title, d->title);
	put_text(f->root, "description", old->description, d->description);
	put_kib(f, "memory", old->memory_kib, d->memory_kib);
	/* What was absent follows <memory>. */
	if (d->current_memory_kib != d->memory_kib || xml_child(f->root, "currentMemory") != NULL)
		put_kib(f, "currentMemory", old->current_memory_kib, d->current_memory_kib);
	if (d->vcpus_max != old->vcpus_max || d->vcpus != old->vcpus) {
		xmlNode *vcpu = xml_need_child(f->root, "vcpu");
		CLEANUP_FREE char *text = xasprintf("%u", d->vcpus_max);
		xml_set_text(vcpu, text);
		set_attrf(vcpu, "current", "%u", d->vcpus);
	}
	xmlNode *os = xml_child(f->root, "os");
	put_text(os, "kernel", old->kernel, d->kernel);
	put_text(os, "initrd", old->initrd, d->initrd);
	put_text(os, "cmdline", old->cmdline, d->cmdline);
	put_action(f, "on_poweroff", old->on_poweroff, d->on_poweroff);
	put_action(f, "on_reboot", old->on_reboot, d->on_reboot);
	put_action(f, "on_crash", old->on_crash, d->on_crash);
}

/* --- devices --- */
/* The element of a device; a new one when it has none. */
static xmlNode *element_of(struct format *f, unsigned element, const char *name)
{
	if (element > 0 && element <= f->n_elements)
		return f->elements[element];
	return xml_add_child(f->devices, name);
}

static bool pci_equal(const struct domain_pci *a, const struct domain_pci *b)
{
	return a->present == b->present && a->multifunction == b->multifunction &&
	       a->domain == b->domain && a->bus == b->bus && a->slot == b->slot &&
	       a->function == b->function;
}

static void put_pci(xmlNode *node, const struct domain_pci *old, const struct domain_pci *a)
{
	static const struct domain_pci none;
	if (!a->present || pci_equal(old != NULL ? old : &none, a))
		return;
	xmlNode *address = xml_need_child(node, "address");
	xml_set_attr(address, "type", "pci");
	set_attrf(address, "domain", "0x%04x", a->domain);
	set_attrf(address, "bus", "0x%02x", a->bus);
	set_attrf(address, "slot", "0x%02x", a->slot);
	set_attrf(address, "function", "0x%x", a->function);
	if (a->multifunction)
		xml_set_attr(address, "multifunction", "on");
}

/* The entry of an array that was read from the same element; NULL none. */
#define SAME_ELEMENT(array, n, number)                              \
	({                                                          \
		const __typeof__((array)[0]) *found_ = NULL;        \
		for (size_t k_ = 0; (number) > 0 && k_ < (n); k_++) \
			if ((array)[k_].element == (number))        \
				found_ = &(array)[k_];              \
		found_;                                             \
	})

static void put_disk(struct format *f, const struct domain_disk *disk)
{
	const struct domain_disk *old = SAME_ELEMENT(f->old.disks, f->old.n_disks, disk->element);
	xmlNode *node = element_of(f, disk->element, "disk");
	if (old == NULL) {
		xml_set_attr(node, "type", "file");
		xml_set_attr(node, "device", disk->device == DISK_CDROM ? "cdrom" : "disk");
		xmlNode *driver = xml_need_child(node, "driver");
		xml_set_attr(driver, "name", "qemu");
		xml_set_attr(driver, "type", disk->format == DISK_QCOW2 ? "qcow2" : "raw");
		if (disk->readonly)
			xml_need_child(node, "readonly");
	}
	if (disk->source == NULL && old != NULL && old->source != NULL)
		xml_remove(xml_child(node, "source"));
	else if (disk->source != NULL && (old == NULL || !str_eq(old->source, disk->source)))
		xml_set_attr(xml_need_child(node, "source"), "file", disk->source);
	if (old == NULL || strcmp(old->target, disk->target) != 0 || old->bus != disk->bus) {
		xmlNode *target = xml_need_child(node, "target");
		xml_set_attr(target, "dev", disk->target);
		xml_set_attr(target, "bus", disk_bus_name(disk->bus));
	}
	put_text(node, "serial", old != NULL ? old->serial : NULL, disk->serial);
	put_pci(node, old != NULL ? &old->address : NULL, &disk->address);
}

static void put_net(struct format *f, const struct domain_net *net)
{
	const struct domain_net *old = SAME_ELEMENT(f->old.nets, f->old.n_nets, net->element);
	xmlNode *node = element_of(f, net->element, "interface");
	if (old == NULL)
		xml_set_attr(node, "type", "user");
	if (net->mac != NULL && (old == NULL || !str_eq(old->mac, net->mac)))
		xml_set_attr(xml_need_child(node, "mac"), "address", net->mac);
	if (net->model != NULL && (old == NULL || !str_eq(old->model, net->model)))
		xml_set_attr(xml_need_child(node, "model"), "type", net->model);
	put_pci(node, old != NULL ? &old->address : NULL, &net->address);
}

static void put_controller(struct format *f, const struct domain_controller *c)
{
	static const char *const types[] = {"pci", "usb", "ide", "sata", "virtio-serial"};
	const struct domain_controller *old =
	    SAME_ELEMENT(f->old.controllers, f->old.n_controllers, c->element);
	xmlNode *node = element_of(f, c->element, "controller");
	if (old == NULL) {
		xml_set_attr(node, "type", types[c->type]);
		set_attrf(node, "index", "%u", c->index);
		if (c->model != NULL)
			xml_set_attr(node, "model", c->model);
	}
	put_pci(node, old != NULL ? &old->address : NULL, &c->address);
}

static void put_small(struct format *f)
{
	const struct domain *d = f->d, *old = &f->old;
	if (d->video.model != NULL) {
		xmlNode *node = element_of(f, d->video.element, "video");
		if (d->video.element == 0)
			xml_set_attr(xml_need_child(node, "model"), "type", d->video.model);
		put_pci(node, d->video.element > 0 ? &old->video.address : NULL, &d->video.address);
	}
	if (d->balloon && (d->balloon_element > 0 || d->balloon_address.present)) {
		xmlNode *node = element_of(f, d->balloon_element, "memballoon");
		if (d->balloon_element == 0)
			xml_set_attr(node, "model", "virtio");
		put_pci(node, d->balloon_element > 0 ? &old->balloon_address : NULL,
		    &d->balloon_address);
	}
	if (d->rng != NULL && d->rng_element > 0)
		put_pci(f->elements[d->rng_element], &old->rng_address, &d->rng_address);
	if (d->panic_model != NULL && d->panic_element > 0)
		put_pci(f->elements[d->panic_element], &old->panic_address, &d->panic_address);
	if (d->watchdog_model != NULL && d->watchdog_element > 0)
		put_pci(
		    f->elements[d->watchdog_element], &old->watchdog_address, &d->watchdog_address);
	for (size_t i = 0; i < d->n_inputs; i++)
		if (d->inputs[i].element > 0) {
			const struct domain_input *was =
			    SAME_ELEMENT(old->inputs, old->n_inputs, d->inputs[i].element);
			put_pci(f->elements[d->inputs[i].element],
			    was != NULL ? &was->address : NULL, &d->inputs[i].address);
		}
}

/* What was read and is in the struct no more. */
static void remove_gone(struct format *f)
{
	const struct domain *d = f->d;
	for (size_t i = 0; i < f->old.n_disks; i++) {
		unsigned n = f->old.disks[i].element;
		if (SAME_ELEMENT(d->disks, d->n_disks, n) == NULL)
			xml_remove(f->elements[n]);
	}
	for (size_t i = 0; i < f->old.n_nets; i++) {
		unsigned n = f->old.nets[i].element;
		if (SAME_ELEMENT(d->nets, d->n_nets, n) == NULL)
			xml_remove(f->elements[n]);
	}
}

static void put_devices(struct format *f)
{
	const struct domain *d = f->d;
	f->devices = xml_need_child(f->root, "devices");
	for (xmlNode *n = xml_first(f->devices); n != NULL; n = xml_next(n))
		f->n_elements++;
	f->elements = xcalloc(f->n_elements + 1, sizeof *f->elements);
	unsigned k = 0;
	for (xmlNode *n = xml_first(f->devices); n != NULL; n = xml_next(n))
		f->elements[++k] = n;
	put_text(f->devices, "emulator", f->old.emulator, d->emulator);
	for (size_t i = 0; i < d->n_disks; i++)
		put_disk(f, &d->disks[i]);
	for (size_t i = 0; i < d->n_nets; i++)
		put_net(f, &d->nets[i]);
	for (size_t i = 0; i < d->n_controllers; i++)
		put_controller(f, &d->controllers[i]);
	put_small(f);
	remove_gone(f);
	free(f->elements);
}

static void put_leaves_out(struct format *f)
{
	if (!f->d->leaves_out || domain_leaves_out(f->root))
		return;
	xmlNode *first = f->root->children;
	xmlNode *pi = xmlNewDocPI(f->root->doc, BAD_CAST "hvmux", BAD_CAST "ignore-unsupported");
	if (first == NULL)
		xmlAddChild(f->root, pi);
	else
		xmlAddPrevSibling(first, pi);
	xmlAddPrevSibling(pi, xmlNewText(BAD_CAST "\n  "));
}

char *domain_format(const struct domain *d, struct err *err)
{
	static const char empty[] =
	    "<domain type='kvm'>\n  <name>new</name>\n"
	    "  <memory unit='KiB'>1048576</memory>\n"
	    "  <os>\n    <type arch='x86_64'>hvm</type>\n  </os>\n</domain>\n";
	const char *source = d->source != NULL ? d->source : empty;
	size_t n = d->source != NULL ? d->source_len : sizeof empty - 1;
	CLEANUP_XML xmlDoc *doc = xml_read(source, n, d->name, "domain", err);
	if (doc == NULL)
		return NULL;
	struct format f = {.d = d, .root = xmlDocGetRootElement(doc)};
	struct parse p = {.file = d->name, .flags = DOMAIN_PARSE_LENIENT, .d = &f.old, .err = err};
	if (parse_document(&p, f.root) < 0) {
		domain_fini(&f.old);
		return NULL;
	}
	put_general(&f);
	put_devices(&f);
	put_leaves_out(&f);
	domain_fini(&f.old);
	return xml_format(doc, &n);
}
