/* Work on the images of a running machine. */
#include "kvm/plan_verbs.h"

const struct plan_verb plan_verbs_block[] = {{0}};
