/* Character devices: serial and parallel ports, virtio consoles, channels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

/* --- backends --- */
static bool is_server(struct nat_opt *c)
{
	const char *server = nat_take(c, "server");
	nat_ignore(c, "wait", "off no");
	nat_take(c, "nowait"); /* "server,nowait" */
	return nat_is_on(server);
}

static bool socket_backend(struct native *n, xmlNode *e, struct nat_opt *c)
{
	const char *path = nat_take(c, "path"), *host = nat_take(c, "host");
	const char *port = nat_take(c, "port"), *reconnect = nat_take(c, "reconnect");
	bool server = is_server(c), telnet = nat_is_on(nat_take(c, "telnet"));
	/* A descriptor's other end is not known: the supervisor makes its own. */
	if (nat_take(c, "fd") != NULL) {
		nat_attr(e, "type", "pty");
		return true;
	}
	if (path != NULL && n->run_dir != NULL && str_prefix(path, n->run_dir) &&
	    path[strlen(n->run_dir)] == '/') {
		nat_attr(e, "type", "pty");
		return true;
	}
	nat_attr(e, "type", path != NULL ? "unix" : "tcp");
	xmlNode *s = nat_el(e, "source");
	nat_attr(s, "mode", server ? "bind" : "connect");
	if (path != NULL) {
		CLEANUP_FREE char *whole = nat_path(n, path);
		nat_attr(s, "path", whole);
	} else {
		nat_attr(s, "host", host != NULL && host[0] != '\0' ? host : "0.0.0.0");
		nat_attr(s, "service", port);
		nat_attr(nat_el(e, "protocol"), "type", telnet ? "telnet" : "raw");
	}
	if (reconnect != NULL && strcmp(reconnect, "0") != 0) {
		xmlNode *r = nat_el(s, "reconnect");
		nat_attr(r, "enabled", "yes");
		nat_attr(r, "timeout", reconnect);
	}
	return path != NULL || port != NULL;
}

static void udp_backend(xmlNode *e, struct nat_opt *c)
{
	const char *host = nat_take(c, "host"), *port = nat_take(c, "port");
	const char *local = nat_take(c, "localaddr"), *local_port = nat_take(c, "localport");
	nat_attr(e, "type", "udp");
	if (local != NULL || local_port != NULL) {
		xmlNode *b = nat_el(e, "source");
		nat_attr(b, "mode", "bind");
		nat_attr(b, "host", local);
		nat_attr(b, "service", local_port);
	}
	xmlNode *s = nat_el(e, "source");
	nat_attr(s, "mode", "connect");
	nat_attr(s, "host", host != NULL ? host : "127.0.0.1");
	nat_attr(s, "service", port);
}

static void path_backend(struct native *n, xmlNode *e, struct nat_opt *c, const char *type)
{
	const char *path = nat_take(c, "path"), *append = nat_take(c, "append");
	nat_attr(e, "type", type);
	xmlNode *s = nat_el(e, "source");
	CLEANUP_FREE char *whole = path != NULL ? nat_path(n, path) : NULL;
	nat_attr(s, "path", whole);
	nat_attr(s, "append", append);
}

static void log_keys(struct native *n, xmlNode *e, struct nat_opt *c)
{
	const char *file = nat_take(c, "logfile"), *append = nat_take(c, "logappend");
	if (file == NULL)
		return;
	CLEANUP_FREE char *whole = nat_path(n, file);
	xmlNode *l = nat_el(e, "log");
	nat_attr(l, "file", whole);
	nat_attr(l, "append", nat_is_off(append) ? "off" : append);
}

bool nat_chardev(struct native *n, xmlNode *e, struct nat_opt *c)
{
	/* What is on the starter's own terminal or window becomes a console of ours. */
	static const char *const ours[] = {"pty", "stdio", "vc", "serial"};
	static const char *const paths[][2] = {
	    {"file", "file"}, {"pipe", "pipe"}, {"tty", "dev"}, {"parport", "dev"}};
	static const char *const plain[] = {"null", "spicevmc"};
	const char *backend = nat_take(c, "backend");
	bool ok = false;
	nat_take(c, "id");
	nat_ignore(c, "mux", NULL);
	nat_ignore(c, "signal", NULL);
	if (backend == NULL)
		return false;
	if (strcmp(backend, "socket") == 0)
		ok = socket_backend(n, e, c);
	if (strcmp(backend, "udp") == 0) {
		udp_backend(e, c);
		ok = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (strcmp(paths[i][0], backend) == 0) {
			path_backend(n, e, c, paths[i][1]);
			ok = true;
		}
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcmp(ours[i], backend) == 0 && nat_get(c, "path") == NULL) {
			nat_attr(e, "type", "pty");
			ok = true;
		}
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (strcmp(plain[i], backend) == 0) {
			nat_attr(e, "type", plain[i]);
			ok = true;
		}
	if (strcmp(backend, "spicevmc") == 0)
		nat_ignore(c, "name", "vdagent");
	log_keys(n, e, c);
	return ok;
}

/* "tcp:host:port,server" and the like of -serial and -chardev's ancestors → a -chardev option. */
static bool legacy_chardev(struct nat_opt *c, const char *text)
{
	static const char *const plain[] = {"pty", "stdio", "null", "vc"};
	struct buf v = BUF_INIT;
	if (str_prefix(text, "mon:"))
		text += 4;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		size_t len = strlen(plain[i]);
		if (str_prefix(text, plain[i]) && (text[len] == '\0' || text[len] == ':'))
			buf_adds(&v, plain[i]);
	}
	const char *colon = strchr(text, ':');
	if (str_prefix(text, "file:") || str_prefix(text, "pipe:") || str_prefix(text, "unix:")) {
		buf_add(&v, str_prefix(text, "unix:") ? "socket" : text,
		    str_prefix(text, "unix:") ? 6 : 4);
		buf_addf(&v, ",path=%s", colon + 1);
	} else if (str_prefix(text, "tcp:") || str_prefix(text, "telnet:")) {
		const char *host = colon + 1;
		size_t end = strcspn(host, ",");
		const char *last = memrchr(host, ':', end);
		if (last != NULL)
			buf_addf(&v, "socket,host=%.*s,port=%.*s%s%s", (int)(last - host), host,
			    (int)(host + end - last - 1), last + 1, host + end,
			    text[1] == 'e' ? ",telnet=on" : "");
	} else if (str_prefix(text, "/dev/")) {
		buf_addf(&v, "tty,path=%s", text);
	}
	if (v.len > 0)
		nat_opt_init(c, "chardev", v.data);
	bool ok = v.len > 0;
	buf_fini(&v);
	return ok;
}

/* --- devices --- */
static void serial_target(xmlNode *e, const char *type, const char *model, unsigned port)
{
	xmlNode *t = nat_el(e, "target");
	nat_attr(t, "type", type);
	nat_attru(t, "port", port);
	if (model != NULL)
		nat_attr(nat_el(t, "model"), "name", model);
}

/* The first serial port and the console are one thing, said twice. */
static void add_console_of(struct native *n, xmlNode *serial)
{
	if (n->groups[NAT_CONSOLE]->children != NULL || n->n_serial != 1)
		return;
	xmlNode *console = xmlDocCopyNode(serial, n->doc, 1);
	xmlNodeSetName(console, (const xmlChar *)"console");
	for (xmlNode *c = console->children; c != NULL; c = c->next) {
		if (!xmlStrEqual(c->name, (const xmlChar *)"target"))
			continue;
		xmlUnlinkNode(c);
		xmlFreeNode(c);
		break;
	}
	xmlNode *t = nat_el(console, "target");
	nat_attr(t, "type", "serial");
	nat_attr(t, "port", "0");
	xmlAddChild(n->groups[NAT_CONSOLE], console);
}

static bool express_serial(struct native *n, struct nat_opt *o, xmlNode *e, const char *driver)
{
	static const char *const kinds[][2] = {{"isa-serial", "isa-serial"},
	    {"pci-serial", "pci-serial"}, {"usb-serial", "usb-serial"}};
	uint64_t port = n->n_serial;
	const char *index = nat_take(o, "index");
	if (index != NULL && str_u64(index, 3, &port) < 0)
		return false;
	/* COM1 to COM4 have their addresses by number. */
	static const char *const iobase[] = {"0x3f8", "0x2f8", "0x3e8", "0x2e8"};
	nat_ignore(o, "iobase", port < 4 ? iobase[port] : "");
	nat_ignore(o, "irq", port % 2 == 0 ? "4 0x4" : "3 0x3");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i][0], driver) == 0)
			serial_target(e, kinds[i][1], driver, (unsigned)port);
	if (strcmp(driver, "pci-serial") == 0)
		nat_pci(n, o, e);
	if (strcmp(driver, "usb-serial") == 0)
		nat_usb(n, o, e);
	return true;
}

static void virtio_port_address(struct native *n, struct nat_opt *o, xmlNode *e)
{
	const char *bus = nat_get(o, "bus"), *nr = nat_get(o, "nr");
	const struct nat_bus *b = nat_bus(n, NAT_BUS_SERIAL, bus);
	if (b == NULL)
		return;
	nat_take(o, "bus");
	if (nr == NULL)
		return;
	xmlNode *a = nat_el(e, "address");
	nat_attr(a, "type", "virtio-serial");
	nat_attru(a, "controller", b->index);
	nat_attr(a, "bus", "0");
	nat_attr(a, "port", nat_take(o, "nr"));
}

/* The agent's socket is the supervisor's: libvirt leaves its path to itself, too. */
static void channel_socket(xmlNode *e)
{
	xmlChar *type = xmlGetProp(e, (const xmlChar *)"type");
	if (xmlStrEqual(type, (const xmlChar *)"pty"))
		nat_attr(e, "type", "unix");
	xmlFree(type);
}

static bool express_virtio(struct native *n, struct nat_opt *o, xmlNode *e, bool console)
{
	const char *name = nat_take(o, "name");
	if (!console)
		channel_socket(e);
	xmlNode *t = nat_el(e, "target");
	nat_attr(t, "type", "virtio");
	if (console)
		nat_attru(t, "port", n->n_serial);
	else
		nat_attr(t, "name", name);
	virtio_port_address(n, o, e);
	return console ? name == NULL : name != NULL;
}

static enum nat_group group_of(const char *driver)
{
	if (strcmp(driver, "virtconsole") == 0)
		return NAT_CONSOLE;
	if (strcmp(driver, "virtserialport") == 0)
		return NAT_CHANNEL;
	return strcmp(driver, "isa-parallel") == 0 ? NAT_PARALLEL : NAT_SERIAL;
}

static bool is_chr(const char *driver)
{
	static const char *const drivers[] = {"isa-serial", "pci-serial", "usb-serial",
	    "virtconsole", "virtserialport", "isa-parallel"};
	for (size_t i = 0; driver != NULL && i < ARRAY_LEN(drivers); i++)
		if (strcmp(drivers[i], driver) == 0)
			return true;
	return false;
}

bool nat_chr_device(struct native *n, struct nat_opt *o)
{
	static const char *const elements[] = {[NAT_SERIAL] = "serial",
	    [NAT_PARALLEL] = "parallel",
	    [NAT_CONSOLE] = "console",
	    [NAT_CHANNEL] = "channel"};
	const char *driver = nat_get(o, "driver");
	if (!is_chr(driver))
		return false;
	struct nat_opt *c = nat_find(n, "chardev", "id", nat_get(o, "chardev"));
	if (c == NULL)
		return false;
	enum nat_group group = group_of(driver);
	nat_begin(n, o);
	nat_open(n, c);
	xmlNode *e = nat_device(n, group, elements[group]);
	bool ok = nat_chardev(n, e, c);
	nat_take(o, "driver");
	nat_take(o, "chardev");
	nat_take(o, "id");
	if (group == NAT_SERIAL)
		ok = express_serial(n, o, e, driver) && ok;
	else if (group == NAT_PARALLEL)
		nat_attr(nat_el(e, "target"), "port", nat_take(o, "index"));
	else
		ok = express_virtio(n, o, e, group == NAT_CONSOLE) && ok;
	if (!nat_end(n, e, ok))
		return false;
	if (group == NAT_SERIAL && ++n->n_serial == 1)
		add_console_of(n, e);
	return true;
}

/* --- -serial and -parallel --- */
static void express_option(struct native *n, struct nat_opt *o, bool serial)
{
	struct nat_opt made, *c = NULL;
	bool temporary = false;
	if (o->value != NULL && strcmp(o->value, "none") == 0) {
		o->used = true;
		return;
	}
	if (o->value != NULL && str_prefix(o->value, "chardev:"))
		c = nat_find(n, "chardev", "id", o->value + strlen("chardev:"));
	else if (o->value != NULL && legacy_chardev(&made, o->value))
		temporary = true;
	if (temporary)
		c = &made;
	if (c == NULL)
		return;
	nat_begin(n, o);
	nat_open(n, c);
	xmlNode *e =
	    nat_device(n, serial ? NAT_SERIAL : NAT_PARALLEL, serial ? "serial" : "parallel");
	bool ok = nat_chardev(n, e, c);
	if (serial)
		serial_target(e, "isa-serial", "isa-serial", n->n_serial);
	else
		nat_attr(nat_el(e, "target"), "port", "0");
	if (nat_end(n, e, ok) && serial && ++n->n_serial == 1)
		add_console_of(n, e);
	if (temporary)
		nat_opt_fini(&made);
}

static void add_default_serial(struct native *n)
{
	xmlNode *e = nat_device(n, NAT_SERIAL, "serial");
	nat_attr(e, "type", "pty");
	serial_target(e, "isa-serial", "isa-serial", 0);
	n->n_serial = 1;
	add_console_of(n, e);
}

void nat_chr_options(struct native *n)
{
	bool serial = nat_has(n, "serial") || nat_has_device(n, "isa-serial");
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (o->used)
			continue;
		if (strcmp(o->name, "serial") == 0)
			express_option(n, o, true);
		else if (strcmp(o->name, "parallel") == 0)
			express_option(n, o, false);
	}
	if (!n->nodefaults && !serial)
		add_default_serial(n);
	/* A console that is a virtio port comes after the one that stands for the serial port. */
}
