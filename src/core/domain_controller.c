/* <controller> into struct domain. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static const struct controller_model {
	enum controller_type type;
	const char *model; /* "" none given */
} controller_models[] = {
    {CONTROLLER_PCI, "pci-root"},
    {CONTROLLER_PCI, "pcie-root"},
    {CONTROLLER_PCI, "pcie-root-port"},
    {CONTROLLER_PCI, "pcie-to-pci-bridge"},
    {CONTROLLER_PCI, "pci-bridge"},
    {CONTROLLER_USB, "none"},
    {CONTROLLER_USB, ""},
    {CONTROLLER_USB, "piix3-uhci"},
    {CONTROLLER_USB, "piix4-uhci"},
    {CONTROLLER_USB, "qemu-xhci"},
    {CONTROLLER_USB, "nec-xhci"},
    {CONTROLLER_USB, "ich9-ehci1"},
    {CONTROLLER_USB, "ich9-uhci1"},
    {CONTROLLER_USB, "ich9-uhci2"},
    {CONTROLLER_USB, "ich9-uhci3"},
    {CONTROLLER_IDE, ""},
    {CONTROLLER_IDE, "piix3"},
    {CONTROLLER_IDE, "piix4"},
    {CONTROLLER_SATA, ""},
    {CONTROLLER_SATA, "ich6"},
    {CONTROLLER_VIRTIO_SERIAL, ""},
    {CONTROLLER_VIRTIO_SERIAL, "virtio"},
};

static int controller_kind(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	static const char *const types[] = {
	    "pci", "usb", "ide", "sata", "scsi", "fdc", "virtio-serial", "ccid", NULL};
	CLEANUP_FREE char *type = printable_attr(node, "type");
	CLEANUP_FREE char *model = printable_attr(node, "model");
	int t = 0;
	while (types[t] != NULL && strcmp(types[t], type) != 0)
		t++;
	if (types[t] == NULL)
		return parse_refuse(p, node, "type='%s' is not supported", type);
	for (size_t i = 0; i < ARRAY_LEN(controller_models); i++) {
		if (controller_models[i].type != (enum controller_type)t ||
		    strcmp(controller_models[i].model, model) != 0)
			continue;
		c->type = (enum controller_type)t;
		c->model = model[0] != '\0' ? TAKE_PTR(model) : NULL;
		return 0;
	}
	return parse_refuse(p, node, "type='%s' model='%s' is not supported", type, model);
}

static int parse_controller(struct parse *p, const xmlNode *node, struct domain_controller *c)
{
	int rc = controller_kind(p, node, c);
	if (rc != 0)
		return rc;
	const xmlNode *target = xml_child(node, "target");
	const xmlNode *master = xml_child(node, "master");
	bool numbered = c->type == CONTROLLER_PCI && c->model != NULL &&
	                strstr(c->model, "-root") != NULL && !strstr(c->model, "port");
	if (parse_number(p, node, "index", 255, &c->index) < 0 ||
	    parse_number(p, node, "ports", 255, &c->ports) < 0 ||
	    parse_number(p, target, "chassis", 255, &c->chassis) < 0 ||
	    parse_number(p, target, "chassisNr", 255, &c->chassis) < 0 ||
	    parse_number(p, target, "port", 255, &c->port) < 0 ||
	    parse_number(p, master, "startport", 15, &c->start_port) < 0 ||
	    parse_address(p, node, ADDRESS_BIT_PCI, &c->address) < 0)
		return -1;
	c->with_port = target != NULL;
	c->has_master = master != NULL;
	if (numbered && c->index != 0)
		return parse_invalid(p, node, "model='%s' has index 0", c->model);
	if (c->type == CONTROLLER_PCI && !numbered && c->index == 0)
		return parse_invalid(p, node, "model='%s' has an index of 1 or more", c->model);
	/* USB: several with one index are an EHCI with its companions. */
	if (c->type != CONTROLLER_PCI && c->type != CONTROLLER_USB && c->index != 0)
		return parse_refuse(p, node, "index='%u': only one is supported", c->index);
	return 0;
}

int controller_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain_controller *c = DOMAIN_ADD(p->d->controllers, p->d->n_controllers);
	c->line = node_line(node);
	c->element = element;
	return parse_controller(p, node, c);
}
