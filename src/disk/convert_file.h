/* convert_file: images by name converted into an image by name: `img convert`, `img dd`, volumes and clones. The target has no
 * name until it is whole (disk/img_target.h); a device and an image that exists are written in place. */
#ifndef DISK_CONVERT_FILE_H
#define DISK_CONVERT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "disk/convert.h"
#include "disk/qcow2_layout.h"

/* Words are borrowed. {.sources, .n_sources = 1, .target, .format = "qcow2", .copy = {.sparse = CONVERT_SPARSE}} is enough. */
struct convert_file {
	const char *const *sources;
	size_t n_sources;
	const char *source_format; /* NULL: found out */
	unsigned source_flags;     /* IMG_FORCE_SHARE … */
	const char *snapshot;      /* -l: of the one source; NULL as it is now */
	const char *target;
	const char *format; /* "raw", "qcow2"; others are ERR_UNSUPPORTED, but for `existing` */
	struct qcow2_options options; /* of the target; size is filled in unless with_size */
	bool with_size;
	bool fresh;    /* no file has that name, and none that gets it meanwhile is replaced */
	bool existing; /* -n: nothing is made, the image that is there is written over */
	bool zeroed;   /* --target-is-zero: that one reads as zeroes already */
	bool pack;     /* -c */
	bool sync;     /* on the disk when it returns */
	struct convert copy; /* sources and top_only are filled in here */
};

int convert_file(const struct convert_file *f, struct err *err);

#endif
