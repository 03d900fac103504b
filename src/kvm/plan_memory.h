/* plan_memory: steps that change how much memory a guest has, for the verbs and for whoever balloons by himself. Pure. */
#ifndef KVM_PLAN_MEMORY_H
#define KVM_PLAN_MEMORY_H

#include <libxml/tree.h>

#include "kvm/plan_verbs.h"

/* What a guest has with its balloon empty, in the balloon's own count. */
uint64_t plan_balloon_max_kib(const struct domain *d);
/* Asks for a size; undone by the one before. */
void plan_add_balloon(struct plan *p, uint64_t kib, uint64_t was_kib);

/* The virtio-mem of d that is meant: by alias (NULL any), by node (-1 any), or the only one; borrowed. NULL: ERR_NOT_FOUND; ERR_INVALID: there are
 * several. */
const struct domain_memdev *plan_memory_find(
    const struct domain *d, const char *alias, int64_t node, struct err *err);
/* Can it give the guest so much? ERR_INVALID. */
int plan_memory_check(const struct domain_memdev *m, uint64_t kib, struct err *err);
/* <requested> of its element. */
void plan_memory_request(xmlNode *device, uint64_t kib);
/* What to do when a guest keeps a memory device. */
void plan_memory_advice(struct plan_step *s, const char *what);

#endif
