#include "kvm/plan_disk_xml.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

void plan_docs_init(struct plan_docs *d, const struct plan_in *in)
{
	*d = (struct plan_docs){0};
	if (in->live != NULL)
		d->live = xstrndup(in->live->source, in->live->source_len);
	if (in->config != NULL)
		d->config = xstrndup(in->config->source, in->config->source_len);
}

void plan_docs_fini(struct plan_docs *d)
{
	free(d->live);
	free(d->config);
	*d = (struct plan_docs){0};
}

static xmlNode *find_disk(xmlDoc *doc, const char *target)
{
	for (xmlNode *n = xml_first(xml_child(xmlDocGetRootElement(doc), "devices")); n != NULL;
	     n = xml_next(n)) {
		CLEANUP_FREE char *dev = xml_child_attr(n, "target", "dev");
		if (xml_is(n, "disk") && str_eq(dev, target))
			return n;
	}
	return NULL;
}

/* --- <source> --- */

static void set_place(xmlNode *disk, const char *path, bool block)
{
	xmlNode *source = xml_need_child(disk, "source");
	xmlUnsetProp(source, BAD_CAST(block ? "file" : "dev"));
	xml_set_attr(source, block ? "dev" : "file", path);
	xml_set_attr(disk, "type", block ? "block" : "file");
}

static bool names(xmlNode *disk, const char *path)
{
	CLEANUP_FREE char *file = xml_child_attr(disk, "source", "file");
	CLEANUP_FREE char *dev = xml_child_attr(disk, "source", "dev");
	return str_eq(file, path) || str_eq(dev, path);
}

/* --- <backingStore> --- */

/* The element that tells of layer n (0: the disk itself); NULL: nothing is told of it. */
static xmlNode *layer(xmlNode *disk, size_t n)
{
	xmlNode *at = disk;
	while (at != NULL && n-- > 0)
		at = xml_child(at, "backingStore");
	return at != NULL && (at == disk || xml_first(at) != NULL) ? at : NULL;
}

static void drop_layers(xmlNode *disk, const struct plan_disk_change *k)
{
	xmlNode *above = layer(disk, k->from - 1);
	xmlNode *first = above == NULL ? NULL : xml_child(above, "backingStore");
	if (first == NULL || k->drop == 0)
		return;
	xmlNode *last = layer(disk, k->from + k->drop - 1);
	xmlNode *rest = last == NULL ? NULL : xml_child(last, "backingStore");
	if (rest != NULL) {
		xmlUnlinkNode(rest);
		xmlReplaceNode(first, rest);
		xmlFreeNode(first);
	} else {
		xml_remove(first);
	}
}

/* The image as it was, below the one that comes. */
static void push_layer(xmlNode *disk, const char *format)
{
	xmlNode *below = xml_child(disk, "backingStore"), *source = xml_child(disk, "source");
	if (below == NULL || source == NULL)
		return;
	CLEANUP_FREE char *type = xml_attr(disk, "type");
	xmlNode *store = xmlNewNode(NULL, BAD_CAST "backingStore");
	xmlUnlinkNode(below);
	xmlAddNextSibling(source, store);
	xml_set_attr(store, "type", type != NULL ? type : "file");
	xml_set_attr(xml_add_child(store, "format"), "type", format);
	xmlAddChild(store, xmlCopyNode(source, 1));
	xmlAddChild(store, below);
}

/* --- <mirror> --- */

static void set_mirror(xmlNode *disk, const struct plan_disk_change *k)
{
	xmlNode *old = xml_child(disk, "mirror");
	if (k->mirror[0] == '\0') {
		if (old != NULL)
			xml_remove(old);
		return;
	}
	xmlNode *m = xml_need_child(disk, "mirror");
	const char *attr = k->mirror_block ? "dev" : "file";
	xml_set_attr(m, "type", k->mirror_block ? "block" : "file");
	xml_set_attr(m, attr, k->mirror_path);
	xml_set_attr(m, "format", k->mirror_format);
	xml_set_attr(m, "job", k->mirror);
	if (k->mirror_ready)
		xml_set_attr(m, "ready", "yes");
	xml_set_attr(xml_need_child(m, "format"), "type", k->mirror_format);
	xml_set_attr(xml_need_child(m, "source"), attr, k->mirror_path);
}

int plan_mirror_read(
    const struct domain *live, const char *target, struct plan_mirror *m, struct err *err)
{
	*m = (struct plan_mirror){0};
	CLEANUP_XML xmlDoc *doc =
	    xml_read(live->source, live->source_len, "live.xml", "domain", err);
	if (doc == NULL)
		return -1;
	xmlNode *node = xml_child(find_disk(doc, target), "mirror");
	if (node == NULL)
		return 0;
	CLEANUP_FREE char *ready = xml_attr(node, "ready");
	m->job = xml_attr(node, "job");
	m->path = xml_child_attr(node, "source", "file");
	m->block = m->path == NULL;
	if (m->block)
		m->path = xml_child_attr(node, "source", "dev");
	m->format = xml_child_attr(node, "format", "type");
	m->ready = str_eq(ready, "yes");
	return 0;
}

void plan_mirror_fini(struct plan_mirror *m)
{
	free(m->job);
	free(m->path);
	free(m->format);
	*m = (struct plan_mirror){0};
}

/* --- all of it --- */

static void change(xmlNode *disk, const struct plan_disk_change *k, bool live)
{
	if (k->push)
		push_layer(disk, k->format);
	else if (k->from > 0)
		drop_layers(disk, k);
	if (k->path != NULL) {
		set_place(disk, k->path, k->block);
		xml_set_attr(xml_need_child(disk, "driver"), "type", k->format);
	}
	if (live && k->mirror != NULL)
		set_mirror(disk, k);
}

/* 1: it differs, *text is the new one. */
static int rewrite(char **text, const struct plan_disk_change *k, bool live, struct err *err)
{
	size_t n;
	CLEANUP_XML xmlDoc *doc = xml_read(
	    *text, strlen(*text), live ? "the live document" : "the definition", "domain", err);
	if (doc == NULL)
		return -1;
	xmlNode *disk = find_disk(doc, k->target);
	if (disk == NULL || (!live && k->was != NULL && !names(disk, k->was)))
		return 0;
	change(disk, k, live);
	char *now = xml_format(doc, &n);
	if (str_eq(now, *text)) {
		free(now);
		return 0;
	}
	free(*text);
	*text = now;
	return 1;
}

static int change_one(struct plan *p, char **text, const char *op, const char *words,
    const struct plan_disk_change *k, bool live, struct err *err)
{
	if (*text == NULL)
		return 0;
	CLEANUP_FREE char *was = xstrdup(*text);
	int rc = rewrite(text, k, live, err);
	if (rc <= 0)
		return rc;
	struct plan_step *s = plan_host(p, words, op, plan_args("xml", *text, "was", was, NULL));
	plan_undo_host(s, op, plan_args("xml", was, "was", *text, NULL));
	return 0;
}

int plan_docs_change(
    struct plan_docs *d, struct plan *p, const struct plan_disk_change *k, struct err *err)
{
	if (change_one(p, &d->live, "live", "write down what the machine now has", k, true, err) <
	    0)
		return -1;
	return change_one(p, &d->config, "define", "change the definition", k, false, err);
}
