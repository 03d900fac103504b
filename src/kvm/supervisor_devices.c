#include "kvm/supervisor_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/qmp.h"
#include "net/port.h"

#define PORT_FIRST 5900
#define PORT_LAST 65535
#define WEBSOCKET_FIRST 5700
#define CID_FIRST 3 /* 0 to 2 are the hypervisor's, the host's own */
#define CID_LAST 65535

int sup_devices_refuse(const struct domain *d, const char *element, unsigned line, struct err *err)
{
	return err_wrap(err, "domain '%s': <%s> (line %u)", d->name, element, line);
}

int sup_devices_need(const char *what, const char *path, int mode, struct err *err)
{
	if (access(path, mode) == 0)
		return 0;
	return err_errno(err, errno, "%s: '%s'", what, path);
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

/* --- all --- */
static int resolve_dev(struct supervisor *s, struct domain_dev *dev, struct err *err)
{
	const struct domain_attrs *a = &dev->attrs;
	switch (dev->kind) {
	case DEV_GRAPHICS:
		return resolve_graphics(s, dev, err);
	case DEV_VSOCK:
		return resolve_vsock(dev, err);
	case DEV_HOSTDEV:
		return sup_hostdev_resolve(s, dev, err);
	case DEV_FILESYSTEM:
		return attrs_has(a, "source@dir") ? sup_devices_need("no such folder",
		                                        attrs_get(a, "source@dir"), F_OK, err)
		                                  : 0;
	case DEV_TPM:
		return attrs_is(a, "backend@type", "passthrough")
		           ? sup_devices_need("TPM",
		                 attrs_has(a, "backend/device@path")
		                     ? attrs_get(a, "backend/device@path")
		                     : "/dev/tpm0",
		                 R_OK | W_OK, err)
		           : 0;
	default:
		return 0;
	}
}

static void forget_wishes(struct supervisor *s)
{
	free(s->links_down);
	s->links_down = NULL;
}

static void note_link(struct supervisor *s, const struct domain *d, size_t net)
{
	CLEANUP_FREE char *before = s->links_down;
	CLEANUP_FREE char *id = argv_net_id(d, net);
	s->links_down = xasprintf("%s%s ", before != NULL ? before : "", id);
}

int sup_devices_resolve(struct supervisor *s, struct domain *d, struct err *err)
{
	forget_wishes(s);
	for (size_t i = 0; i < d->n_nets; i++) {
		if (sup_net_resolve(s, d, &d->nets[i], err) < 0)
			return -1;
		if (d->nets[i].link_down)
			note_link(s, d, i);
	}
	for (size_t i = 0; i < d->n_devs; i++)
		if (resolve_dev(s, &d->devs[i], err) < 0)
			return sup_devices_refuse(
			    d, domain_dev_name(d->devs[i].kind), d->devs[i].line, err);
	return 0;
}

int sup_devices_note(const struct supervisor *s, struct domain *d, struct err *err)
{
	CLEANUP_FREE char *text = domain_format(d, err);
	sup_xml_done(s);
	if (text == NULL)
		return -1;
	if (str_eq(text, d->source))
		return 0; /* as it was written when the start began */
	free(d->source);
	d->source_len = strlen(text);
	d->source = TAKE_PTR(text);
	return sup_write_live(s, d, err);
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
		log_warn("a device is not as the definition wants it: %s", err->msg);
}

/* QEMU has no words for these on its command line. */
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
}

void sup_devices_up(struct supervisor *s)
{
	free_ports(s);
	if (s->links_down != NULL)
		pull_cables(s);
	forget_wishes(s);
}

/* --- afterwards --- */
void sup_devices_drop(const struct supervisor *s, const struct domain *d, bool opened)
{
	sup_pci_give_back(s);
	sup_nets_drop(d, opened);
}

void sup_devices_clear(struct supervisor *s)
{
	struct domain d;
	struct err err;
	free_ports(s);
	forget_wishes(s);
	sup_pci_give_back(s);
	if (sup_read_domain(s, true, &d, &err) < 0)
		return;
	sup_devices_drop(s, &d, false);
	domain_fini(&d);
}
