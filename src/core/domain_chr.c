/* <serial>, <parallel>, <console>, <channel> and the character devices behind others. */
#include "core/domain_chr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

#define SERIAL_PORTS_MAX 4   /* a PC's COM1 to COM4 */
#define CHANNEL_NAME_MAX 128 /* what the guest sees under /dev/virtio-ports */

void chr_fini(struct domain_chr *chr)
{
	free(chr->type);
	free(chr->log_file);
	attrs_fini(&chr->attrs);
}

void channel_fini(struct domain_channel *c)
{
	free(c->type);
	free(c->name);
	attrs_fini(&c->attrs);
}

/* --- back ends --- */
static int need_source(
    struct parse *p, const xmlNode *node, const char *type, const xmlNode *source, const char *attr)
{
	CLEANUP_FREE char *value = xml_attr(source, attr);
	if (value != NULL && value[0] != '\0')
		return 0;
	return parse_invalid(p, node, "type='%s' has no <source %s=…>", type, attr);
}

static int check_reconnect(struct parse *p, const xmlNode *source)
{
	const xmlNode *node = xml_child(source, "reconnect");
	CLEANUP_FREE char *mode = xml_attr(source, "mode");
	CLEANUP_FREE char *timeout = xml_attr(node, "timeout");
	enum domain_switch enabled = SWITCH_ABSENT;
	if (parse_switch(p, node, "enabled", &enabled) < 0)
		return -1;
	if (enabled != SWITCH_ON)
		return 0;
	if (!str_eq(mode, "connect"))
		return parse_invalid(p, node, "only mode='connect' can reconnect");
	if (timeout == NULL || strcmp(timeout, "0") == 0)
		return parse_invalid(p, node, "timeout is in seconds, from 1");
	return 0;
}

static const xmlNode *udp_source(const xmlNode *node, const char *want)
{
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		CLEANUP_FREE char *mode = xml_is(n, "source") ? xml_attr(n, "mode") : NULL;
		if (xml_is(n, "source") && str_eq(mode, want))
			return n;
	}
	return NULL;
}

int chardev_check(struct parse *p, const xmlNode *node, const char *type, bool path_optional)
{
	static const struct {
		const char *type, *attrs[2];
	} needs[] = {{"file", {"path"}}, {"pipe", {"path"}}, {"dev", {"path"}},
	    {"tcp", {"service"}}, {"spiceport", {"channel"}}};
	const xmlNode *source = xml_child(node, "source");
	if (p->flags & DOMAIN_PARSE_LENIENT)
		return 0;
	if (strcmp(type, "unix") == 0) {
		CLEANUP_FREE char *mode = xml_attr(source, "mode");
		if ((!path_optional || str_eq(mode, "connect")) &&
		    need_source(p, node, type, source, "path") < 0)
			return -1;
		return check_reconnect(p, source);
	}
	if (strcmp(type, "udp") == 0) {
		const xmlNode *to = udp_source(node, "connect");
		return need_source(p, node, type, to != NULL ? to : source, "service");
	}
	for (size_t i = 0; i < ARRAY_LEN(needs); i++)
		for (size_t k = 0; strcmp(needs[i].type, type) == 0 && k < 2; k++)
			if (needs[i].attrs[k] != NULL &&
			    need_source(p, node, type, source, needs[i].attrs[k]) < 0)
				return -1;
	CLEANUP_FREE char *path = xml_attr(source, "path");
	bool file =
	    strcmp(type, "file") == 0 || strcmp(type, "pipe") == 0 || strcmp(type, "dev") == 0;
	if (file && parse_path_check(p, source, path) < 0)
		return -1;
	return strcmp(type, "tcp") == 0 ? check_reconnect(p, source) : 0;
}

/* --- serials and consoles --- */
static int read_chr(struct parse *p, const xmlNode *node, struct domain_chr *chr)
{
	int rc = attrs_read(p, node, &chr->attrs);
	if (rc != 0)
		return rc;
	const char *type = attrs_get(&chr->attrs, "@type");
	chr->type = xstrdup(type != NULL ? type : "pty");
	chr->recorded = strcmp(chr->type, "pty") == 0;
	chr->log_file = xstrdup0(attrs_get(&chr->attrs, "log@file"));
	chr->log_append = attrs_on(&chr->attrs, "log@append");
	chr->port = (unsigned)attrs_number(&chr->attrs, "target@port", 0);
	if (parse_path_check(p, xml_child(node, "log"), chr->log_file) < 0)
		return -1;
	return chardev_check(p, node, chr->type, false);
}

static struct domain_chr *add_chr(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain_chr *chr = DOMAIN_ADD(p->d->consoles, p->d->n_consoles);
	chr->line = node_line(node);
	chr->element = element;
	return chr;
}

static unsigned count_chrs(const struct parse *p, enum chr_target target)
{
	unsigned n = 0;
	for (size_t i = 0; i < p->d->n_consoles; i++)
		n += p->d->consoles[i].target == target;
	return n;
}

/* By the model's name or, else, the target's type. */
static enum chr_target serial_target(const struct domain_attrs *a)
{
	static const struct {
		const char *type, *model;
		enum chr_target target;
	} targets[] = {
	    {"usb-serial", "usb-serial", CHR_USB_SERIAL},
	    {"pci-serial", "pci-serial", CHR_PCI_SERIAL},
	    {"isa-debug", "isa-debugcon", CHR_ISA_DEBUGCON},
	};
	const char *type = attrs_get(a, "target@type");
	const char *model = attrs_get(a, "target/model@name");
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		if (str_eq(model, targets[i].model) ||
		    (model == NULL && str_eq(type, targets[i].type)))
			return targets[i].target;
	return CHR_ISA_SERIAL;
}

int serial_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	static const unsigned allowed[] = {
	    [CHR_ISA_SERIAL] = ADDRESS_BIT(ADDRESS_ISA),
	    [CHR_USB_SERIAL] = ADDRESS_BIT(ADDRESS_USB),
	    [CHR_PCI_SERIAL] = ADDRESS_BIT(ADDRESS_PCI),
	    [CHR_ISA_DEBUGCON] = ADDRESS_BIT(ADDRESS_ISA),
	    [CHR_VIRTIO_CONSOLE] = 0,
	};
	const xmlNode *target = xml_child(node, "target");
	struct domain_chr *chr = add_chr(p, node, element);
	int rc = read_chr(p, node, chr);
	if (rc != 0)
		return rc;
	unsigned port = chr->port;
	enum chr_target kind = serial_target(&chr->attrs);
	chr->target = CHR_VIRTIO_CONSOLE; /* not counted below */
	chr->port = attrs_has(&chr->attrs, "target@port") ? port : count_chrs(p, kind);
	chr->target = kind;
	rc = parse_address(p, node, allowed[kind], &chr->address);
	if (rc != 0)
		return rc;
	if (kind == CHR_ISA_SERIAL && chr->port >= SERIAL_PORTS_MAX)
		return parse_invalid(p, target != NULL ? target : node,
		    "port='%u': a PC has serial ports 0 to %d", chr->port, SERIAL_PORTS_MAX - 1);
	return 0;
}

int console_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	CLEANUP_FREE char *type = xml_child_attr(node, "target", "type");
	bool serial = type == NULL || strcmp(type, "serial") == 0;
	/* The other name of serial 0; alone it makes one. */
	if (serial)
		for (size_t i = 0; i < p->d->n_consoles; i++)
			if (p->d->consoles[i].target != CHR_VIRTIO_CONSOLE)
				return 0;
	struct domain_chr *chr = add_chr(p, node, element);
	int rc = read_chr(p, node, chr);
	if (rc != 0)
		return rc;
	if (serial) {
		chr->port = 0;
		return parse_address(p, node, ADDRESS_BIT(ADDRESS_ISA), &chr->address);
	}
	chr->target = CHR_VIRTIO_CONSOLE;
	return parse_address(p, node, ADDRESS_BIT(ADDRESS_VIRTIO_SERIAL), &chr->address);
}

unsigned chr_ports(const struct domain *d, struct chr_port *out, unsigned max)
{
	static const enum status_port kinds[] = {
	    [CHR_ISA_SERIAL] = STATUS_PORT_SERIAL,
	    [CHR_USB_SERIAL] = STATUS_PORT_USB,
	    [CHR_PCI_SERIAL] = STATUS_PORT_PCI,
	    [CHR_ISA_DEBUGCON] = STATUS_PORT_DEBUG,
	    [CHR_VIRTIO_CONSOLE] = STATUS_PORT_HVC,
	};
	unsigned seen[STATUS_PORT_COUNT] = {0}, n = 0;
	for (size_t i = 0; i < d->n_consoles && n < max; i++) {
		const struct domain_chr *chr = &d->consoles[i];
		enum status_port kind = kinds[chr->target];
		unsigned number = seen[kind]++;
		if (chr->recorded)
			out[n++] = (struct chr_port){.chr = chr,
			    .kind = kind,
			    .number = chr->target == CHR_ISA_SERIAL ? chr->port : number};
	}
	return n;
}

int parallel_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	return chardev_check(p, node, attrs_get(&dev->attrs, "@type"), false);
}

/* --- channels --- */
static int check_guestfwd(struct parse *p, const xmlNode *node, const struct domain_channel *c)
{
	const char *address = attrs_get(&c->attrs, "target@address");
	struct in_addr raw;
	if (address == NULL || inet_pton(AF_INET, address, &raw) != 1 ||
	    attrs_get(&c->attrs, "target@port") == NULL)
		return parse_invalid(
		    p, node, "<target type='guestfwd'> has an IPv4 address and a port");
	return 0;
}

static int check_name(struct parse *p, const xmlNode *node, const struct domain_channel *c)
{
	if (c->name == NULL) /* a port that the guest knows by its number */
		return 0;
	if (c->name[0] == '\0' || strlen(c->name) > CHANNEL_NAME_MAX || c->name[0] == '.' ||
	    strchr(c->name, '/') != NULL)
		return parse_invalid(p, node, "has no usable <target name=…>");
	return 0;
}

/* libvirt keeps the agent's socket below its own folder, whose name changes at each start. */
static bool socket_is_ours(const struct domain_channel *c)
{
	const char *path = attrs_get(&c->attrs, "source@path");
	if (strcmp(c->type, "unix") != 0 || c->target != CHANNEL_VIRTIO)
		return false;
	if (attrs_is(&c->attrs, "source@mode", "connect"))
		return false;
	return path == NULL || path[0] == '\0' || str_eq(c->name, "org.qemu.guest_agent.0") ||
	       str_prefix(path, "/var/lib/libvirt/") || str_prefix(path, "/run/libvirt/") ||
	       str_prefix(path, "/var/run/libvirt/");
}

int channel_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain_channel *c = DOMAIN_ADD(p->d->channels, p->d->n_channels);
	c->line = node_line(node);
	c->element = element;
	int rc = attrs_read(p, node, &c->attrs);
	if (rc != 0)
		return rc;
	const char *type = attrs_get(&c->attrs, "@type");
	if (type == NULL)
		return parse_invalid(p, node, "has no type");
	c->type = xstrdup(type);
	c->name = xstrdup0(attrs_get(&c->attrs, "target@name"));
	if (c->name == NULL && strcmp(type, "spicevmc") == 0)
		c->name = xstrdup("com.redhat.spice.0");
	if (c->name == NULL && strcmp(type, "qemu-vdagent") == 0)
		c->name = xstrdup("com.redhat.spice.0");
	if (attrs_is(&c->attrs, "target@type", "guestfwd"))
		c->target = CHANNEL_GUESTFWD;
	c->ours = socket_is_ours(c);
	rc = parse_address(p, node,
	    c->target == CHANNEL_VIRTIO ? ADDRESS_BIT(ADDRESS_VIRTIO_SERIAL) : 0, &c->address);
	if (rc != 0)
		return rc;
	if (c->target == CHANNEL_GUESTFWD)
		rc = check_guestfwd(p, node, c);
	else
		rc = check_name(p, node, c);
	return rc < 0 ? -1 : chardev_check(p, node, type, c->ours);
}

/* --- USB redirection, smart cards --- */
int redirdev_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const char *type = attrs_get(&dev->attrs, "@type");
	if (type == NULL)
		return parse_invalid(p, node, "has no type");
	return chardev_check(p, node, type, false);
}

int redirfilter_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	if (dev->index > 0)
		return parse_invalid(p, node, "there is another one");
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		static const char *const numbers[] = {"class", "vendor", "product"};
		for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
			CLEANUP_FREE char *value = xml_attr(n, numbers[i]);
			unsigned number = 0;
			if (!str_eq(value, "-1") &&
			    parse_number(p, n, numbers[i], i == 0 ? 0xff : 0xffff, &number) < 0)
				return -1;
		}
		CLEANUP_FREE char *version = xml_attr(n, "version");
		if (version != NULL && strcmp(version, "-1") != 0 &&
		    version[strspn(version, "0123456789.")] != '\0')
			return parse_invalid(
			    p, n, "version='%.20s' is not like 1.10 or -1", version);
	}
	return 0;
}

int smartcard_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	const char *type = attrs_get(a, "@type");
	if (attrs_is(a, "@mode", "passthrough")) {
		if (type == NULL)
			return parse_invalid(p, node, "mode='passthrough' has no type");
		return chardev_check(p, node, type, false);
	}
	if (attrs_is(a, "@mode", "host-certificates") &&
	    (!attrs_has(a, "certificate[2]") || attrs_has(a, "certificate[3]")))
		return parse_invalid(p, node, "mode='host-certificates' has three <certificate>");
	return parse_path_check(p, xml_child(node, "database"), attrs_get(a, "database"));
}

enum seat smartcard_seat(const struct domain *d, const struct domain_dev *dev)
{
	(void)d;
	(void)dev;
	return SEAT_CCID;
}
