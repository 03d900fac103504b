/* Any bytes as a qcow2 image: it is refused with a word, or told of and read without a step outside of what it says. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/mem.h"
#include "disk/img.h"
#include "disk/img_info.h"

#define EXTENTS 512u       /* looked up */
#define PIECE (256u << 10) /* read of each */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void tell(const char *path)
{
	struct err err = {0};
	struct img_info info;
	CLEANUP(img_drop)
	struct img *im = img_open(path, "qcow2", IMG_INFO | IMG_NO_BACKING | IMG_NO_LOCK, &err);
	if (im == NULL) {
		must(err.msg[0] != '\0');
		return;
	}
	if (img_info(im, &info, &err) == 0)
		img_info_fini(&info);
	else
		must(err.msg[0] != '\0');
}

/* An extent's beginning and end; where it cannot be looked up or read, on to the next cluster. */
static void read_all(struct img *im)
{
	CLEANUP_FREE uint8_t *room = xmalloc(PIECE);
	uint64_t at = 0;
	for (unsigned i = 0; i < EXTENTS && at < im->size; i++) {
		struct err err = {0};
		struct img_extent e;
		if (img_map_chain(im, at, im->size - at, &e, &err) < 0) {
			must(err.msg[0] != '\0');
			at = (at / im->cluster + 1) * im->cluster;
			continue;
		}
		must(e.offset == at && e.bytes > 0 && e.bytes <= im->size - at);
		must((e.kind != IMG_DATA && e.kind != IMG_PACKED) || (e.hosted && e.file != NULL));
		must(e.kind != IMG_PACKED || e.bytes <= im->cluster);
		size_t n = e.bytes < PIECE ? (size_t)e.bytes : PIECE;
		if (img_read(im, at, room, n, &err) < 0 ||
		    img_read(im, at + e.bytes - 1, room, 1, &err) < 0)
			must(err.msg[0] != '\0');
		at += e.bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	CLEANUP_CLOSE int fd = memfd_create("fuzz", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	CLEANUP_FREE char *path = xasprintf("/proc/self/fd/%d", fd);
	tell(path);
	/* Of a data file no name in the image may lead to a file of this machine. */
	if (size > 79 && (data[79] & 4))
		return 0;
	CLEANUP(img_drop)
	struct img *im = img_open(path, "qcow2", IMG_NO_BACKING | IMG_NO_LOCK, &err);
	if (im != NULL)
		read_all(im);
	else
		must(err.msg[0] != '\0');
	return 0;
}
