/* disk_files: are the images of a domain there, and of the kind that the document says? Before a start. */
#ifndef KVM_DISK_FILES_H
#define KVM_DISK_FILES_H

#include "core/buf.h"
#include "core/domain.h"
#include "core/err.h"

/* What startupPolicy allows to be missing is taken out of *d: a drive becomes empty, a disk goes; a sentence for each is
 * added to notes. The error names the disk, the path, and what to do. */
int disk_files_check(struct domain *d, struct buf *notes, struct err *err);
/* A regular file or block device that we may open. what begins the message: "kernel". */
int disk_file_check(const char *what, const char *path, bool write, struct err *err);

#endif
