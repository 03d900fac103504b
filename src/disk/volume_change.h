/* volume_change: what is done to volumes that are there: deleted, resized, overwritten, copied. Nothing is done to a volume
 * that a VM runs with (ERR_BUSY, by disk/users.h and by QEMU's own locks), nor to one that others are based on where they
 * would lose by it. */
#ifndef DISK_VOLUME_CHANGE_H
#define DISK_VOLUME_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"
#include "core/progress.h"
#include "disk/pool.h"
#include "disk/volume.h"
#include "disk/volume_spec.h"

/* Into the trash where there is one; for_good, a pool of other things than files, and trash_days 0: gone. *kept: it is in
 * the trash. owners, appended: VMs whose definitions name it and do not run. */
int volume_delete(const struct home *h, const struct pool *pool, const struct volume *vol,
    bool for_good, bool *kept, struct buf *owners, struct err *err);

enum { VOLUME_SHRINK = 1, VOLUME_ALLOCATE = 2 };
/* To capacity bytes. */
int volume_resize(const struct home *h, const struct pool *pool, const struct volume *vol,
    uint64_t capacity, unsigned flags, struct err *err);

/* The volume's file as it is, not what a guest sees of it. length UINT64_MAX: to the end. sparse: holes stay holes.
 * fd: of a file or a pipe. */
int volume_upload(const struct home *h, const struct volume *vol, int fd, const char *shown,
    uint64_t offset, uint64_t length, bool sparse, struct progress *progress, struct err *err);
int volume_download(const struct volume *vol, int fd, const char *shown, uint64_t offset,
    uint64_t length, bool sparse, struct progress *progress, struct err *err);

/* "zero", "random", "trim"; scrub(1)'s others where it is installed. */
int volume_wipe(const struct home *h, const struct volume *vol, const char *algorithm,
    struct progress *progress, struct err *err);

/* A new volume with what `from` holds, whatever its format and its bases; spec's capacity when it is larger. reflink: the
 * file's blocks are shared, or it fails. */
int volume_copy(const struct home *h, const struct volume *from, const struct pool *pool,
    struct volume_spec *spec, bool reflink, struct progress *progress, struct err *err);

#endif
