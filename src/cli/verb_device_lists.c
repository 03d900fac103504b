/* The devices of a domain as tables: domblklist, domiflist. Read from the document itself: it holds kinds that struct
 * domain does not know. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/change.h"
#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "core/xml.h"

/* Its document as a tree: of the running domain unless --inactive. */
static xmlDoc *read_document(struct cli *c, struct err *err)
{
	struct vm vm;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), err);
	if (name == NULL || vm_probe(&c->home, name, &vm, err) < 0)
		return NULL;
	unsigned where = vm.live && !cli_flag(c, "inactive") ? CHANGE_LIVE : CHANGE_CONFIG;
	vm_fini(&vm);
	if (change_read(&c->home, name, where, &xml, err) < 0)
		return NULL;
	return xml_read(xml.data, xml.len, name, "domain", err);
}

/* A row of a table and an object with the same words. */
struct listing {
	const char *const *heads, *const *keys;
	size_t cols;
	void (*row)(const xmlNode *device, char **cells);
	const char *element;
	size_t skip; /* columns that --details adds in front */
};

static void add_row(
    const struct listing *l, const xmlNode *device, struct out_table *t, struct json_object *all)
{
	char *cells[5] = {0};
	l->row(device, cells);
	if (t != NULL) {
		const char *shown[5];
		for (size_t i = l->skip; i < l->cols; i++)
			shown[i - l->skip] = cells[i] != NULL ? cells[i] : "-";
		out_table_row(t, shown);
	} else {
		struct json_object *o = json_object_new_object();
		for (size_t i = 0; i < l->cols; i++)
			out_add_str(o, l->keys[i], cells[i]);
		json_object_array_add(all, o);
	}
	for (size_t i = 0; i < l->cols; i++)
		free(cells[i]);
}

static int list_devices(struct cli *c, const struct listing *l)
{
	struct err err = {0};
	CLEANUP_XML xmlDoc *doc = read_document(c, &err);
	if (doc == NULL) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	struct out_table *t = c->json ? NULL : out_table_new(l->cols - l->skip, l->heads + l->skip);
	struct json_object *all = c->json ? json_object_new_array() : NULL;
	const xmlNode *devices = xml_child(xmlDocGetRootElement(doc), "devices");
	for (const xmlNode *n = xml_first(devices); n != NULL; n = xml_next(n))
		if (xml_is(n, l->element))
			add_row(l, n, t, all);
	if (c->json) {
		out_json(all);
		return CLI_DONE;
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !c->quiet, &b);
	fputs(b.data ? b.data : "", stdout);
	out_table_free(t);
	return CLI_DONE;
}

/* --- domblklist --- */
static char *or_default(char *word, const char *absent)
{
	return word != NULL ? word : xstrdup(absent);
}

/* What virsh shows: the one attribute that names the image; a network disk as "protocol name" without its hosts. */
static char *disk_source(const xmlNode *disk)
{
	static const char *const attrs[] = {"file", "dev", "dir", "name", "volume", NULL};
	const xmlNode *source = xml_child(disk, "source");
	char *word = NULL;
	for (size_t i = 0; attrs[i] != NULL && word == NULL; i++)
		word = xml_attr(source, attrs[i]);
	return word;
}

static void disk_row(const xmlNode *disk, char **cells)
{
	cells[0] = or_default(xml_attr(disk, "type"), "file");
	cells[1] = or_default(xml_attr(disk, "device"), "disk");
	cells[2] = xml_child_attr(disk, "target", "dev");
	cells[3] = disk_source(disk);
}

int verb_domblklist(struct cli *c)
{
	static const char *const heads[] = {"Type", "Device", "Target", "Source"};
	static const char *const keys[] = {"type", "device", "target", "source"};
	const struct listing l = {
	    heads, keys, 4, disk_row, "disk", .skip = cli_flag(c, "details") ? 0 : 2};
	return list_devices(c, &l);
}

/* --- domiflist --- */
static void interface_row(const xmlNode *net, char **cells)
{
	static const char *const attrs[] = {"network", "bridge", "dev", "path", "mode", NULL};
	const xmlNode *source = xml_child(net, "source");
	cells[0] = xml_child_attr(net, "target", "dev");
	cells[1] = xml_attr(net, "type");
	for (size_t i = 0; attrs[i] != NULL && cells[2] == NULL; i++)
		cells[2] = xml_attr(source, attrs[i]);
	cells[3] = xml_child_attr(net, "model", "type");
	cells[4] = xml_child_attr(net, "mac", "address");
}

int verb_domiflist(struct cli *c)
{
	static const char *const heads[] = {"Interface", "Type", "Source", "Model", "MAC"};
	static const char *const keys[] = {"interface", "type", "source", "model", "mac"};
	const struct listing l = {heads, keys, 5, interface_row, "interface"};
	return list_devices(c, &l);
}
