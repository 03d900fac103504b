#include "core/hardware.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"
#include "core/xml.h"

/* What is said of each kind of device, as paths below its element: "target@bus" is an attribute, "model" the text of an
 * element, "readonly?" the element's name where it is there. "cache=driver@cache" puts a word before it. The first path
 * of `name` that is there is the name. */
static const struct kind {
	const char *kind, *name, *text;
} kinds[] = {
    {"disk", "target@dev",
        "target@bus @device driver@type source@file source@dev source@dir source@protocol source@pool source@volume "
        "source@name cache=driver@cache io=driver@io discard=driver@discard readonly? shareable? boot=boot@order "
        "serial=serial"},
    {"controller", "@type @index", "@model ports=@ports"},
    {"interface", "mac@address",
        "@type model@type source@network source@bridge source@dev source@path target@dev link=link@state mtu=mtu@size "
        "boot=boot@order"},
    {"serial", "target@port",
        "@type target@type source@path source@mode source@host source@service log=log@file"},
    {"parallel", "target@port", "@type source@path"},
    {"console", "target@port", "@type target@type source@path"},
    {"channel", "target@name", "@type target@type source@path"},
    {"graphics", "@type",
        "port=@port listen=@listen listen@type listen@address socket=@socket listen@socket"},
    {"video", "model@type", "vram=model@vram heads=model@heads accel3d=model/acceleration@accel3d"},
    {"input", "@type", "@bus source@evdev source@dev"},
    {"sound", "@model", "codec@type"},
    {"rng", "@model", "backend@model backend bytes=rate@bytes"},
    {"watchdog", "@model", "action=@action"},
    {"tpm", "@model", "backend@type version=backend@version"},
    {"memballoon", "@model", "stats=stats@period"},
    {"hostdev", "@type",
        "@mode vendor=source/vendor@id product=source/product@id source/address@bus source/address@slot "
        "source/address@device source/address@function source/address@uuid source/adapter@name"},
    {"filesystem", "target@dir", "driver@type @accessmode source@dir source@file readonly?"},
    {"memory", "@model", "target/size requested=target/requested node=target/node"},
    {"panic", "@model", ""},
    {"vsock", "@model", "cid=cid@address cid@auto"},
    {"emulator", "", "."},
};

/* --- one path --- */
static xmlNode *walk(const xmlNode *node, const char *path, size_t n)
{
	const xmlNode *at = node;
	while (n > 0 && at != NULL) {
		size_t len = strcspn(path, "/");
		if (len > n)
			len = n;
		CLEANUP_FREE char *name = xstrndup(path, len);
		at = xml_child(at, name);
		path += len < n ? len + 1 : len;
		n -= len < n ? len + 1 : len;
	}
	return (xmlNode *)at;
}

/* On one line: what a document's author broke and indented. */
static char *squeezed(char *text)
{
	size_t k = 0;
	for (const char *s = text; *s != '\0'; s++) {
		bool blank = isspace((unsigned char)*s);
		if (!blank || (k > 0 && text[k - 1] != ' '))
			text[k++] = blank ? ' ' : *s;
	}
	while (k > 0 && text[k - 1] == ' ')
		k--;
	text[k] = '\0';
	return text;
}

/* Of a memory device. */
static bool is_amount(const xmlNode *node)
{
	return node != NULL && (xml_is(node, "size") || xml_is(node, "requested")) &&
	       xml_is(node->parent, "target");
}

/* "1.0GiB" of <memory unit='KiB'>1048576</memory>; NULL without one. */
static char *amount_text(const xmlNode *node)
{
	CLEANUP_FREE char *unit = xml_attr(node, "unit");
	CLEANUP_FREE char *text = xml_text(node);
	char human[STR_HUMAN_MAX];
	uint64_t kib;
	struct err err = {0};
	if (text == NULL)
		return NULL;
	if (units_kib(squeezed(text), unit, UINT64_MAX / 1024, &kib, &err) < 0)
		return xasprintf("%s %s", text, unit != NULL ? unit : "KiB");
	str_human(kib * 1024, human);
	return xasprintf("%siB", human);
}

/* On the heap; NULL when there is no such thing. */
static char *value_at(const xmlNode *node, const char *path, size_t n)
{
	const char *at = memchr(path, '@', n);
	if (n > 0 && path[n - 1] == '?') {
		const char *last = path;
		for (size_t i = 0; i + 1 < n; i++)
			if (path[i] == '/')
				last = path + i + 1;
		return walk(node, path, n - 1) != NULL
		           ? xstrndup(last, (size_t)(path + n - 1 - last))
		           : NULL;
	}
	char *value;
	if (at != NULL) {
		CLEANUP_FREE char *attr = xstrndup(at + 1, n - (size_t)(at + 1 - path));
		value = xml_attr(walk(node, path, (size_t)(at - path)), attr);
	} else {
		const xmlNode *at_path = n == 1 && path[0] == '.' ? node : walk(node, path, n);
		value = is_amount(at_path) ? amount_text(at_path) : xml_text(at_path);
	}
	if (value != NULL && squeezed(value)[0] == '\0') {
		free(value);
		value = NULL;
	}
	return value;
}

static void add_word(struct buf *out, const char *label, size_t n_label, const char *value)
{
	CLEANUP_FREE char *shown = str_printable(value, strlen(value), HARDWARE_TEXT_MAX);
	if (out->len + strlen(shown) + n_label + 2 > HARDWARE_TEXT_MAX)
		return;
	if (out->len > 0)
		buf_addc(out, ' ');
	buf_add(out, label, n_label);
	buf_adds(out, shown);
}

static void add_paths(struct buf *out, const xmlNode *node, const char *paths)
{
	for (const char *s = paths; *s != '\0'; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");
		const char *eq = memchr(s, '=', n);
		size_t label = eq != NULL ? (size_t)(eq + 1 - s) : 0;
		CLEANUP_FREE char *value = value_at(node, s + label, n - label);
		/* A cable that is in says no more than none at all. */
		bool plain = label > 0 && strncmp(s, "link=", label) == 0 && str_eq(value, "up");
		if (value != NULL && !plain)
			add_word(out, s, label, value);
		s += n;
	}
}

/* --- parts --- */
static struct hardware_part *add_part(
    struct hardware *hw, const char *kind, struct buf *name, struct buf *text, char *address)
{
	hw->parts = xreallocarray(hw->parts, hw->n + 1, sizeof *hw->parts);
	struct hardware_part *p = &hw->parts[hw->n++];
	p->kind = str_printable(kind, strlen(kind), 40);
	p->name = buf_take(name);
	p->text = buf_take(text);
	p->address = address;
	p->alias = xstrdup("");
	return p;
}

static unsigned hex(const xmlNode *node, const char *attr)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	unsigned long v = value != NULL ? strtoul(value, NULL, 0) : 0;
	return v > 0xffff ? 0xffff : (unsigned)v;
}

static char *address_of(const xmlNode *device)
{
	const xmlNode *a = xml_child(device, "address");
	CLEANUP_FREE char *type = xml_attr(a, "type");
	if (str_eq(type, "pci") && hex(a, "domain") > 0)
		return xasprintf("pci %04x:%02x:%02x.%x", hex(a, "domain"), hex(a, "bus"),
		    hex(a, "slot"), hex(a, "function"));
	if (str_eq(type, "pci"))
		return xasprintf(
		    "pci %02x:%02x.%x", hex(a, "bus"), hex(a, "slot"), hex(a, "function"));
	if (str_eq(type, "drive"))
		return xasprintf("drive %u:%u:%u:%u", hex(a, "controller"), hex(a, "bus"),
		    hex(a, "target"), hex(a, "unit"));
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (type != NULL)
		add_paths(&b, a,
		    "@type bus=@bus port=@port controller=@controller slot=@slot iobase=@iobase");
	return buf_take(&b);
}

/* Of a kind that the table does not know: its own attributes and those of its children. */
static void add_anything(struct buf *out, const xmlNode *device)
{
	for (const xmlAttr *a = device->properties; a != NULL; a = a->next) {
		CLEANUP_FREE char *value = xml_attr(device, (const char *)a->name);
		if (value != NULL)
			add_word(out, "", 0, value);
	}
	for (const xmlNode *n = xml_first(device); n != NULL; n = xml_next(n)) {
		if (xml_is(n, "address") || xml_is(n, "alias"))
			continue;
		for (const xmlAttr *a = n->properties; a != NULL; a = a->next) {
			CLEANUP_FREE char *value = xml_attr(n, (const char *)a->name);
			if (value != NULL)
				add_word(out, "", 0, value);
		}
	}
}

static void take_alias(struct hardware_part *p, const xmlNode *device)
{
	CLEANUP_FREE char *name = value_at(device, "alias@name", 10);
	if (name == NULL)
		return;
	free(p->alias);
	p->alias = str_printable(name, strlen(name), HARDWARE_TEXT_MAX);
}

static void add_device(struct hardware *hw, const xmlNode *device)
{
	struct buf name = BUF_INIT, text = BUF_INIT;
	const char *kind = (const char *)device->name;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].kind, kind) != 0)
			continue;
		add_paths(&name, device, kinds[i].name);
		add_paths(&text, device, kinds[i].text);
		take_alias(add_part(hw, kind, &name, &text, address_of(device)), device);
		return;
	}
	add_anything(&text, device);
	take_alias(add_part(hw, kind, &name, &text, address_of(device)), device);
}

/* What stands before the devices. */
static void add_system(struct hardware *hw, const xmlNode *root)
{
	struct buf name = BUF_INIT, text = BUF_INIT;
	add_paths(&name, root, "os/type@machine");
	add_paths(&text, root,
	    "@type os/type@arch firmware=os@firmware loader=os/loader nvram=os/nvram kernel=os/kernel clock=clock@offset");
	add_part(hw, "machine", &name, &text, xstrdup(""));
	CLEANUP_FREE char *current = value_at(root, "vcpu@current", 12);
	add_paths(&name, root, "vcpu");
	if (current != NULL)
		add_word(&text, "now ", 4, current);
	add_paths(&text, root,
	    "cpu@mode cpu/model sockets=cpu/topology@sockets dies=cpu/topology@dies cores=cpu/topology@cores "
	    "threads=cpu/topology@threads cpuset=vcpu@cpuset");
	add_part(hw, "cpu", &name, &text, xstrdup(""));
	CLEANUP_FREE char *memory = amount_text(xml_child(root, "memory"));
	CLEANUP_FREE char *now = amount_text(xml_child(root, "currentMemory"));
	CLEANUP_FREE char *most = amount_text(xml_child(root, "maxMemory"));
	if (memory != NULL)
		buf_adds(&name, memory);
	if (now != NULL && !str_eq(now, memory))
		add_word(&text, "now ", 4, now);
	if (most != NULL)
		add_word(&text, "at most ", 8, most);
	add_paths(&text, root,
	    "memoryBacking/hugepages? memoryBacking/locked? source=memoryBacking/source@type numatune/memory@nodeset");
	add_part(hw, "memory", &name, &text, xstrdup(""));
	const xmlNode *numa = xml_child(xml_child(root, "cpu"), "numa");
	for (const xmlNode *cell = xml_first(numa); cell != NULL; cell = xml_next(cell)) {
		add_paths(&name, cell, "@id");
		add_paths(&text, cell, "cpus=@cpus memory=@memory @unit");
		add_part(hw, "numa", &name, &text, xstrdup(""));
	}
}

int hardware_read(
    const char *xml, size_t size, const char *file, struct hardware *hw, struct err *err)
{
	*hw = (struct hardware){0};
	CLEANUP_XML xmlDoc *doc = xml_read(xml, size, file, "domain", err);
	if (doc == NULL)
		return -1;
	const xmlNode *root = xmlDocGetRootElement(doc);
	add_system(hw, root);
	for (const xmlNode *n = xml_first(xml_child(root, "devices"));
	     n != NULL && hw->n < HARDWARE_PARTS_MAX; n = xml_next(n))
		add_device(hw, n);
	return 0;
}

void hardware_fini(struct hardware *hw)
{
	for (size_t i = 0; i < hw->n; i++) {
		free(hw->parts[i].kind);
		free(hw->parts[i].name);
		free(hw->parts[i].text);
		free(hw->parts[i].address);
		free(hw->parts[i].alias);
	}
	free(hw->parts);
	*hw = (struct hardware){0};
}

const struct hardware_part *hardware_find(const struct hardware *hw, const struct hardware_part *p)
{
	for (size_t i = 0; i < hw->n; i++) {
		const struct hardware_part *q = &hw->parts[i];
		if (strcmp(p->kind, q->kind) == 0 && strcmp(p->name, q->name) == 0 &&
		    strcmp(p->text, q->text) == 0 && strcmp(p->address, q->address) == 0)
			return q;
	}
	return NULL;
}
