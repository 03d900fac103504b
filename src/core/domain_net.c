/* <interface> into struct domain. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

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

static int parse_interface(struct parse *p, const xmlNode *node, struct domain_net *net)
{
	CLEANUP_FREE char *type = printable_attr(node, "type");
	if (strcmp(type, "user") != 0)
		return parse_refuse(p, node, "type='%s': only 'user' is supported", type);
	CLEANUP_FREE char *link = xml_child_attr(node, "link", "state");
	if (link != NULL && strcmp(link, "up") != 0 &&
	    parse_refuse(p, xml_child(node, "link"), "only state='up' is supported") < 0)
		return -1;
	const xmlNode *boot = xml_child(node, "boot");
	net->model = xml_child_attr(node, "model", "type");
	if (net->model != NULL &&
	    (net->model[0] == '\0' ||
	        net->model[strspn(net->model, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0'))
		return parse_invalid(p, xml_child(node, "model"), "not the name of a model");
	if (parse_mac(p, node, &net->mac) < 0 ||
	    parse_number(p, boot, "order", 1000, &net->boot_order) < 0 ||
	    parse_address(p, node, ADDRESS_BIT_PCI, &net->address) < 0)
		return -1;
	if (boot != NULL && net->boot_order == 0)
		return parse_invalid(p, boot, "order must be 1 or more");
	return 0;
}

int interface_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	struct domain_net *net = DOMAIN_ADD(p->d->nets, p->d->n_nets);
	net->line = node_line(node);
	net->element = element;
	return parse_interface(p, node, net);
}
