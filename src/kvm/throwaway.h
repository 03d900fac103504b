/* throwaway: runs whose writes are discarded. Each disk that is written gets an overlay for the run,
 * data/throwaway/NAME/TARGET.qcow2, and is itself only read. */
#ifndef KVM_THROWAWAY_H
#define KVM_THROWAWAY_H

#include <stdbool.h>

#include "core/domain.h"
#include "core/err.h"
#include "core/home.h"

/* Makes the overlays (those of an earlier run are removed) and puts them on top of d's disks: of all that
 * are written, or only of those that say <transient/>. ERR_UNSUPPORTED for a disk that cannot have one. */
int throwaway_apply(
    const struct home *h, const char *name, struct domain *d, bool all, struct err *err);
/* *d is again what the document says: once the command line is built. */
void throwaway_lift(struct domain *d);
void throwaway_clear(const struct home *h, const char *name);

#endif
