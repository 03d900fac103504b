/* net_ends: the host's end of a network interface: the tap or macvtap that its card is plugged into, as descriptors for QEMU. For
 * starts (supervisor_nets.c) and plans (plan_host_net.c). What is found out goes into struct domain_net: bridge, vhost, target, opened. */
#ifndef KVM_NET_ENDS_H
#define KVM_NET_ENDS_H

#include "core/domain_net.h"
#include "core/err.h"
#include "core/home.h"

#define NET_SCRIPT_MS 10000 /* of <script> and <downscript> */

/* Finds its bridge and whether the host takes work off QEMU (net->bridge, net->vhost); refuses what the host does not have. */
int net_resolve(const struct home *h, struct domain_net *net, struct err *err);
/* "/dev/vhost-net", or what <backend vhost=…> says. */
const char *net_vhost_path(const struct domain_net *net);

/* A queue of the interface's tap or macvtap; the first call makes the device, sets it up and puts it onto its bridge. exact: net->target is
 * to be its name, which must be free; else "vnetN" there is a name of another day. The script is the caller's. */
int net_open_end(struct domain_net *net, bool exact, struct err *err);
/* <script path=…>, "" and "no" are none. NULL none. */
const char *net_script(const struct domain_net *net, const char *element);
/* What does not go by itself with its last descriptor: a macvtap. */
void net_remove_end(const struct domain_net *net);

/* Has it a device of the host's, through which all goes? */
bool net_has_device(const struct domain_net *net);

#endif
