/* disk_rows: a domain's disks from its document and its status page: the rows of a disk_table but for what lies in the
 * images. */
#ifndef TUI_DISK_ROWS_H
#define TUI_DISK_ROWS_H

#include "core/domain.h"
#include "core/status.h"
#include "tui/disk_table.h"

/* What a disk's counters were when they last changed. */
struct disk_count {
	uint64_t read, written, requests, ns;
	uint64_t at_ms; /* 0 never */
};

/* counts: as many as rows, zero at first. */
void disk_rows_of(struct disk_table *t, const struct domain *d);
/* What the page alone tells, where the document cannot be read. */
void disk_rows_of_page(struct disk_table *t, const struct status_page *page);
/* Counters of the page, and their rates since they last changed; now_ms: of any clock that runs evenly. */
void disk_rows_count(struct disk_table *t, const struct status_page *page,
    struct disk_count *counts, uint64_t now_ms);

#endif
