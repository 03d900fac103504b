/* tap: a queue of a tap device, as a descriptor for QEMU. The device goes with its last descriptor, unless somebody else
 * made it. */
#ifndef NET_TAP_H
#define NET_TAP_H

#include <stdbool.h>

#include "core/err.h"
#include "net/link.h"

struct tap_wish {
	bool many;       /* more queues of it will be opened */
	bool theirs;     /* it must be there already */
	unsigned sndbuf; /* bytes, 0 the kernel's own */
};

/* name: of the device, or with %d ("vnet%d") for a number that is free; what it is called then. A further queue: the same call
 * with the name that came back. -1 on failure. */
int tap_open(char name[LINK_NAME_MAX], const struct tap_wish *wish, struct err *err);
/* A tap on the bridge by QEMU's helper, which is allowed to for those whom /etc/qemu/bridge.conf names: for users who are not
 * root. ms: how long it may take. */
int tap_open_by_helper(const char *bridge, int ms, struct err *err);

#endif
