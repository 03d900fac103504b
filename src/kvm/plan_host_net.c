/* Taps. */
#include "kvm/plan_host.h"

const struct plan_host_op plan_host_ops_net[] = {{0}};
