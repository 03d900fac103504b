/* Network interfaces onto the command line. */
#include "kvm/argv_dev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define FORWARDS_MAX 256 /* ports of one interface: each is a word of the command line */

static bool net_is_virtio(const struct domain_net *net)
{
	return net->model != NULL && str_prefix(net->model, "virtio");
}

static bool net_has_tap(const struct domain_net *net)
{
	return net->type == NET_BRIDGE || net->type == NET_ETHERNET || net->type == NET_DIRECT ||
	       net->type == NET_NETWORK;
}

/* --- the card --- */
static const char *net_device(struct builder *b, const struct domain_net *net)
{
	static const char *const names[][2] = {
	    {"virtio", "virtio-net-pci"},
	    {"virtio-transitional", "virtio-net-pci-transitional"},
	    {"virtio-non-transitional", "virtio-net-pci-non-transitional"},
	    {"e1000", "e1000"},
	    {"e1000-82544gc", "e1000-82544gc"},
	    {"e1000-82545em", "e1000-82545em"},
	    {"e1000e", "e1000e"},
	    {"igb", "igb"},
	    {"rtl8139", "rtl8139"},
	    {"pcnet", "pcnet"},
	    {"ne2k_pci", "ne2k_pci"},
	    {"ne2k_isa", "ne2k_isa"},
	    {"vmxnet3", "vmxnet3"},
	    {"tulip", "tulip"},
	    {"usb-net", "usb-net"},
	    {"i82550", "i82550"},
	    {"i82551", "i82551"},
	    {"i82557a", "i82557a"},
	    {"i82557b", "i82557b"},
	    {"i82557c", "i82557c"},
	    {"i82558a", "i82558a"},
	    {"i82558b", "i82558b"},
	    {"i82559a", "i82559a"},
	    {"i82559b", "i82559b"},
	    {"i82559c", "i82559c"},
	    {"i82559er", "i82559er"},
	    {"i82562", "i82562"},
	    {"i82801", "i82801"},
	};
	/* libvirt's default where the document names none. */
	if (net->model == NULL)
		return caps_has_device(b->c, "rtl8139") ? "rtl8139" : "virtio-net-pci";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i][0], net->model) == 0)
			return names[i][1];
	return NULL;
}

static void add_virtio(const struct domain_net *net, struct buf *value)
{
	static const struct dev_key keys[] = {
	    {"driver@ioeventfd", "ioeventfd"},
	    {"driver@event_idx", "event_idx"},
	    {"driver/host@csum", "csum"},
	    {"driver/host@gso", "gso"},
	    {"driver/host@tso4", "host_tso4"},
	    {"driver/host@tso6", "host_tso6"},
	    {"driver/host@ecn", "host_ecn"},
	    {"driver/host@ufo", "host_ufo"},
	    {"driver/host@mrg_rxbuf", "mrg_rxbuf"},
	    {"driver/guest@csum", "guest_csum"},
	    {"driver/guest@tso4", "guest_tso4"},
	    {"driver/guest@tso6", "guest_tso6"},
	    {"driver/guest@ecn", "guest_ecn"},
	    {"driver/guest@ufo", "guest_ufo"},
	    {"driver@rx_queue_size", "rx_queue_size"},
	    {"driver@tx_queue_size", "tx_queue_size"},
	    {"driver@rss", "rss"},
	    {"driver@rss_hash_report", "hash"},
	    {"mtu@size", "host_mtu"},
	};
	const struct domain_attrs *a = &net->attrs;
	const char *txmode = attrs_get(a, "driver@txmode");
	if (txmode != NULL)
		buf_addf(value, ",tx=%s", strcmp(txmode, "timer") == 0 ? "timer" : "bh");
	build_keys(value, a, keys, ARRAY_LEN(keys));
	if (net->queues > 1) /* a vector for each of a pair, for the configuration, for control */
		buf_addf(value, ",mq=on,vectors=%u", 2 * net->queues + 2);
	if (attrs_is(a, "teaming@type", "persistent"))
		buf_adds(value, ",failover=on");
}

static int build_card(struct builder *b, size_t i, const char *id, bool netdev)
{
	const struct domain_net *net = &b->d->nets[i];
	const char *device = net_device(b, net);
	struct buf value = BUF_INIT;
	if (device == NULL)
		return build_unsupported(b, "interface", net->line,
		    "model '%s' is not supported; virtio, e1000e, e1000 and rtl8139 are",
		    net->model);
	buf_adds(&value, device);
	if (netdev)
		buf_addf(&value, ",netdev=host%s", id);
	buf_addf(&value, ",id=%s", id);
	if (net->mac != NULL)
		buf_addf(&value, ",mac=%s", net->mac);
	if (net_is_virtio(net))
		add_virtio(net, &value);
	build_tail(b, &value, &net->attrs, &net->address, build_net_bootindex(b->d, i));
	return build_device(b, "interface", net->line, &value);
}

/* A function of the host's own card. */
static int build_hostdev_net(struct builder *b, size_t i, const char *id)
{
	const struct domain_net *net = &b->d->nets[i];
	const struct domain_attrs *a = &net->attrs;
	struct buf value = BUF_INIT;
	if (!attrs_is(a, "source/address@type", "pci"))
		return build_unsupported(b, "interface", net->line,
		    "type='hostdev' of a USB device is not supported; <hostdev type='usb'> is");
	buf_adds(&value, "vfio-pci");
	build_host_address(a, &value);
	buf_addf(&value, ",id=%s", id);
	if (attrs_has(a, "teaming@persistent"))
		build_key(&value, "failover_pair_id", attrs_get(a, "teaming@persistent"));
	build_tail(b, &value, a, &net->address, build_net_bootindex(b->d, i));
	return build_device(b, "interface", net->line, &value);
}

/* --- the other end --- */
static bool range_has(const struct domain_attrs *a, const char *range, uint64_t port)
{
	CLEANUP_FREE char *start = xasprintf("%s@start", range);
	CLEANUP_FREE char *end = xasprintf("%s@end", range);
	uint64_t from = attrs_number(a, start, 0);
	return port >= from && port <= attrs_number(a, end, from);
}

static char *numbered(const char *parent, const char *name, unsigned i)
{
	return i == 0 ? xasprintf("%s%s", parent, name) : xasprintf("%s%s[%u]", parent, name, i);
}

static bool port_excluded(const struct domain_attrs *a, const char *forward, uint64_t port)
{
	for (unsigned i = 0;; i++) {
		CLEANUP_FREE char *range = numbered(forward, "/range", i);
		CLEANUP_FREE char *exclude = xasprintf("%s@exclude", range);
		if (!attrs_has(a, range))
			return false;
		if (attrs_on(a, exclude) && range_has(a, range, port))
			return true;
	}
}

static void forward_range(const struct domain_attrs *a, const char *forward, const char *range,
    unsigned *n, struct buf *value)
{
	CLEANUP_FREE char *proto = xasprintf("%s@proto", forward);
	CLEANUP_FREE char *address = xasprintf("%s@address", forward);
	CLEANUP_FREE char *start = xasprintf("%s@start", range);
	CLEANUP_FREE char *to = xasprintf("%s@to", range);
	const char *host = attrs_get(a, address);
	uint64_t from = attrs_number(a, start, 0), guest = attrs_number(a, to, from);
	bool six = host != NULL && strchr(host, ':') != NULL;
	for (uint64_t port = from; range_has(a, range, port) && *n <= FORWARDS_MAX; port++) {
		if (port_excluded(a, forward, port))
			continue;
		buf_addf(value, ",hostfwd=%s:%s%s%s:%llu-:%llu", attrs_get(a, proto),
		    six ? "[" : "", host != NULL ? host : "", six ? "]" : "",
		    (unsigned long long)port, (unsigned long long)(guest + port - from));
		++*n;
	}
}

static int add_forwards(struct builder *b, const struct domain_net *net, struct buf *value)
{
	const struct domain_attrs *a = &net->attrs;
	unsigned n = 0;
	for (unsigned i = 0;; i++) {
		CLEANUP_FREE char *forward = numbered("", "portForward", i);
		CLEANUP_FREE char *any = numbered(forward, "/range", 0);
		if (!attrs_has(a, forward))
			break;
		if (!attrs_has(a, any))
			return build_unsupported(b, "interface", net->line,
			    "a <portForward> of all ports needs <backend type='passt'/>; name them by <range>");
		for (unsigned k = 0;; k++) {
			CLEANUP_FREE char *range = numbered(forward, "/range", k);
			CLEANUP_FREE char *exclude = xasprintf("%s@exclude", range);
			if (!attrs_has(a, range))
				break;
			if (!attrs_on(a, exclude))
				forward_range(a, forward, range, &n, value);
		}
	}
	if (n > FORWARDS_MAX)
		return build_unsupported(b, "interface", net->line,
		    "forwards more than %d ports, which needs <backend type='passt'/>",
		    FORWARDS_MAX);
	return 0;
}

static int build_user(struct builder *b, size_t i, const char *id)
{
	const struct domain_net *net = &b->d->nets[i];
	const struct domain_attrs *a = &net->attrs;
	struct buf value = BUF_INIT;
	bool first = true;
	for (size_t k = 0; k < i; k++)
		first = first && b->d->nets[k].type != NET_USER;
	if (attrs_is(a, "backend@type", "passt")) {
		CLEANUP_FREE char *path = xasprintf("%s/passt%zu.sock", b->in->run_dir, i);
		buf_addf(&value, "stream,id=host%s,server=off,addr.type=unix", id);
		build_key(&value, "addr.path", path);
		build_take(b, "-netdev", &value);
		return 0;
	}
	buf_addf(&value, "user,id=host%s", id);
	for (unsigned k = 0;; k++) {
		CLEANUP_FREE char *ip = numbered("", "ip", k);
		CLEANUP_FREE char *address = xasprintf("%s@address", ip);
		CLEANUP_FREE char *prefix = xasprintf("%s@prefix", ip);
		const char *text = attrs_get(a, address);
		if (text == NULL)
			break;
		if (strchr(text, ':') != NULL)
			buf_addf(&value, ",ipv6-prefix=%s,ipv6-prefixlen=%llu", text,
			    (unsigned long long)attrs_number(a, prefix, 64));
		else
			buf_addf(&value, ",net=%s/%llu", text,
			    (unsigned long long)attrs_number(a, prefix, 24));
	}
	if (add_forwards(b, net, &value) < 0) {
		buf_fini(&value);
		return -1;
	}
	if (first)
		build_guestfwds(b, &value);
	build_take(b, "-netdev", &value);
	return 0;
}

static int build_tap(struct builder *b, size_t i, const char *id)
{
	const struct domain_net *net = &b->d->nets[i];
	const char *driver = attrs_get(&net->attrs, "driver@name");
	unsigned queues = net->queues > 0 ? net->queues : 1;
	struct buf value = BUF_INIT;
	bool vhost = net_is_virtio(net) && net->vhost && !str_eq(driver, "qemu");
	buf_addf(&value, "tap,id=host%s", id);
	if (b->in->fd_first == 0) {
		CLEANUP_FREE char *made = xasprintf("vnet%zu", i);
		buf_addf(&value, ",ifname=%s,script=no,downscript=no",
		    net->target != NULL ? net->target : made);
		if (queues > 1)
			buf_addf(&value, ",queues=%u", queues);
		if (net_is_virtio(net) && str_eq(driver, "vhost"))
			buf_adds(&value, ",vhost=on");
		build_take(b, "-netdev", &value);
		return 0;
	}
	buf_addf(&value, ",fd%s=", queues > 1 ? "s" : "");
	for (unsigned k = 0; k < queues; k++)
		buf_addf(&value, "%s%d", k > 0 ? ":" : "", build_fd(b, ARGV_TAP, (unsigned)i));
	if (vhost) {
		buf_addf(&value, ",vhost=on,vhostfd%s=", queues > 1 ? "s" : "");
		for (unsigned k = 0; k < queues; k++)
			buf_addf(&value, "%s%d", k > 0 ? ":" : "",
			    build_fd(b, ARGV_VHOST_NET, (unsigned)i));
	}
	build_take(b, "-netdev", &value);
	return 0;
}

static int build_socket(struct builder *b, size_t i, const char *id)
{
	static const char *const keys[NET_TYPES] = {[NET_UDP] = "udp",
	    [NET_MCAST] = "mcast",
	    [NET_SERVER] = "listen",
	    [NET_CLIENT] = "connect"};
	const struct domain_net *net = &b->d->nets[i];
	const struct domain_attrs *a = &net->attrs;
	const char *address = attrs_get(a, "source@address");
	struct buf value = BUF_INIT;
	buf_addf(&value, "socket,id=host%s,%s=%s:%s", id, keys[net->type],
	    address != NULL ? address : "", attrs_get(a, "source@port"));
	if (net->type == NET_UDP)
		buf_addf(&value, ",localaddr=%s:%s", attrs_get(a, "source/local@address"),
		    attrs_get(a, "source/local@port"));
	build_take(b, "-netdev", &value);
	return 0;
}

static int build_vhost_user(struct builder *b, size_t i, const char *id)
{
	const struct domain_net *net = &b->d->nets[i];
	const struct domain_attrs *a = &net->attrs;
	struct buf value = BUF_INIT;
	buf_addf(&value, "socket,id=char%s", id);
	build_key(&value, "path", net->source);
	/* QEMU waits for the switch also with wait=off: it does not know before what the card can do. */
	if (attrs_is(a, "source@mode", "server")) {
		buf_adds(&value, ",server=on");
		buf_addf(&b->notes,
		    "<interface type='vhostuser'>: QEMU starts once a switch has connected to '%s'\n",
		    net->source);
	} else if (attrs_on(a, "source/reconnect@enabled"))
		buf_addf(&value, ",reconnect=%s", attrs_get(a, "source/reconnect@timeout"));
	build_take(b, "-chardev", &value);
	buf_addf(&value, "vhost-user,chardev=char%s,id=host%s", id, id);
	if (net->queues > 1)
		buf_addf(&value, ",queues=%u", net->queues);
	build_take(b, "-netdev", &value);
	return 0;
}

static int build_vdpa(struct builder *b, size_t i, const char *id)
{
	const struct domain_net *net = &b->d->nets[i];
	struct buf value = BUF_INIT;
	buf_addf(&value, "vhost-vdpa,id=host%s", id);
	build_key(&value, "vhostdev", net->source);
	if (net->queues > 1)
		buf_addf(&value, ",queues=%u", net->queues);
	build_take(b, "-netdev", &value);
	return 0;
}

char *argv_net_id(const struct domain *d, size_t net)
{
	return build_id(&d->nets[net].attrs, "net%zu", net);
}

int build_net(struct builder *b, size_t i)
{
	static int (*const ends[NET_TYPES])(struct builder * b, size_t i, const char *id) = {
	    [NET_USER] = build_user,
	    [NET_UDP] = build_socket,
	    [NET_MCAST] = build_socket,
	    [NET_SERVER] = build_socket,
	    [NET_CLIENT] = build_socket,
	    [NET_VHOSTUSER] = build_vhost_user,
	    [NET_VDPA] = build_vdpa,
	};
	const struct domain_net *net = &b->d->nets[i];
	CLEANUP_FREE char *id = argv_net_id(b->d, i);
	if (net->queues > 1 && !net_is_virtio(net))
		return build_unsupported(
		    b, "interface", net->line, "queues='%u' needs a virtio model", net->queues);
	if (net->type == NET_HOSTDEV)
		return build_hostdev_net(b, i, id);
	if (net_device(b, net) == NULL) /* before its other end is made */
		return build_card(b, i, id, false);
	if (net_has_tap(net) && build_tap(b, i, id) < 0)
		return -1;
	if (ends[net->type] != NULL && ends[net->type](b, i, id) < 0)
		return -1;
	return build_card(b, i, id, net->type != NET_NULL);
}

int build_nets(struct builder *b)
{
	for (size_t i = 0; i < b->d->n_nets; i++)
		if (build_net(b, i) < 0)
			return -1;
	return 0;
}
