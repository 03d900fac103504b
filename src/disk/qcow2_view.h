/* qcow2_view: an image as one of its internal snapshots saw it. */
#ifndef DISK_QCOW2_VIEW_H
#define DISK_QCOW2_VIEW_H

#include "core/err.h"
#include "disk/img.h"

/* From now on im, which is open for reading, is what it was when the snapshot was made, its size too.
 * which: qemu-img's -l: "snapshot.id=ID,snapshot.name=NAME", one of them, or a word that is an id or a name.
 * ERR_UNSUPPORTED: a format whose snapshots we do not read; ERR_NOT_FOUND. */
int qcow2_view(struct img *im, const char *which, struct err *err);

#endif
