#include "kvm/supervisor_devices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/store.h"
#include "core/xml.h"
#include "kvm/hostdev_pci.h"
#include "kvm/qmp.h"
#include "net/port.h"
#include "net/script.h"
#include "net/tap.h"

#define SCRIPT_MS 10000
#define HELPER_MS 5000
#define PORT_FIRST 5900
#define PORT_LAST 65535
#define WEBSOCKET_FIRST 5700
#define CID_FIRST 3 /* 0 to 2 are the hypervisor's, the host's own */
#define CID_LAST 65535

static int refuse(const struct domain *d, const char *element, unsigned line, struct err *err)
{
	return err_wrap(err, "domain '%s': <%s> (line %u)", d->name, element, line);
}

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

/* --- PCI devices --- */
/* Which devices were taken from the host's drivers, a line each, for whoever ends this run. */
#define TAKEN_FILE "pci-taken"

static int take_pci(const struct supervisor *s, const struct domain_attrs *a, struct err *err)
{
	CLEANUP_FREE char *address = xasprintf("%04llx:%02llx:%02llx.%llx",
	    (unsigned long long)attrs_number(a, "source/address@domain", 0),
	    (unsigned long long)attrs_number(a, "source/address@bus", 0),
	    (unsigned long long)attrs_number(a, "source/address@slot", 0),
	    (unsigned long long)attrs_number(a, "source/address@function", 0));
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, TAKEN_FILE);
	bool taken;
	if (hostdev_pci_take(HOSTDEV_SYSFS, address, attrs_on(a, "@managed"), &taken, err) < 0)
		return -1;
	if (!taken)
		return 0;
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s\n", address) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

static void give_back_pci(const struct supervisor *s)
{
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, TAKEN_FILE);
	CLEANUP_BUF struct buf list = BUF_INIT;
	struct err err;
	char *save = NULL;
	if (access(path, F_OK) < 0 || file_read(path, STORE_XML_MAX, &list, &err) < 0)
		return;
	for (char *a = strtok_r(list.data, "\n", &save); a != NULL; a = strtok_r(NULL, "\n", &save))
		if (hostdev_pci_give_back(HOSTDEV_SYSFS, a, &err) < 0)
			log_warn("PCI device %s stays with vfio-pci: %s", a, err.msg);
	unlink(path);
}

/* --- interfaces --- */
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
	return refuse(d, "interface", net->line, err);
}

static int resolve_net(
    struct supervisor *s, const struct domain *d, struct domain_net *net, struct err *err)
{
	char *bridge = NULL;
	if (net->type == NET_NETWORK) {
		if (network_bridge(s, net->source, &bridge, err) < 0) {
			free(bridge);
			return refuse(d, "interface", net->line, err);
		}
		free(net->bridge);
		net->bridge = bridge;
	} else if (net->type == NET_BRIDGE && !link_is_bridge(net->source)) {
		err_set(err, ERR_NOT_FOUND,
		    link_exists(net->source)
		        ? "'%s' is no Linux bridge"
		        : "there is no bridge '%s' on this host (ip link add NAME type bridge makes one)",
		    net->source);
		return refuse(d, "interface", net->line, err);
	} else if (net->type == NET_BRIDGE) {
		free(net->bridge);
		net->bridge = xstrdup(net->source);
	} else if (net->type == NET_DIRECT && !link_exists(net->source)) {
		err_set(err, ERR_NOT_FOUND, "there is no network device '%s' on this host",
		    net->source);
		return refuse(d, "interface", net->line, err);
	}
	if (net->type == NET_HOSTDEV && attrs_is(&net->attrs, "source/address@type", "pci") &&
	    take_pci(s, &net->attrs, err) < 0)
		return refuse(d, "interface", net->line, err);
	if (attrs_is(&net->attrs, "backend@type", "passt")) {
		err_set(err, ERR_UNSUPPORTED,
		    "<backend type='passt'>: hvmux does not start passt yet; without "
		    "<backend> QEMU's own user network serves");
		return refuse(d, "interface", net->line, err);
	}
	return resolve_vhost(d, net, err);
}

/* --- ports of displays --- */
static void keep_port(struct supervisor *s, int fd)
{
	s->kept_ports = xreallocarray(s->kept_ports, s->n_kept_ports + 1, sizeof(*s->kept_ports));
	s->kept_ports[s->n_kept_ports++] = fd;
}

static int resolve_port(
    struct supervisor *s, struct domain_dev *dev, const char *attr, unsigned first, struct err *err)
{
	const char *address = attrs_get(&dev->attrs, "listen@address");
	if (address == NULL)
		address = attrs_get(&dev->attrs, "@listen");
	unsigned port = 0;
	char text[16];
	int fd = port_keep(address != NULL && address[0] != '\0' ? address : "127.0.0.1", first,
	    PORT_LAST, &port, err);
	if (fd < 0)
		return -1;
	keep_port(s, fd);
	snprintf(text, sizeof(text), "%u", port);
	attrs_set(&dev->attrs, attr, text);
	return 0;
}

/* -1 and 0 in a document mean that one is to be found. */
static bool port_given(const struct domain_dev *dev, const char *attr)
{
	return attrs_number(&dev->attrs, attr, 0) > 0;
}

#define SPICE_TLS_DIR "/etc/pki/libvirt-spice" /* libvirt's, too */

/* A TLS port in a document is often a host's habit. Where nobody insists on it, the plain one serves. */
static int resolve_tls(struct domain_dev *dev, struct err *err)
{
	struct domain_attrs *a = &dev->attrs;
	bool secure = attrs_is(a, "@defaultMode", "secure") || !port_given(dev, "@port");
	for (size_t i = 0; i < a->n; i++)
		secure = secure || (str_prefix(a->attr[i].name, "channel") &&
		                       strcmp(a->attr[i].value, "secure") == 0);
	if (!port_given(dev, "@tlsPort") || access(SPICE_TLS_DIR "/server-cert.pem", F_OK) == 0)
		return 0;
	if (secure)
		return err_set(err, ERR_NOT_FOUND,
		    "tlsPort needs the certificates ca-cert.pem, server-cert.pem and server-key.pem in " SPICE_TLS_DIR);
	log_warn("SPICE without TLS: there are no certificates in " SPICE_TLS_DIR);
	attrs_set(a, "@tlsPort", "-1");
	return 0;
}

static int resolve_graphics(struct supervisor *s, struct domain_dev *dev, struct err *err)
{
	const struct domain_attrs *a = &dev->attrs;
	bool vnc = attrs_is(a, "@type", "vnc"), spice = attrs_is(a, "@type", "spice");
	bool autoport = attrs_on(a, "@autoport");
	if (!(vnc || spice) || attrs_has(a, "@socket") || attrs_is(a, "listen@type", "socket") ||
	    attrs_is(a, "listen@type", "none"))
		return 0;
	bool plain = autoport || !port_given(dev, "@port");
	/* Who gives a port for TLS alone, or none at all and wants none, gets no other. */
	if (spice && !autoport && (port_given(dev, "@tlsPort") || attrs_is(a, "@autoport", "no")))
		plain = false;
	if (plain && resolve_port(s, dev, "@port", PORT_FIRST, err) < 0)
		return -1;
	if (spice && resolve_tls(dev, err) < 0)
		return -1;
	if (attrs_has(a, "@websocket") && !port_given(dev, "@websocket"))
		return resolve_port(s, dev, "@websocket", WEBSOCKET_FIRST, err);
	return 0;
}

/* --- vsock --- */
/* Asked of the kernel, which knows who has which. */
static int resolve_vsock(struct domain_dev *dev, struct err *err)
{
	CLEANUP_CLOSE int fd = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);
	char text[16];
	if (fd < 0)
		return err_errno(err, errno, "cannot open /dev/vhost-vsock (modprobe vhost_vsock)");
	if (!attrs_on(&dev->attrs, "cid@auto"))
		return 0;
	for (uint64_t cid = CID_FIRST; cid <= CID_LAST; cid++)
		if (ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid) == 0) {
			snprintf(text, sizeof(text), "%llu", (unsigned long long)cid);
			attrs_set(&dev->attrs, "cid@address", text);
			return 0;
		}
	return err_set(err, ERR_BUSY, "no context id is free for vsock");
}

/* --- what must be there --- */
static int need_path(const char *what, const char *path, int mode, struct err *err)
{
	if (access(path, mode) == 0)
		return 0;
	return err_errno(err, errno, "%s: '%s'", what, path);
}

/* A USB device by its place on the bus makes QEMU fail when it is not there; one by its makers' numbers it waits for. */
static int resolve_usb(struct domain_dev *dev, struct err *err)
{
	const struct domain_attrs *a = &dev->attrs;
	if (!attrs_has(a, "source/address@device") || attrs_has(a, "source/vendor"))
		return 0;
	CLEANUP_FREE char *path =
	    xasprintf("/dev/bus/usb/%03u/%03u", (unsigned)attrs_number(a, "source/address@bus", 0),
	        (unsigned)attrs_number(a, "source/address@device", 0));
	if (access(path, F_OK) == 0)
		return 0;
	if (attrs_is(a, "source@startupPolicy", "optional")) {
		log_info("the host has no USB device '%s': the guest starts without it", path);
		dev->address.type = ADDRESS_UNASSIGNED;
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND,
	    "the host has no USB device '%s' (startupPolicy='optional' starts without)", path);
}

/* Which /dev/sgN the numbers of an address mean. */
static int resolve_scsi(struct domain_dev *dev, struct err *err)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *adapter = attrs_get(a, "source/adapter@name");
	if (adapter == NULL)
		return 0;
	CLEANUP_FREE char *place = xasprintf("%s:%u:%u:%u", adapter + strlen("scsi_host"),
	    (unsigned)attrs_number(a, "source/address@bus", 0),
	    (unsigned)attrs_number(a, "source/address@target", 0),
	    (unsigned)attrs_number(a, "source/address@unit", 0));
	CLEANUP_FREE char *path = xasprintf("/sys/bus/scsi/devices/%s/scsi_generic", place);
	DIR *dir = opendir(path);
	struct dirent *e;
	CLEANUP_FREE char *found = NULL;
	while (dir != NULL && found == NULL && (e = readdir(dir)) != NULL)
		if (str_prefix(e->d_name, "sg"))
			found = xasprintf("/dev/%s", e->d_name);
	if (dir != NULL)
		closedir(dir);
	if (found == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "the host has no SCSI device %s with a /dev/sgN (modprobe sg)", place);
	attrs_set(&dev->attrs, "source@path", found);
	return 0;
}

static int resolve_hostdev(struct supervisor *s, struct domain_dev *dev, struct err *err)
{
	const struct domain_attrs *a = &dev->attrs;
	CLEANUP_FREE char *mdev = xasprintf("/sys/bus/mdev/devices/%s",
	    attrs_has(a, "source/address@uuid") ? attrs_get(a, "source/address@uuid") : "");
	switch (domain_hostdev_type(dev)) {
	case HOSTDEV_USB:
		return resolve_usb(dev, err);
	case HOSTDEV_PCI:
		return take_pci(s, a, err);
	case HOSTDEV_MDEV:
		return need_path("the host has no such mediated device", mdev, F_OK, err);
	case HOSTDEV_SCSI:
		return resolve_scsi(dev, err);
	case HOSTDEV_SCSI_HOST:
		return need_path(
		    "vhost-scsi (modprobe vhost_scsi)", "/dev/vhost-scsi", R_OK | W_OK, err);
	}
	return 0;
}

static int resolve_dev(struct supervisor *s, struct domain_dev *dev, struct err *err)
{
	const struct domain_attrs *a = &dev->attrs;
	switch (dev->kind) {
	case DEV_GRAPHICS:
		return resolve_graphics(s, dev, err);
	case DEV_VSOCK:
		return resolve_vsock(dev, err);
	case DEV_HOSTDEV:
		return resolve_hostdev(s, dev, err);
	case DEV_FILESYSTEM:
		return attrs_has(a, "source@dir")
		           ? need_path("no such folder", attrs_get(a, "source@dir"), F_OK, err)
		           : 0;
	case DEV_TPM:
		return attrs_is(a, "backend@type", "passthrough")
		           ? need_path("TPM",
		                 attrs_has(a, "backend/device@path")
		                     ? attrs_get(a, "backend/device@path")
		                     : "/dev/tpm0",
		                 R_OK | W_OK, err)
		           : 0;
	default:
		return 0;
	}
}

static void note_link(struct supervisor *s, const struct domain *d, size_t net)
{
	CLEANUP_FREE char *before = s->links_down;
	CLEANUP_FREE char *id = argv_net_id(d, net);
	s->links_down = xasprintf("%s%s ", before != NULL ? before : "", id);
}

int sup_devices_resolve(struct supervisor *s, struct domain *d, struct err *err)
{
	free(s->links_down);
	s->links_down = NULL;
	for (size_t i = 0; i < d->n_nets; i++) {
		if (resolve_net(s, d, &d->nets[i], err) < 0)
			return -1;
		if (d->nets[i].link_down)
			note_link(s, d, i);
	}
	for (size_t i = 0; i < d->n_devs; i++)
		if (resolve_dev(s, &d->devs[i], err) < 0)
			return refuse(d, domain_dev_name(d->devs[i].kind), d->devs[i].line, err);
	return 0;
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
			link_del_macvtap(name);
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
	return fd < 0 ? refuse(d, "interface", net->line, err) : fd;
}

int sup_devices_note(struct domain *d, struct err *err)
{
	char *text = domain_format(d, err);
	if (text == NULL)
		return -1;
	free(d->source);
	d->source = text;
	d->source_len = strlen(text);
	return 0;
}

/* --- QEMU is there --- */
static void free_ports(struct supervisor *s)
{
	for (size_t i = 0; i < s->n_kept_ports; i++)
		close(s->kept_ports[i]);
	free(s->kept_ports);
	s->kept_ports = NULL;
	s->n_kept_ports = 0;
}

static void no_answer(void *arg, struct json_object *result, const struct err *err)
{
	(void)arg;
	(void)result;
	if (err != NULL)
		log_warn("link state='down': %s", err->msg);
}

/* QEMU has no word for it on its command line. */
static void pull_cables(struct supervisor *s)
{
	char *save = NULL;
	for (char *id = strtok_r(s->links_down, " ", &save); id != NULL;
	     id = strtok_r(NULL, " ", &save)) {
		struct json_object *args = json_object_new_object();
		json_object_object_add(args, "name", json_object_new_string(id));
		json_object_object_add(args, "up", json_object_new_boolean(false));
		qmp_send(s->qmp, "set_link", args, 0, no_answer, s);
	}
	free(s->links_down);
	s->links_down = NULL;
}

void sup_devices_up(struct supervisor *s)
{
	free_ports(s);
	if (s->links_down != NULL)
		pull_cables(s);
}

/* --- afterwards --- */
void sup_devices_drop(const struct supervisor *s, const struct domain *d, bool opened)
{
	struct err err;
	give_back_pci(s);
	for (size_t i = 0; i < d->n_nets; i++) {
		const struct domain_net *net = &d->nets[i];
		const char *script = attrs_get(&net->attrs, "downscript@path");
		if (opened && !net->opened)
			continue;
		if (net->type == NET_DIRECT && net->target != NULL)
			link_del_macvtap(net->target);
		if (net->type == NET_ETHERNET && net->target != NULL && script != NULL &&
		    script[0] != '\0' && strcmp(script, "no") != 0 &&
		    script_run(script, net->target, SCRIPT_MS, &err) < 0)
			log_warn("%s", err.msg);
	}
}

void sup_devices_clear(struct supervisor *s)
{
	struct domain d;
	struct err err;
	free_ports(s);
	free(s->links_down);
	s->links_down = NULL;
	if (sup_read_domain(s, true, &d, &err) < 0)
		return;
	sup_devices_drop(s, &d, false);
	domain_fini(&d);
}
