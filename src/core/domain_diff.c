#include "core/domain_diff.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"
#include "core/xml.h"

#define VALUE_MAX 200 /* bytes of a value that are shown */

const char *domain_diff_kind_name(enum domain_diff_kind k)
{
	return k == DIFF_COMES ? "comes" : k == DIFF_GOES ? "goes" : "changes";
}

/* --- what a device, or an element of the domain, says: values by their paths --- */

struct fact {
	char *path, *value; /* "driver@cache"; a text by its element alone */
};
struct facts {
	struct fact *fact;
	size_t n;
};

static void facts_fini(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->fact[i].path);
		free(f->fact[i].value);
	}
	free(f->fact);
}

static const char *facts_get(const struct facts *f, const char *path)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->fact[i].path, path) == 0)
			return f->fact[i].value;
	return NULL;
}

static void add_fact(struct facts *f, char *path, char *value)
{
	f->fact = xreallocarray(f->fact, f->n + 1, sizeof *f->fact);
	f->fact[f->n++] = (struct fact){path, value};
}

/* Amounts of memory are the same in any unit. */
static bool is_amount(const xmlNode *node)
{
	static const char *const names[] = {
	    "memory", "currentMemory", "maxMemory", "size", "requested", "block", "current"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (xml_is(node, names[i]))
			return true;
	return false;
}

static char *text_of(const xmlNode *node)
{
	CLEANUP_FREE char *all = xml_text(node);
	char *s = all, *unit = NULL;
	uint64_t kib;
	if (xml_first(node) != NULL || all == NULL)
		return NULL;
	while (isspace((unsigned char)*s))
		s++;
	for (size_t n = strlen(s); n > 0 && isspace((unsigned char)s[n - 1]); n--)
		s[n - 1] = '\0';
	if (!is_amount(node))
		return *s == '\0' ? NULL : xstrdup(s);
	unit = xml_attr(node, "unit");
	struct err err = {0};
	char *text = units_kib(s, unit, UINT64_MAX / 1024, &kib, &err) == 0
	                 ? xasprintf("%llu KiB", (unsigned long long)kib)
	                 : xstrdup(s);
	free(unit);
	return text;
}

/* Elements whose name says all. */
static bool is_flag(const xmlNode *node)
{
	return node->properties == NULL && xml_first(node) == NULL;
}

/* The second of its name among its siblings is "range[1]". */
static char *path_below(const char *path, const xmlNode *node)
{
	unsigned before = 0;
	const char *name = (const char *)node->name;
	for (const xmlNode *n = xml_first(node->parent); n != NULL && n != node; n = xml_next(n))
		before += xml_is(n, name);
	if (before > 0)
		return xasprintf("%s%s%s[%u]", path, path[0] != '\0' ? "/" : "", name, before);
	return xasprintf("%s%s%s", path, path[0] != '\0' ? "/" : "", name);
}

/* XML_DEPTH_MAX bounds the recursion. */
static void read_facts(const xmlNode *node, const char *path, struct facts *f)
{
	char *text = text_of(node);
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		if (is_amount(node) && text != NULL && strcmp((const char *)a->name, "unit") == 0)
			continue;
		char *value = xml_attr(node, (const char *)a->name);
		if (value != NULL)
			add_fact(f, xasprintf("%s@%s", path, (const char *)a->name), value);
	}
	if (text == NULL && path[0] != '\0' && is_flag(node))
		text = xstrdup("yes");
	if (text != NULL)
		add_fact(f, xstrdup(path), text);
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		CLEANUP_FREE char *below = path_below(path, n);
		read_facts(n, below, f);
	}
}

/* --- what a start fills in --- */

/* Of the live document alone; where the definition says something of its own, that counts. kind "*": any. */
static const struct {
	const char *kind, *path;
} made[] = {
    {"*", "alias@name"},
    {"*", "address"},
    {"*", "seclabel"},
    {"domain", "seclabel"},
    {"disk", "backingStore"},
    {"disk", "mirror"},
    {"disk", "source@index"},
    {"disk", "target@tray"},
    {"interface", "target@dev"},
    {"interface", "actual"},
    {"interface", "backend"},
    {"interface", "model"},
    {"graphics", "@port"},
    {"graphics", "@tlsPort"},
    {"graphics", "@websocket"},
    {"graphics", "@listen"},
    {"graphics", "listen"},
    {"serial", "source"},
    {"serial", "@tty"},
    {"console", "source"},
    {"console", "@tty"},
    {"parallel", "source"},
    {"channel", "source"},
    {"channel", "target@state"},
    {"vsock", "cid@address"},
    {"hostdev", "driver"},
    {"os", "nvram"},
    {"cpu", "model"},
};
/* Whole elements of which the same is true: which of its vCPUs are plugged in, when the definition says how many alone. */
static const char *const made_whole[] = {"vcpus"};

/* Is it below that path, or that itself? */
static bool path_in(const char *path, const char *top)
{
	size_t n = strlen(top);
	return strncmp(path, top, n) == 0 && (path[n] == '\0' || strchr("/@[", path[n]) != NULL);
}

static bool is_made(const char *kind, const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(made); i++)
		if ((strcmp(made[i].kind, "*") == 0 || strcmp(made[i].kind, kind) == 0) &&
		    path_in(path, made[i].path))
			return true;
	return false;
}

static bool is_made_whole(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(made_whole); i++)
		if (strcmp(made_whole[i], kind) == 0)
			return true;
	return false;
}

/* Values that stand for "whatever is free", or that differ by each run. */
static bool is_made_anew(
    const char *kind, const char *path, const char *next, const struct facts *config)
{
	const char *autoport = facts_get(config, "@autoport"), *cid = facts_get(config, "cid@auto");
	if (strcmp(kind, "interface") == 0 && strcmp(path, "target@dev") == 0)
		return str_prefix(next, "vnet") || str_prefix(next, "macvtap");
	if (strcmp(kind, "graphics") == 0 && path[0] == '@' && strcmp(next, "-1") == 0)
		return true;
	if (strcmp(kind, "graphics") == 0 && strcmp(path, "@port") == 0)
		return str_eq(autoport, "yes");
	if (strcmp(kind, "vsock") == 0 && strcmp(path, "cid@address") == 0)
		return str_eq(cid, "yes");
	return strcmp(path, "alias@name") == 0 && !str_prefix(next, "ua-");
}

/* --- devices, and who is who --- */

struct thing {
	char *kind, *name;
	struct facts facts;
	bool paired;
};
struct things {
	struct thing *thing;
	size_t n;
};

static void things_fini(struct things *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->thing[i].kind);
		free(t->thing[i].name);
		facts_fini(&t->thing[i].facts);
	}
	free(t->thing);
}

/* What a device is known by: it stays when the device changes. Kinds without one count: the second is "sound 1". */
static const struct {
	const char *kind, *paths[3];
} names[] = {
    {"disk", {"target@dev"}},
    {"interface", {"mac@address"}},
    {"controller", {"@type", "@index"}},
    {"graphics", {"@type"}},
    {"serial", {"target@port"}},
    {"parallel", {"target@port"}},
    {"console", {"target@type", "target@port"}},
    {"channel", {"target@name"}},
    {"filesystem", {"target@dir"}},
    {"input", {"@type", "@bus"}},
    {"hostdev", {"source/address@bus", "source/address@slot", "source/address@function"}},
    {"memory", {"alias@name"}},
};

static char *name_of(const char *kind, const struct facts *f)
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].kind, kind) != 0)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(names[i].paths); k++) {
			const char *path = names[i].paths[k];
			const char *value = path == NULL ? NULL : facts_get(f, path);
			if (value != NULL)
				buf_addf(&b, "%s%s", b.len > 0 ? " " : "", value);
		}
	}
	/* A live memory device has an alias of the start's, its definition none. <memory> is the domain's own, too. */
	if (strcmp(kind, "memory") == 0 && (b.len == 0 || !str_prefix(b.data, "ua-"))) {
		buf_clear(&b);
		buf_adds(&b, "device");
	}
	return buf_take(&b);
}

static const struct thing *find_thing(const struct things *t, const char *kind, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->thing[i].kind, kind) == 0 && strcasecmp(t->thing[i].name, name) == 0)
			return &t->thing[i];
	return NULL;
}

static void add_thing(struct things *t, const xmlNode *node, bool device)
{
	struct thing fresh = {.kind = xstrdup((const char *)node->name)};
	read_facts(node, "", &fresh.facts);
	fresh.name = device ? name_of(fresh.kind, &fresh.facts) : xstrdup("");
	char *base = xstrdup(fresh.name);
	for (unsigned i = 1; find_thing(t, fresh.kind, fresh.name) != NULL; i++) {
		free(fresh.name);
		fresh.name = xasprintf("%s%s%u", base, base[0] != '\0' ? " " : "", i);
	}
	free(base);
	t->thing = xreallocarray(t->thing, t->n + 1, sizeof *t->thing);
	t->thing[t->n++] = fresh;
}

/* What it is called and described by changes at once, and no start brings it. */
static bool is_no_matter(const xmlNode *node)
{
	static const char *const skipped[] = {
	    "name", "uuid", "title", "description", "metadata", "devices", "seclabel", "resource"};
	if (node->ns != NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(skipped); i++)
		if (xml_is(node, skipped[i]))
			return true;
	return false;
}

static int read_things(
    const char *xml, size_t n, const char *name, struct things *t, struct err *err)
{
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, name, "domain", err);
	if (doc == NULL)
		return -1;
	const xmlNode *root = xmlDocGetRootElement(doc);
	for (const xmlNode *c = xml_first(root); c != NULL; c = xml_next(c))
		if (!is_no_matter(c))
			add_thing(t, c, false);
	for (const xmlNode *c = xml_first(xml_child(root, "devices")); c != NULL; c = xml_next(c))
		add_thing(t, c, true);
	return 0;
}

/* --- differences --- */

/* "driver@cache" → "driver cache". */
static char *setting_of(const char *path)
{
	char *s = xstrdup(path[0] == '@' ? path + 1 : path);
	for (char *c = s; *c != '\0'; c++)
		if (*c == '@' || *c == '/')
			*c = ' ';
	return s;
}

static char *shown(const char *value)
{
	return value == NULL ? NULL : str_printable(value, strlen(value), VALUE_MAX);
}

/* That a password differs is told, and no more. */
static const char *hidden(const char *path, const char *value)
{
	return value != NULL && strcmp(path, "@passwd") == 0 ? "***" : value;
}

static void add_item(struct domain_diff *d, enum domain_diff_kind kind, const struct thing *t,
    const char *path, const char *now, const char *next)
{
	if (d->n >= DOMAIN_DIFF_MAX)
		return;
	CLEANUP_FREE char *device =
	    xasprintf("%s%s%s", t->kind, t->name[0] != '\0' ? " " : "", t->name);
	CLEANUP_FREE char *setting = setting_of(path);
	d->item = xreallocarray(d->item, d->n + 1, sizeof *d->item);
	d->item[d->n++] = (struct domain_diff_item){kind, shown(device), shown(setting),
	    shown(hidden(path, now)), shown(hidden(path, next))};
}

/* "file virtio /a.qcow2": some of what it is, for people. */
static char *summary_of(const struct thing *t)
{
	static const char *const paths[] = {"@type", "@model", "@device", "target@bus",
	    "model@type", "source@file", "source@dev", "source@network", "source@bridge",
	    "source@name", "target/size", "size"};
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const char *value = facts_get(&t->facts, paths[i]);
		if (value != NULL && !(strcmp(t->kind, "controller") == 0 && i == 0))
			buf_addf(&b, "%s%s", b.len > 0 ? " " : "", value);
	}
	return buf_take(&b);
}

static bool is_same(const char *path, const char *a, const char *b)
{
	return strcmp(path, "mac@address") == 0 ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static void compare(const struct thing *live, const struct thing *next, struct domain_diff *d)
{
	for (size_t i = 0; i < live->facts.n; i++) {
		const struct fact *f = &live->facts.fact[i];
		const char *then = facts_get(&next->facts, f->path);
		if (then == NULL && !is_made(live->kind, f->path))
			add_item(d, DIFF_CHANGES, live, f->path, f->value, NULL);
		else if (then != NULL && !is_same(f->path, f->value, then) &&
		         !is_made_anew(live->kind, f->path, then, &next->facts))
			add_item(d, DIFF_CHANGES, live, f->path, f->value, then);
	}
	for (size_t i = 0; i < next->facts.n; i++) {
		const struct fact *f = &next->facts.fact[i];
		if (facts_get(&live->facts, f->path) == NULL &&
		    !is_made_anew(live->kind, f->path, f->value, &next->facts))
			add_item(d, DIFF_CHANGES, live, f->path, NULL, f->value);
	}
}

/* A lone thing of the live document or of the definition. */
static void add_lone(struct domain_diff *d, enum domain_diff_kind kind, const struct thing *t)
{
	CLEANUP_FREE char *text = summary_of(t);
	add_item(d, kind, t, "", kind == DIFF_GOES ? text : NULL, kind == DIFF_COMES ? text : NULL);
}

int domain_diff_read(const char *live, size_t live_n, const char *next, size_t next_n,
    const char *name, struct domain_diff *d, struct err *err)
{
	struct things now = {0}, then = {0};
	*d = (struct domain_diff){0};
	int rc = read_things(live, live_n, name, &now, err);
	if (rc == 0)
		rc = read_things(next, next_n, name, &then, err);
	for (size_t i = 0; rc == 0 && i < now.n; i++) {
		const struct thing *t = &now.thing[i], *pair = find_thing(&then, t->kind, t->name);
		if (pair == NULL) {
			if (!is_made_whole(t->kind))
				add_lone(d, DIFF_GOES, t);
			continue;
		}
		then.thing[pair - then.thing].paired = true;
		compare(t, pair, d);
	}
	for (size_t i = 0; rc == 0 && i < then.n; i++)
		if (!then.thing[i].paired)
			add_lone(d, DIFF_COMES, &then.thing[i]);
	things_fini(&now);
	things_fini(&then);
	return rc;
}

void domain_diff_fini(struct domain_diff *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->item[i].device);
		free(d->item[i].setting);
		free(d->item[i].now);
		free(d->item[i].next);
	}
	free(d->item);
	*d = (struct domain_diff){0};
}
