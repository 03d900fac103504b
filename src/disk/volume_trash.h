/* volume_trash: deleted volumes of pools of files. A deletion is one rename(2) into POOL/.hvmux-trash/, whose name tells all:
 * "20261121T201512Z-NAME". What is older than hvmux.conf's trash_days is taken away when a pool is refreshed or started, or when
 * something is deleted. Owner of a list: volume_trash_list_free. */
#ifndef DISK_VOLUME_TRASH_H
#define DISK_VOLUME_TRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "core/err.h"
#include "core/home.h"
#include "disk/volume.h"

/* Volumes that are being made lie there, too, as VOLUME_DRAFT "PID-NAME". */
#define VOLUME_DRAFT "new-"

struct trashed {
	char *file;                /* in the trash */
	char *name;                /* that it had */
	time_t deleted;            /* when */
	uint64_t size, allocation; /* bytes: of the file, on the disk */
};

/* Its path on the heap; make: it is there afterwards. ERR_DENIED when what is there is not ours alone: in a folder that others
 * may write to, somebody put a link or a folder of his own there, and what we do in it would be done where he wants. */
char *volume_trash_folder(const struct pool *pool, bool make, struct err *err);
/* The volume goes there; ERR_UNSUPPORTED where volumes are no files. */
int volume_trash_put(const struct pool *pool, const struct volume *vol, struct err *err);
/* Newest first. */
int volume_trash_list(const struct pool *pool, struct trashed **items, size_t *n, struct err *err);
void volume_trash_list_free(struct trashed *items, size_t n);
/* Back under `name` (NULL: the one that it had), which must be free: ERR_EXISTS. */
int volume_trash_take(
    const struct pool *pool, const struct trashed *item, const char *name, struct err *err);
/* What is older than trash_days goes for good. Nothing where volumes are no files. */
int volume_trash_expire(const struct home *h, const struct pool *pool, struct err *err);
/* All of it, or the one item. */
int volume_trash_empty(const struct pool *pool, const struct trashed *only, struct err *err);

#endif
