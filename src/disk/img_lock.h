/* img_lock: QEMU's locks on images: which of us may do what to a file at the same time. They are the bytes 100 (what one
 * does) and 200 (what one does not suffer from others) plus a number, held as shared open-file-description locks, looked at
 * for others' before anything is read. Found by watching QEMU (strace, /proc/locks). They last as long as the descriptor.
 * Two openings of a file in one process are two holders, too. */
#ifndef DISK_IMG_LOCK_H
#define DISK_IMG_LOCK_H

#include "core/err.h"
#include "disk/disk_io.h"

enum img_lock_use {
	IMG_LOCK_LOOK,   /* the header alone: nobody may be writing */
	IMG_LOCK_READ,   /* … and nobody may begin to */
	IMG_LOCK_WRITE,  /* alone, but for those who read whatever happens (-U) */
	IMG_LOCK_CREATE, /* what is there is to be overwritten from the beginning */
	IMG_LOCK_USES
};
/* ERR_BUSY when somebody has it, in QEMU's words and ours. 0 where the file system has no such locks. */
int img_lock(const struct disk_io *io, enum img_lock_use use, struct err *err);
/* By img_open's flags; below: it backs another. What backs an image that is written is read: what a guest changes there
 * meanwhile would get into the image in part. IMG_FORCE_SHARE is for what is read alone. Looks at the size anew, as whoever had the image may have made it longer. */
int img_lock_for(struct disk_io *io, unsigned img_flags, bool below, struct err *err);
/* May a file of this name, if there is one, be replaced? ERR_BUSY when it is in use; no lock is left behind. */
int img_lock_check(const char *path, struct err *err);

#endif
