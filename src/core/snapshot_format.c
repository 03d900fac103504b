/* A snapshot put back into its document. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/snapshot.h"
#include "core/str.h"
#include "core/xml.h"

static const char empty_document[] = "<domainsnapshot>\n</domainsnapshot>\n";

/* libvirt's order. */
static const char *const order[] = {"name", "description", "state", "parent", "creationTime",
    "memory", "disks", "domain", "inactiveDomain", "cookie", "active"};

/* Where it is: the child of this name; an absent one is made in its place. */
static xmlNode *need(xmlNode *root, const char *name)
{
	xmlNode *node = xml_child(root, name), *before = NULL;
	for (size_t i = 0; i < ARRAY_LEN(order) && strcmp(order[i], name) != 0; i++)
		if (xml_child(root, order[i]) != NULL)
			before = xml_child(root, order[i]);
	if (node != NULL)
		return node;
	if (before != NULL)
		return xml_add_after(root, before, name);
	/* Before whatever there is. */
	xmlNode *first = xml_first(root);
	if (first == NULL)
		return xml_add_child(root, name);
	node = xmlNewDocNode(root->doc, NULL, (const xmlChar *)name, NULL);
	return xmlAddPrevSibling(first, node);
}

static void drop(xmlNode *root, const char *name)
{
	for (xmlNode *node; (node = xml_child(root, name)) != NULL;)
		xml_remove(node);
}

static void put_text(xmlNode *root, const char *name, const char *text)
{
	if (text == NULL)
		drop(root, name);
	else
		xml_set_text(need(root, name), text);
}

static void put_attr(xmlNode *node, const char *name, const char *value)
{
	if (value != NULL)
		xml_set_attr(node, name, value);
	else
		xmlUnsetProp(node, (const xmlChar *)name);
}

static void put_memory(xmlNode *root, const struct snapshot *s)
{
	if (s->memory == SNAPSHOT_UNSAID) {
		drop(root, "memory");
		return;
	}
	xmlNode *node = need(root, "memory");
	xml_set_attr(node, "snapshot", snapshot_kind_name(s->memory));
	put_attr(node, "file", s->memory_file);
}

/* The <disk> of this name. */
static xmlNode *disk_element(const xmlNode *disks, const char *target)
{
	for (xmlNode *n = xml_first(disks); n != NULL; n = xml_next(n)) {
		CLEANUP_FREE char *name = xml_is(n, "disk") ? xml_attr(n, "name") : NULL;
		if (str_eq(name, target))
			return n;
	}
	return NULL;
}

static void put_disk(xmlNode *disks, const struct snapshot_disk *disk)
{
	xmlNode *node = disk_element(disks, disk->name);
	bool external = disk->kind == SNAPSHOT_EXTERNAL;
	if (node == NULL)
		node = xml_add_child(disks, "disk");
	xml_set_attr(node, "name", disk->name);
	put_attr(node, "snapshot",
	    disk->kind != SNAPSHOT_UNSAID ? snapshot_kind_name(disk->kind) : NULL);
	put_attr(node, "type", !external ? NULL : disk->block ? "block" : "file");
	if (disk->format != NULL)
		xml_set_attr(xml_need_child(node, "driver"), "type", disk->format);
	if (disk->file == NULL) {
		drop(node, "source");
		return;
	}
	xmlNode *source = xml_need_child(node, "source");
	put_attr(source, "file", disk->block ? NULL : disk->file);
	put_attr(source, "dev", disk->block ? disk->file : NULL);
}

static void put_disks(xmlNode *root, const struct snapshot *s)
{
	if (s->n_disks == 0) {
		drop(root, "disks");
		return;
	}
	xmlNode *disks = need(root, "disks");
	for (xmlNode *n = xml_first(disks), *next; n != NULL; n = next) {
		CLEANUP_FREE char *name = xml_attr(n, "name");
		next = xml_next(n);
		if (xml_is(n, "disk") && snapshot_disk_find(s, name) == NULL)
			xml_remove(n);
	}
	for (size_t i = 0; i < s->n_disks; i++)
		put_disk(disks, &s->disks[i]);
}

/* A document of a domain as an element of this name. */
static int put_domain(xmlNode *root, const char *name, const char *text, struct err *err)
{
	if (text == NULL)
		return 0; /* what the source holds is no whole one, and stays */
	CLEANUP_XML xmlDoc *doc = xml_read(text, strlen(text), name, "domain", err);
	if (doc == NULL)
		return -1;
	xmlNode *place = need(root, name);
	xmlNode *copy = xmlDocCopyNode(xmlDocGetRootElement(doc), root->doc, 1);
	xmlNodeSetName(copy, (const xmlChar *)name);
	xmlFreeNode(xmlReplaceNode(place, copy));
	return 0;
}

/* --- ours --- */
static xmlNode *our_child(xmlNode *element, const char *name)
{
	for (xmlNode *n = xml_first(element); n != NULL; n = xml_next(n))
		if (n->ns != NULL && str_eq((const char *)n->ns->href, SNAPSHOT_URI) &&
		    str_eq((const char *)n->name, name))
			return n;
	return NULL;
}

static void put_our_attr(xmlNode *element, const char *child, const char *attr, const char *value)
{
	xmlNode *node = our_child(element, child);
	if (value == NULL) {
		if (node != NULL)
			put_attr(node, attr, NULL);
		return;
	}
	if (node == NULL)
		node = xmlNewChild(element, element->ns, (const xmlChar *)child, NULL);
	xml_set_attr(node, attr, value);
}

static void put_ours(xmlNode *root, const struct snapshot *s)
{
	xmlNode *element = our_child(root, "snapshot");
	bool any = s->schedule != NULL || s->inside != NULL || s->nvram != NULL || s->deleting;
	if (element == NULL && !any)
		return;
	if (element == NULL) {
		element = xml_add_child(root, "snapshot");
		xmlSetNs(element,
		    xmlNewNs(element, (const xmlChar *)SNAPSHOT_URI, (const xmlChar *)"hvmux"));
	}
	put_our_attr(element, "schedule", "name", s->schedule);
	put_our_attr(element, "inside", "name", s->inside);
	put_our_attr(element, "nvram", "file", s->nvram);
	put_our_attr(element, "nvram", "format", s->nvram != NULL ? s->nvram_format : NULL);
	put_our_attr(element, "deleting", "begun", s->deleting ? "yes" : NULL);
	for (xmlNode *n = xml_first(element), *next; n != NULL; n = next) {
		next = xml_next(n);
		if (n->properties == NULL && xml_first(n) == NULL)
			xml_remove(n);
	}
	if (xml_first(element) == NULL)
		xml_remove(element);
}

char *snapshot_format(const struct snapshot *s, size_t *n, struct err *err)
{
	const char *source = s->source != NULL ? s->source : empty_document;
	size_t len = s->source != NULL ? s->source_len : sizeof empty_document - 1;
	CLEANUP_XML xmlDoc *doc =
	    xml_read(source, len, s->name != NULL ? s->name : "snapshot", "domainsnapshot", err);
	if (doc == NULL)
		return NULL;
	xmlNode *root = xmlDocGetRootElement(doc);
	xmlNode *above = s->parent != NULL ? need(root, "parent") : NULL;
	CLEANUP_FREE char *created = xasprintf("%" PRIu64, s->created);
	put_text(root, "name", s->name);
	put_text(root, "description", s->description);
	put_text(
	    root, "state", s->state != SNAPSHOT_NOSTATE ? snapshot_state_name(s->state) : NULL);
	if (above != NULL)
		xml_set_text(xml_need_child(above, "name"), s->parent);
	else
		drop(root, "parent");
	put_text(root, "creationTime", s->created > 0 ? created : NULL);
	put_memory(root, s);
	put_disks(root, s);
	put_ours(root, s);
	/* Who is current is not for one of them to say. */
	drop(root, "active");
	if (put_domain(root, "domain", s->domain, err) < 0 ||
	    put_domain(root, "inactiveDomain", s->inactive, err) < 0)
		return NULL;
	xml_reindent(root);
	return xml_format(doc, n);
}
