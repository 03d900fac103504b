#include "core/domain_meta_impl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* --- what is allowed --- */
/* Nothing that a terminal would interpret, nothing that is not UTF-8; no white space at the ends. */
static bool printable(const char *s, size_t n)
{
	CLEANUP_FREE char *shown = str_printable(s, n, n);
	return strlen(shown) == n && memcmp(shown, s, n) == 0 && s[0] != ' ' && s[n - 1] != ' ';
}

int domain_meta_tag_check(const char *tag, struct err *err)
{
	size_t n = strlen(tag);
	CLEANUP_FREE char *shown = str_printable(tag, n, DOMAIN_META_TAG_MAX);
	if (n == 0)
		return err_set(err, ERR_INVALID, "a tag cannot be empty");
	if (n > DOMAIN_META_TAG_MAX)
		return err_set(err, ERR_INVALID, "tag '%s…' is longer than %u bytes", shown,
		    DOMAIN_META_TAG_MAX);
	if (!printable(tag, n) || strpbrk(tag, " \t,/") != NULL)
		return err_set(err, ERR_INVALID,
		    "tag '%s': spaces, commas, slashes and control characters cannot be in a tag",
		    shown);
	if (tag[0] == '-' || tag[0] == '!')
		return err_set(err, ERR_INVALID, "tag '%s' cannot begin with '%c'", shown, tag[0]);
	return 0;
}

int domain_meta_group_check(const char *group, struct err *err)
{
	size_t n = strlen(group);
	CLEANUP_FREE char *shown = str_printable(group, n, DOMAIN_META_GROUP_MAX);
	if (n == 0)
		return err_set(err, ERR_INVALID, "a group's name cannot be empty");
	if (n > DOMAIN_META_GROUP_MAX)
		return err_set(err, ERR_INVALID, "group '%s…' is longer than %u bytes", shown,
		    DOMAIN_META_GROUP_MAX);
	unsigned levels = 0;
	for (const char *s = group;; s++) {
		size_t level = strcspn(s, "/");
		if (level == 0)
			return err_set(err, ERR_INVALID,
			    "group '%s': a level is empty; levels are separated by one '/', as in prod/web",
			    shown);
		if (level > DOMAIN_META_TAG_MAX)
			return err_set(err, ERR_INVALID,
			    "group '%s': a level is longer than %u bytes", shown,
			    DOMAIN_META_TAG_MAX);
		if (!printable(s, level) || memchr(s, ',', level) != NULL || s[0] == '-')
			return err_set(err, ERR_INVALID,
			    "group '%s': commas, control characters, a '-' in front and spaces at the ends cannot be "
			    "in a level",
			    shown);
		if (++levels > DOMAIN_META_LEVELS_MAX)
			return err_set(err, ERR_INVALID, "group '%s' has more than %u levels",
			    shown, DOMAIN_META_LEVELS_MAX);
		s += level;
		if (*s == '\0')
			return 0;
	}
}

static int after_check(const char *name, struct err *err)
{
	return name_check("domain", name, err);
}

/* --- lists of words --- */
static bool list_has(char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

static void list_add(char ***list, size_t *n, const char *word)
{
	*list = xreallocarray(*list, *n + 1, sizeof **list);
	(*list)[(*n)++] = xstrdup(word);
}

static void list_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

/* The two kinds of elements that may be there many times. */
struct list_kind {
	const char *element;
	unsigned max;
	int (*check)(const char *word, struct err *err);
};
static const struct list_kind tag_kind = {"tag", DOMAIN_META_TAGS_MAX, domain_meta_tag_check};
static const struct list_kind after_kind = {"after", DOMAIN_META_AFTER_MAX, after_check};

static int list_check(const struct list_kind *kind, char *const *list, size_t n, struct err *err)
{
	if (n > kind->max)
		return err_set(
		    err, ERR_INVALID, "more than %u elements <hvmux:%s>", kind->max, kind->element);
	for (size_t i = 0; i < n; i++)
		if (kind->check(list[i], err) < 0)
			return -1;
	return 0;
}

void domain_meta_fini(struct domain_meta *m)
{
	list_free(m->tags, m->n_tags);
	list_free(m->after, m->n_after);
	free(m->group);
	meta_console_fini(m);
	memset(m, 0, sizeof *m);
}

int domain_meta_add_tag(struct domain_meta *m, const char *tag, struct err *err)
{
	if (domain_meta_tag_check(tag, err) < 0)
		return -1;
	if (domain_meta_has_tag(m, tag))
		return 0;
	if (m->n_tags == DOMAIN_META_TAGS_MAX)
		return err_set(err, ERR_INVALID, "tag '%s': a domain has at most %u tags", tag,
		    DOMAIN_META_TAGS_MAX);
	list_add(&m->tags, &m->n_tags, tag);
	return 1;
}

int domain_meta_remove_tag(struct domain_meta *m, const char *tag)
{
	for (size_t i = 0; i < m->n_tags; i++) {
		if (strcmp(m->tags[i], tag) != 0)
			continue;
		free(m->tags[i]);
		memmove(&m->tags[i], &m->tags[i + 1], (--m->n_tags - i) * sizeof *m->tags);
		return 1;
	}
	return 0;
}

bool domain_meta_has_tag(const struct domain_meta *m, const char *tag)
{
	return list_has(m->tags, m->n_tags, tag);
}

int domain_meta_set_group(struct domain_meta *m, const char *group, struct err *err)
{
	bool none = group == NULL || group[0] == '\0';
	if (!none && domain_meta_group_check(group, err) < 0)
		return -1;
	free(m->group);
	m->group = none ? NULL : xstrdup(group);
	return 0;
}

bool domain_meta_in_group(const struct domain_meta *m, const char *group)
{
	size_t n = strlen(group);
	if (n == 0)
		return true;
	return m->group != NULL && strncmp(m->group, group, n) == 0 &&
	       (m->group[n] == '\0' || m->group[n] == '/');
}

/* --- reading --- */
static bool is_ours(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns != NULL && node->ns->href != NULL &&
	       strcmp((const char *)node->ns->href, DOMAIN_META_URI) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

xmlNode *meta_next(xmlNode *node, const char *name)
{
	while (node != NULL && !is_ours(node, name))
		node = xml_next(node);
	return node;
}

xmlNode *meta_child(const xmlNode *parent, const char *name)
{
	return meta_next(xml_first(parent), name);
}

void meta_wrong(struct meta_reading *r, const xmlNode *node, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	if (!r->failed)
		xml_error(r->err, ERR_INVALID, r->file, node, "%s", words);
	r->failed = true;
}

static void read_list(struct meta_reading *r, const xmlNode *own, const struct list_kind *kind,
    char ***list, size_t *n)
{
	for (xmlNode *node = meta_child(own, kind->element); node != NULL;
	     node = meta_next(xml_next(node), kind->element)) {
		CLEANUP_FREE char *text = xml_text(node);
		struct err err = {0};
		if (kind->check(text, &err) < 0)
			meta_wrong(r, node, "%s", err.msg);
		else if (list_has(*list, *n, text))
			continue;
		else if (*n == kind->max)
			meta_wrong(r, node, "more than %u of them", kind->max);
		else
			list_add(list, n, text);
	}
}

static void read_group(struct meta_reading *r, const xmlNode *own)
{
	xmlNode *node = meta_child(own, "group");
	CLEANUP_FREE char *text = xml_text(node);
	struct err err = {0};
	if (node == NULL)
		return;
	if (domain_meta_set_group(r->m, text, &err) < 0)
		meta_wrong(r, node, "%s", err.msg);
	if (meta_next(xml_next(node), "group") != NULL)
		meta_wrong(r, node, "a domain is in one group; tags may be many");
}

void meta_number(struct meta_reading *r, const xmlNode *node, const char *attr, unsigned min,
    unsigned max, unsigned *out)
{
	CLEANUP_FREE char *text = xml_attr(node, attr);
	uint64_t n = 0;
	if (text == NULL)
		return;
	if (str_u64(text, max, &n) < 0 || n < min)
		meta_wrong(r, node, "%s: a number from %u to %u is needed", attr, min, max);
	else
		*out = (unsigned)n;
}

static void read_number(struct meta_reading *r, const xmlNode *own, const char *element,
    const char *attr, unsigned min, unsigned max, unsigned *out)
{
	meta_number(r, meta_child(own, element), attr, min, max, out);
}

static void read_own(struct meta_reading *r, const xmlNode *own)
{
	struct domain_meta *m = r->m;
	read_list(r, own, &tag_kind, &m->tags, &m->n_tags);
	read_group(r, own);
	m->protect = meta_child(own, "protect") != NULL;
	read_number(r, own, "autostart", "order", 1, DOMAIN_META_ORDER_MAX, &m->order);
	read_number(r, own, "autostart", "delay", 0, DOMAIN_META_DELAY_MAX, &m->delay);
	read_list(r, own, &after_kind, &m->after, &m->n_after);
	read_number(r, own, "shutdown", "timeout", 1, DOMAIN_META_TIMEOUT_MAX, &m->timeout);
	m->balloon = meta_child(own, "balloon") != NULL;
	read_number(r, own, "balloon", "floor", 1, DOMAIN_META_BALLOON_MAX, &m->balloon_floor);
	read_number(r, own, "balloon", "ceiling", 1, DOMAIN_META_BALLOON_MAX, &m->balloon_ceiling);
	meta_console_read(r, own);
}

static int read_document(
    const xmlNode *root, const char *file, struct domain_meta *m, struct err *err)
{
	struct meta_reading r = {.file = file, .m = m, .err = err};
	const xmlNode *metadata = xml_child(root, "metadata");
	const xmlNode *own = meta_child(metadata, "domain");
	if (own == NULL)
		return 0;
	read_own(&r, own);
	const xmlNode *second = meta_next(xml_next(own), "domain");
	if (second != NULL) {
		/* Whatever else it says, it may have been meant to protect. */
		m->protect |= meta_child(second, "protect") != NULL;
		meta_wrong(&r, second, "given twice in <metadata>");
	}
	return r.failed ? -1 : 0;
}

/* Most documents hold nothing of ours, and that is seen without parsing them. Not in UTF-16, and not where
 * characters are written as numbers. */
static bool may_be_ours(const char *xml, size_t size)
{
	return memmem(xml, size, DOMAIN_META_URI, strlen(DOMAIN_META_URI)) != NULL ||
	       memchr(xml, 0, size) != NULL || memmem(xml, size, "&#", 2) != NULL;
}

int domain_meta_parse(
    const char *xml, size_t size, const char *file, struct domain_meta *m, struct err *err)
{
	memset(m, 0, sizeof *m);
	if (!may_be_ours(xml, size))
		return 0;
	CLEANUP_XML xmlDoc *doc = xml_read(xml, size, file, "domain", err);
	return doc != NULL ? read_document(xmlDocGetRootElement(doc), file, m, err) : -1;
}

/* --- writing --- */
xmlNode *meta_add(xmlNode *own, const char *name)
{
	xmlNode *child = xml_add_child(own, name);
	xmlSetNs(child, own->ns);
	return child;
}

/* Where libvirt writes it. */
static const char *const before_metadata[] = {"description", "title", "uuid", "name", NULL};

/* Our element, made when it is not there; its prefix may be another one than ours. */
static xmlNode *need_own(xmlNode *root)
{
	xmlNode *metadata = xml_need_behind(root, "metadata", before_metadata);
	xmlNode *own = meta_child(metadata, "domain");
	if (own != NULL)
		return own;
	own = xml_add_child(metadata, "domain");
	xmlSetNs(own, xmlNewNs(own, (const xmlChar *)DOMAIN_META_URI, (const xmlChar *)"hvmux"));
	return own;
}

static void put_list(xmlNode *own, const struct list_kind *kind, char *const *list, size_t n)
{
	bool *there = xcalloc(n + 1, sizeof *there);
	for (xmlNode *node = meta_child(own, kind->element), *next; node != NULL; node = next) {
		next = meta_next(xml_next(node), kind->element);
		CLEANUP_FREE char *text = xml_text(node);
		size_t i = 0;
		while (i < n && strcmp(list[i], text) != 0)
			i++;
		if (i == n || there[i])
			xml_remove(node);
		else
			there[i] = true;
	}
	for (size_t i = 0; i < n; i++)
		if (!there[i])
			xml_set_text(meta_add(own, kind->element), list[i]);
	free(there);
}

/* Several of one kind never mean anything: one stays. */
static xmlNode *put_one(xmlNode *own, const char *element, bool wanted)
{
	xmlNode *node = meta_child(own, element);
	for (xmlNode *more; node != NULL && (more = meta_next(xml_next(node), element)) != NULL;)
		xml_remove(more);
	if (wanted)
		return node != NULL ? node : meta_add(own, element);
	if (node != NULL)
		xml_remove(node);
	return NULL;
}

/* What cannot be said (an order of 0) goes, even if the document says it. */
static void put_number(xmlNode *node, const char *attr, unsigned min, unsigned value)
{
	CLEANUP_FREE char *old = xml_attr(node, attr), *text = xasprintf("%u", value);
	if (node == NULL || (value >= min && str_eq(old, text)))
		return;
	if (value != 0)
		xml_set_attr(node, attr, text);
	else
		xmlUnsetProp(node, (const xmlChar *)attr);
}

static void put_own(xmlNode *own, const struct domain_meta *m)
{
	put_list(own, &tag_kind, m->tags, m->n_tags);
	xmlNode *group = put_one(own, "group", m->group != NULL);
	CLEANUP_FREE char *old_group = xml_text(group);
	if (group != NULL && !str_eq(old_group, m->group))
		xml_set_text(group, m->group);
	put_one(own, "protect", m->protect);
	xmlNode *autostart = put_one(own, "autostart", m->order != 0 || m->delay != 0);
	put_number(autostart, "order", 1, m->order);
	put_number(autostart, "delay", 0, m->delay);
	put_list(own, &after_kind, m->after, m->n_after);
	xmlNode *shutdown = put_one(own, "shutdown", m->timeout != 0);
	put_number(shutdown, "timeout", 1, m->timeout);
	xmlNode *balloon = put_one(own, "balloon", m->balloon);
	put_number(balloon, "floor", 1, m->balloon_floor);
	put_number(balloon, "ceiling", 1, m->balloon_ceiling);
	meta_console_put(own, m);
}

/* Comments count: they are somebody's. */
static bool is_empty(const xmlNode *node)
{
	for (const xmlNode *n = node->children; n != NULL; n = n->next)
		if (!xmlIsBlankNode(n))
			return false;
	return true;
}

static int meta_check(const struct domain_meta *m, struct err *err)
{
	if (list_check(&tag_kind, m->tags, m->n_tags, err) < 0 ||
	    list_check(&after_kind, m->after, m->n_after, err) < 0)
		return -1;
	if (m->group != NULL && domain_meta_group_check(m->group, err) < 0)
		return -1;
	if (m->order > DOMAIN_META_ORDER_MAX)
		return err_set(err, ERR_INVALID, "order: a number from 1 to %u is needed",
		    DOMAIN_META_ORDER_MAX);
	if (m->delay > DOMAIN_META_DELAY_MAX)
		return err_set(
		    err, ERR_INVALID, "delay: at most %u seconds", DOMAIN_META_DELAY_MAX);
	if (m->timeout > DOMAIN_META_TIMEOUT_MAX)
		return err_set(
		    err, ERR_INVALID, "timeout: at most %u seconds", DOMAIN_META_TIMEOUT_MAX);
	return 0;
}

static bool says_nothing(const struct domain_meta *m)
{
	return m->n_tags == 0 && m->group == NULL && !m->protect && m->order == 0 &&
	       m->delay == 0 && m->n_after == 0 && m->timeout == 0 && !m->balloon &&
	       meta_console_says_nothing(m);
}

static void put_document(xmlNode *root, const struct domain_meta *m)
{
	if (says_nothing(m) && meta_child(xml_child(root, "metadata"), "domain") == NULL)
		return;
	xmlNode *own = need_own(root);
	for (xmlNode *more; (more = meta_next(xml_next(own), "domain")) != NULL;)
		xml_remove(more);
	put_own(own, m);
	if (!is_empty(own))
		return;
	xmlNode *metadata = own->parent;
	xml_remove(own);
	if (is_empty(metadata))
		xml_remove(metadata);
}

char *domain_meta_apply(const char *xml, size_t size, const char *file, const struct domain_meta *m,
    size_t *out_size, struct err *err)
{
	if (meta_check(m, err) < 0)
		return NULL;
	CLEANUP_XML xmlDoc *doc = xml_read(xml, size, file, "domain", err);
	if (doc == NULL)
		return NULL;
	put_document(xmlDocGetRootElement(doc), m);
	return xml_format(doc, out_size);
}
