/* Memory plugged, unplugged, balloons. */
#include "kvm/plan_verbs.h"

const struct plan_verb plan_verbs_memory[] = {{0}};
