#include "kvm/disk_volumes.h"

#include <stdlib.h>

#include "core/mem.h"
#include "disk/pool.h"
#include "disk/volume.h"

static int take_volume(const struct domain_disk *k, struct disk_image *image,
    const struct volume *vol, struct err *err)
{
	if (vol->type == VOLUME_DIR)
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s': volume '%s' of pool '%s' is a folder", k->target, image->volume,
		    image->pool);
	free(image->path);
	image->path = xstrdup(vol->path);
	image->type = vol->type == VOLUME_BLOCK ? IMAGE_BLOCK : IMAGE_FILE;
	return 0;
}

static int resolve(
    const struct home *h, const struct domain_disk *k, struct disk_image *image, struct err *err)
{
	struct pool pool;
	struct volume vol;
	if (pool_find(h, image->pool, &pool, err) < 0)
		return err_wrap(err, "disk '%s'", k->target);
	bool active = pool.active;
	pool_fini(&pool);
	if (!active)
		return err_set(err, ERR_STATE,
		    "disk '%s': storage pool '%s' with its volume '%s' is not active: 'hvmux pool-start %s'",
		    k->target, image->pool, image->volume, image->pool);
	if (volume_find(h, image->pool, image->volume, &pool, &vol, err) < 0)
		return err_wrap(err, "disk '%s', volume '%s' of pool '%s'", k->target,
		    image->volume, image->pool);
	int rc = take_volume(k, image, &vol, err);
	volume_fini(&vol);
	pool_fini(&pool);
	return rc;
}

int disk_volumes_resolve(const struct home *h, struct domain *d, struct err *err)
{
	for (size_t i = 0; i < d->n_disks; i++)
		for (struct disk_image *m = &d->disks[i].image; m != NULL; m = m->backing)
			if (m->type == IMAGE_VOLUME && m->pool != NULL && m->volume != NULL &&
			    resolve(h, &d->disks[i], m, err) < 0)
				return -1;
	return 0;
}
