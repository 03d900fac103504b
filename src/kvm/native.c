#include "kvm/native.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/xmlsave.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

/* --- elements --- */
xmlNode *nat_el(xmlNode *parent, const char *name)
{
	return xmlNewChild(parent, NULL, (const xmlChar *)name, NULL);
}

/* What XML cannot carry (control characters) and broken UTF-8 is shown as \xNN. */
static char *xml_words(const char *text)
{
	return str_printable(text, strlen(text), strlen(text) * 4 + 1);
}

xmlNode *nat_text(xmlNode *parent, const char *name, const char *text)
{
	CLEANUP_FREE char *words = xml_words(text);
	return xmlNewTextChild(parent, NULL, (const xmlChar *)name, (const xmlChar *)words);
}

void nat_attr(xmlNode *node, const char *name, const char *value)
{
	if (value == NULL)
		return;
	CLEANUP_FREE char *words = xml_words(value);
	xmlSetProp(node, (const xmlChar *)name, (const xmlChar *)words);
}

void nat_attrf(xmlNode *node, const char *name, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *value = xvasprintf(fmt, ap);
	va_end(ap);
	nat_attr(node, name, value);
}

void nat_attru(xmlNode *node, const char *name, uint64_t value)
{
	nat_attrf(node, name, "%llu", (unsigned long long)value);
}

xmlNode *nat_device(struct native *n, enum nat_group group, const char *name)
{
	return nat_el(n->groups[group], name);
}

void nat_note(struct native *n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (n->notes != NULL) {
		buf_addvf(n->notes, fmt, ap);
		buf_addc(n->notes, '\n');
	}
	va_end(ap);
}

/* --- all or nothing --- */
void nat_begin(struct native *n, struct nat_opt *o)
{
	n->n_open = 0;
	nat_open(n, o);
}

void nat_open(struct native *n, struct nat_opt *o)
{
	for (size_t i = 0; i < n->n_open; i++)
		if (n->open[i] == o)
			return;
	if (n->n_open < NAT_OPEN_MAX)
		n->open[n->n_open++] = o;
}

static const char *words_of(const struct nat_opt *o)
{
	return o->value != NULL ? o->value : "";
}

bool nat_end(struct native *n, xmlNode *element, bool ok)
{
	const char *left = NULL;
	const struct nat_opt *by = NULL;
	for (size_t i = 0; i < n->n_open && left == NULL; i++)
		if (!nat_all_taken(n->open[i], &left))
			by = n->open[i];
	bool whole = ok && left == NULL && n->n_open > 0;
	if (ok && left != NULL)
		nat_note(
		    n, "-%s %s: '%s' has no place in a definition", by->name, words_of(by), left);
	for (size_t i = 0; i < n->n_open; i++) {
		struct nat_opt *o = n->open[i];
		o->used = o->used || whole;
		for (size_t k = 0; !whole && k < o->n_keys; k++)
			o->keys[k].taken = false;
	}
	if (!whole && element != NULL) {
		xmlUnlinkNode(element);
		xmlFreeNode(element);
	}
	n->n_open = 0;
	return whole;
}

struct nat_opt *nat_find(struct native *n, const char *name, const char *key, const char *value)
{
	for (size_t i = 0; value != NULL && i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (!o->used && strcmp(o->name, name) == 0 && str_eq(nat_get(o, key), value))
			return o;
	}
	return NULL;
}

struct nat_opt *nat_first(struct native *n, const char *name)
{
	for (size_t i = 0; i < n->opts.n; i++)
		if (!n->opts.o[i].used && strcmp(n->opts.o[i].name, name) == 0)
			return &n->opts.o[i];
	return NULL;
}

bool nat_has(const struct native *n, const char *name)
{
	for (size_t i = 0; i < n->opts.n; i++)
		if (strcmp(n->opts.o[i].name, name) == 0)
			return true;
	return false;
}

bool nat_has_device(const struct native *n, const char *types)
{
	for (size_t i = 0; i < n->opts.n; i++) {
		const struct nat_opt *o = &n->opts.o[i];
		const char *driver = nat_get(o, "driver"), *s = types;
		if (strcmp(o->name, "device") != 0 || driver == NULL)
			continue;
		for (size_t len; *s != '\0'; s += len + (s[len] == ' ')) {
			len = strcspn(s, " ");
			if (strlen(driver) == len && memcmp(s, driver, len) == 0)
				return true;
		}
	}
	return false;
}

/* --- options that are no part of the machine --- */
/* They belong to one run of it, or to who supervises it: we have our own. */
static const struct {
	const char *name, *told; /* told: what is lost; NULL nothing worth a word */
} of_the_run[] = {{"S", NULL}, {"nodefaults", NULL}, {"no-user-config", NULL},
    {"nodefconfig", NULL}, {"daemonize", NULL}, {"id", NULL} /* Proxmox */, {"sandbox", NULL},
    {"msg", NULL}, {"no-shutdown", NULL}, {"enable-kvm", NULL}, {"pidfile", NULL},
    {"nographic", NULL}, {"no-fd-bootchk", NULL}, {"full-screen", NULL},
    {"trace", "it is no part of a machine"}, {"D", "QEMU's log is log/NAME/qemu.log"},
    {"d", "QEMU's log is log/NAME/qemu.log"},
    {"monitor", "the supervisor has a monitor of its own"},
    {"qmp", "the supervisor has a monitor of its own"},
    {"qmp-pretty", "the supervisor has a monitor of its own"},
    {"mon", "the supervisor has a monitor of its own"}, {"gdb", "it is no part of a machine"},
    {"incoming", "it is a state of one run"}, {"loadvm", "it is a state of one run"},
    {"runas", "the user that QEMU runs as is hvmux's configuration"},
    {"run-with", "how QEMU runs is hvmux's configuration"},
    {"chroot", "how QEMU runs is hvmux's configuration"}, {"add-fd", "descriptors are one run's"}};

static void drop_run(struct native *n, struct nat_opt *o)
{
	for (size_t i = 0; i < ARRAY_LEN(of_the_run); i++) {
		if (strcmp(of_the_run[i].name, o->name) != 0)
			continue;
		o->used = true;
		if (of_the_run[i].told == NULL || n->cmd->adopting)
			return;
		/* Our own and libvirt's command lines have these, and nobody misses them. */
		if (str_eq(nat_get(o, "mode"), "control") &&
		    str_eq(nat_get(o, "chardev"), "charmonitor"))
			return;
		nat_note(n, "-%s %s: left out, %s", o->name, words_of(o), of_the_run[i].told);
	}
}

/* A monitor's chardev goes with it; libvirt's key for its secrets is one run's. */
static void drop_monitors(struct native *n)
{
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		if (strcmp(o->name, "object") == 0 && str_eq(nat_get(o, "id"), "masterKey0"))
			o->used = true;
		if (strcmp(o->name, "mon") != 0)
			continue;
		struct nat_opt *c = nat_find(n, "chardev", "id", nat_get(o, "chardev"));
		if (c != NULL)
			c->used = true;
	}
}

/* Our own run directory is where our monitor's socket is. */
static void find_run_dir(struct native *n)
{
	const struct nat_opt *c = nat_find(n, "chardev", "id", "charmonitor");
	const char *path = c != NULL ? nat_get(c, "path") : NULL;
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;
	if (slash != NULL && strcmp(slash, "/qmp.sock") == 0)
		n->run_dir = xstrndup(path, (size_t)(slash - path));
}

/* --- the whole --- */
/* The order in which QEMU makes them, which decides their automatic places. */
static void express_devices(struct native *n)
{
	static bool (*const makers[])(struct native *, struct nat_opt *) = {nat_controller_device,
	    nat_disk_device, nat_chr_device, nat_net_device, nat_display_device, nat_misc_device};
	nat_display_options(n);
	nat_net_options(n);
	nat_controller_options(n);
	for (size_t i = 0; i < n->opts.n; i++) {
		struct nat_opt *o = &n->opts.o[i];
		bool done = o->used || strcmp(o->name, "device") != 0;
		for (size_t k = 0; !done && k < ARRAY_LEN(makers); k++)
			done = makers[k](n, o);
	}
	nat_disk_drives(n);
	nat_chr_options(n);
	nat_misc_options(n);
}

static void express(struct native *n)
{
	if (!n->cmd->adopting)
		find_run_dir(n);
	drop_monitors(n);
	nat_machine(n);
	nat_memory(n);
	nat_cpu(n);
	nat_firmware(n);
	nat_places_init(n);
	express_devices(n);
	for (size_t i = 0; i < n->opts.n; i++)
		if (!n->opts.o[i].used)
			drop_run(n, &n->opts.o[i]);
}

static void gather(struct native *n)
{
	xmlNode *devices = nat_el(n->root, "devices");
	if (n->cmd->words[0][0] == '/') /* else the one in PATH, as it was */
		nat_text(devices, "emulator", n->cmd->words[0]);
	for (size_t g = 0; g < NAT_GROUPS; g++) {
		while (n->groups[g]->children != NULL) {
			xmlNode *node = n->groups[g]->children;
			xmlUnlinkNode(node);
			xmlAddChild(devices, node);
		}
		xmlFreeNode(n->groups[g]);
	}
}

static char *print(struct native *n)
{
	struct buf out = BUF_INIT;
	xmlBuffer *b = xmlBufferCreate();
	xmlSaveCtxt *save = xmlSaveToBuffer(b, "UTF-8", XML_SAVE_FORMAT | XML_SAVE_NO_DECL);
	xmlSaveDoc(save, n->doc);
	xmlSaveClose(save);
	buf_add(&out, xmlBufferContent(b), (size_t)xmlBufferLength(b));
	xmlBufferFree(b);
	return buf_take(&out);
}

static void native_fini(struct native *n)
{
	for (size_t i = 0; i < n->n_buses; i++)
		free(n->buses[i].id);
	free(n->buses);
	free(n->run_dir);
	nat_opts_fini(&n->opts);
	xmlFreeDoc(n->doc);
}

char *native_to_xml(const struct native_cmd *cmd, struct buf *notes, struct err *err)
{
	struct native n = {.cmd = cmd, .notes = notes};
	if (cmd->n == 0) {
		err_set(err, ERR_INVALID, "an empty command line");
		return NULL;
	}
	nat_opts_read(&n.opts, cmd->words + 1, cmd->n - 1);
	n.nodefaults = nat_has(&n, "nodefaults");
	n.doc = xmlNewDoc((const xmlChar *)"1.0");
	n.root = xmlNewNode(NULL, (const xmlChar *)"domain");
	xmlDocSetRootElement(n.doc, n.root);
	for (size_t g = 0; g < NAT_GROUPS; g++)
		n.groups[g] = xmlNewDocNode(n.doc, NULL, (const xmlChar *)"group", NULL);
	express(&n);
	gather(&n);
	nat_keep_rest(&n);
	char *xml = print(&n);
	native_fini(&n);
	return xml;
}
