/* disk_watch: the disks of the one domain that is looked at: from its document, its status page, and what its images say,
 * which a thread finds out. Owner: the pane. */
#ifndef TUI_DISK_WATCH_H
#define TUI_DISK_WATCH_H

#include "core/home.h"
#include "tui/disk_table.h"
#include "tui/model.h"
#include "tui/offload.h"

struct disk_watch;

/* changed: the table is another than before; on the loop. home, offload: borrowed. */
struct disk_watch *disk_watch_new(
    const struct home *h, struct offload *o, void (*changed)(void *arg), void *arg);
void disk_watch_free(struct disk_watch *w); /* passes NULL through */
/* When the domain under the cursor is another, and once a second. */
void disk_watch_tick(struct disk_watch *w, struct model *m, const struct vm_entry *e);
/* Whose they are; NULL nobody yet. */
const char *disk_watch_name(const struct disk_watch *w);
/* Of the domain that was last given to disk_watch_tick; borrowed until then. */
const struct disk_table *disk_watch_table(const struct disk_watch *w);

#endif
