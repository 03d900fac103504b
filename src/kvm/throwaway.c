#include "kvm/throwaway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "disk/img_create.h"

static char *folder_of(const struct home *h, const char *name)
{
	return home_data_file(h, "throwaway", name);
}

static bool is_written(const struct domain_disk *k)
{
	return !k->readonly && k->device != DISK_CDROM && disk_has_image(k);
}

static int refuse(const struct domain_disk *k, const char *why, struct err *err)
{
	return err_set(err, ERR_UNSUPPORTED, "what is written to disk '%s' cannot be discarded: %s",
	    k->target, why);
}

static int check(const struct domain_disk *k, struct err *err)
{
	const struct disk_image *image = &k->image;
	if (image->type != IMAGE_FILE && image->type != IMAGE_BLOCK)
		return refuse(k, "it is neither a file nor a block device", err);
	if (k->device != DISK_DISK)
		return refuse(k, "only that of device='disk' can", err);
	if (image->encryption != NULL || image->slice_size != 0)
		return refuse(k, "it is encrypted, or a slice", err);
	if (k->shareable)
		return refuse(k, "other domains share it", err);
	return 0;
}

/* Its size is that of what is below, which is locked meanwhile: another QEMU may be writing to that. */
static int make(const struct domain_disk *k, const char *path, struct err *err)
{
	struct img_create c = {.format = "qcow2",
	    .qcow2 = {
	        .backing = k->image.path, .backing_format = disk_format_name(k->image.format)}};
	if (img_create_now(path, &c, err) == 0)
		return 0;
	return err_wrap(err, "what is written to disk '%s' cannot be discarded", k->target);
}

/* The image becomes what the overlay is backed by. */
static void put_on_top(struct domain_disk *k, char **path)
{
	struct disk_image *below = xmalloc(sizeof(*below));
	*below = k->image;
	memset(&k->image, 0, sizeof(k->image));
	k->image.type = IMAGE_FILE;
	k->image.format = DISK_QCOW2;
	k->image.path = TAKE_PTR(*path);
	k->image.nfs_user = k->image.nfs_group = -1;
	k->image.backing = below;
	k->image.line = below->line;
	k->overlaid = true;
}

void throwaway_lift(struct domain *d)
{
	for (size_t i = 0; i < d->n_disks; i++) {
		struct domain_disk *k = &d->disks[i];
		if (!k->overlaid)
			continue;
		struct disk_image *below = TAKE_PTR(k->image.backing);
		image_fini(&k->image);
		k->image = *below;
		free(below);
		k->overlaid = false;
	}
}

int throwaway_apply(
    const struct home *h, const char *name, struct domain *d, bool all, struct err *err)
{
	CLEANUP_FREE char *folder = folder_of(h, name);
	if (file_remove_tree(folder, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n_disks; i++) {
		struct domain_disk *k = &d->disks[i];
		if (!is_written(k) || (!all && !k->transient))
			continue;
		CLEANUP_FREE char *path = xasprintf("%s/%s.qcow2", folder, k->target);
		if (check(k, err) < 0 || home_mkdir(h, folder, err) < 0 || make(k, path, err) < 0)
			return -1;
		put_on_top(k, &path);
	}
	return 0;
}

void throwaway_clear(const struct home *h, const char *name)
{
	struct err err;
	CLEANUP_FREE char *folder = folder_of(h, name);
	if (access(folder, F_OK) == 0 && file_remove_tree(folder, &err) < 0)
		log_warn("%s", err.msg);
}
