/* img_create: makes images: what `img create`, volumes, linked clones and throwaway overlays call. */
#ifndef DISK_IMG_CREATE_H
#define DISK_IMG_CREATE_H

#include <stdbool.h>

#include "core/err.h"
#include "disk/qcow2_layout.h"

/* Words are borrowed. {.format = "qcow2", .with_size = true, .qcow2 = {.size = …}} is enough. */
struct img_create {
	const char *format;         /* "raw", "qcow2"; others are ERR_UNSUPPORTED */
	bool with_size;             /* else it is the backing file's */
	bool fresh;                 /* never replaces a file of that name: ERR_EXISTS */
	bool backing_as_told;       /* -u: the backing file is not looked at; with_size then */
	struct qcow2_options qcow2; /* raw uses size and prealloc */
};

/* Opens and closes what backs it (qcow2.backing is resolved against the new image's folder; qcow2.backing_format must be
 * told), fills in the size, and checks what can be checked before anything is made. */
int img_create_prepare(const char *path, struct img_create *c, struct err *err);
/* After that. Gives the image its name when it is whole and on the disk: until then what was there stays as it was. */
int img_create(const char *path, const struct img_create *c, struct err *err);

/* Both, for who has nothing to print between. */
int img_create_now(const char *path, const struct img_create *c, struct err *err);

#endif
