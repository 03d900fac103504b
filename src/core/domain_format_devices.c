/* Devices other than disks and controllers back into the document. */
#include "core/domain_format.h"

#include <string.h>

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
	put_address(node, old != NULL ? &old->address : NULL, &net->address);
}

static void put_small(struct format *f)
{
	const struct domain *d = f->d, *old = &f->old;
	if (d->video.model != NULL) {
		xmlNode *node = element_of(f, d->video.element, "video");
		if (d->video.element == 0)
			xml_set_attr(xml_need_child(node, "model"), "type", d->video.model);
		put_address(
		    node, d->video.element > 0 ? &old->video.address : NULL, &d->video.address);
	}
	if (d->balloon && (d->balloon_element > 0 || d->balloon_address.type != ADDRESS_NONE)) {
		xmlNode *node = element_of(f, d->balloon_element, "memballoon");
		if (d->balloon_element == 0)
			xml_set_attr(node, "model", "virtio");
		put_address(node, d->balloon_element > 0 ? &old->balloon_address : NULL,
		    &d->balloon_address);
	}
	if (d->rng != NULL && d->rng_element > 0)
		put_address(f->elements[d->rng_element], &old->rng_address, &d->rng_address);
	if (d->panic_model != NULL && d->panic_element > 0)
		put_address(f->elements[d->panic_element], &old->panic_address, &d->panic_address);
	if (d->watchdog_model != NULL && d->watchdog_element > 0)
		put_address(
		    f->elements[d->watchdog_element], &old->watchdog_address, &d->watchdog_address);
	for (size_t i = 0; i < d->n_inputs; i++)
		if (d->inputs[i].element > 0) {
			const struct domain_input *was =
			    SAME_ELEMENT(old->inputs, old->n_inputs, d->inputs[i].element);
			put_address(f->elements[d->inputs[i].element],
			    was != NULL ? &was->address : NULL, &d->inputs[i].address);
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
	put_small(f);
	remove_gone(f);
}
