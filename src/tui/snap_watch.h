/* snap_watch: follows the snapshots of the domain that is looked at: read again when their folder has changed, on a thread. Owner:
 * the pane or view. */
#ifndef TUI_SNAP_WATCH_H
#define TUI_SNAP_WATCH_H

#include "core/home.h"
#include "tui/offload.h"
#include "tui/snap_rows.h"

struct snap_watch;

/* changed: the rows are others. h and o are borrowed. */
struct snap_watch *snap_watch_new(
    const struct home *h, struct offload *o, void (*changed)(void *arg), void *arg);
void snap_watch_free(struct snap_watch *w); /* passes NULL through */
/* Once a second, and when another domain is looked at. */
void snap_watch_tick(struct snap_watch *w, const char *domain);
const char *snap_watch_name(const struct snap_watch *w); /* NULL nobody yet */
const struct snap_rows *snap_watch_rows(const struct snap_watch *w);

#endif
