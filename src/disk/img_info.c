#include "disk/img_info.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

int img_info(const struct img *im, struct img_info *info, struct err *err)
{
	*info = (struct img_info){
	    .filename = xstrdup(im->name),
	    .format = im->driver->format,
	    .virtual_size = im->size,
	    .actual_size = disk_io_allocated(im->file),
	    .cluster = im->cluster,
	    .backing = xstrdup0(im->backing_name),
	    .backing_full = im->backing_name ? img_resolve(im->name, im->backing_name) : NULL,
	    .backing_format = xstrdup0(im->backing_format),
	};
	if (!im->driver->info || im->driver->info(im, info, err) == 0)
		return 0;
	img_info_fini(info);
	return -1;
}

void img_info_fini(struct img_info *info)
{
	for (size_t i = 0; i < info->n_snapshots; i++) {
		free(info->snapshots[i].id);
		free(info->snapshots[i].name);
	}
	for (size_t i = 0; i < info->n_bitmaps; i++)
		free(info->bitmaps[i].name);
	for (size_t i = 0; i < info->n_parts; i++)
		free(info->parts[i].filename);
	free(info->snapshots);
	free(info->bitmaps);
	free(info->parts);
	free(info->filename);
	free(info->backing);
	free(info->backing_full);
	free(info->backing_format);
	free(info->data_file);
	free(info->vmdk_type);
	*info = (struct img_info){0};
}
