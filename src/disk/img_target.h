/* img_target: the file that an image is made in. A regular file has no name until it is whole: what was there before
 * stays as it was until then, and hands its mode and owner on. A block device, and a file in a folder that we may not
 * write to, are written in place. Owner: whoever opened it, on the stack. */
#ifndef DISK_IMG_TARGET_H
#define DISK_IMG_TARGET_H

#include <stdbool.h>

#include "core/err.h"
#include "core/whole_file.h"
#include "disk/disk_io.h"

struct img_target {
	struct disk_io *io; /* empty, or a block device; for reading, too */
	bool in_place;
	struct whole_file whole; /* unless in place */
	struct disk_io *old;     /* what is there already, locked as a writer's */
};

/* path: a file's, as img_target_path gives it. ERR_BUSY: somebody uses the image that is there. */
int img_target_open(struct img_target *t, const char *path, struct err *err);
/* The same for a name that no file has: what gets it meanwhile is never replaced (ERR_EXISTS). Devices are written in place. */
int img_target_open_fresh(struct img_target *t, const char *path, struct err *err);
/* Synced, and given its name. */
int img_target_keep(struct img_target *t, struct err *err);
/* Given its name without waiting for the disk: qemu-img's "unsafe" cache, which is how it converts. */
int img_target_name(struct img_target *t, struct err *err);
/* Always; what was not kept is gone, unless it was written in place. */
void img_target_close(struct img_target *t);

/* Owner and mode of `from`, if that is a regular file, for `to`, which we have just made. Whoever may write to the folder can have
 * put a link there meanwhile: what is not ours alone is ERR_DENIED. Who may not give away keeps it. */
int img_target_access(const char *from, const char *to, struct err *err);

/* The file that `name` means: as it is, or without "file:". NULL and ERR_UNSUPPORTED for what names none ("nbd://…").
 * Borrowed from name. */
const char *img_target_path(const char *name, struct err *err);

#endif
