/* measure: how much room an image will take once it is made. Units: bytes. */
#ifndef DISK_MEASURE_H
#define DISK_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "disk/img.h"
#include "disk/qcow2_layout.h"

struct measure {
	uint64_t required; /* of the file, when what reads as zeroes takes nothing */
	uint64_t full;     /* when everything is written one day */
	bool with_bitmaps; /* there may be some to copy */
	uint64_t bitmaps;  /* what these would take, too */
};

/* from: what is to be converted, with all below it; NULL: an image of o->size bytes with nothing in it. */
int measure_qcow2(
    const struct qcow2_options *o, struct img *from, struct measure *m, struct err *err);
void measure_raw(uint64_t size, struct measure *m);

#endif
