/* conlog_gzip: one file compressed by a thread of its own, so that the loop never waits for zlib or
 * the disk. Owner: conlog. The thread touches nothing but the two descriptors and the stream that
 * it was given, allocates nothing, and runs at the lowest priority. */
#ifndef SERIAL_CONLOG_GZIP_H
#define SERIAL_CONLOG_GZIP_H

#include <stdbool.h>

#include "core/loop.h"

struct conlog_gzip;

/* Reads from, writes to (mode 0600, must not exist). done is called once, in the loop: ok says that
 * `to` is whole and on the disk; the job is still the caller's to free, in done or later. NULL when
 * it cannot be started. */
struct conlog_gzip *conlog_gzip_new(
    struct loop *l, const char *from, const char *to, void (*done)(void *arg, bool ok), void *arg);
/* Tells the thread to give up and waits until it has: one slice of 32 KiB at most. */
void conlog_gzip_free(struct conlog_gzip *z);

#endif
