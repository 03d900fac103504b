/* Disks and controllers as data: words, freeing, finding. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

const char *disk_bus_name(enum disk_bus b)
{
	static const char *const words[] = {[DISK_VIRTIO] = "virtio",
	    [DISK_IDE] = "ide",
	    [DISK_SATA] = "sata",
	    [DISK_SCSI] = "scsi",
	    [DISK_USB] = "usb",
	    [DISK_FDC] = "fdc",
	    [DISK_NVME] = "nvme"};
	return words[b];
}

const char *disk_device_name(enum disk_device d)
{
	static const char *const words[] = {[DISK_DISK] = "disk",
	    [DISK_CDROM] = "cdrom",
	    [DISK_FLOPPY] = "floppy",
	    [DISK_LUN] = "lun"};
	return words[d];
}

const char *image_type_name(enum image_type t)
{
	static const char *const words[IMAGE_TYPES] = {[IMAGE_FILE] = "file",
	    [IMAGE_BLOCK] = "block",
	    [IMAGE_DIR] = "dir",
	    [IMAGE_NETWORK] = "network",
	    [IMAGE_VOLUME] = "volume",
	    [IMAGE_NVME] = "nvme",
	    [IMAGE_VHOST_USER] = "vhostuser"};
	return words[t];
}

const char *controller_type_name(enum controller_type t)
{
	static const char *const words[CONTROLLER_TYPES] = {[CONTROLLER_PCI] = "pci",
	    [CONTROLLER_USB] = "usb",
	    [CONTROLLER_IDE] = "ide",
	    [CONTROLLER_SATA] = "sata",
	    [CONTROLLER_SCSI] = "scsi",
	    [CONTROLLER_FDC] = "fdc",
	    [CONTROLLER_VIRTIO_SERIAL] = "virtio-serial",
	    [CONTROLLER_CCID] = "ccid",
	    [CONTROLLER_NVME] = "nvme"};
	return words[t];
}

int disk_target_index(const char *target)
{
	static const char *const prefixes[] = {"vd", "hd", "sd", "xvd", "ubd", "fd"};
	const char *s = NULL;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_prefix(target, prefixes[i]))
			s = target + strlen(prefixes[i]);
	if (s == NULL || *s == '\0')
		return -1;
	int index = 0;
	for (; *s >= 'a' && *s <= 'z'; s++) {
		index = index * 26 + (*s - 'a') + 1;
		if (index > 100000)
			return -1;
	}
	return *s == '\0' ? index - 1 : -1;
}

bool disk_target_nvme(const char *target, unsigned *controller, unsigned *namespace)
{
	int end = 0;
	return sscanf(target, "nvme%3un%3u%n", controller, namespace, &end) == 2 &&
	       target[end] == '\0' && *controller < 256 && *namespace > 0 && *namespace <= 256;
}

bool disk_has_image(const struct domain_disk *disk)
{
	/* With an open tray the host's drive may be read by nobody. */
	bool open = disk->tray_open && disk->image.type == IMAGE_BLOCK;
	return image_has_place(&disk->image) && !open;
}

bool image_has_place(const struct disk_image *image)
{
	switch (image->type) {
	case IMAGE_FILE:
	case IMAGE_BLOCK:
	case IMAGE_DIR:
	case IMAGE_VHOST_USER:
		return image->path != NULL;
	case IMAGE_NETWORK:
		return image->protocol != NULL;
	case IMAGE_VOLUME:
		return image->volume != NULL;
	case IMAGE_NVME:
		return image->pci.type == ADDRESS_PCI;
	case IMAGE_TYPES:
		break;
	}
	return false;
}

/* --- freeing --- */
static void free_strings(char *const *strings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(strings[i]);
}

void image_fini(struct disk_image *image)
{
	char *const strings[] = {image->path, image->protocol, image->name, image->query,
	    image->snapshot, image->config, image->initiator, image->reservations_path,
	    image->cookies, image->tls_hostname, image->pool, image->volume, image->mode,
	    image->auth_user, image->auth.type, image->auth.uuid, image->auth.usage,
	    image->encryption, image->encryption_secret.type, image->encryption_secret.uuid,
	    image->encryption_secret.usage};
	free_strings(strings, ARRAY_LEN(strings));
	for (size_t i = 0; i < image->n_hosts; i++) {
		free(image->hosts[i].transport);
		free(image->hosts[i].name);
		free(image->hosts[i].socket);
	}
	free(image->hosts);
	if (image->backing != NULL)
		image_fini(image->backing);
	free(image->backing);
	*image = (struct disk_image){0};
}

void iotune_fini(struct disk_iotune *iotune)
{
	free(iotune->group);
}

void disk_fini(struct domain_disk *disk)
{
	char *const strings[] = {disk->model, disk->target, disk->serial, disk->wwn, disk->vendor,
	    disk->product, disk->cache, disk->io, disk->discard, disk->detect_zeroes,
	    disk->error_policy, disk->rerror_policy, disk->startup_policy, disk->translation,
	    disk->alias};
	free_strings(strings, ARRAY_LEN(strings));
	free_strings(disk->throttle, disk->n_throttle);
	free(disk->throttle);
	iotune_fini(&disk->iotune);
	image_fini(&disk->image);
}

void controller_fini(struct domain_controller *c)
{
	free(c->model);
	free(c->model_name);
	free(c->serial);
	free(c->alias);
}

/* --- finding --- */
const struct domain_controller *domain_controller(
    const struct domain *d, enum controller_type type, unsigned index)
{
	const struct domain_controller *found = NULL;
	for (size_t i = 0; i < d->n_controllers; i++) {
		const struct domain_controller *c = &d->controllers[i];
		if (c->type == type && c->index == index &&
		    (found == NULL || str_eq(c->model, "ich9-ehci1")))
			found = c;
	}
	return found;
}

const struct domain_controller *domain_controller_first(
    const struct domain *d, enum controller_type type)
{
	for (size_t i = 0; i < d->n_controllers; i++)
		if (d->controllers[i].type == type)
			return &d->controllers[i];
	return NULL;
}

/* --- completing --- */
void domain_need_controller(
    struct domain *d, enum controller_type type, unsigned index, const char *model)
{
	if (domain_controller(d, type, index) != NULL)
		return;
	struct domain_controller *c = DOMAIN_ADD(d->controllers, d->n_controllers);
	*c = (struct domain_controller){
	    .type = type, .index = index, .with_index = true, .model = xstrdup0(model), .node = -1};
}

/* The models that a document leaves open, as libvirt fills them in: what is written into it stays, whatever a later
 * version would choose. */
static void choose_models(struct domain *d)
{
	for (size_t i = 0; i < d->n_controllers; i++) {
		struct domain_controller *c = &d->controllers[i];
		if (c->type == CONTROLLER_SCSI && str_eq(c->model, "auto")) {
			free(c->model);
			c->model = NULL;
		}
		if (c->model != NULL)
			continue;
		if (c->type == CONTROLLER_SCSI)
			c->model = xstrdup("lsilogic");
		if (c->type == CONTROLLER_USB)
			c->model = xstrdup(domain_is_q35(d) ? "qemu-xhci" : "piix3-uhci");
	}
}

/* The EHCI's six ports in pairs: uhci1 has the first two. */
static void choose_masters(struct domain *d)
{
	for (size_t i = 0; i < d->n_controllers; i++) {
		struct domain_controller *c = &d->controllers[i];
		if (c->type != CONTROLLER_USB || c->has_master || c->model == NULL ||
		    !str_prefix(c->model, "ich9-uhci"))
			continue;
		c->has_master = true;
		c->start_port = (unsigned)(c->model[strlen("ich9-uhci")] - '1') * 2;
	}
}

int storage_complete(struct domain *d, struct err *err)
{
	controllers_number(d);
	choose_masters(d);
	if (domain_controller_first(d, CONTROLLER_USB) == NULL)
		domain_need_controller(d, CONTROLLER_USB, 0, NULL);
	if (domain_drives_assign(d, err) < 0)
		return -1;
	domain_drives_need(d);
	choose_models(d);
	if (domain_ports_assign(d, err) < 0 || domain_usb_assign(d, err) < 0)
		return -1;
	return domain_pci_assign(d, err);
}
