/* Network interfaces: -netdev with a -device, -nic, -net. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

/* QEMU's device → libvirt's model. */
static const char *const models[][2] = {
    {"virtio-net-pci", "virtio"},
    {"virtio-net", "virtio"},
    {"virtio", "virtio"}, /* -nic model= */
    {"virtio-net-pci-transitional", "virtio-transitional"},
    {"virtio-net-pci-non-transitional", "virtio-non-transitional"},
    {"e1000", "e1000"},
    {"e1000-82544gc", "e1000-82544gc"},
    {"e1000-82545em", "e1000-82545em"},
    {"e1000e", "e1000e"},
    {"igb", "igb"},
    {"rtl8139", "rtl8139"},
    {"pcnet", "pcnet"},
    {"ne2k_pci", "ne2k_pci"},
    {"vmxnet3", "vmxnet3"},
    {"i82550", "i82550"},
    {"i82551", "i82551"},
    {"i82557b", "i82557b"},
    {"i82559er", "i82559er"},
    {"usb-net", "usb-net"},
};

static const char *model_of(const char *driver)
{
	for (size_t i = 0; driver != NULL && i < ARRAY_LEN(models); i++)
		if (strcmp(models[i][0], driver) == 0)
			return models[i][1];
	return NULL;
}

/* --- backends --- */
/* "tcp:127.0.0.1:2222-:22" → <portForward>. */
static bool express_forward(xmlNode *e, const char *rule)
{
	char proto[4] = "tcp", host[64] = "", guest[64] = "";
	unsigned from, to;
	const char *dash = strchr(rule, '-'), *colon = strchr(rule, ':');
	if (dash == NULL || colon == NULL || colon > dash)
		return false;
	if (colon - rule == 3)
		snprintf(proto, sizeof proto, "%.3s", rule);
	else if (colon != rule)
		return false;
	if (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0)
		return false;
	if (sscanf(colon + 1, "%63[0-9.]:%u-", host, &from) != 2) {
		host[0] = '\0';
		if (sscanf(colon + 1, ":%u-", &from) != 1)
			return false;
	}
	if (sscanf(dash + 1, "%63[0-9.]:%u", guest, &to) != 2 && sscanf(dash + 1, ":%u", &to) != 1)
		return false;
	if (from == 0 || from > 65535 || to == 0 || to > 65535 || guest[0] != '\0')
		return false;
	xmlNode *f = nat_el(e, "portForward");
	nat_attr(f, "proto", proto);
	nat_attr(f, "address", host[0] != '\0' ? host : NULL);
	xmlNode *r = nat_el(f, "range");
	nat_attru(r, "start", from);
	if (to != from)
		nat_attru(r, "to", to);
	return true;
}

static bool user_backend(struct nat_opt *b, xmlNode *e)
{
	bool ok = true;
	nat_attr(e, "type", "user");
	for (size_t i = 0; i < b->n_keys; i++)
		if (strcmp(b->keys[i].key, "hostfwd") == 0) {
			ok = express_forward(e, b->keys[i].value) && ok;
			b->keys[i].taken = true;
		}
	const char *net = nat_get(b, "net"), *slash = net != NULL ? strchr(net, '/') : NULL;
	nat_ignore(b, "ipv4", "on");
	nat_ignore(b, "ipv6", "on");
	nat_ignore(b, "restrict", "off");
	if (slash != NULL && strchr(net, '.') != NULL) {
		CLEANUP_FREE char *address = xstrndup(net, (size_t)(slash - net));
		xmlNode *ip = nat_el(e, "ip");
		nat_attr(ip, "family", "ipv4");
		nat_attr(ip, "address", address);
		nat_attr(ip, "prefix", slash + 1);
		nat_take(b, "net");
	}
	return ok;
}

static bool tap_backend(struct native *n, struct nat_opt *b, xmlNode *e)
{
	const char *bridge = nat_take(b, "br"), *name = nat_take(b, "ifname");
	const char *script = nat_get(b, "script"), *queues = nat_get(b, "queues");
	bool vhost = nat_is_on(nat_take(b, "vhost"));
	/* libvirt hands descriptors over: which bridge they are on is not to be seen. */
	bool handed = nat_get(b, "fd") != NULL || nat_get(b, "fds") != NULL;
	if (handed)
		nat_note(n,
		    "-netdev %s: descriptors of one run; which bridge they are on is not known: "
		    "name it in <source bridge=…>",
		    b->value);
	nat_take(b, "fd");
	nat_take(b, "fds");
	nat_take(b, "vhostfd");
	nat_take(b, "vhostfds");
	nat_ignore(b, "script", "no");
	nat_ignore(b, "downscript", NULL);
	nat_take(b, "helper");
	bool plain = bridge != NULL || handed;
	nat_attr(e, "type", plain ? "bridge" : "ethernet");
	if (plain)
		nat_attr(nat_el(e, "source"), "bridge", bridge != NULL ? bridge : "br0");
	if (script != NULL && strcmp(script, "no") != 0)
		nat_attr(nat_el(e, "script"), "path", nat_take(b, "script"));
	if (name != NULL) {
		xmlNode *t = nat_el(e, "target");
		nat_attr(t, "dev", name);
		/* One that is there already is used; QEMU would have made its own. */
		nat_attr(t, "managed", plain ? NULL : "no");
	}
	if (queues != NULL || vhost) {
		xmlNode *d = nat_el(e, "driver");
		nat_attr(d, "name", vhost ? "vhost" : "qemu");
		nat_attr(d, "queues", nat_take(b, "queues"));
	}
	return true;
}

static bool express_backend(struct native *n, struct nat_opt *b, xmlNode *e)
{
	const char *type = nat_take(b, "type");
	nat_take(b, "id");
	if (type == NULL)
		return false;
	if (strcmp(type, "user") == 0)
		return user_backend(b, e);
	if (strcmp(type, "tap") == 0)
		return tap_backend(n, b, e);
	if (strcmp(type, "bridge") == 0) {
		const char *bridge = nat_take(b, "br");
		nat_take(b, "helper");
		nat_attr(e, "type", "bridge");
		nat_attr(nat_el(e, "source"), "bridge", bridge != NULL ? bridge : "br0");
		return true;
	}
	return false;
}

/* --- devices --- */
static bool mac_given(const struct native *n, const char *mac)
{
	for (size_t i = 0; i < n->opts.n; i++) {
		const char *a = nat_get(&n->opts.o[i], "mac"),
		           *b = nat_get(&n->opts.o[i], "macaddr");
		if ((a != NULL && strcasecmp(a, mac) == 0) ||
		    (b != NULL && strcasecmp(b, mac) == 0))
			return true;
	}
	return false;
}

/* QEMU numbers the cards that nobody gave an address to, around those that somebody did. */
static char *next_mac(struct native *n)
{
	for (;;) {
		char *mac = xasprintf("52:54:00:12:34:%02x", (0x56 + n->n_macs++) & 0xff);
		if (n->n_macs > 0xff || !mac_given(n, mac))
			return mac;
		free(mac);
	}
}

static void express_mac(struct native *n, xmlNode *e, const char *mac)
{
	CLEANUP_FREE char *made = mac == NULL ? next_mac(n) : NULL;
	xmlNode *m = nat_el(e, "mac");
	nat_attr(m, "address", mac != NULL ? mac : made);
}

static void express_keys(struct native *n, struct nat_opt *o, xmlNode *e)
{
	const char *mac = nat_take(o, "mac"), *boot = nat_take(o, "bootindex");
	const char *mtu = nat_take(o, "host_mtu"), *rom_bar = nat_take(o, "rombar");
	const char *rom = nat_take(o, "romfile");
	express_mac(n, e, mac);
	if (boot != NULL)
		nat_attr(nat_el(e, "boot"), "order", boot);
	if (mtu != NULL)
		nat_attr(nat_el(e, "mtu"), "size", mtu);
	if (rom_bar == NULL && rom == NULL)
		return;
	xmlNode *r = nat_el(e, "rom");
	if (rom != NULL && rom[0] == '\0')
		nat_attr(r, "enabled", "no");
	else
		nat_attr(r, "file", rom);
	nat_attr(r, "bar", rom_bar == NULL ? NULL : strcmp(rom_bar, "0") == 0 ? "off" : "on");
}

/* The rings of a virtio card, in the <driver> that its backend may have made. */
static void express_rings(struct nat_opt *o, xmlNode *e)
{
	static const char *const keys[] = {"rx_queue_size", "tx_queue_size"};
	xmlNode *d = e->children;
	while (d != NULL && !xmlStrEqual(d->name, (const xmlChar *)"driver"))
		d = d->next;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *size = nat_take(o, keys[i]);
		if (size != NULL && d == NULL)
			d = nat_el(e, "driver");
		if (size != NULL)
			nat_attr(d, keys[i], size);
	}
}

/* With several queues libvirt adds what follows from their number. */
static void multiqueue_keys(struct nat_opt *o)
{
	nat_ignore(o, "mq", "on");
	if (nat_get(o, "mq") != NULL)
		nat_take(o, "vectors");
}

bool nat_net_device(struct native *n, struct nat_opt *o)
{
	const char *model = model_of(nat_get(o, "driver")), *netdev = nat_get(o, "netdev");
	if (model == NULL)
		return false;
	struct nat_opt *b = nat_find(n, "netdev", "id", netdev);
	if (b == NULL)
		return false;
	nat_begin(n, o);
	nat_open(n, b);
	xmlNode *e = nat_device(n, NAT_INTERFACE, "interface");
	nat_take(o, "driver");
	nat_take(o, "netdev");
	nat_take(o, "id");
	bool ok = express_backend(n, b, e);
	nat_attr(nat_el(e, "model"), "type", model);
	express_keys(n, o, e);
	multiqueue_keys(o);
	express_rings(o, e);
	if (strcmp(model, "usb-net") == 0)
		nat_take(o, "bus");
	else
		nat_pci(n, o, e);
	return nat_end(n, e, ok);
}

/* --- without a -device --- */
static const char *default_model(const struct native *n)
{
	return n->q35 ? "e1000e" : "e1000";
}

/* A card in the next slot of the chip set, as QEMU makes it before any -device. */
static xmlNode *add_card(struct native *n, struct nat_opt *o, const char *model)
{
	xmlNode *e = nat_device(n, NAT_INTERFACE, "interface");
	nat_attr(nat_el(e, "model"), "type", model);
	const char *mac = o != NULL ? nat_take(o, "mac") : NULL;
	const char *other = o != NULL ? nat_take(o, "macaddr") : NULL;
	express_mac(n, e, mac != NULL ? mac : other);
	nat_pci_at(n, e, 0, nat_pci_slot(n, 0), 0);
	return e;
}

static void express_nic(struct native *n, struct nat_opt *o)
{
	if (str_eq(o->value, "none")) {
		o->used = true;
		return;
	}
	const char *wanted = nat_get(o, "model");
	const char *model = wanted != NULL ? model_of(wanted) : default_model(n);
	if (model == NULL)
		return;
	nat_begin(n, o);
	nat_take(o, "model");
	xmlNode *e = add_card(n, o, model);
	nat_end(n, e, express_backend(n, o, e));
}

/* -net nic and -net user|tap|bridge are pairs on a hub, one of each in all that people write. */
static void express_pairs(struct native *n)
{
	struct nat_opt *nic = nat_find(n, "net", "type", "nic"), *b = NULL;
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		const char *type = strcmp(o->name, "net") == 0 ? nat_get(o, "type") : NULL;
		if (type == NULL || o->used)
			continue;
		if (strcmp(type, "none") == 0)
			o->used = true;
		else if (strcmp(type, "nic") != 0)
			b = o;
	}
	if (nic == NULL || b == NULL)
		return;
	const char *wanted = nat_get(nic, "model");
	const char *model = wanted != NULL ? model_of(wanted) : default_model(n);
	struct nat_opt *netdev = nat_find(n, "netdev", "id", nat_get(nic, "netdev"));
	if (model == NULL)
		return;
	nat_begin(n, nic);
	nat_open(n, netdev != NULL ? netdev : b);
	nat_take(nic, "type");
	nat_take(nic, "model");
	nat_take(nic, "netdev");
	xmlNode *e = add_card(n, nic, model);
	nat_take(b, "name");
	nat_end(n, e, express_backend(n, netdev != NULL ? netdev : b, e));
}

void nat_net_options(struct native *n)
{
	bool told = nat_has(n, "net") || nat_has(n, "netdev") || nat_has(n, "nic");
	for (size_t i = 0; i < n->opts.n; i++)
		if (!n->opts.o[i].used && strcmp(n->opts.o[i].name, "nic") == 0)
			express_nic(n, &n->opts.o[i]);
	express_pairs(n);
	if (!n->nodefaults && !told)
		nat_attr(add_card(n, NULL, default_model(n)), "type", "user");
}
