/* domain_net: network interfaces of a definition. Owner: struct domain. */
#ifndef CORE_DOMAIN_NET_H
#define CORE_DOMAIN_NET_H

#include "core/domain_dev.h"

enum net_type {
	NET_USER,
	NET_BRIDGE,
	NET_ETHERNET,
	NET_DIRECT,
	NET_NETWORK,
	NET_VHOSTUSER,
	NET_UDP,
	NET_MCAST,
	NET_SERVER,
	NET_CLIENT,
	NET_VDPA,
	NET_HOSTDEV,
	NET_NULL, /* the card alone, plugged into nothing */
	NET_TYPES
};

struct domain_net {
	enum net_type type;
	char *mac;    /* "52:54:00:…", lower case; filled in by domain_complete when absent */
	char *model;  /* "virtio", "e1000", "rtl8139" …; NULL the default */
	char *source; /* the host's side: name of the bridge, network, device; path of a vhostuser
	                 socket; NULL none */
	char *target; /* name of the tap; NULL one is made up */
	bool link_down;
	/* What the supervisor finds out; never in a document. */
	bool vhost;      /* the host takes the work off QEMU */
	bool opened;     /* the tap is there, `target` its name */
	char *bridge;    /* that the tap joins; NULL none */
	unsigned queues; /* pairs; 0 not given, which is one */
	unsigned boot_order;
	struct domain_attrs attrs; /* all of the element */
	struct domain_address address;
	unsigned line, element;
};

const char *net_type_name(enum net_type type); /* "bridge" */
/* By its name on the host, its MAC address or its alias ("net0"); the first. false: there is none. */
bool domain_net_find(const struct domain *d, const char *word, size_t *i);
void net_fini(struct domain_net *net);

#endif
