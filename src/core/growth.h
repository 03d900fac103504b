/* growth: how full folders and images have been, and when they will be full. data/growth/HASH, a file of fixed size for each path:
 * a day by GROWTH_FINE_S, three months by GROWTH_COARSE_S. Written by whoever looks (a supervisor now and then, a scan of a
 * pool); one sample in each of these spaces of time is kept, so that a thousand who look leave no more than one.
 *
 * The file: 1024 bytes "hvmux growth 1\nPATH\n", padded with NUL; then GROWTH_FINE and GROWTH_COARSE slots of 32 bytes, little endian:
 * time (s since 1970), used, capacity (bytes), and the three xored with a constant. A sample's slot is that of its time, so
 * nothing else has to be written, and whatever is torn or old is seen by itself. */
#ifndef CORE_GROWTH_H
#define CORE_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"

#define GROWTH_FINE_S 600u
#define GROWTH_FINE 144u
#define GROWTH_COARSE_S 21600u
#define GROWTH_COARSE 360u
#define GROWTH_SAMPLES (GROWTH_FINE + GROWTH_COARSE)
#define GROWTH_PATH_MAX 1000u /* bytes; longer ones have no history */

struct growth_sample {
	uint64_t time_s, used, capacity;
};

/* path: a pool's target (what is used of its file system), an image (what it takes, of what it may grow to). Does nothing when this
 * space of time has its sample. */
int growth_record(
    const struct home *h, const char *path, const struct growth_sample *s, struct err *err);
/* Would it do something? */
bool growth_due(const struct home *h, const char *path, uint64_t now_s);
/* Oldest first into out[GROWTH_SAMPLES]; 0 there are none. */
size_t growth_read(
    const struct home *h, const char *path, uint64_t now_s, struct growth_sample *out);
/* All paths that have a history, sorted; NULL-terminated, growth_paths_free. */
char **growth_paths(const struct home *h, size_t *n);
void growth_paths_free(char **paths);

struct growth_forecast {
	int64_t full_in_s; /* -1: it does not look like it */
	double per_second; /* bytes; by the space of time that says so */
	uint64_t by_s;     /* how long that is; 0 none */
};
/* The spaces of time that end now (an hour, six, a day, a week, a month) are looked at each: growth counts at the pace of its slower
 * half, so that one large file is no trend, and says nothing about a time more than ten times as long. The nearest end of
 * them is told. n samples, oldest first. Pure. */
void growth_forecast(
    const struct growth_sample *s, size_t n, uint64_t now_s, struct growth_forecast *f);

#endif
