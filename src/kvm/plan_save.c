/* A running machine saved to a file. */
#include "kvm/plan_verbs.h"

const struct plan_verb plan_verbs_save[] = {{0}};
