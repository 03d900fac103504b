#include "kvm/plan_disk_xml.h"

#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

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
	/* A volume of a pool becomes a file. */
	static const char *const others[] = {"file", "dev", "pool", "volume", "mode"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		xmlUnsetProp(source, BAD_CAST others[i]);
	xml_set_attr(source, block ? "dev" : "file", path);
	xml_set_attr(disk, "type", block ? "block" : "file");
}

static char *driver_format(xmlNode *disk)
{
	char *type = xml_child_attr(disk, "driver", "type");
	return type != NULL ? type : xstrdup("raw");
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

/* --- as data --- */

static void put_bool(struct json_object *o, const char *key, bool value)
{
	if (value)
		json_object_object_add(o, key, json_object_new_boolean(1));
}

static struct json_object *change_args(const struct plan_disk_change *k)
{
	struct json_object *o = plan_args("target", k->target, "path", k->path, "format", k->format,
	    "was", k->was, "mirror", k->mirror, "mirror_path", k->mirror_path, "mirror_format",
	    k->mirror_format, NULL);
	put_bool(o, "block", k->block);
	put_bool(o, "push", k->push);
	put_bool(o, "mirror_block", k->mirror_block);
	put_bool(o, "mirror_ready", k->mirror_ready);
	if (k->from > 0 && k->drop > 0) {
		json_object_object_add(o, "from", json_object_new_int64((int64_t)k->from));
		json_object_object_add(o, "drop", json_object_new_int64((int64_t)k->drop));
	}
	return o;
}

static void read_args(struct json_object *o, struct plan_disk_change *k)
{
	int64_t from = json_get_int(o, "from", 0), drop = json_get_int(o, "drop", 0);
	*k = (struct plan_disk_change){.target = json_get_str(o, "target"),
	    .path = json_get_str(o, "path"),
	    .format = json_get_str(o, "format"),
	    .was = json_get_str(o, "was"),
	    .block = json_get_bool(o, "block", 0) == 1,
	    .from = from > 0 ? (size_t)from : 0,
	    .drop = drop > 0 ? (size_t)drop : 0,
	    .push = json_get_bool(o, "push", 0) == 1,
	    .mirror = json_get_str(o, "mirror"),
	    .mirror_path = json_get_str(o, "mirror_path"),
	    .mirror_format = json_get_str(o, "mirror_format"),
	    .mirror_block = json_get_bool(o, "mirror_block", 0) == 1,
	    .mirror_ready = json_get_bool(o, "mirror_ready", 0) == 1};
}

/* --- a text --- */

static bool is_whole(const struct plan_disk_change *k)
{
	return k->target != NULL && (k->path == NULL) == (k->format == NULL) &&
	       (k->mirror == NULL || k->mirror[0] == '\0' ||
	           (k->mirror_path != NULL && k->mirror_format != NULL));
}

char *plan_disk_change_text(const char *xml, size_t n, const char *file, struct json_object *args,
    bool live, size_t *out_n, struct err *err)
{
	struct plan_disk_change k;
	read_args(args, &k);
	if (!is_whole(&k)) {
		err_set(err, ERR_INVALID, "a step that changes a disk's document lacks a part");
		return NULL;
	}
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "domain", err);
	xmlNode *disk = doc == NULL ? NULL : find_disk(doc, k.target);
	if (disk == NULL || (!live && k.was != NULL && !names(disk, k.was)))
		return NULL;
	/* It may have been made before. */
	bool there = k.path != NULL && names(disk, k.path);
	CLEANUP_FREE char *format = driver_format(disk);
	if (k.push && !there)
		push_layer(disk, format);
	else if (k.from > 0 && !(k.path != NULL && there))
		drop_layers(disk, &k);
	if (k.path != NULL) {
		set_place(disk, k.path, k.block);
		xml_set_attr(xml_need_child(disk, "driver"), "type", k.format);
	}
	if (live && k.mirror != NULL)
		set_mirror(disk, &k);
	return xml_format(doc, out_n);
}

/* --- steps --- */

static void add_one(struct plan *p, const struct plan_disk_change *k, const char *op,
    const char *words, const struct plan_disk_change *back)
{
	struct plan_step *s = plan_host(p, words, op, change_args(k));
	if (back != NULL)
		plan_undo_host(s, op, change_args(back));
}

void plan_disk_change_add(
    struct plan *p, const struct plan_in *in, const struct plan_disk_change *k)
{
	struct plan_disk_change back = {.target = k->target, .mirror = ""};
	bool undo = k->mirror != NULL && k->mirror[0] != '\0' && k->path == NULL;
	if (k->push) {
		back = (struct plan_disk_change){.target = k->target,
		    .path = k->was,
		    .format = k->was_format,
		    .was = k->path,
		    .from = 1,
		    .drop = 1};
		undo = true;
	}
	add_one(p, k, "disk-live", "write down what the machine now has", undo ? &back : NULL);
	/* A job's <mirror> belongs to this run. */
	if (in->config != NULL && (k->path != NULL || k->drop > 0))
		add_one(p, k, "disk-define", "change the definition", undo ? &back : NULL);
}

/* --- what headers name --- */

size_t plan_layers_told(const struct domain_disk *k, bool *ends)
{
	size_t n = 0;
	const struct disk_image *m = &k->image;
	for (; m->backing != NULL; m = m->backing)
		n++;
	*ends = m->backing_ends;
	return n;
}

static bool has_header(const struct plan_link *l)
{
	return str_eq(l->format, "qcow2") || str_eq(l->format, "qcow");
}

static struct json_object *links_json(const struct plan_link *const *list, size_t n)
{
	struct json_object *o = json_object_new_array();
	for (size_t i = 0; i < n; i++)
		json_object_array_add(
		    o, plan_args("path", list[i]->path, "format", list[i]->format, NULL));
	return o;
}

void plan_chain_remember_add(struct plan *p, const struct plan_link *const *list, size_t n,
    size_t told, const struct plan_link *const *gone, size_t n_gone)
{
	struct json_object *args = json_object_new_object(), *set = json_object_new_array(),
	                   *forget = json_object_new_array();
	/* Of an image of which the document tells what is below, the header is not believed. */
	if (n > 0 && has_header(list[0]))
		json_object_array_add(set, links_json(list, told > 0 ? 1 : n));
	if (told > 0 && told < n && has_header(list[told]))
		json_object_array_add(set, links_json(list + told, n - told));
	for (size_t i = 0; i < n_gone; i++)
		json_object_array_add(forget, json_object_new_string(gone[i]->path));
	json_object_object_add(args, "set", set);
	json_object_object_add(args, "forget", forget);
	plan_host(p, "remember what its images refer to", "chain-set", args);
}
