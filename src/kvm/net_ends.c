#include "kvm/net_ends.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/xml.h"
#include "net/tap.h"

#define HELPER_MS 5000

/* --- networks: one that is a bridge of the host's, by libvirt's document in conf/networks --- */
static int network_bridge(const struct home *h, const char *network, char **bridge, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/networks/%s.xml", h->conf, network);
	CLEANUP_BUF struct buf text = BUF_INIT;
	*bridge = NULL;
	if (name_check("network", network, err) < 0)
		return -1;
	if (access(path, F_OK) < 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "there is no network '%s': hvmux has no virtual networks yet; <interface type='bridge'> and "
		    "type='user' need none",
		    network);
	if (file_read(path, STORE_XML_MAX, &text, err) < 0)
		return -1;
	CLEANUP_XML xmlDoc *doc =
	    xml_read(text.data != NULL ? text.data : "", text.len, path, "network", err);
	if (doc == NULL)
		return -1;
	const xmlNode *root = xmlDocGetRootElement(doc);
	CLEANUP_FREE char *mode = xml_child_attr(root, "forward", "mode");
	CLEANUP_FREE char *name = xml_child_attr(root, "bridge", "name");
	if (str_eq(mode, "bridge") && name != NULL && link_is_bridge(name)) {
		*bridge = TAKE_PTR(name);
		return 0;
	}
	return err_set(err, ERR_UNSUPPORTED,
	    "network '%s' is none of a bridge that the host has: hvmux runs no virtual networks yet; <interface "
	    "type='bridge'> and type='user' need none",
	    network);
}

bool net_has_device(const struct domain_net *net)
{
	return net->type == NET_BRIDGE || net->type == NET_ETHERNET || net->type == NET_DIRECT ||
	       net->type == NET_NETWORK;
}

/* --- vhost --- */
static bool is_virtio(const struct domain_net *net)
{
	return net->model != NULL && str_prefix(net->model, "virtio");
}

const char *net_vhost_path(const struct domain_net *net)
{
	const char *path = attrs_get(&net->attrs, "backend@vhost");
	return path != NULL ? path : "/dev/vhost-net";
}

static int find_vhost(struct domain_net *net, struct err *err)
{
	const char *driver = attrs_get(&net->attrs, "driver@name");
	const char *path = net_vhost_path(net);
	if (!is_virtio(net) || str_eq(driver, "qemu"))
		return 0;
	net->vhost = access(path, R_OK | W_OK) == 0;
	if (net->vhost || !str_eq(driver, "vhost"))
		return 0;
	return err_errno(
	    err, errno, "<driver name='vhost'>: cannot use '%s' (modprobe vhost_net)", path);
}

/* --- what the host has --- */
static int find_bridge(const struct home *h, struct domain_net *net, struct err *err)
{
	char *bridge = NULL;
	if (net->type == NET_NETWORK && network_bridge(h, net->source, &bridge, err) < 0)
		return -1;
	if (net->type == NET_BRIDGE && !link_is_bridge(net->source))
		return err_set(err, ERR_NOT_FOUND,
		    link_exists(net->source)
		        ? "'%s' is no Linux bridge"
		        : "there is no bridge '%s' on this host (ip link add NAME type bridge makes one)",
		    net->source);
	if (net->type == NET_BRIDGE)
		bridge = xstrdup(net->source);
	if (bridge == NULL)
		return 0;
	free(net->bridge);
	net->bridge = bridge;
	return 0;
}

int net_resolve(const struct home *h, struct domain_net *net, struct err *err)
{
	if (find_bridge(h, net, err) < 0)
		return -1;
	if (net->type == NET_DIRECT && !link_exists(net->source))
		return err_set(err, ERR_NOT_FOUND, "there is no network device '%s' on this host",
		    net->source);
	if (attrs_is(&net->attrs, "backend@type", "passt"))
		return err_set(err, ERR_UNSUPPORTED,
		    "<backend type='passt'>: hvmux does not start passt yet; without "
		    "<backend> QEMU's own user network serves");
	return find_vhost(net, err);
}

/* --- taps --- */
/* The first of the interface's queues has made it. */
static int set_up_tap(const struct domain_net *net, const char *name, struct err *err)
{
	unsigned mtu = (unsigned)attrs_number(&net->attrs, "mtu@size", 0);
	int bridge_mtu = net->bridge != NULL ? link_mtu(net->bridge) : -1;
	if (mtu == 0 && bridge_mtu > 0)
		mtu = (unsigned)bridge_mtu;
	/* A bridge takes the least MAC address of its ports for its own, so the host's end gets a great one. */
	if (net->mac != NULL) {
		CLEANUP_FREE char *mac = xasprintf("fe%s", net->mac + 2);
		if (link_set_mac(name, mac, err) < 0)
			return -1;
	}
	if ((mtu > 0 && link_set_mtu(name, mtu, err) < 0) ||
	    (net->bridge != NULL && link_join_bridge(net->bridge, name, err) < 0))
		return -1;
	return link_set_up(name, true, err);
}

static int open_tap(struct domain_net *net, bool exact, struct err *err)
{
	char name[LINK_NAME_MAX] = "vnet%d";
	const struct tap_wish wish = {.many = net->queues > 1,
	    .theirs = attrs_is(&net->attrs, "target@managed", "no"),
	    .sndbuf = (unsigned)attrs_number(&net->attrs, "tune/sndbuf", 0)};
	bool first = !net->opened;
	if (geteuid() != 0 && net->bridge != NULL)
		return tap_open_by_helper(net->bridge, HELPER_MS, err);
	/* "vnetN" in a document is a name that was made up on another day. */
	if (net->target != NULL && (exact || !first || !str_prefix(net->target, "vnet")))
		snprintf(name, sizeof(name), "%s", net->target);
	if (exact && first && !wish.theirs && link_exists(name))
		return err_set(err, ERR_EXISTS,
		    "the host has a network device '%s' already; try again, or name another one",
		    name);
	CLEANUP_CLOSE int fd = tap_open(name, &wish, err);
	if (fd < 0 || (first && !wish.theirs && set_up_tap(net, name, err) < 0))
		return -1;
	free(net->target);
	net->target = xstrdup(name);
	net->opened = true;
	return TAKE_FD(fd);
}

static int make_macvtap(struct domain_net *net, bool exact, struct err *err)
{
	char name[LINK_NAME_MAX] = "";
	const char *mode = attrs_get(&net->attrs, "source@mode");
	unsigned mtu = (unsigned)attrs_number(&net->attrs, "mtu@size", 0);
	bool made_up = net->target == NULL || str_prefix(net->target, "macvtap") ||
	               str_prefix(net->target, "vnet");
	if (exact || !made_up)
		snprintf(name, sizeof(name), "%s", net->target != NULL ? net->target : "");
	if (link_add_macvtap(net->source, mode != NULL ? mode : "vepa", net->mac, name, err) < 0)
		return -1;
	free(net->target);
	net->target = xstrdup(name);
	net->opened = true;
	if ((mtu == 0 || link_set_mtu(name, mtu, err) == 0) && link_set_up(name, true, err) == 0)
		return 0;
	link_del_macvtap(name, NULL);
	return -1;
}

int net_open_end(struct domain_net *net, bool exact, struct err *err)
{
	if (net->type != NET_DIRECT)
		return open_tap(net, exact, err);
	if (!net->opened && make_macvtap(net, exact, err) < 0)
		return -1;
	return link_open_macvtap(net->target, err);
}

const char *net_script(const struct domain_net *net, const char *element)
{
	CLEANUP_FREE char *attr = xasprintf("%s@path", element);
	const char *path = attrs_get(&net->attrs, attr);
	return path == NULL || path[0] == '\0' || strcmp(path, "no") == 0 ? NULL : path;
}

/* In mode "passthrough" it has the address of the device below, and is the only one there. */
void net_remove_end(const struct domain_net *net)
{
	if (net->type == NET_DIRECT && net->target != NULL)
		link_del_macvtap(net->target,
		    attrs_is(&net->attrs, "source@mode", "passthrough") ? NULL : net->mac);
}
