/* qcow2_header: the little of a qcow2 image that is needed without opening it for use. Source: QEMU's
 * docs/interop/qcow2.txt, "Header". */
#ifndef DISK_QCOW2_HEADER_H
#define DISK_QCOW2_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

#define QCOW2_BACKING_MAX 1023 /* bytes of a backing file's name, by the specification */
#define QCOW2_CHAIN_MAX 64     /* images in a chain; a longer one, or a ring, is an error */

/* The backing file as the header names it, made absolute by the image's folder when it is a plain
 * relative name. *backing (the caller's to free) is NULL when there is none, or when the file is no
 * qcow2 image. */
int qcow2_backing(const char *path, char **backing, struct err *err);
/* What other files the image is made of. All NULL when the file is no qcow2 image. */
struct qcow2_links {
	char *backing;        /* as qcow2_backing gives it */
	char *backing_format; /* "qcow2", "raw" …; NULL when the image does not say */
	char *
	    data_file; /* where the guest's data are, resolved like backing; NULL in the image itself */
};
int qcow2_links(const char *path, struct qcow2_links *l, struct err *err);
void qcow2_links_fini(struct qcow2_links *l);
/* What the guest sees of it, in bytes; 0 when the file is no qcow2 image. */
int qcow2_capacity(const char *path, uint64_t *bytes, struct err *err);
/* Is `file` (by device and inode) the image at path or anywhere in its backing chain? 1, 0, or -1
 * when the chain cannot be read to its end. */
int qcow2_chain_has(const char *path, const char *file, struct err *err);

#endif
