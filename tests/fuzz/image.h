/* image: any bytes as a disk image of one format: refused with words, or mapped and read within its bounds. */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/mem.h"
#include "disk/img.h"
#include "disk/img_info.h"

#define IMAGE_EXTENTS 200 /* that are looked at, from either end of the disk */
#define IMAGE_READ 4096u

static inline void image_must(bool right)
{
	if (!right)
		abort();
}

/* From `at` on; what goes wrong must be told. */
static inline void image_walk(struct img *im, uint64_t at)
{
	static uint8_t buf[IMAGE_READ];
	for (int i = 0; i < IMAGE_EXTENTS && at < im->size; i++) {
		struct img_extent e;
		struct err err = {0};
		uint64_t left = im->size - at;
		if (img_map_chain(im, at, left, &e, &err) < 0) {
			image_must(err.code != ERR_NONE && err.msg[0]);
			return;
		}
		image_must(e.offset == at && e.bytes > 0 && e.bytes <= left);
		image_must(e.kind != IMG_DATA || (e.hosted && e.file));
		uint64_t from = e.bytes < IMAGE_READ ? at : at + (e.bytes - IMAGE_READ) / 2;
		size_t n = e.bytes < IMAGE_READ ? (size_t)e.bytes : IMAGE_READ;
		if (img_read_extent(&e, from, buf, n, &err) < 0)
			image_must(err.code != ERR_NONE && err.msg[0]);
		at += e.bytes;
	}
}

static inline void image_try(const char *path, const char *format)
{
	struct err err = {0};
	struct img_info info;
	struct img *im = img_open(path, format, IMG_NO_BACKING | IMG_NO_LOCK, &err);
	if (!im) {
		image_must(err.code != ERR_NONE && err.msg[0]);
		return;
	}
	image_must(im->size <= IMG_SIZE_MAX);
	image_walk(im, 0);
	image_walk(im, im->size / 2);
	image_walk(im, im->size - im->size / 64);
	if (img_info(im, &info, &err) == 0)
		img_info_fini(&info);
	img_drop(&im);
}

/* In memory: nothing is left on the disk. */
static inline int image_memory(const void *data, size_t n)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	image_must(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	return fd;
}

static inline void image_try_fd(int fd, const char *format)
{
	CLEANUP_FREE char *path = xasprintf("/proc/self/fd/%d", fd);
	image_try(path, format);
	close(fd);
}

#endif
