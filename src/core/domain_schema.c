/* The walk that holds a document against the tables of what may stand in it. */
#include "core/domain_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/domain_rules.h"
#include "core/mem.h"
#include "core/str.h"

#define INDEX_SLOTS \
	4096u /* a power of two, several times the number of rules: most are found at once */

static uint32_t hash_path(const char *path)
{
	uint32_t h = 2166136261u; /* FNV-1a */
	for (; *path != '\0'; path++)
		h = (h ^ (unsigned char)*path) * 16777619u;
	return h;
}

/* Where the rule for this path is, or the empty slot where it would be. */
static const struct rule **find_slot(const struct rule **index, const char *path)
{
	uint32_t i = hash_path(path);
	while (index[i % INDEX_SLOTS] != NULL && strcmp(index[i % INDEX_SLOTS]->path, path) != 0)
		i++;
	return &index[i % INDEX_SLOTS];
}

static void fill_index(const struct rule **index)
{
	static const struct rule *const tables[] = {rules_system, rules_storage, rules_devices};
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct rule *r = tables[i]; r->path != NULL; r++) {
			const struct rule **slot = find_slot(index, r->path);
			if (++n == INDEX_SLOTS)
				abort(); /* more rules than slots: a larger number above */
			if (*slot == NULL)
				*slot = r;
		}
}

/* A document of a VM with 20 disks asks 400 times. */
static const struct rule *find_exact(const char *path)
{
	static const struct rule *index[INDEX_SLOTS];
	static bool filled;
	if (!filled)
		fill_index(index);
	filled = true;
	return *find_slot(index, path);
}

/* Of a device that has no rule of its own for this child: every device's. */
static const struct rule *find_rule(const char *path)
{
	const struct rule *rule = find_exact(path);
	if (rule != NULL || !str_prefix(path, "devices/"))
		return rule;
	const char *rest = strchr(path + strlen("devices/"), '/');
	CLEANUP_FREE char *common = rest != NULL ? xasprintf("devices/@%s", rest) : NULL;
	return common != NULL ? find_exact(common) : NULL;
}

/* One word of a rule's list. */
struct attr_rule {
	char mark; /* '!', '~', '+' or ' ' */
	size_t n_name, n_spec;
	const char *name, *spec; /* spec: NULL none */
};

/* *list moves on; false at its end. */
static bool next_attr(const char **list, struct attr_rule *out)
{
	const char *s = *list != NULL ? *list + strspn(*list, " ") : "";
	if (*s == '\0')
		return false;
	out->mark = *s == '!' || *s == '~' || *s == '+' ? *s++ : ' ';
	size_t n = strcspn(s, " ");
	out->name = s;
	out->n_name = strcspn(s, "= ");
	out->spec = out->n_name < n ? s + out->n_name + 1 : NULL;
	out->n_spec = out->spec != NULL ? n - out->n_name - 1 : 0;
	*list = s + n;
	return true;
}

static bool find_attr(const char *list, const char *word, struct attr_rule *out)
{
	while (next_attr(&list, out))
		if (strlen(word) == out->n_name && memcmp(out->name, word, out->n_name) == 0)
			return true;
	return false;
}

static int check_range(
    struct parse *p, const xmlNode *node, const char *name, const struct attr_rule *a)
{
	char *end;
	unsigned number = 0;
	unsigned long least = strtoul(a->spec, &end, 10);
	unsigned long most = strtoul(end + strlen(".."), NULL, 10);
	if (parse_number(p, node, name, (unsigned)most, &number) < 0)
		return -1;
	if (number >= least)
		return 0;
	return parse_invalid(
	    p, node, "%s='%u' is not a number from %lu to %lu", name, number, least, most);
}

/* A device with a word that we do not do is left out as a whole. */
static int refuse_word(struct parse *p, const xmlNode *node, const char *name, const char *value)
{
	for (xmlNode *n = (xmlNode *)node; n->parent != NULL; n = n->parent)
		if (xml_is(n->parent, "devices"))
			n->_private = p;
	return parse_refuse(p, node, "%s='%s' is not supported", name, value);
}

bool schema_left_out(const xmlNode *device)
{
	return device->_private != NULL;
}

enum word_found { WORD_NONE, WORD_GOOD, WORD_REFUSED };

/* *list, when none is the value: the good ones, for a message. */
static enum word_found find_word(const struct attr_rule *a, const char *value, struct buf *list)
{
	const char *end = a->spec + a->n_spec;
	for (const char *s = a->spec; s < end;) {
		bool refused = *s == '!';
		s += refused;
		size_t n = strcspn(s, "| ");
		if (strlen(value) == n && memcmp(s, value, n) == 0)
			return refused ? WORD_REFUSED : WORD_GOOD;
		if (!refused)
			buf_addf(list, "%s%.*s", list->len > 0 ? ", " : "", (int)n, s);
		s += n + 1;
	}
	return WORD_NONE;
}

static int check_words(struct parse *p, const xmlNode *node, const char *name, const char *value,
    const struct attr_rule *a)
{
	CLEANUP_BUF struct buf list = BUF_INIT;
	switch (find_word(a, value, &list)) {
	case WORD_GOOD:
		return 0;
	case WORD_REFUSED:
		return refuse_word(p, node, name, value) < 0 ? -1 : 0;
	case WORD_NONE:
		break;
	}
	/* What was once accepted is not held against it. */
	if (p->flags & DOMAIN_PARSE_LENIENT)
		return 0;
	CLEANUP_FREE char *shown = str_printable(value, strlen(value), 40);
	return parse_invalid(p, node, "%s '%s' is none of: %s", name, shown, list.data);
}

static int check_value(
    struct parse *p, const xmlNode *node, const char *name, const struct attr_rule *a)
{
	CLEANUP_FREE char *value = xml_attr(node, name);
	bool lenient = (p->flags & DOMAIN_PARSE_LENIENT) != 0;
	if (!lenient && !parse_text_ok(value))
		return parse_invalid(p, node, "%s has control characters", name);
	if (a->spec == NULL)
		return 0;
	bool path = a->spec[0] == '/', range = memmem(a->spec, a->n_spec, "..", 2) != NULL;
	if (!path && !range)
		return check_words(p, node, name, value, a);
	if (lenient)
		return 0;
	return path ? parse_path_check(p, node, value) : check_range(p, node, name, a);
}

static int check_required(struct parse *p, const xmlNode *node, const char *list)
{
	struct attr_rule a;
	while (next_attr(&list, &a)) {
		CLEANUP_FREE char *name = xstrndup(a.name, a.n_name);
		CLEANUP_FREE char *value = a.mark == '+' ? xml_attr(node, name) : NULL;
		if (a.mark == '+' && (value == NULL || value[0] == '\0'))
			return parse_invalid(p, node, "has no %s", name);
	}
	return 0;
}

static int check_attrs(struct parse *p, const xmlNode *node, const struct rule *rule)
{
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		const char *name = (const char *)a->name;
		struct attr_rule attr;
		if (a->ns != NULL)
			continue;
		if (!find_attr(rule->attrs, name, &attr)) {
			if (p->flags & DOMAIN_PARSE_STRICT)
				parse_warn(
				    p, node, "attribute '%.64s' is not known, kept as it is", name);
		} else if (attr.mark == '!') {
			if (parse_refuse(p, node, "attribute '%s' is not supported", name) < 0)
				return -1;
		} else if (attr.mark == '~') {
			parse_warn(p, node, "attribute '%s' has no effect here", name);
		} else if (check_value(p, node, name, &attr) < 0) {
			return -1;
		}
	}
	return p->flags & DOMAIN_PARSE_LENIENT ? 0 : check_required(p, node, rule->attrs);
}

static int check_children(struct parse *p, const xmlNode *node, const char *path);

static int check_unknown(struct parse *p, const xmlNode *node, const char *parent)
{
	if (str_eq(parent, "devices"))
		return parse_refuse(p, node, "this kind of device is not supported") < 0 ? -1 : 0;
	if (p->flags & DOMAIN_PARSE_STRICT)
		parse_warn(p, node, "not known, kept as it is");
	return 0;
}

static int check_element(struct parse *p, const xmlNode *node, const char *parent)
{
	CLEANUP_FREE char *path = parent[0] != '\0'
	                              ? xasprintf("%s/%s", parent, (const char *)node->name)
	                              : xstrdup((const char *)node->name);
	const struct rule *rule = find_rule(path);
	if (rule == NULL)
		return check_unknown(p, node, parent);
	switch (rule->kind) {
	case KEPT:
		return 0;
	case IDLE:
		parse_warn(p, node, "has no effect here");
		return 0;
	case HARDWARE:
		return parse_refuse(p, node, "not supported") < 0 ? -1 : 0;
	case USED:
		break;
	}
	if (check_attrs(p, node, rule) < 0)
		return -1;
	return check_children(p, node, path);
}

static int check_children(struct parse *p, const xmlNode *node, const char *path)
{
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		/* Other namespaces: qemu:commandline is read elsewhere, the rest is not ours. */
		if (n->ns == NULL && check_element(p, n, path) < 0)
			return -1;
	}
	return 0;
}

int schema_check(struct parse *p, const xmlNode *root)
{
	return check_children(p, root, "");
}
