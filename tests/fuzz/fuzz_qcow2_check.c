/* Any bytes as a qcow2 image that is checked and repaired: what the repair says is sound is so when it is looked at again,
 * and can be read. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/mem.h"
#include "disk/img.h"
#include "disk/qcow2_check.h"

#define READ_BYTES (256u << 10) /* of the guest's disk */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

/* 1 looked at, 0 it is no image that can be. */
static int check(const char *path, enum qcow2_repair how, struct qcow2_check *c)
{
	struct err err = {0};
	unsigned flags = IMG_REPAIR | IMG_NO_BACKING | IMG_NO_LOCK;
	CLEANUP(img_drop)
	struct img *im =
	    img_open(path, "qcow2", flags | (how != QCOW2_REPAIR_NONE ? IMG_WRITE : 0u), &err);
	*c = (struct qcow2_check){0};
	int r = im != NULL ? qcow2_check(im, how, c, NULL, &err) : -1;
	if (r < 0)
		must(err.msg[0] != '\0');
	return r == 0;
}

static void read_some(const char *path)
{
	struct err err = {0};
	CLEANUP(img_drop)
	struct img *im = img_open(path, "qcow2", IMG_NO_BACKING | IMG_NO_LOCK, &err);
	if (im == NULL)
		return;
	CLEANUP_FREE uint8_t *room = xmalloc(READ_BYTES);
	uint64_t n = im->size < READ_BYTES ? im->size : READ_BYTES;
	(void)img_read(im, 0, room, n, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qcow2_check before, repaired, after;
	CLEANUP_CLOSE int fd = memfd_create("fuzz", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	CLEANUP_FREE char *path = xasprintf("/proc/self/fd/%d", fd);
	/* Of a data file no name in the image may lead to a file of this machine. */
	if (size > 79 && (data[79] & 4))
		return 0;
	if (!check(path, QCOW2_REPAIR_NONE, &before))
		return 0;
	if (check(path, QCOW2_REPAIR_LEAKS, &repaired))
		must(repaired.leaks == 0 || repaired.corruptions > 0);
	if (!check(path, QCOW2_REPAIR_ALL, &repaired))
		return 0;
	must(check(path, QCOW2_REPAIR_NONE, &after));
	must(after.corruptions == repaired.corruptions && after.leaks == repaired.leaks);
	must(before.corruptions > 0 || after.corruptions == 0);
	if (after.corruptions == 0)
		read_some(path);
	return 0;
}
