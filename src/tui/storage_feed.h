/* storage_feed: the facts of the Storage screen, kept up to date by threads while it is open: the list of pools and jobs
 * every two seconds, each active pool in turn, as often as costs at most half a per cent of a processor. A pool that does
 * not answer says so and holds up nothing else. Owner: the view. */
#ifndef TUI_STORAGE_FEED_H
#define TUI_STORAGE_FEED_H

#include "core/home.h"
#include "tui/disk_chain.h"
#include "tui/offload.h"
#include "tui/storage_facts.h"

struct storage_feed;

/* changed: facts or chain are others than before; on the loop. offload: borrowed. */
struct storage_feed *storage_feed_new(
    const struct home *h, struct offload *o, void (*changed)(void *arg), void *arg);
void storage_feed_free(struct storage_feed *f);
/* Once a second, and when another pool was chosen: that one is looked at more often. pool: NULL none. */
void storage_feed_tick(struct storage_feed *f, const char *pool);
/* A command has changed something: all is due again. */
void storage_feed_again(struct storage_feed *f);
/* The chain of this image is wanted, format as its volume says; path NULL: of none. */
void storage_feed_choose(struct storage_feed *f, const char *path, const char *format);

/* Both borrowed until the loop's next turn; NULL: not known yet. */
const struct storage_facts *storage_feed_facts(const struct storage_feed *f);
const struct disk_chain *storage_feed_chain(const struct storage_feed *f);

#endif
