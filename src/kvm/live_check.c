#include "kvm/live_check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

const struct live_check_query live_check_queries[] = {
    {"devices", "qom-list", "{\"path\": \"/machine/peripheral\"}"},
    {"objects", "qom-list", "{\"path\": \"/objects\"}"},
    {"blocks", "query-block", NULL},
    {"nodes", "query-named-block-nodes", NULL},
    {"graph", "x-debug-query-block-graph", NULL},
    {"jobs", "query-jobs", NULL},
    {"chardevs", "query-chardev", NULL},
    {"fdsets", "query-fdsets", NULL},
    {"memory", "query-memory-devices", NULL},
    {"cpus", "query-hotpluggable-cpus", NULL},
    {"network", "human-monitor-command", "{\"command-line\": \"info network\"}"},
    {0},
};

#define ALIASES_MAX 1024

struct check {
	const struct live_check_in *in;
	struct buf *out;
	int n;
	char *alias[ALIASES_MAX];
	const char *element[ALIASES_MAX]; /* of the XML; the document's */
	size_t n_aliases;
};

static void differs(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void differs(struct check *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *line = xvasprintf(fmt, ap);
	va_end(ap);
	buf_addf(c->out, "%s\n", line);
	c->n++;
}

static struct json_object *fact(const struct check *c, const char *name)
{
	struct json_object *o = NULL;
	return json_object_object_get_ex(c->in->answers, name, &o) ? o : NULL;
}

static size_t length(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

/* --- aliases --- */

static bool has_alias(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_aliases; i++)
		if (str_eq(c->alias[i], name))
			return true;
	return false;
}

/* "sound0-codec0": a part of a device, made with it. */
static bool is_part(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_aliases; i++) {
		size_t n = strlen(c->alias[i]);
		if (strncmp(name, c->alias[i], n) == 0 && name[n] == '-')
			return true;
	}
	return false;
}

/* A keyboard and a mouse on PS/2 are the board's. */
static bool is_on_board(const xmlNode *device)
{
	CLEANUP_FREE char *model = xml_attr(device, "model");
	CLEANUP_FREE char *bus = xml_attr(device, "bus");
	return str_eq(model, "none") || (xml_is(device, "input") && str_eq(bus, "ps2"));
}

static void collect_aliases(struct check *c, xmlNode *devices)
{
	for (xmlNode *e = xml_first(devices); e != NULL; e = xml_next(e)) {
		char *name = is_on_board(e) ? NULL : xml_child_attr(e, "alias", "name");
		if (name == NULL || c->n_aliases == ALIASES_MAX) {
			free(name);
			continue;
		}
		c->element[c->n_aliases] = (const char *)e->name;
		c->alias[c->n_aliases++] = name;
	}
}

/* --- devices --- */

/* What QEMU makes without a -device of its own: a part of its machine, a console that is another name of a serial port, a
 * socket, a backend alone. */
static bool is_no_device(const char *element, const char *alias)
{
	static const char *const elements[] = {
	    "console", "graphics", "audio", "emulator", "parallel", "tpm", "panic"};
	static const char *const aliases[] = {"pci.0", "pcie.0", "ide", "isa.0", "fdc", "fdc0"};
	for (size_t i = 0; i < ARRAY_LEN(elements); i++)
		if (str_eq(element, elements[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (str_eq(alias, aliases[i]))
			return true;
	return false;
}

static bool is_listed(struct json_object *list, const char *key, const char *name)
{
	for (size_t i = 0; i < length(list); i++)
		if (str_eq(json_get_str(json_object_array_get_idx(list, i), key), name))
			return true;
	return false;
}

/* A device that the command line made for itself stays as long as QEMU does: "id=…" of -device, and no alias in the document. */
static bool on_command_line(const struct check *c, const char *id)
{
	CLEANUP_FREE char *word = xasprintf("id=%s", id);
	CLEANUP_FREE char *json = xasprintf("\"id\":\"%s\"", id);
	size_t n = strlen(word);
	for (size_t i = 0; c->in->argv != NULL && c->in->argv[i] != NULL; i++) {
		const char *at = strstr(c->in->argv[i], word);
		if (at != NULL && (at[n] == '\0' || at[n] == ','))
			return true;
		if (strstr(c->in->argv[i], json) != NULL)
			return true;
	}
	return false;
}

static void check_devices(struct check *c)
{
	struct json_object *list = fact(c, "devices");
	if (list == NULL)
		return;
	for (size_t i = 0; i < c->n_aliases; i++)
		if (!is_no_device(c->element[i], c->alias[i]) &&
		    !is_listed(list, "name", c->alias[i]))
			differs(c, "the document has <%s> %s, QEMU has no such device",
			    c->element[i], c->alias[i]);
	for (size_t i = 0; i < length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *name = json_get_str(o, "name"), *type = json_get_str(o, "type");
		if (name == NULL || type == NULL || !str_prefix(type, "child<"))
			continue;
		/* Processors that were plugged in are devices, too: check_cpus counts them all. */
		if (strstr(type, "-cpu>") != NULL)
			continue;
		if (!has_alias(c, name) && !is_part(c, name))
			differs(
			    c, "QEMU has the device %s (%s), the document does not", name, type);
	}
}

/* --- what stands behind devices: objects, character devices, network backends --- */

/* The name without "obj", "char" and so on: of an alias, or what was one's. NULL: it is named in another way. */
static const char *owner_of(const char *name)
{
	static const char *const prefixes[] = {"obj", "char", "hostnet", "mem"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_prefix(name, prefixes[i]) && name[strlen(prefixes[i])] != '\0')
			return name + strlen(prefixes[i]);
	return NULL;
}

/* "vdb-key", "vdb-1-tls", "throttle-vdb": what the images of a disk need. */
static bool is_of_disk(const struct check *c, const char *name)
{
	static const char *const kinds[] = {"-key", "-auth", "-cookie", "-tls", "-pr"};
	const char *last = strrchr(name, '-');
	bool known = false;
	for (size_t i = 0; last != NULL && i < ARRAY_LEN(kinds); i++)
		known = known || strcmp(last, kinds[i]) == 0;
	for (size_t i = 0; i < c->in->live->n_disks; i++) {
		const char *target = c->in->live->disks[i].target;
		size_t n = strlen(target);
		if ((known && strncmp(name, target, n) == 0 && name[n] == '-') ||
		    (str_prefix(name, "throttle-") &&
		        strcmp(name + strlen("throttle-"), target) == 0))
			return true;
	}
	return false;
}

static void check_backend(struct check *c, const char *kind, const char *name)
{
	const char *owner = owner_of(name);
	CLEANUP_FREE char *net = owner == NULL ? NULL : xasprintf("net%s", owner);
	if (is_of_disk(c, name))
		return;
	if (has_alias(c, name) || (owner != NULL && (has_alias(c, owner) || has_alias(c, net))))
		return;
	bool first = on_command_line(c, name);
	/* What the command line made of a device goes with that device. */
	bool of_device = owner != NULL && isalpha((unsigned char)owner[0]) &&
	                 isdigit((unsigned char)owner[strlen(owner) - 1]);
	if (first && !of_device)
		return;
	if (str_eq(name, "pc.ram") || str_eq(name, "charmonitor") || str_prefix(name, "compat_"))
		return;
	differs(c, "QEMU has the %s %s, which belongs to no device of the document", kind, name);
}

static void check_objects(struct check *c)
{
	struct json_object *list = fact(c, "objects");
	for (size_t i = 0; i < length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *name = json_get_str(o, "name"), *type = json_get_str(o, "type");
		if (name != NULL && type != NULL && str_prefix(type, "child<"))
			check_backend(c, "object", name);
	}
	list = fact(c, "chardevs");
	for (size_t i = 0; i < length(list); i++) {
		const char *label = json_get_str(json_object_array_get_idx(list, i), "label");
		if (label != NULL)
			check_backend(c, "character device", label);
	}
}

/* Of "info network": a card's line is followed by its backend's, " \ hostnet0: …"; a backend without a card stands alone. */
static void check_network(struct check *c)
{
	const char *text = json_object_get_string(fact(c, "network"));
	for (size_t n; text != NULL && text[0] != '\0'; text += n + (text[n] == '\n')) {
		char name[64];
		n = strcspn(text, "\r\n");
		size_t len = strcspn(text, ":");
		if (text[0] != ' ' && str_prefix(text, "hostnet") && len < sizeof(name)) {
			snprintf(name, sizeof(name), "%.*s", (int)len, text);
			differs(c, "QEMU has the network backend %s, which no card uses", name);
		}
		n += text[n] == '\r';
	}
}

/* --- images --- */

static bool path_names(const char *path, const char *id)
{
	size_t n = strlen(id);
	for (const char *at = path; at != NULL && (at = strstr(at, id)) != NULL; at += n)
		if ((at == path || at[-1] == '/') && (at[n] == '\0' || at[n] == '/'))
			return true;
	return false;
}

/* The file behind "/dev/fdset/N"; other names as they are. */
static const char *file_of(const struct check *c, const char *name)
{
	struct json_object *sets = fact(c, "fdsets");
	unsigned set = 0;
	if (name == NULL || sscanf(name, "/dev/fdset/%u", &set) != 1)
		return name;
	for (size_t i = 0; i < length(sets); i++) {
		struct json_object *o = json_object_array_get_idx(sets, i);
		struct json_object *fds = json_get_arr(o, "fds");
		if (json_get_int(o, "fdset-id", -1) == (int64_t)set && length(fds) > 0)
			return json_get_str(json_object_array_get_idx(fds, 0), "opaque");
	}
	return name;
}

static struct json_object *find_block(const struct check *c, const char *alias)
{
	struct json_object *list = fact(c, "blocks");
	for (size_t i = 0; i < length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		if (path_names(json_get_str(o, "qdev"), alias) ||
		    path_names(json_get_str(o, "device"), alias))
			return o;
	}
	return NULL;
}

static char *alias_of_disk(xmlNode *disk)
{
	return xml_child_attr(disk, "alias", "name");
}

static void check_disk(struct check *c, xmlNode *disk)
{
	CLEANUP_FREE char *alias = alias_of_disk(disk),
	                  *target = xml_child_attr(disk, "target", "dev");
	CLEANUP_FREE char *file = xml_child_attr(disk, "source", "file");
	CLEANUP_FREE char *dev = xml_child_attr(disk, "source", "dev");
	const char *want = file != NULL ? file : dev;
	struct json_object *block = alias == NULL ? NULL : find_block(c, alias);
	if (block == NULL)
		return; /* without a device: that was told already */
	struct json_object *in = json_get_obj(block, "inserted");
	const char *have = file_of(c, json_get_str(json_get_obj(in, "image"), "filename"));
	if (want != NULL && in == NULL)
		differs(c, "disk %s: the document has %s, QEMU has no medium", target, want);
	else if (xml_child(disk, "source") == NULL && in != NULL)
		differs(c, "disk %s: the document has no medium, QEMU has %s", target,
		    have == NULL ? "one" : have);
	else if (want != NULL && have != NULL && have[0] == '/' && !str_eq(want, have))
		differs(c, "disk %s: the document has %s, QEMU writes to %s", target, want, have);
}

static void check_disks(struct check *c, xmlNode *devices)
{
	if (fact(c, "blocks") == NULL)
		return;
	for (xmlNode *e = xml_first(devices); e != NULL; e = xml_next(e))
		if (xml_is(e, "disk"))
			check_disk(c, e);
}

static bool is_child(struct json_object *edges, int64_t id)
{
	for (size_t i = 0; i < length(edges); i++)
		if (json_get_int(json_object_array_get_idx(edges, i), "child", -1) == id)
			return true;
	return false;
}

static void check_nodes(struct check *c)
{
	struct json_object *graph = fact(c, "graph");
	struct json_object *nodes = json_get_arr(graph, "nodes"),
	                   *edges = json_get_arr(graph, "edges");
	for (size_t i = 0; i < length(nodes); i++) {
		struct json_object *o = json_object_array_get_idx(nodes, i);
		int64_t id = json_get_int(o, "id", -1);
		if (str_eq(json_get_str(o, "type"), "block-driver") && !is_child(edges, id))
			differs(c, "QEMU has the block node %s, which nothing uses",
			    json_get_str(o, "name"));
	}
}

/* A mirror of the document is a copy that waits for its pivot. */
static void check_jobs(struct check *c, xmlNode *devices)
{
	struct json_object *list = fact(c, "jobs");
	size_t mirrors = 0, n = length(list);
	for (xmlNode *e = xml_first(devices); e != NULL; e = xml_next(e))
		mirrors += xml_is(e, "disk") && xml_child(e, "mirror") != NULL;
	for (size_t i = mirrors; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		differs(c, "QEMU has the job %s (%s, %s), the document tells of none",
		    json_get_str(o, "id"), json_get_str(o, "type"), json_get_str(o, "status"));
	}
	if (list != NULL && n < mirrors)
		differs(
		    c, "the document tells of %zu copies of disks, QEMU has %zu jobs", mirrors, n);
}

static bool names_set(struct json_object *list, int64_t set)
{
	CLEANUP_FREE char *name = xasprintf("/dev/fdset/%lld", (long long)set);
	for (size_t i = 0; i < length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *text = json_object_to_json_string_ext(
		    o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
		const char *at = strstr(text, name);
		if (at != NULL && !isdigit((unsigned char)at[strlen(name)]))
			return true;
	}
	return false;
}

static void check_fdsets(struct check *c)
{
	struct json_object *list = fact(c, "fdsets"), *nodes = fact(c, "nodes");
	for (size_t i = 0; nodes != NULL && i < length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		int64_t set = json_get_int(o, "fdset-id", -1);
		CLEANUP_FREE char *word = xasprintf("set=%lld", (long long)set);
		bool first = false;
		for (size_t k = 0; c->in->argv != NULL && c->in->argv[k] != NULL; k++)
			first = first || strstr(c->in->argv[k], word) != NULL;
		if (!first && !names_set(nodes, set))
			differs(c,
			    "QEMU holds the descriptors of set %lld (%s), which no image uses",
			    (long long)set,
			    json_get_str(
			        json_object_array_get_idx(json_get_arr(o, "fds"), 0), "opaque"));
	}
}

/* --- memory, processors --- */

static void check_memory(struct check *c, xmlNode *devices)
{
	struct json_object *list = fact(c, "memory");
	size_t want = 0;
	if (list == NULL)
		return;
	for (xmlNode *e = xml_first(devices); e != NULL; e = xml_next(e))
		want += xml_is(e, "memory");
	if (want != length(list))
		differs(c, "the document has %zu memory devices, QEMU has %zu", want, length(list));
}

static void check_cpus(struct check *c)
{
	struct json_object *list = fact(c, "cpus");
	int64_t have = 0;
	if (length(list) == 0)
		return;
	for (size_t i = 0; i < length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		if (json_get_str(o, "qom-path") != NULL)
			have += json_get_int(o, "vcpus-count", 1);
	}
	if (have != (int64_t)c->in->live->vcpus)
		differs(c, "the document has %u vCPUs, QEMU has %lld", c->in->live->vcpus,
		    (long long)have);
}

/* --- the whole --- */

int live_check(const struct live_check_in *in, struct buf *out, struct err *err)
{
	const struct domain *d = in->live;
	CLEANUP_XML xmlDoc *doc = xml_read(d->source, d->source_len, "live.xml", "domain", err);
	if (doc == NULL)
		return -1;
	struct check c = {.in = in, .out = out};
	xmlNode *devices = xml_child(xmlDocGetRootElement(doc), "devices");
	collect_aliases(&c, devices);
	check_devices(&c);
	check_objects(&c);
	check_network(&c);
	check_disks(&c, devices);
	check_nodes(&c);
	check_jobs(&c, devices);
	check_fdsets(&c);
	check_memory(&c, devices);
	check_cpus(&c);
	for (size_t i = 0; i < c.n_aliases; i++)
		free(c.alias[i]);
	return c.n;
}
