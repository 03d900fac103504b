/* plan_memory: steps that change how much memory a guest has, for the verbs and for whoever balloons by himself. Pure. */
#ifndef KVM_PLAN_MEMORY_H
#define KVM_PLAN_MEMORY_H

#include "kvm/plan_verbs.h"

/* What a guest has with its balloon empty, in the balloon's own count. */
uint64_t plan_balloon_max_kib(const struct domain *d);
/* Asks for a size; undone by the one before. */
void plan_add_balloon(struct plan *p, uint64_t kib, uint64_t was_kib);

/* What to do when a guest keeps a memory device. */
void plan_memory_advice(struct plan_step *s, const char *what);

#endif
