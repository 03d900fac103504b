/* What the plans about snapshots of a domain that is off share; the one that makes a snapshot. */
#include "kvm/plan_snapshot_off.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/snapshots.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/plan_snapshot.h"

/* --- facts --- */
static struct json_object *off_fact(const struct plan_in *in, const char *key)
{
	return json_get_obj(plan_fact(in, "off"), key);
}

struct json_object *plan_off_image(const struct plan_in *in, const char *path)
{
	return path != NULL ? json_get_obj(off_fact(in, "images"), path) : NULL;
}

bool plan_off_holds(const struct plan_in *in, const char *path, const char *tag)
{
	struct json_object *list = json_get_arr(plan_off_image(in, path), "snapshots");
	size_t n = list != NULL ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++)
		if (str_eq(json_object_get_string(json_object_array_get_idx(list, i)), tag))
			return true;
	return false;
}

const char *plan_off_path(const struct plan_in *in, const char *target)
{
	return json_get_str(off_fact(in, "paths"), target);
}

char *plan_off_path_then(const struct plan_in *in, const struct snapshot *s, const char *target)
{
	struct domain d;
	char *path = NULL;
	const char *text = s->inactive != NULL ? s->inactive : s->domain;
	if (text == NULL ||
	    domain_parse(text, strlen(text), s->name, DOMAIN_PARSE_LENIENT, &d, NULL, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < d.n_disks; i++)
		if (str_eq(d.disks[i].target, target)) {
			path = xstrdup0(d.disks[i].image.path);
			/* A volume of a pool: the pool says where, and it is the same one now. */
			if (d.disks[i].image.type == IMAGE_VOLUME)
				path = xstrdup0(plan_off_path(in, target));
		}
	domain_fini(&d);
	return path;
}

struct json_object *plan_off_args(
    const struct plan_in *in, const char *path, const char *name, const char *value)
{
	return plan_args("path", path, "format", json_get_str(plan_off_image(in, path), "format"),
	    name, value, NULL);
}

/* --- documents --- */
/* One disk's element: its file is another one. */
static void place(xmlNode *disk, const char *to, const char *format)
{
	xmlNode *source = xml_need_child(disk, "source"), *chain = xml_child(disk, "backingStore");
	xml_set_attr(disk, "type", "file");
	xmlUnsetProp(source, (const xmlChar *)"dev");
	xmlUnsetProp(source, (const xmlChar *)"pool");
	xmlUnsetProp(source, (const xmlChar *)"volume");
	xml_set_attr(source, "file", to);
	xml_set_attr(xml_need_child(disk, "driver"), "type", format);
	/* From now on the image says it. */
	if (chain != NULL)
		xml_remove(chain);
}

static bool is_at(const xmlNode *disk, const char *path)
{
	CLEANUP_FREE char *file = xml_child_attr(disk, "source", "file");
	CLEANUP_FREE char *dev = xml_child_attr(disk, "source", "dev");
	return str_eq(file, path) || str_eq(dev, path);
}

/* Does any layer below it lie at path? */
static bool is_above(const xmlNode *disk, const char *path)
{
	for (const xmlNode *n = xml_child(disk, "backingStore"); n != NULL;
	     n = xml_child(n, "backingStore"))
		if (is_at(n, path))
			return true;
	return false;
}

static char *rewrite(const char *xml, const char *from, const char *target, const char *to,
    const char *format, struct err *err)
{
	size_t n;
	bool changed = false;
	CLEANUP_XML xmlDoc *doc = xml_read(xml, strlen(xml), "domain", "domain", err);
	if (doc == NULL)
		return NULL;
	xmlNode *devices = xml_child(xmlDocGetRootElement(doc), "devices");
	for (xmlNode *k = xml_first(devices); k != NULL; k = xml_next(k)) {
		CLEANUP_FREE char *dev =
		    xml_is(k, "disk") ? xml_child_attr(k, "target", "dev") : NULL;
		if (dev == NULL)
			continue;
		if (from != NULL ? is_at(k, from) : str_eq(dev, target)) {
			place(k, to, format);
			changed = true;
		} else if (from != NULL && is_above(k, from)) {
			xml_remove(xml_child(k, "backingStore"));
			changed = true;
		}
	}
	return changed ? xml_format(doc, &n) : xstrdup(xml);
}

char *plan_off_moved(
    const char *xml, const char *from, const char *to, const char *format, struct err *err)
{
	return rewrite(xml, from, NULL, to, format, err);
}

char *plan_off_placed(
    const char *xml, const char *target, const char *to, const char *format, struct err *err)
{
	return rewrite(xml, NULL, target, to, format, err);
}

int plan_off_add_write(
    const struct snapshot *was, const struct snapshot *s, struct plan *p, struct err *err)
{
	size_t n;
	CLEANUP_FREE char *xml = snapshot_format(s, &n, err), *old = snapshot_format(was, &n, err);
	CLEANUP_FREE char *words = xasprintf("write down what became of '%s'", s->name);
	if (xml == NULL || old == NULL)
		return -1;
	if (str_eq(xml, old))
		return 0;
	plan_undo_host(plan_host(p, words, "snapshot-write", plan_args("xml", xml, NULL)),
	    "snapshot-write", plan_args("xml", old, NULL));
	return 0;
}

int plan_off_add_define(const struct plan_in *in, const char *xml, struct plan *p, struct err *err)
{
	struct domain d;
	CLEANUP_FREE char *was = xstrndup(in->config->source, in->config->source_len);
	if (xml == NULL || str_eq(xml, was))
		return 0;
	if (domain_parse(xml, strlen(xml), in->name, DOMAIN_PARSE_LENIENT, &d, NULL, err) < 0)
		return -1;
	int rc = plan_add_documents(p, in, NULL, &d, err);
	domain_fini(&d);
	return rc;
}

/* --- snapshot-create --- */
static bool is_there(const struct plan_in *in, const char *path)
{
	return plan_off_image(in, path) != NULL;
}

static int check_kept(const struct plan_in *in, const struct snapshot_disk *sd, struct err *err)
{
	const char *path = plan_off_path(in, sd->name);
	struct json_object *image = plan_off_image(in, path);
	if (path == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' is neither a file nor a block device, and cannot be kept here: leave it out with --diskspec "
		    "%s,snapshot=no",
		    sd->name, sd->name);
	if (image == NULL)
		return err_set(err, ERR_NOT_FOUND, "disk '%s': there is no '%s'", sd->name, path);
	if (json_get_str(image, "trouble") != NULL)
		return err_set(
		    err, ERR_INVALID, "disk '%s': %s", sd->name, json_get_str(image, "trouble"));
	return 0;
}

/* What qcow2 keeps inside of itself. */
static int add_internal(const struct plan_in *in, const struct snapshot *s,
    const struct snapshot_disk *sd, struct plan *p, struct err *err)
{
	const char *path = plan_off_path(in, sd->name);
	const char *format = json_get_str(plan_off_image(in, path), "format");
	if (!str_eq(format, "qcow2"))
		return err_set(err, ERR_UNSUPPORTED,
		    "disk '%s' is %s, which keeps no snapshots inside: convert it ('hvmux img convert -O qcow2'), put what is "
		    "written from now on into a file of its own (--disk-only), or leave it out with --diskspec %s,snapshot=no",
		    sd->name, format, sd->name);
	if (plan_off_holds(in, path, snapshot_tag(s)))
		return err_set(err, ERR_EXISTS,
		    "disk '%s': '%s' holds a snapshot '%s' already that no document here tells of: choose another name, or "
		    "delete it with 'hvmux img snapshot -d'",
		    sd->name, path, snapshot_tag(s));
	CLEANUP_FREE char *words = xasprintf("keep disk %s inside of '%s'", sd->name, path);
	struct json_object *undo = plan_off_args(in, path, "name", snapshot_tag(s));
	json_object_object_add(undo, "only_new", json_object_new_boolean(1));
	plan_undo_host(
	    plan_host(p, words, "image-keep", plan_off_args(in, path, "name", snapshot_tag(s))),
	    "image-forget", undo);
	return 0;
}

/* What is written from now on goes into a file of its own. */
static int add_external(const struct plan_in *in, const struct snapshot_disk *sd, struct plan *p,
    char **config, struct err *err)
{
	const char *path = plan_off_path(in, sd->name);
	struct json_object *image = plan_off_image(in, path);
	bool reuse = json_get_bool(in->args, "reuse_external", 0) != 0;
	if (!reuse && is_there(in, sd->file))
		return err_set(err, ERR_EXISTS,
		    "external snapshot file for disk '%s' already exists: '%s'; choose another one with --diskspec, or use it "
		    "with --reuse-external",
		    sd->name, sd->file);
	CLEANUP_FREE char *words =
	    xasprintf("what is written to disk %s goes into '%s' from now on", sd->name, sd->file);
	if (!reuse)
		plan_snapshot_add_overlay(p, words, sd->file, path, json_get_str(image, "format"),
		    json_get_int(image, "size", 0));
	char *next = plan_off_placed(*config, sd->name, sd->file, "qcow2", err);
	if (next == NULL)
		return -1;
	free(*config);
	*config = next;
	return 0;
}

static void add_nvram(const struct plan_in *in, struct snapshot *s, struct plan *p)
{
	struct json_object *off = plan_fact(in, "off");
	const char *from = json_get_str(off, "nvram");
	if (from == NULL)
		return;
	s->nvram = xasprintf("%s.nvram", s->name);
	s->nvram_format = xstrdup0(json_get_str(off, "nvram_format"));
	CLEANUP_FREE char *to = snapshots_nvram_path(in->home, in->name, s);
	plan_undo_host(plan_host(p, "copy the firmware's variables", "snapshot-nvram",
	                   plan_args("from", from, "to", to, NULL)),
	    "remove", plan_args("path", to, NULL));
}

static int add_disks(
    const struct plan_in *in, struct snapshot *s, struct plan *p, char **config, struct err *err)
{
	for (size_t i = 0; i < s->n_disks; i++) {
		const struct snapshot_disk *sd = &s->disks[i];
		if (sd->kind == SNAPSHOT_NO)
			continue;
		if (check_kept(in, sd, err) < 0)
			return -1;
		int rc = sd->kind == SNAPSHOT_INTERNAL ? add_internal(in, s, sd, p, err)
		                                       : add_external(in, sd, p, config, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static void describe(const struct plan_in *in, struct snapshot *s)
{
	free(s->parent);
	free(s->domain);
	free(s->inactive);
	s->created = in->now_ns / 1000000000u;
	s->state = SNAPSHOT_SHUTOFF;
	s->parent = xstrdup0(json_get_str(plan_fact(in, "snapshots"), "current"));
	s->domain = xstrndup(in->config->source, in->config->source_len);
	s->inactive = NULL;
}

int plan_snapshot_off_create(const struct plan_in *in, struct plan *p, struct err *err)
{
	struct snapshot s;
	if (in->config == NULL)
		return err_set(err, ERR_STATE, "domain '%s' is not running", in->name);
	if (json_get_bool(in->args, "quiesce", 0))
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: --quiesce asks the guest's agent, and domain '%s' is not running",
		    in->name);
	if (plan_snapshot_fill(in, &s, err) < 0)
		return -1;
	describe(in, &s);
	CLEANUP_FREE char *config = xstrdup(s.domain);
	p->words = xasprintf("snapshot '%s' of %s, which is off: %s", s.name, in->name,
	    snapshot_is_external(&s) ? "what is written from now on goes into files of its own"
	                             : "inside of the images");
	p->result = xasprintf("Domain snapshot %s created", s.name);
	int rc = add_disks(in, &s, p, &config, err);
	if (rc == 0 && !json_get_bool(in->args, "no_metadata", 0))
		add_nvram(in, &s, p);
	if (rc == 0)
		rc = plan_off_add_define(in, config, p, err);
	if (rc == 0)
		rc = plan_snapshot_add_document(in, &s, p, err);
	snapshot_fini(&s);
	return rc;
}
