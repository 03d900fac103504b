/* Network cards plugged, unplugged, changed. */
#include "kvm/plan_verbs.h"

const struct plan_verb plan_verbs_net[] = {{0}};
