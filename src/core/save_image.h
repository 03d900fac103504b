/* save_image: the file of a saved machine as libvirt writes it: a header, the domain's document, QEMU's migration stream. Owner:
 * whoever called save_image_read. Pure but for the descriptor that it reads or writes.
 *
 * The header (libvirt's qemu_saveimage.h): 16 bytes "LibvirtQemudSave" ("LibvirtQemudPart" until it is whole), then 19 words
 * of 32 bits in the byte order of who wrote it: version (2; in the wrong order it tells that all are), bytes of the data
 * behind the header, 1 when the guest ran (0 it was paused), compression, offset of the cookie in the data (0 none), 14 unused. The
 * data: the document with a NUL, the cookie with one, zeroes as room for a longer document. The stream follows at once. */
#ifndef CORE_SAVE_IMAGE_H
#define CORE_SAVE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define SAVE_IMAGE_DATA_MAX (16u << 20) /* bytes of document, cookie and room */

enum save_compression {
	SAVE_RAW,
	SAVE_GZIP,
	SAVE_BZIP2,
	SAVE_XZ,
	SAVE_LZOP,
	SAVE_ZSTD,
	SAVE_COMPRESSIONS
};
/* The program that reads and writes it, "gzip"; NULL of SAVE_RAW. */
const char *save_compression_program(enum save_compression c);

struct save_image {
	char *xml;    /* the document */
	char *cookie; /* libvirt's, which stays as it is; NULL none */
	bool was_running;
	enum save_compression compression;
	uint64_t stream; /* offset of QEMU's bytes */
	bool swapped;    /* written by a machine of the other byte order */
};

/* At the beginning of fd; path is for messages. ERR_INVALID names what is wrong with it: no such file, cut off, another
 * version, not whole. *s holds nothing then. fd stands at the stream afterwards. */
int save_image_read(int fd, const char *path, struct save_image *s, struct err *err);
void save_image_fini(struct save_image *s);
/* Header and data of a new file, marked as not whole; the stream begins where fd then stands. xml, was_running alone count. */
int save_image_begin(int fd, const char *path, const struct save_image *s, struct err *err);
/* Marks it as whole. */
int save_image_finish(int fd, const char *path, struct err *err);
/* Another document, or another way to go on, in a file that is whole: ERR_INVALID when there is no room for it. */
int save_image_change(int fd, const char *path, const char *xml, bool running, struct err *err);

#endif
