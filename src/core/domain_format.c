/* struct domain → document: the source is read again, and only members that differ from what it
 * says are put in, so that comments, order and unknown elements survive. */
#include "core/domain_format.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "core/mem.h"
#include "core/str.h"

void set_attrf(xmlNode *node, const char *name, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *value = xvasprintf(fmt, ap);
	va_end(ap);
	xml_set_attr(node, name, value);
}

void put_text(xmlNode *parent, const char *name, const char *old, const char *text)
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

static void put_uuid(struct format *f, const char *name, const unsigned char uuid[16])
{
	char text[37];
	uuid_unparse_lower(uuid, text);
	xmlNode *node = xml_child(f->root, name);
	if (node == NULL)
		node = xml_add_after(f->root, xml_child(f->root, "name"), name);
	xml_set_text(node, text);
}

static void put_general(struct format *f)
{
	const struct domain *d = f->d, *old = &f->old;
	if (d->type != old->type)
		xml_set_attr(f->root, "type", d->type == DOMAIN_KVM ? "kvm" : "qemu");
	put_text(f->root, "name", old->name, d->name);
	if (d->has_uuid && (!old->has_uuid || memcmp(d->uuid, old->uuid, 16) != 0))
		put_uuid(f, "uuid", d->uuid);
	if (d->has_genid_uuid &&
	    (!old->has_genid_uuid || memcmp(d->genid_uuid, old->genid_uuid, 16) != 0))
		put_uuid(f, "genid", d->genid_uuid);
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
void put_alias(const struct format *f, xmlNode *device, const char *alias)
{
	CLEANUP_FREE char *old = xml_child_attr(device, "alias", "name");
	if (f->d->live && alias != NULL && !str_eq(old, alias))
		xml_set_attr(xml_need_child(device, "alias"), "name", alias);
}

xmlNode *element_of(struct format *f, unsigned element, const char *name)
{
	if (element > 0 && element <= f->n_elements)
		return f->elements[element];
	return xml_add_child(f->devices, name);
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
	for (size_t i = 0; i < d->memory.n_devices; i++) {
		const struct domain_memdev *m = &d->memory.devices[i];
		const struct domain_memdev *old =
		    SAME_ELEMENT(f->old.memory.devices, f->old.memory.n_devices, m->element);
		if (m->element == 0)
			continue;
		put_alias(f, f->elements[m->element], m->alias);
		put_address(
		    f->elements[m->element], old != NULL ? &old->address : NULL, &m->address);
	}
	format_storage(f);
	format_devices(f);
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
	unsigned flags = DOMAIN_PARSE_LENIENT | (d->live ? DOMAIN_PARSE_LIVE : 0u);
	struct parse p = {.file = d->name, .flags = flags, .d = &f.old, .err = err};
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
