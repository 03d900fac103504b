/* Images that no QEMU has open. */
#include "kvm/plan_host.h"

const struct plan_host_op plan_host_ops_image[] = {{0}};
