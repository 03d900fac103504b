/* Devices other than disks and controllers back into the document. */
#include "core/domain_format.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

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
	if (net->target != NULL && old != NULL && !str_eq(old->target, net->target))
		xml_set_attr(xml_need_child(node, "target"), "dev", net->target);
	put_alias(f, node, attrs_get(&net->attrs, "alias@name"));
	put_address(node, old != NULL ? &old->address : NULL, &net->address);
}

/* "model@type", "rate/…", "cid": the way that attrs_read makes of an attribute or a text. */
static void put_attr(xmlNode *node, const char *name, const char *value)
{
	CLEANUP_FREE char *path = xstrdup(name);
	char *attr = strchr(path, '@'), *save = NULL;
	if (strchr(path, '[') != NULL) /* the second of its name: none of ours */
		return;
	if (attr != NULL)
		*attr++ = '\0';
	for (char *s = strtok_r(path, "/", &save); s != NULL; s = strtok_r(NULL, "/", &save))
		node = xml_need_child(node, s);
	if (attr != NULL)
		xml_set_attr(node, attr, value);
	else if (value[0] != '\0')
		xml_set_text(node, value);
}

static void put_attrs(xmlNode *node, const struct domain_attrs *old, const struct domain_attrs *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (old == NULL || !str_eq(attrs_get(old, a->attr[i].name), a->attr[i].value))
			put_attr(node, a->attr[i].name, a->attr[i].value);
}

static void put_dev(struct format *f, const struct domain_dev *dev)
{
	const struct domain_dev *old = SAME_ELEMENT(f->old.devs, f->old.n_devs, dev->element);
	/* One that stands for an absent element is written when there is something to say. */
	if (old == NULL && dev->address.type == ADDRESS_NONE)
		return;
	xmlNode *node = element_of(f, dev->element, domain_dev_name(dev->kind));
	put_attrs(node, old != NULL ? &old->attrs : NULL, &dev->attrs);
	put_address(node, old != NULL ? &old->address : NULL, &dev->address);
}

static void put_chrs(struct format *f)
{
	const struct domain *d = f->d, *was = &f->old;
	for (size_t i = 0; i < d->n_consoles; i++) {
		const struct domain_chr *chr = &d->consoles[i], *old = SAME_ELEMENT(was->consoles,
		                                                    was->n_consoles, chr->element);
		if (chr->element == 0)
			continue;
		put_alias(f, f->elements[chr->element], attrs_get(&chr->attrs, "alias@name"));
		put_address(
		    f->elements[chr->element], old != NULL ? &old->address : NULL, &chr->address);
	}
	for (size_t i = 0; i < d->n_channels; i++) {
		const struct domain_channel *c = &d->channels[i], *old = SAME_ELEMENT(was->channels,
		                                                      was->n_channels, c->element);
		if (c->element == 0)
			continue;
		put_alias(f, f->elements[c->element], attrs_get(&c->attrs, "alias@name"));
		put_address(
		    f->elements[c->element], old != NULL ? &old->address : NULL, &c->address);
	}
}

/* What was read and is in the struct no more. */
static void remove_gone(struct format *f)
{
	for (size_t i = 0; i < f->old.n_nets; i++) {
		unsigned n = f->old.nets[i].element;
		if (SAME_ELEMENT(f->d->nets, f->d->n_nets, n) == NULL)
			xml_remove(f->elements[n]);
	}
}

void format_devices(struct format *f)
{
	for (size_t i = 0; i < f->d->n_nets; i++)
		put_net(f, &f->d->nets[i]);
	for (size_t i = 0; i < f->d->n_devs; i++)
		put_dev(f, &f->d->devs[i]);
	put_chrs(f);
	remove_gone(f);
}
