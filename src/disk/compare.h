/* compare: does a guest see the same in two images? As `qemu-img compare` asks it. */
#ifndef DISK_COMPARE_H
#define DISK_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/progress.h"
#include "disk/img.h"

enum compare_result {
	COMPARE_SAME,    /* but for the size, perhaps: what one has more is zero */
	COMPARE_CONTENT, /* the sector at *offset differs */
	COMPARE_STATUS,  /* strict: what is known of *offset differs (data, zeroes, absent) */
	COMPARE_SIZE,    /* strict: one is longer */
};

/* progress: of the larger one's bytes, or NULL. -1: an error. */
int compare_images(struct img *a, struct img *b, bool strict, struct progress *progress,
    uint64_t *offset, struct err *err);

#endif
