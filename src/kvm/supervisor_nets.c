/* The host's side of network interfaces: bridges, taps, macvtaps. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/store.h"
#include "core/xml.h"
#include "kvm/supervisor_devices.h"
#include "net/script.h"
#include "net/tap.h"

#define SCRIPT_MS 10000
#define HELPER_MS 5000

/* --- networks: one that is a bridge of the host's, by libvirt's document in conf/networks --- */
static int network_bridge(struct supervisor *s, const char *name, char **bridge, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/networks/%s.xml", s->home->conf, name);
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (name_check("network", name, err) < 0)
		return -1;
	if (access(path, F_OK) < 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "there is no network '%s': hvmux has no virtual networks yet; <interface type='bridge'> and "
		    "type='user' need none",
		    name);
	if (file_read(path, STORE_XML_MAX, &text, err) < 0)
		return -1;
	CLEANUP_XML xmlDoc *doc =
	    xml_read(text.data != NULL ? text.data : "", text.len, path, "network", err);
	if (doc == NULL)
		return -1;
	const xmlNode *root = xmlDocGetRootElement(doc);
	CLEANUP_FREE char *mode = xml_child_attr(root, "forward", "mode");
	*bridge = xml_child_attr(root, "bridge", "name");
	if (str_eq(mode, "bridge") && *bridge != NULL && link_is_bridge(*bridge))
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
	    "network '%s' is none of a bridge that the host has: hvmux runs no virtual networks yet; <interface "
	    "type='bridge'> and type='user' need none",
	    name);
}

/* --- what an interface needs --- */
static bool net_is_virtio(const struct domain_net *net)
{
	return net->model != NULL && str_prefix(net->model, "virtio");
}

static int resolve_vhost(const struct domain *d, struct domain_net *net, struct err *err)
{
	const char *driver = attrs_get(&net->attrs, "driver@name");
	const char *path = attrs_get(&net->attrs, "backend@vhost");
	if (!net_is_virtio(net) || str_eq(driver, "qemu"))
		return 0;
	if (path == NULL)
		path = "/dev/vhost-net";
	net->vhost = access(path, R_OK | W_OK) == 0;
	if (net->vhost || !str_eq(driver, "vhost"))
		return 0;
	err_errno(err, errno, "<driver name='vhost'>: cannot use '%s' (modprobe vhost_net)", path);
	return sup_devices_refuse(d, "interface", net->line, err);
}

int sup_net_resolve(
    struct supervisor *s, const struct domain *d, struct domain_net *net, struct err *err)
{
	char *bridge = NULL;
	if (net->type == NET_NETWORK) {
		if (network_bridge(s, net->source, &bridge, err) < 0) {
			free(bridge);
			return sup_devices_refuse(d, "interface", net->line, err);
		}
		free(net->bridge);
		net->bridge = bridge;
	} else if (net->type == NET_BRIDGE && !link_is_bridge(net->source)) {
		err_set(err, ERR_NOT_FOUND,
		    link_exists(net->source)
		        ? "'%s' is no Linux bridge"
		        : "there is no bridge '%s' on this host (ip link add NAME type bridge makes one)",
		    net->source);
		return sup_devices_refuse(d, "interface", net->line, err);
	} else if (net->type == NET_BRIDGE) {
		free(net->bridge);
		net->bridge = xstrdup(net->source);
	} else if (net->type == NET_DIRECT && !link_exists(net->source)) {
		err_set(err, ERR_NOT_FOUND, "there is no network device '%s' on this host",
		    net->source);
		return sup_devices_refuse(d, "interface", net->line, err);
	}
	if (net->type == NET_HOSTDEV && attrs_is(&net->attrs, "source/address@type", "pci") &&
	    sup_pci_take(s, &net->attrs, err) < 0)
		return sup_devices_refuse(d, "interface", net->line, err);
	if (attrs_is(&net->attrs, "backend@type", "passt")) {
		err_set(err, ERR_UNSUPPORTED,
		    "<backend type='passt'>: hvmux does not start passt yet; without "
		    "<backend> QEMU's own user network serves");
		return sup_devices_refuse(d, "interface", net->line, err);
	}
	return resolve_vhost(d, net, err);
}

/* --- taps --- */
/* The first of the interface's queues has made it. */
static int set_up_tap(const struct domain_net *net, const char *name, struct err *err)
{
	const char *script = attrs_get(&net->attrs, "script@path");
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
	    (net->bridge != NULL && link_join_bridge(net->bridge, name, err) < 0) ||
	    link_set_up(name, true, err) < 0)
		return -1;
	if (script != NULL && script[0] != '\0' && strcmp(script, "no") != 0)
		return script_run(script, name, SCRIPT_MS, err);
	return 0;
}

static int open_tap(struct domain_net *net, struct err *err)
{
	char name[LINK_NAME_MAX] = "vnet%d";
	const struct tap_wish wish = {.many = net->queues > 1,
	    .theirs = attrs_is(&net->attrs, "target@managed", "no"),
	    .sndbuf = (unsigned)attrs_number(&net->attrs, "tune/sndbuf", 0)};
	bool first = !net->opened;
	if (geteuid() != 0 && net->bridge != NULL)
		return tap_open_by_helper(net->bridge, HELPER_MS, err);
	/* "vnetN" in a document is a name that was made up on another day. */
	if (net->target != NULL && (!first || !str_prefix(net->target, "vnet")))
		snprintf(name, sizeof(name), "%s", net->target);
	CLEANUP_CLOSE int fd = tap_open(name, &wish, err);
	if (fd < 0 || (first && !wish.theirs && set_up_tap(net, name, err) < 0))
		return -1;
	free(net->target);
	net->target = xstrdup(name);
	net->opened = true;
	return TAKE_FD(fd);
}

static int open_macvtap(struct domain_net *net, struct err *err)
{
	char name[LINK_NAME_MAX] = "";
	const char *mode = attrs_get(&net->attrs, "source@mode");
	if (!net->opened) {
		unsigned mtu = (unsigned)attrs_number(&net->attrs, "mtu@size", 0);
		if (net->target != NULL && !str_prefix(net->target, "macvtap") &&
		    !str_prefix(net->target, "vnet"))
			snprintf(name, sizeof(name), "%s", net->target);
		if (link_add_macvtap(
		        net->source, mode != NULL ? mode : "vepa", net->mac, name, err) < 0)
			return -1;
		free(net->target);
		net->target = xstrdup(name);
		net->opened = true;
		if ((mtu > 0 && link_set_mtu(name, mtu, err) < 0) ||
		    link_set_up(name, true, err) < 0) {
			link_del_macvtap(name, NULL);
			return -1;
		}
	}
	return link_open_macvtap(net->target, err);
}

int sup_devices_open(struct domain *d, const struct argv_socket *k, struct err *err)
{
	struct domain_net *net = &d->nets[k->index];
	int fd;
	if (k->kind == ARGV_VHOST_NET) {
		const char *path = attrs_get(&net->attrs, "backend@vhost");
		path = path != NULL ? path : "/dev/vhost-net";
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			err_errno(err, errno, "cannot open '%s'", path);
	} else {
		fd = net->type == NET_DIRECT ? open_macvtap(net, err) : open_tap(net, err);
	}
	return fd < 0 ? sup_devices_refuse(d, "interface", net->line, err) : fd;
}

void sup_nets_drop(const struct domain *d, bool opened)
{
	struct err err;
	for (size_t i = 0; i < d->n_nets; i++) {
		const struct domain_net *net = &d->nets[i];
		const char *script = attrs_get(&net->attrs, "downscript@path");
		if (opened && !net->opened)
			continue;
		/* In mode "passthrough" it has the address of the device below, and is the only one there. */
		if (net->type == NET_DIRECT && net->target != NULL)
			link_del_macvtap(net->target,
			    attrs_is(&net->attrs, "source@mode", "passthrough") ? NULL : net->mac);
		if (net->type == NET_ETHERNET && net->target != NULL && script != NULL &&
		    script[0] != '\0' && strcmp(script, "no") != 0 &&
		    script_run(script, net->target, SCRIPT_MS, &err) < 0)
			log_warn("%s", err.msg);
	}
}
