/* <interface> into struct domain. */
#include "core/domain_net.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

#define DEVICE_NAME_MAX 15 /* the kernel's IFNAMSIZ without NUL */

static const struct {
	const char *name;
	const char *source; /* the attribute that names the host's side */
	bool needs_source;
} types[NET_TYPES] = {
    [NET_USER] = {"user", NULL, false},
    [NET_BRIDGE] = {"bridge", "source@bridge", true},
    [NET_ETHERNET] = {"ethernet", NULL, false},
    [NET_DIRECT] = {"direct", "source@dev", true},
    [NET_NETWORK] = {"network", "source@network", true},
    [NET_VHOSTUSER] = {"vhostuser", "source@path", true},
    [NET_UDP] = {"udp", "source@port", true},
    [NET_MCAST] = {"mcast", "source@port", true},
    [NET_SERVER] = {"server", "source@port", true},
    [NET_CLIENT] = {"client", "source@port", true},
    [NET_VDPA] = {"vdpa", "source@dev", true},
    [NET_HOSTDEV] = {"hostdev", NULL, false},
    [NET_NULL] = {"null", NULL, false},
};

const char *net_type_name(enum net_type type)
{
	return types[type].name;
}

bool domain_net_find(const struct domain *d, const char *word, size_t *i)
{
	for (*i = 0; *i < d->n_nets; ++*i) {
		const struct domain_net *net = &d->nets[*i];
		if (str_eq(net->target, word) ||
		    str_eq(attrs_get(&net->attrs, "alias@name"), word) ||
		    (net->mac != NULL && strcasecmp(net->mac, word) == 0))
			return true;
	}
	return false;
}

void net_fini(struct domain_net *net)
{
	free(net->mac);
	free(net->model);
	free(net->source);
	free(net->target);
	free(net->bridge);
	attrs_fini(&net->attrs);
}

static int parse_mac(struct parse *p, const xmlNode *node, char **out)
{
	CLEANUP_FREE char *mac = xml_child_attr(node, "mac", "address");
	if (mac == NULL)
		return 0;
	bool good = strlen(mac) == 17;
	for (size_t i = 0; good && i < 17; i++) {
		if (mac[i] >= 'A' && mac[i] <= 'F')
			mac[i] = (char)(mac[i] | 0x20);
		good = i % 3 == 2 ? mac[i] == ':' : strchr("0123456789abcdef", mac[i]) != NULL;
	}
	if (!good) {
		CLEANUP_FREE char *s = str_printable(mac, strlen(mac), 40);
		return parse_invalid(p, node, "'%s' is not a MAC address", s);
	}
	if (strchr("13579bdf", mac[1]) != NULL)
		return parse_invalid(p, node, "'%s' is a multicast address", mac);
	*out = TAKE_PTR(mac);
	return 0;
}

/* A name that the kernel takes for a network device. */
static int check_device(struct parse *p, const xmlNode *node, const char *what, const char *name)
{
	if (name == NULL)
		return 0;
	if (name[0] == '\0' || strlen(name) > DEVICE_NAME_MAX || strpbrk(name, "/ \t:") != NULL ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return parse_invalid(p, node,
		    "%s '%.40s' is not the name of a network device (1 to %d characters)", what,
		    name, DEVICE_NAME_MAX);
	return 0;
}

static int check_queue_size(struct parse *p, const xmlNode *node, const char *attr, uint64_t n)
{
	if (n == 0 || (n & (n - 1)) == 0)
		return 0;
	return parse_invalid(
	    p, node, "%s='%llu' is not a power of two", attr, (unsigned long long)n);
}

static int check_driver(struct parse *p, const xmlNode *node, const struct domain_net *net)
{
	const struct domain_attrs *a = &net->attrs;
	const xmlNode *driver = xml_child(node, "driver");
	if (check_queue_size(
	        p, driver, "rx_queue_size", attrs_number(a, "driver@rx_queue_size", 0)) < 0 ||
	    check_queue_size(
	        p, driver, "tx_queue_size", attrs_number(a, "driver@tx_queue_size", 0)) < 0)
		return -1;
	const char *name = attrs_get(a, "driver@name");
	if (str_eq(name, "vfio") && net->type != NET_HOSTDEV)
		return parse_invalid(p, driver, "name='vfio' is for type='hostdev'");
	const char *model = attrs_get(a, "teaming@type");
	if (str_eq(model, "transient") && attrs_get(a, "teaming@persistent") == NULL)
		return parse_invalid(p, xml_child(node, "teaming"),
		    "type='transient' has no persistent (the alias of the other interface)");
	return 0;
}

/* Is `text` an address of its family ("" any)? Prefixes are checked beside it. */
static int check_address(struct parse *p, const xmlNode *node, const char *text, const char *family)
{
	unsigned char raw[16];
	bool six = text != NULL && strchr(text, ':') != NULL;
	if (text == NULL || (inet_pton(six ? AF_INET6 : AF_INET, text, raw) == 1 &&
	                        (family == NULL || six == (strcmp(family, "ipv6") == 0))))
		return 0;
	return parse_invalid(p, node, "'%.60s' is not an %s address", text,
	    family == NULL                ? "IP"
	    : strcmp(family, "ipv6") == 0 ? "IPv6"
	                                  : "IPv4");
}

static int check_ips(struct parse *p, const xmlNode *node)
{
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		CLEANUP_FREE char *address = xml_attr(n, "address");
		CLEANUP_FREE char *family = xml_attr(n, "family");
		bool forward = xml_is(n, "portForward");
		if (!forward && !xml_is(n, "ip"))
			continue;
		unsigned prefix = 0, most = str_eq(family, "ipv6") ? 128 : 32;
		if (check_address(p, n, address,
		        forward          ? NULL
		        : family != NULL ? family
		                         : "ipv4") < 0 ||
		    parse_number(p, n, "prefix", most, &prefix) < 0)
			return -1;
	}
	return 0;
}

static int check_forwards(struct parse *p, const xmlNode *node, const struct domain_net *net)
{
	for (const xmlNode *f = xml_first(node); f != NULL; f = xml_next(f)) {
		if (!xml_is(f, "portForward"))
			continue;
		if (net->type != NET_USER)
			return parse_invalid(p, f, "only type='user' can forward ports");
		for (const xmlNode *r = xml_first(f); r != NULL; r = xml_next(r)) {
			unsigned start = 0, end = 0;
			if (parse_number(p, r, "start", 65535, &start) < 0 ||
			    parse_number(p, r, "end", 65535, &end) < 0)
				return -1;
			if (end != 0 && end < start)
				return parse_invalid(
				    p, r, "end='%u' is less than start='%u'", end, start);
		}
	}
	return 0;
}

static int check_source(struct parse *p, const xmlNode *node, const struct domain_net *net)
{
	const struct domain_attrs *a = &net->attrs;
	const xmlNode *source = xml_child(node, "source");
	if (types[net->type].needs_source && net->source == NULL)
		return parse_invalid(p, node, "type='%s' has no <source %s=…>",
		    types[net->type].name, strchr(types[net->type].source, '@') + 1);
	bool sockets = net->type == NET_UDP || net->type == NET_MCAST || net->type == NET_CLIENT;
	if (sockets && attrs_get(a, "source@address") == NULL)
		return parse_invalid(p, source, "type='%s' has no address", types[net->type].name);
	if (net->type == NET_HOSTDEV && !attrs_has(a, "source/address@type"))
		return parse_invalid(p, node, "type='hostdev' has no <source><address type=…>");
	if (net->type == NET_UDP &&
	    (!attrs_has(a, "source/local@address") || !attrs_has(a, "source/local@port")))
		return parse_invalid(p, source, "type='udp' has no <local address=… port=…>");
	if (net->type == NET_VHOSTUSER) {
		const char *mode = attrs_get(a, "source@mode");
		if (!str_eq(mode, "client") && !str_eq(mode, "server"))
			return parse_invalid(
			    p, source, "type='vhostuser' has mode='client' or 'server'");
		if (net->model != NULL && !str_prefix(net->model, "virtio"))
			return parse_invalid(p, node, "type='vhostuser' needs a virtio model");
		if (attrs_has(a, "source/reconnect@timeout") && strcmp(mode, "client") != 0)
			return parse_invalid(p, source, "only a client can reconnect");
	}
	if (net->type == NET_BRIDGE || net->type == NET_DIRECT)
		return check_device(p, source, "source", net->source);
	return sockets || net->type == NET_SERVER
	           ? check_address(p, source, attrs_get(a, "source@address"), NULL)
	           : 0;
}

static int check_backend(struct parse *p, const xmlNode *node, const struct domain_net *net)
{
	const struct domain_attrs *a = &net->attrs;
	bool tap = net->type == NET_BRIDGE || net->type == NET_ETHERNET ||
	           net->type == NET_DIRECT || net->type == NET_NETWORK;
	if (attrs_has(a, "backend@tap") && !tap)
		return parse_invalid(p, xml_child(node, "backend"), "type='%s' has no tap device",
		    types[net->type].name);
	if (attrs_is(a, "backend@type", "passt") && net->type != NET_USER)
		return parse_invalid(
		    p, xml_child(node, "backend"), "type='passt' is for <interface type='user'>");
	bool managed = !attrs_is(a, "target@managed", "no");
	if (!managed && (net->type != NET_ETHERNET || net->target == NULL))
		return parse_invalid(p, xml_child(node, "target"),
		    "managed='no' is for type='ethernet' with the dev of a tap that exists");
	return tap ? check_device(p, xml_child(node, "target"), "dev", net->target) : 0;
}

static int read_net(struct parse *p, const xmlNode *node, struct domain_net *net)
{
	const struct domain_attrs *a = &net->attrs;
	const char *type = attrs_get(a, "@type");
	if (type == NULL)
		return parse_invalid(p, node, "has no type");
	while (net->type < NET_TYPES && strcmp(types[net->type].name, type) != 0)
		net->type++;
	if (net->type == NET_TYPES)
		return parse_refuse(p, node, "type='%s' is not supported", type);
	const char *source = types[net->type].source;
	net->source = xstrdup0(source != NULL ? attrs_get(a, source) : NULL);
	net->target = xstrdup0(attrs_get(a, "target@dev"));
	net->model = xstrdup0(attrs_get(a, "model@type"));
	/* libvirt does not care for the case of a model's letters. */
	for (char *c = net->model; c != NULL && *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	net->link_down = attrs_is(a, "link@state", "down");
	net->queues = (unsigned)attrs_number(a, "driver@queues", 0);
	net->boot_order = (unsigned)attrs_number(a, "boot@order", 0);
	if (net->model != NULL &&
	    (net->model[0] == '\0' ||
	        net->model[strspn(net->model, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0'))
		return parse_invalid(p, xml_child(node, "model"), "not the name of a model");
	return 0;
}

int interface_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain_net *net = DOMAIN_ADD(p->d->nets, p->d->n_nets);
	net->line = node_line(node);
	net->element = element;
	int rc = attrs_read(p, node, &net->attrs);
	if (rc == 0)
		rc = read_net(p, node, net);
	if (rc != 0)
		return rc;
	if (parse_mac(p, node, &net->mac) < 0)
		return -1;
	rc = parse_address(
	    p, node, ADDRESS_BIT(ADDRESS_PCI) | ADDRESS_BIT(ADDRESS_USB), &net->address);
	if (rc != 0 || (p->flags & DOMAIN_PARSE_LENIENT))
		return rc;
	if (check_source(p, node, net) < 0 || check_backend(p, node, net) < 0 ||
	    check_driver(p, node, net) < 0 || check_ips(p, node) < 0 ||
	    check_forwards(p, node, net) < 0)
		return -1;
	return 0;
}
