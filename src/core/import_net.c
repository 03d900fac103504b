/* What a domain's network cards are plugged into: is it on this host? */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/import.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/xml.h"

static bool has_link(const char *name, const char *sub)
{
	CLEANUP_FREE char *path = xasprintf("/sys/class/net/%s%s", name, sub);
	return strchr(name, '/') == NULL && access(path, F_OK) == 0;
}

/* The bridge of a network of libvirt's, by its definition; NULL none or not known. *hosts: it is one
 * that the host has by itself, which is what we can use. */
static char *bridge_of(const struct import_tree *t, const char *network, bool *hosts)
{
	*hosts = false;
	for (size_t i = 0; i < t->n; i++) {
		const struct import_file *f = &t->files[i];
		CLEANUP_BUF struct buf text = BUF_INIT;
		if (f->kind != IMPORT_NETWORK || strcmp(f->stem, network) != 0 ||
		    file_read(f->path, STORE_XML_MAX, &text, NULL) < 0 || text.len == 0)
			continue;
		CLEANUP_XML xmlDoc *doc = xml_read(text.data, text.len, f->path, "network", NULL);
		if (doc == NULL)
			continue;
		const xmlNode *root = xmlDocGetRootElement(doc);
		CLEANUP_FREE char *mode = xml_child_attr(root, "forward", "mode");
		*hosts = str_eq(mode, "bridge");
		return xml_child_attr(root, "bridge", "name");
	}
	return NULL;
}

static void check_network(
    const struct import_tree *t, const char *card, const char *network, struct import_notes *n)
{
	bool hosts;
	CLEANUP_FREE char *bridge = bridge_of(t, network, &hosts);
	bool there = bridge != NULL && has_link(bridge, "/bridge");
	if (hosts && there)
		return;
	if (there)
		import_note(n, IMPORT_WAITS,
		    "interface %s: network '%s': hvmux runs no virtual networks yet; as long as libvirt runs "
		    "this one, <interface type='bridge'> with <source bridge='%s'/> is plugged into it",
		    card, network, bridge);
	else
		import_note(n, IMPORT_WAITS,
		    "interface %s: network '%s': hvmux runs no virtual networks yet; <interface type='bridge'> "
		    "and type='user' need none",
		    card, network);
}

static void check_card(const struct import_tree *t, const xmlNode *e, struct import_notes *n)
{
	CLEANUP_FREE char *type = xml_attr(e, "type"), *mac = xml_child_attr(e, "mac", "address");
	CLEANUP_FREE char *network = xml_child_attr(e, "source", "network");
	CLEANUP_FREE char *bridge = xml_child_attr(e, "source", "bridge");
	CLEANUP_FREE char *dev = xml_child_attr(e, "source", "dev");
	const char *card = mac != NULL ? mac : "(without a MAC address)";
	if (str_eq(type, "network") && network != NULL)
		check_network(t, card, network, n);
	if (str_eq(type, "bridge") && bridge != NULL && !has_link(bridge, "/bridge"))
		import_note(n, IMPORT_WAITS, "interface %s: there is no bridge '%s' on this host",
		    card, bridge);
	if (str_eq(type, "direct") && dev != NULL && !has_link(dev, ""))
		import_note(n, IMPORT_WAITS,
		    "interface %s: there is no network device '%s' on this host", card, dev);
	if (xml_child(e, "filterref") != NULL)
		import_note(n, IMPORT_DIFFERS,
		    "interface %s: <filterref>: network filters are libvirt's, nothing is filtered here",
		    card);
}

void import_check_nets(const struct import_tree *t, const xmlDoc *doc, struct import_notes *n)
{
	const xmlNode *devices = xml_child(xmlDocGetRootElement(doc), "devices");
	for (const xmlNode *e = xml_first(devices); e != NULL; e = xml_next(e))
		if (xml_is(e, "interface"))
			check_card(t, e, n);
}
