/* volume_create: new volumes. A volume has its name when it is whole: neither a full disk nor kill -9 leaves a half one under
 * it, and none that is there is ever replaced. */
#ifndef DISK_VOLUME_CREATE_H
#define DISK_VOLUME_CREATE_H

#include "core/err.h"
#include "core/home.h"
#include "disk/pool.h"
#include "disk/volume_spec.h"

/* ERR_EXISTS, ERR_UNSUPPORTED (a format that neither we nor an installed qemu-img make). Fills in the size of a volume that
 * takes it from its backing file, and that file's format. */
int volume_create(
    const struct home *h, const struct pool *pool, struct volume_spec *spec, struct err *err);

/* Where a new file of the pool is written before it has its name; on the heap. In the trash, which is emptied of what was
 * left there. */
char *volume_draft(const struct pool *pool, const char *name, struct err *err);
/* Gives the draft its access and its name, or ERR_EXISTS; the draft is gone either way. */
int volume_publish(const struct pool *pool, const char *draft, const char *name,
    const struct storage_access *access, struct err *err);
/* ERR_EXISTS when there is something of that name. */
int volume_check_free(const struct pool *pool, const char *name, struct err *err);

#endif
