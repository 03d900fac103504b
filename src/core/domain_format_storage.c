/* Disks and controllers back into the document. */
#include "core/domain_format.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* A disk of ours: attach-disk, clone, create. What came as a document has its element already. */
static void put_new_disk(xmlNode *node, const struct domain_disk *disk)
{
	xml_set_attr(node, "type", image_type_name(disk->image.type));
	xml_set_attr(node, "device", disk_device_name(disk->device));
	xmlNode *driver = xml_need_child(node, "driver");
	xml_set_attr(driver, "name", "qemu");
	xml_set_attr(driver, "type", disk_format_name(disk->image.format));
	const char *const words[][2] = {{"cache", disk->cache}, {"io", disk->io},
	    {"discard", disk->discard}, {"detect_zeroes", disk->detect_zeroes}};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i][1] != NULL)
			xml_set_attr(driver, words[i][0], words[i][1]);
	if (disk->iothread > 0)
		set_attrf(driver, "iothread", "%u", disk->iothread);
	if (disk->readonly)
		xml_need_child(node, "readonly");
	if (disk->shareable)
		xml_need_child(node, "shareable");
}

static const char *path_attr(const struct disk_image *image)
{
	return image->type == IMAGE_BLOCK ? "dev" : image->type == IMAGE_DIR ? "dir" : "file";
}

static void put_disk(struct format *f, const struct domain_disk *disk)
{
	const struct domain_disk *old = SAME_ELEMENT(f->old.disks, f->old.n_disks, disk->element);
	xmlNode *node = element_of(f, disk->element, "disk");
	const char *path = disk->image.path, *old_path = old != NULL ? old->image.path : NULL;
	if (old == NULL)
		put_new_disk(node, disk);
	if (old != NULL && old->image.type != disk->image.type)
		xml_set_attr(node, "type", image_type_name(disk->image.type));
	if (path == NULL && old_path != NULL)
		xml_remove(xml_child(node, "source"));
	else if (path != NULL && !str_eq(old_path, path))
		xml_set_attr(xml_need_child(node, "source"), path_attr(&disk->image), path);
	if (old != NULL && old->image.format != disk->image.format)
		xml_set_attr(
		    xml_need_child(node, "driver"), "type", disk_format_name(disk->image.format));
	if (old == NULL || strcmp(old->target, disk->target) != 0 || old->bus != disk->bus) {
		xmlNode *target = xml_need_child(node, "target");
		xml_set_attr(target, "dev", disk->target);
		xml_set_attr(target, "bus", disk_bus_name(disk->bus));
	}
	put_text(node, "serial", old != NULL ? old->serial : NULL, disk->serial);
	put_alias(f, node, disk->alias);
	put_address(node, old != NULL ? &old->address : NULL, &disk->address);
}

/* Numbers that libvirt writes into a PCI controller, so that a guest finds it again by them. */
static void put_target(
    xmlNode *node, const struct domain_controller *old, const struct domain_controller *c)
{
	if (c->type != CONTROLLER_PCI)
		return;
	bool bridge = strcmp(c->model, "pci-bridge") == 0;
	if (c->with_chassis && (old == NULL || !old->with_chassis))
		set_attrf(xml_need_child(node, "target"), bridge ? "chassisNr" : "chassis", "%u",
		    c->chassis);
	if (c->with_port && (old == NULL || !old->with_port))
		set_attrf(xml_need_child(node, "target"), "port", "0x%x", c->port);
	if (c->bus_nr != 0 && (old == NULL || old->bus_nr == 0))
		set_attrf(xml_need_child(node, "target"), "busNr", "%u", c->bus_nr);
}

static void put_controller(struct format *f, const struct domain_controller *c)
{
	const struct domain_controller *old =
	    SAME_ELEMENT(f->old.controllers, f->old.n_controllers, c->element);
	xmlNode *node = element_of(f, c->element, "controller");
	if (old == NULL)
		xml_set_attr(node, "type", controller_type_name(c->type));
	if (old == NULL || c->index_made)
		set_attrf(node, "index", "%u", c->index);
	if (c->model != NULL && (old == NULL || !str_eq(old->model, c->model)))
		xml_set_attr(node, "model", c->model);
	put_target(node, old, c);
	if (c->has_master && (old == NULL || !old->has_master))
		set_attrf(xml_need_child(node, "master"), "startport", "%u", c->start_port);
	put_alias(f, node, c->alias);
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
