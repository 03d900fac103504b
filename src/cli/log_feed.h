/* log_feed: the histories of several consoles, one after the other, as whole lines and marks. Owner: the verb `log`.
 * With a thread of its own the next pieces are read and inflated while the last one is searched: LOG_FEED_PIECES of
 * 64 KiB at most are on their way. */
#ifndef CLI_LOG_FEED_H
#define CLI_LOG_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"
#include "serial/conlog_reader.h"

#define LOG_FEED_PIECES 8u
#define LOG_PORT_MAX 32

struct log_source {
	char *name; /* of the VM */
	unsigned index;
	char port[LOG_PORT_MAX];
};

struct log_range {
	uint64_t since_ns, until_ns; /* 0, UINT64_MAX: all */
	bool by_boot;
	long boot;     /* 0 the last one, -1 the one before it; from 1 on, the oldest first */
	uint64_t tail; /* only about the last bytes of each; 0 all */
};

struct log_sink {
	/* Whole lines, each with its '\n', but for the last one of all, perhaps. */
	void (*lines)(void *arg, const struct log_source *s, const uint8_t *p, size_t n,
	    const struct conlog_time *times, size_t n_times);
	void (*mark)(void *arg, const struct log_source *s, const struct conlog_record *mark);
	/* A source was read to its end, or cannot be read: why. May be NULL. */
	void (*done)(void *arg, const struct log_source *s, const struct err *why);
};

struct log_feed;

/* sources are borrowed. raw: pieces are handed on as they are, not cut into lines. */
struct log_feed *log_feed_new(const struct home *h, const struct log_source *sources, size_t n,
    const struct log_range *range, bool threaded, bool raw, const struct log_sink *sink, void *arg);
/* Hands on what there is now; a feed without a thread may be asked again. */
void log_feed_run(struct log_feed *f);
/* Hands on the lines whose end has not come. */
void log_feed_flush(struct log_feed *f);
/* Was all of every history within the range's tail? */
bool log_feed_whole(const struct log_feed *f);
/* Waits until there may be more, ms at most. */
void log_feed_wait(struct log_feed *f, int ms);
void log_feed_free(struct log_feed *f);

#endif
