/* Snapshots made, gone back to, deleted. */
#include "kvm/plan_verbs.h"

const struct plan_verb plan_verbs_snapshot[] = {{0}};
