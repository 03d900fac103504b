/* chain_guard: a guest that broke out of its QEMU must not choose what the next QEMU opens. What the headers of a domain's
 * images refer to is remembered while it runs (disk/chain_memory.h), compared when it has ended and before it starts. */
#ifndef KVM_CHAIN_GUARD_H
#define KVM_CHAIN_GUARD_H

#include "core/buf.h"
#include "core/domain.h"
#include "core/err.h"
#include "core/home.h"

/* Before a start. discarded: nothing that it writes reaches its images. ERR_STATE says that one which it would write to is the
 * base of a linked clone; ERR_DENIED says which image refers to what else, and what to do; ERR_INVALID which one does not tell the format of
 * what backs it. */
int chain_guard_check(
    const struct home *h, const struct domain *d, bool discarded, struct err *err);
/* Has a guest changed what its images refer to? ERR_DENIED says which: before a plan of a machine that is off puts another image
 * on top of them, of which nothing is remembered. */
int chain_guard_compare(const struct home *h, const struct domain *d, struct err *err);
/* Right before QEMU can write. */
int chain_guard_begin(const struct home *h, const struct domain *d, struct err *err);
/* Once it is gone: what is as it was is forgotten. A sentence for each image that is not, added to notes; it stays remembered.
 * May be called again. */
void chain_guard_end(const struct home *h, const struct domain *d, struct buf *notes);
/* An operator says that all of them are as they should be. */
void chain_guard_accept(const struct home *h, const struct domain *d);

#endif
