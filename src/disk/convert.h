/* convert: copies what a guest sees of images into another image. One thread looks up where the bytes are, all processors
 * read, inflate, look for zeroes and compress, and what they made is placed in the guest's order.
 * Memory: a few pieces of CONVERT_ITEM bytes (or a cluster's, where those are larger) for each processor. */
#ifndef DISK_CONVERT_H
#define DISK_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/progress.h"
#include "disk/convert_target.h"
#include "disk/img.h"

#define CONVERT_SPARSE \
	4096u /* zeroes of at least that many bytes become holes, when nothing else is told */

struct convert {
	struct img *const *sources; /* one behind the other; borrowed */
	size_t n_sources;
	uint64_t skip, limit; /* of all of them: where to begin, how much at most (0 all) */
	bool
	    top_only; /* -B: what a top image itself does not hold is left to what backs the target */
	uint64_t sparse;  /* -S: bytes, whole sectors; 0: everything is allocated and written */
	unsigned threads; /* 0: as many as there are processors */
	uint64_t rate;    /* bytes a second, 0 no limit */
	/* --salvage: what cannot be read is zeroes, and told; NULL: it ends everything. By any thread, one at a time. */
	void (*lost)(void *arg, const struct err *err);
	void *lost_arg;
	struct progress *progress; /* of convert_bytes(); NULL none */
};

/* All of the sources together, less what is skipped, and no more than the limit. */
uint64_t convert_bytes(const struct convert *c);
/* Ends with t's end, when all went well. ERR_FAIL "interrupted" when progress_interrupted(). */
int convert_run(const struct convert *c, struct convert_target *t, struct err *err);

#endif
