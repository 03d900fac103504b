/* link: network devices of the host: asked for and changed. All calls are short; none waits for the network. Needs
 * CAP_NET_ADMIN for every change. */
#ifndef NET_LINK_H
#define NET_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

#define LINK_NAME_MAX 16 /* bytes with NUL: IFNAMSIZ */

bool link_exists(const char *name);
/* "bridge", "macvtap" …: what sysfs shows of it; a device of no kind of these is "". */
bool link_is_bridge(const char *name);
bool link_is_macvtap(const char *name);
int link_mtu(const char *name); /* -1: no such device */
int link_set_up(const char *name, bool up, struct err *err);
int link_set_mtu(const char *name, unsigned mtu, struct err *err);
int link_set_mac(const char *name, const char *mac, struct err *err);
/* The device becomes a port of the bridge. */
int link_join_bridge(const char *bridge, const char *name, struct err *err);
/* Of whatever bridge it is a port of; nothing when of none. */
int link_leave_bridge(const char *name, struct err *err);
/* Makes a macvtap on the device `lower`: mode "vepa", "bridge", "private", "passthrough". name: the wished one or "", which
 * makes one up; what it is called then. */
int link_add_macvtap(const char *lower, const char *mode, const char *mac, char name[LINK_NAME_MAX],
    struct err *err);
bool link_has_mac(const char *name, const char *mac);
/* Nothing when it is not there, is no macvtap, or has another MAC address than this one (NULL: any): names are given anew, and
 * the one in an old document may be another domain's by now. */
void link_del_macvtap(const char *name, const char *mac);
/* /dev/tapN of a macvtap, once more for each queue. */
int link_open_macvtap(const char *name, struct err *err);

#endif
