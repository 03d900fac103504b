/* Processors plugged and unplugged. */
#include "kvm/plan_verbs.h"

const struct plan_verb plan_verbs_cpu[] = {{0}};
