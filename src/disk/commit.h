/* commit: what an overlay holds, down into an image below it. */
#ifndef DISK_COMMIT_H
#define DISK_COMMIT_H

#include "core/progress.h"
#include "disk/img.h"

/* top, open for writing, with what lies below it; *base, in its chain, is open for writing, too, the layers between for
 * reading. base_name NULL: the image right below. Free top with img_drop or img_close, which closes all. */
struct img *commit_open(const char *name, const char *format, const char *base_name,
    struct img **base, struct err *err);
/* Everything that the layers above base say, into base, which grows when it is shorter; flushed. */
int commit_run(struct img *top, struct img *base, struct progress *p, struct err *err);
/* Afterwards: nothing is left in top, its base shows. ERR_UNSUPPORTED for formats that cannot. */
int commit_empty(struct img *top, struct err *err);
/* Would it be refused for its format? To be asked before commit_run. */
int commit_can_empty(const struct img *top, struct err *err);

#endif
