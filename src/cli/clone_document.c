#include "cli/clone_document.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

static void drop_child(xmlNode *node, const char *name)
{
	xmlNode *child = xml_child(node, name);
	if (child)
		xml_remove(child);
}

static void drop_attr(xmlNode *node, const char *name)
{
	if (node)
		xmlUnsetProp(node, (const xmlChar *)name);
}

/* --- disks --- */

static const struct clone_disk *find_disk(const struct clone_plan *p, const xmlNode *node)
{
	CLEANUP_FREE char *target = xml_child_attr(node, "target", "dev");
	for (size_t i = 0; target && i < p->n; i++)
		if (str_eq(p->disks[i].disk->target, target))
			return &p->disks[i];
	return NULL;
}

static void clone_one_disk(xmlNode *node, const struct clone_disk *k)
{
	xmlNode *driver = xml_need_child(node, "driver");
	CLEANUP_FREE char *name = xml_attr(driver, "name");
	if (!name)
		xml_set_attr(driver, "name", "qemu");
	xml_set_attr(driver, "type", disk_format_name(k->format));
	drop_child(node, "backingStore");
	drop_child(node, "source");
	/* A disk that is told from others by it must not be there twice. */
	drop_child(node, "wwn");
	xml_set_attr(node, "type", "file");
	xml_set_attr(xml_need_child(node, "source"), "file", k->path);
}

/* --- what a host has once --- */

static void clone_interface(xmlNode *node, const char *mac)
{
	drop_child(node, "mac");
	if (mac)
		xml_set_attr(xml_need_child(node, "mac"), "address", mac);
	xmlNode *target = xml_child(node, "target");
	CLEANUP_FREE char *dev = target ? xml_attr(target, "dev") : NULL;
	if (dev)
		drop_attr(target, "dev");
}

static void clone_graphics(xmlNode *node)
{
	static const char *const ports[] = {"port", "tlsPort", "websocket"};
	CLEANUP_FREE char *automatic = xml_attr(node, "autoport");
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		CLEANUP_FREE char *port = xml_attr(node, ports[i]);
		if (port && strcmp(port, "-1") != 0)
			drop_attr(node, ports[i]);
	}
	CLEANUP_FREE char *type = xml_attr(node, "type");
	if (!automatic && (str_eq(type, "vnc") || str_eq(type, "spice")))
		xml_set_attr(node, "autoport", "yes");
}

/* A Unix socket or a file that the original writes to: two cannot. Without a path hvmux chooses one by the name. */
static void clone_chr(xmlNode *node, struct buf *notes)
{
	xmlNode *source = xml_child(node, "source");
	CLEANUP_FREE char *type = xml_attr(node, "type"),
	                  *path = source ? xml_attr(source, "path") : NULL;
	CLEANUP_FREE char *mode = source ? xml_attr(source, "mode") : NULL;
	if (!path || (!str_eq(type, "unix") && !str_eq(type, "file")))
		return;
	if (str_eq(type, "unix") && str_eq(mode, "bind"))
		drop_attr(source, "path");
	else
		buf_addf(notes, "<%s>: '%s' is used by both; 'hvmux edit' changes that\n",
		    (const char *)node->name, path);
}

static void clone_vsock(xmlNode *node)
{
	xmlNode *cid = xml_child(node, "cid");
	if (!cid)
		return;
	drop_attr(cid, "address");
	xml_set_attr(cid, "auto", "yes");
}

static void clone_device(
    xmlNode *node, const struct clone_identity *id, unsigned *interfaces, struct buf *notes)
{
	static const char *const chrs[] = {"serial", "console", "parallel", "channel"};
	if (xml_is(node, "interface")) {
		clone_interface(node, *interfaces < id->n_macs ? id->macs[*interfaces] : NULL);
		++*interfaces;
	} else if (xml_is(node, "graphics")) {
		clone_graphics(node);
	} else if (xml_is(node, "vsock")) {
		clone_vsock(node);
	} else if (xml_is(node, "hostdev")) {
		buf_adds(
		    notes, "a <hostdev> can belong to one running domain only; both have it\n");
	} else if (xml_is(node, "tpm")) {
		buf_adds(notes,
		    "the clone's TPM begins empty: what the original's has sealed stays with it\n");
	}
	for (size_t i = 0; i < ARRAY_LEN(chrs); i++)
		if (xml_is(node, chrs[i]))
			clone_chr(node, notes);
}

/* --- the whole --- */

static void clone_sysinfo(xmlNode *root)
{
	for (xmlNode *s = xml_first(root); s; s = xml_next(s)) {
		xmlNode *system = xml_is(s, "sysinfo") ? xml_child(s, "system") : NULL;
		for (xmlNode *e = system ? xml_first(system) : NULL, *next; e; e = next) {
			CLEANUP_FREE char *name = xml_attr(e, "name");
			next = xml_next(e);
			if (str_eq(name, "uuid"))
				xml_remove(e);
		}
	}
}

static void clone_firmware(xmlNode *root, const struct clone_identity *id)
{
	xmlNode *os = xml_child(root, "os"), *nvram = os ? xml_child(os, "nvram") : NULL;
	if (!nvram || !id->nvram)
		return;
	xmlNode *source = xml_child(nvram, "source");
	if (source) {
		xml_set_attr(source, "file", id->nvram);
		return;
	}
	xml_set_text(nvram, id->nvram);
}

static void clone_genid(xmlNode *root)
{
	xmlNode *genid = xml_child(root, "genid");
	if (genid)
		xml_set_text(genid, "");
}

char *clone_document(const char *xml, size_t n, const char *file, const struct clone_plan *p,
    const struct clone_identity *id, size_t *out_n, struct buf *notes, struct err *err)
{
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "domain", err);
	if (!doc)
		return NULL;
	xmlNode *root = xmlDocGetRootElement(doc), *devices = xml_child(root, "devices");
	unsigned interfaces = 0;
	xml_set_text(xml_need_child(root, "name"), id->name);
	drop_child(root, "uuid");
	drop_attr(root, "id");
	if (id->uuid)
		xml_set_text(xml_add_after(root, xml_child(root, "name"), "uuid"), id->uuid);
	clone_genid(root);
	clone_sysinfo(root);
	clone_firmware(root, id);
	for (xmlNode *node = devices ? xml_first(devices) : NULL; node; node = xml_next(node)) {
		const struct clone_disk *k = xml_is(node, "disk") ? find_disk(p, node) : NULL;
		if (k && k->way != CLONE_SHARE)
			clone_one_disk(node, k);
		clone_device(node, id, &interfaces, notes);
	}
	return xml_format(doc, out_n);
}
