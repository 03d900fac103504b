/* rebase: another backing file for an image. */
#ifndef DISK_REBASE_H
#define DISK_REBASE_H

#include "core/progress.h"
#include "disk/img.h"

/* So that the guest sees the same afterwards: what differs between the chain below im and `below` (NULL: nothing, zeroes) is
 * written into im. im is open for writing with its old chain. Flushed. The header still names the old backing file. */
int rebase_data(struct img *im, struct img *below, struct progress *p, struct err *err);
/* The header names `backing` (NULL none), whatever that holds. ERR_UNSUPPORTED for formats that cannot. */
int rebase_name(struct img *im, const char *backing, const char *format, struct err *err);

#endif
