/* Disks and controllers back into the document. */
#include "core/domain_format.h"

#include <string.h>

#include "core/str.h"

static void put_disk(struct format *f, const struct domain_disk *disk)
{
	const struct domain_disk *old = SAME_ELEMENT(f->old.disks, f->old.n_disks, disk->element);
	xmlNode *node = element_of(f, disk->element, "disk");
	if (old == NULL) {
		xml_set_attr(node, "type", "file");
		xml_set_attr(node, "device", disk->device == DISK_CDROM ? "cdrom" : "disk");
		xmlNode *driver = xml_need_child(node, "driver");
		xml_set_attr(driver, "name", "qemu");
		xml_set_attr(driver, "type", disk->image.format == DISK_QCOW2 ? "qcow2" : "raw");
		if (disk->readonly)
			xml_need_child(node, "readonly");
	}
	if (disk->image.path == NULL && old != NULL && old->image.path != NULL)
		xml_remove(xml_child(node, "source"));
	else if (disk->image.path != NULL &&
	         (old == NULL || !str_eq(old->image.path, disk->image.path)))
		xml_set_attr(xml_need_child(node, "source"), "file", disk->image.path);
	if (old == NULL || strcmp(old->target, disk->target) != 0 || old->bus != disk->bus) {
		xmlNode *target = xml_need_child(node, "target");
		xml_set_attr(target, "dev", disk->target);
		xml_set_attr(target, "bus", disk_bus_name(disk->bus));
	}
	put_text(node, "serial", old != NULL ? old->serial : NULL, disk->serial);
	put_address(node, old != NULL ? &old->address : NULL, &disk->address);
}

static void put_controller(struct format *f, const struct domain_controller *c)
{
	static const char *const types[] = {
	    "pci", "usb", "ide", "sata", "scsi", "fdc", "virtio-serial", "ccid"};
	const struct domain_controller *old =
	    SAME_ELEMENT(f->old.controllers, f->old.n_controllers, c->element);
	xmlNode *node = element_of(f, c->element, "controller");
	if (old == NULL) {
		xml_set_attr(node, "type", types[c->type]);
		set_attrf(node, "index", "%u", c->index);
		if (c->model != NULL)
			xml_set_attr(node, "model", c->model);
	}
	put_address(node, old != NULL ? &old->address : NULL, &c->address);
}

/* What was read and is in the struct no more. */
static void remove_gone(struct format *f)
{
	for (size_t i = 0; i < f->old.n_disks; i++) {
		unsigned n = f->old.disks[i].element;
		if (SAME_ELEMENT(f->d->disks, f->d->n_disks, n) == NULL)
			xml_remove(f->elements[n]);
	}
}

void format_storage(struct format *f)
{
	for (size_t i = 0; i < f->d->n_disks; i++)
		put_disk(f, &f->d->disks[i]);
	for (size_t i = 0; i < f->d->n_controllers; i++)
		put_controller(f, &f->d->controllers[i]);
	remove_gone(f);
}
